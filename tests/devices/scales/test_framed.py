"""The configurable frame: what it reads, what it refuses, and settings that cannot be right."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.config import load_settings
from dafan.config_scales import CheckSettings, FrameSettings, ScaleSettings
from dafan.errors import ConfigError
from devices.scales.driver import Serial
from devices.scales.framed import MOST_CHOICES, framed
from devices.scales.framing import HEAD
from devices.scales.protocols import driver_for, driver_named
from devices.scales.reading import Reading
from devices.scales.stability import StabilityFilter, TwiceAlike, filter_for

FIXED = FrameSettings(
    start="#",
    end=r"\r",
    length=14,
    state_at=(1, 1),
    sign_at=(2, 1),
    weight_at=(3, 6),
    unit_at=(9, 2),
    decimals=3,
    stable=("R",),
    over=("X",),
    under=("L",),
    check=CheckSettings(kind="sum", first=1, last=10, at=11, spelled="hex"),
)
PATTERN = FrameSettings(
    end=r"\r\n",
    pattern=r"W(?P<state>[SM])(?P<sign>[+-]) *(?P<weight>\d+\.\d{3})(?P<unit>kg|lb)\r\n",
    stable=("S",),
)


def fixed(body: bytes) -> bytes:
    return b"#" + body + b"%02X" % (sum(body) & 0xFF) + b"\r"


def decode(frame: FrameSettings, data: bytes) -> list[Reading]:
    decoder = framed(frame).decoder()
    return decoder.feed(data) + decoder.flush()


@pytest.mark.parametrize(
    ("frame", "raw", "expected"),
    [
        (FIXED, fixed(b"R+001250kg"), (1250, True, None)),
        (FIXED, fixed(b"M+001250kg"), (1250, False, None)),
        (FIXED, fixed(b"R-000050kg"), (-50, True, None)),
        (FIXED, fixed(b"R+  1250lb"), (567, True, None)),
        (FIXED, fixed(b"R+001250xx"), (None, False, "unit")),
        (FIXED, fixed(b"R?001250kg"), (None, False, "garbled")),
        (FIXED, fixed(b"R+0A1250kg"), (None, False, "garbled")),
        (FIXED, b"#R+001250kg00\r", (None, False, "checksum")),
        (PATTERN, b"WS+  1.250kg\r\n", (1250, True, None)),
        (PATTERN, b"WM-  1.250kg\r\n", (-1250, False, None)),
        (PATTERN, b"WS+  1.25kg\r\n", (None, False, "garbled")),
    ],
)
def test_a_described_frame_is_read_as_strictly_as_a_driver_reads(
    frame: FrameSettings, raw: bytes, expected: tuple[int | None, bool, str | None]
) -> None:
    reading = decode(frame, raw)[0]
    assert (reading.grams, reading.stable, reading.error) == expected
    assert decode(frame, b"\x00\xff" + raw * 2)[-1].grams in (expected[0], None)


def test_out_of_range_is_never_a_number() -> None:
    assert decode(FIXED, fixed(b"X+001250kg"))[0].over
    assert decode(FIXED, fixed(b"L+001250kg"))[0].under


def test_what_the_frame_does_not_tell_is_watched_or_read_twice() -> None:
    assert filter_for(framed(FIXED)).apply(Reading(grams=None, stable=True), 0.0).stable
    assert isinstance(filter_for(framed(PATTERN)), TwiceAlike)
    quiet = PATTERN.model_copy(update={"stable": ()})
    assert isinstance(filter_for(framed(quiet)), StabilityFilter)


@pytest.mark.parametrize(
    ("kind", "bits", "byte"),
    [("xor", 8, 0x33), ("sum", 8, 0x9B), ("complement", 8, 0x65), ("complement", 7, 0x65)],
)
def test_each_kind_of_check_over_a_range_that_is_counted_from_the_end(
    kind: str, bits: int, byte: int
) -> None:
    check = CheckSettings(kind=kind, first=1, last=-2, at=-1, bits=bits)
    frame = FrameSettings(start=r"\x02", length=5, weight_at=(1, 3), unit="g", check=check)
    good = b"\x02164" + bytes((byte,))
    assert decode(frame, good)[0].grams == 164
    assert decode(frame, good[:4] + bytes((good[4] ^ 1,)))[0].error == "checksum"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"end": "", "length": 0}, "where a frame ends"),
        ({"weight_at": None}, "set weight_at"),
        ({"weight_at": (10, 9)}, "weight_at"),
        ({"pattern": r"(?P<weight>\d{6})"}, "not both"),
        ({"unit": "stone"}, "unit"),
        ({"end": r"\q"}, "single quotes"),
        ({"end": "\r"}, "single quotes"),
        ({"length": 2}, "too small"),
        ({"state_at": None}, "state_at"),
    ],
)
def test_settings_that_cannot_be_right_say_what_to_do(change: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        framed(FIXED.model_copy(update=change))


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"(?P<weight>\d+", "no regular expression"),
        (r"\d{6}", "name the digits"),
        (r"(?P<weight>\d)(?P<price>\d)", "name the digits"),
        (r"(?P<weight>(\d+)+)", "not (groups)"),
        (r"(?P<weight>(?:\d|\d\d)*)x", "not (groups)"),
        (r"(?P<weight>(\d*){3,})x", "not (groups)"),
        (r"(?P<weight>\d*\d*\d*\d*\d*\d*)x", "at most"),
        (r"(?P<weight>" + "(?:a|a)" * (MOST_CHOICES + 1) + ")", "at most"),
        (r"(?P<weight>\d{6})(?=x)", "use only"),
        (r"(?P<weight>\d{6})(?P=weight)", "use only"),
        (r"(?P<weight>斤)", "ASCII"),
        (r"(?P<weight>\d{6})" * 40, "400 characters"),
    ],
)
def test_a_pattern_that_is_wrong_or_could_take_for_ever_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        framed(FrameSettings(end=r"\r\n", pattern=pattern))


@settings(deadline=None, max_examples=20)
@given(noise=st.binary(max_size=200), cuts=st.lists(st.integers(0, 240), max_size=5))
def test_noise_around_a_described_frame_never_bills_and_cuts_change_nothing(
    noise: bytes, cuts: list[int]
) -> None:
    stream = noise + fixed(b"R+001250kg") + noise
    for frame in (FIXED, PATTERN):
        whole = decode(frame, stream)
        decoder = framed(frame).decoder()
        edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
        apart = [
            reading
            for start, end in itertools.pairwise(edges)
            for reading in decoder.feed(stream[start:end])
        ]
        assert apart == whole
        assert decoder.held <= HEAD
        assert {reading.grams for reading in whole if reading.billable} <= {1250}


def test_the_settings_come_from_the_file_and_unknown_names_are_named(tmp_path: Path) -> None:
    file = tmp_path / "dafan.toml"
    file.write_text(
        "[till.scale]\nprotocol = 'custom'\n[till.scale.frame]\nstart = '\\x02'\nlength = 8\n"
        "weight_at = [1, 6]\ndecimals = 3\npoll = 'W\\r'\n"
    )
    assert tomllib.loads(file.read_text())["till"]["scale"]["frame"]["start"] == r"\x02"
    scale = load_settings(file).till.scale
    driver = driver_for(scale)
    assert str(driver.serial[0]) == "9600 8N1"
    assert driver.poll is not None
    assert driver.poll.request == b"W\r"
    assert driver.decoder("lb").feed(b"\x02001250\r")[0].grams == 1250
    slow = ScaleSettings(protocol="st-gs", line="2400 7E1")
    assert driver_for(slow).serial == (Serial(2400, 7, "E"),)
    with pytest.raises(ConfigError, match="like 9600 8N1"):
        driver_for(slow.model_copy(update={"line": "fast"}))
    file.write_text("[till.scale.frame]\nwieght_at = [1, 6]\n")
    with pytest.raises(ConfigError, match="wieght_at"):
        load_settings(file)
    with pytest.raises(ConfigError, match="custom"):
        driver_named("nonesuch")

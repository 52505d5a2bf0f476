"""What the line may do to frames: split, merge, dirty, flood."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.scales.framing import HEAD
from devices.scales.protocols import PROTOCOLS
from devices.scales.reading import Reading
from devices.scales.simulated import MODELS, Load

EVERY = pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
PROPERTY = settings(deadline=None, max_examples=60)
loads = st.builds(
    Load,
    grams=st.integers(-500, 30_000),
    tare=st.sampled_from([0, 0, 350]),
    stable=st.booleans(),
    over=st.sampled_from([False, False, False, True]),
)


def decode(protocol: str, chunks: list[bytes]) -> list[Reading]:
    decoder = PROTOCOLS[protocol].decoder()
    return [reading for chunk in chunks for reading in decoder.feed(chunk)] + decoder.flush()


def weights_in(protocol: str, data: bytes) -> set[int]:
    """Independent of the drivers: every weight for which the bytes hold a whole valid frame."""
    finder = {
        "mt-sics": _lines(rb"S S +(\d+(?:\.\d+)?) (kg|g|t|lb|oz|jin)\r\n"),
        "toledo-8217": _toledo,
        "cas-soh": _cas,
        "aclas-os2": _cas,
        "aclas-os2-passive": _cas,
        "st-gs": _st_gs,
        "yaohua-a9": lambda _: set(),
    }[protocol]
    return finder(data)


def _grams(number: bytes, unit: bytes) -> int:
    factor = {b"kg": 1000.0, b"g": 1.0, b"t": 1e6, b"lb": 453.59237, b"oz": 28.349523125}
    return int(float(number) * factor.get(unit.lower(), 500.0) + 0.5)


def _lines(pattern: bytes):
    def find(data: bytes) -> set[int]:
        return {_grams(*found.groups()) for found in re.finditer(pattern, data, re.IGNORECASE)}

    return find


def _toledo(data: bytes) -> set[int]:
    low = bytes(byte & 0x7F for byte in data)
    pattern = rb"\x02(?=.{6}N?\r) *(\d+\.\d+)N?\r"
    return {_grams(found[1], b"kg") for found in re.finditer(pattern, low)}


def _cas(data: bytes) -> set[int]:
    found = set()
    for at in range(len(data) - 13):
        frame = data[at : at + 14]
        check = 0
        for byte in frame[1:11]:
            check ^= byte
        if frame[0] == 2 and frame[12:] == b"\x03\x04" and frame[11] in (check, check ^ 3):
            number = frame[3:9] if b"." in frame[3:9] else frame[3:6] + b"." + frame[6:9]
            if number.replace(b" ", b"0").replace(b".", b"").isdigit():
                found.add(_grams(number.replace(b" ", b"0"), frame[9:11].strip()))
    return found


def _st_gs(data: bytes) -> set[int]:
    number = rb"[ +]*(\d+(?:\.\d+)?) *([a-zA-Z]{1,3}) *\r\n"
    return _lines(rb"ST,(?:(?:GS|NT),)?(?:..,)?" + number)(data)


@EVERY
@PROPERTY
@given(data=st.data())
def test_where_the_reads_are_cut_changes_nothing(protocol: str, data: st.DataObject) -> None:
    frames = [MODELS[protocol].frame(load) for load in data.draw(st.lists(loads, max_size=5))]
    noise = data.draw(st.lists(st.binary(max_size=8), min_size=len(frames), max_size=len(frames)))
    stream = b"".join(part for pair in zip(noise, frames, strict=True) for part in pair)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    whole = decode(protocol, [stream])
    assert decode(protocol, pieces) == whole
    assert decode(protocol, [bytes((byte,)) for byte in stream]) == whole


@EVERY
@PROPERTY
@given(several=st.lists(loads, min_size=1, max_size=6))
def test_merged_frames_come_out_one_by_one(protocol: str, several: list[Load]) -> None:
    frames = [frame for load in several if (frame := MODELS[protocol].frame(load))]
    apart = [reading for frame in frames for reading in decode(protocol, [frame])]
    assert decode(protocol, [b"".join(frames)]) == apart
    assert len(apart) == len(frames)


@EVERY
@PROPERTY
@given(load=loads)
def test_what_the_simulator_weighs_is_what_the_driver_reads(protocol: str, load: Load) -> None:
    frame = MODELS[protocol].frame(load)
    for reading in decode(protocol, [frame]):
        assert reading.error is None
        assert not load.over or reading.grams is None
        if reading.grams is not None:
            assert reading.grams == load.shown
            assert reading.stable == (load.stable and PROTOCOLS[protocol].says_stable)


@EVERY
@PROPERTY
@given(noise=st.binary(max_size=300))
def test_random_bytes_never_raise_and_never_become_money(protocol: str, noise: bytes) -> None:
    carried = weights_in(protocol, noise)
    for reading in decode(protocol, [noise]):
        assert not reading.billable or reading.grams in carried


@EVERY
@PROPERTY
@given(data=st.data())
def test_a_damaged_stream_bills_only_what_a_whole_frame_carries(
    protocol: str, data: st.DataObject
) -> None:
    several = data.draw(st.lists(loads, min_size=1, max_size=4))
    stream = bytearray(b"".join(MODELS[protocol].frame(load) for load in several))
    for _ in range(data.draw(st.integers(1, 4))):
        if stream:
            at = data.draw(st.integers(0, len(stream) - 1))
            stream[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    carried = weights_in(protocol, bytes(stream))
    for reading in decode(protocol, [bytes(stream)]):
        assert not reading.billable or reading.grams in carried


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if PROTOCOLS[name].has_checksum])
def test_one_lost_or_changed_byte_of_a_checked_frame_is_never_another_weight(protocol: str) -> None:
    frame = MODELS[protocol].frame(Load(1250))
    damaged = [frame[:at] + frame[at + 1 :] for at in range(len(frame))]
    for at in range(len(frame)):
        damaged += [
            frame[:at] + bytes((frame[at] ^ 1 << bit,)) + frame[at + 1 :] for bit in range(8)
        ]
    for stream in damaged:
        grams = {reading.grams for reading in decode(protocol, [stream])}
        assert grams <= {None, 1250}


@EVERY
def test_a_good_frame_behind_damage_is_still_found(protocol: str) -> None:
    frame = MODELS[protocol].frame(Load(1250))
    for cut in range(1, len(frame)):
        found = [reading.grams for reading in decode(protocol, [frame[:cut] + frame * 2])]
        assert 1250 in found


@EVERY
@pytest.mark.parametrize("unit", [b"\x00", b"\x01\x02S ", b"\x02", b"ST,GS,", b"S S", b"\x02+\xff"])
def test_a_megabyte_of_garbage_is_not_kept(protocol: str, unit: bytes) -> None:
    decoder = PROTOCOLS[protocol].decoder()
    chunk = (unit * 4096)[:4096]
    for _ in range(256 if unit == b"\x00" else 16):
        assert not any(reading.billable for reading in decoder.feed(chunk))
        assert decoder.held <= HEAD

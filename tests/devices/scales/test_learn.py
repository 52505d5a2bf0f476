"""A scale that no driver knows is watched under known weights, and its settings are proposed."""

import io
import json
import random
import tomllib
from collections.abc import Callable
from functools import reduce
from operator import xor

import pytest
from click.testing import CliRunner

from dafan.config_scales import ScaleSettings
from dafan.errors import BadInputError
from devices.cli import devices
from devices.scales.anatomy import Step
from devices.scales.capture import find_line, watch
from devices.scales.driver import Driver
from devices.scales.fuzz import dirt, fuzz
from devices.scales.judge import carried
from devices.scales.learn import Proposal, learn
from devices.scales.protocols import PROTOCOLS, driver_for
from devices.scales.simulated import MODELS, Load, Model
from devices.scales.simulator import ScaleSimulator

Spell = Callable[[Load], bytes]


def binary(load: Load) -> bytes:
    """Status letters, zero lamp, sign, six digits without a point, XOR."""
    state = b"0" if load.stable else b"8"
    lamp = b"1" if load.shown == 0 else b"0"
    sign = b"-" if load.shown < 0 else b"+"
    body = b"A" + state + lamp + sign + b"%06dkg" % abs(load.shown)
    return b"\x02" + body + bytes((reduce(xor, body) | 0x80,)) + b"\x03"


def text(load: Load) -> bytes:
    """A line with words, a point, and a sum in letters."""
    state = "ST" if load.stable else "MV"
    body = f"#{state},{load.shown / 1000:8.3f} kg,".encode()
    return body + b"%02X" % (sum(body) & 0xFF) + b"\r\n"


def bare(load: Load) -> bytes:
    """An equals sign and seven digits: nothing else."""
    return b"=%07d" % abs(load.shown)


def pounds(load: Load) -> bytes:
    """A status byte, digits, a tare of nothing, and a complement of seven bits."""
    counts = round(load.shown * 100 / 453.59237)
    body = b"\x02" + bytes((0x40 | (not load.stable),)) + b"%6d000000" % counts
    return body + bytes((-sum(body) & 0x7F,)) + b"\r"


def recorded(spell: Spell, weights: list[int], seed: int = 0) -> list[Step]:
    """What a recorder gets: the old weight, the way to the new one, and rest; cut anywhere."""
    rng, before, steps = random.Random(seed), 0, []
    for grams in weights:
        way = [before + (grams - before) * part // 7 + rng.randrange(9) for part in range(1, 7)]
        moving = spell(Load(before)) * 3
        moving += b"".join(spell(Load(at, stable=False)) for at in way if grams)
        cut = rng.randrange(5) if not grams else 0
        steps.append(Step(grams, moving if grams else b"", (spell(Load(grams)) * 12)[cut:]))
        before = grams
    return steps


def driver_of(proposal: Proposal) -> Driver:
    """The driver that the printed settings give, through TOML and all."""
    scale = tomllib.loads(str(proposal.to_json()["toml"]))["till"]["scale"]
    return driver_for(ScaleSettings(**scale))


@pytest.mark.parametrize(
    ("spell", "check", "stable"),
    [
        (binary, "none", ("0",)),
        (text, "sum", ("ST",)),
        (bare, "none", ()),
        (pounds, "complement", ("@",)),
    ],
)
def test_frames_that_no_driver_knows_are_learned_and_read_another_day(
    spell: Spell, check: str, stable: tuple[str, ...]
) -> None:
    proposal = learn(recorded(spell, [0, 1000, 250]), "9600 8N1")
    assert proposal.frame.check.kind == check
    assert proposal.frame.stable == stable
    assert proposal.explained > 0.9
    assert (spell is binary) == any("may be anything" in text for text in proposal.unknown)
    assert bool(stable) != any("no byte tells rest" in text for text in proposal.unknown)
    driver = driver_of(proposal)
    for grams in (0, 35, 730, 4999, 12_345):
        (reading,) = driver.decoder().feed(spell(Load(grams)))
        assert reading.grams is not None
        assert abs(reading.grams - grams) <= 3
        assert reading.stable == bool(stable)
        (moving,) = driver.decoder().feed(spell(Load(grams, stable=False)))
        assert not moving.billable


def test_what_was_never_seen_is_never_billed() -> None:
    driver = driver_of(learn(recorded(text, [0, 1000, 250])))
    good = text(Load(1250))
    for wrong in (b" lb", b" kN", b"Xkg"):
        body = good[:12] + wrong + b","
        frame = body + b"%02X" % (sum(body) & 0xFF) + b"\r\n"
        assert not any(reading.billable for reading in driver.decoder().feed(frame))
    for strange in (b"#OL,  99.999 kg,", b"#ST,      81 kg,"):
        frame = strange + b"%02X" % (sum(strange) & 0xFF) + b"\r\n"
        assert [reading.grams for reading in driver.decoder().feed(frame)] == [None]
    (below,) = driver.decoder().feed(text(Load(-50)))
    assert not below.billable


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (recorded(bare, [0, 1000])[:1], "at least one known weight"),
        ([Step(0, b"", bytes(range(256))), Step(1000, b"", bytes(range(256)))], "do not repeat"),
        ([Step(0, b"", bare(Load(0)) * 9), Step(500, b"", bare(Load(90)) * 9)], "no digits"),
        ([Step(0, b"", b"0000 " * 9), Step(500, b"", b"00500" * 9)], "marks where"),
    ],
)
def test_where_nothing_can_be_learned_it_says_why(steps: list[Step], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        learn(steps)


@pytest.mark.parametrize("name", ["cas-soh", "mt-continuous", "yaohua-a9", "cas-22", "cas-10"])
def test_what_is_learned_of_a_known_scale_believes_nothing_that_its_driver_would_not(
    name: str,
) -> None:
    decoder = driver_of(learn(recorded(MODELS[name].frame, [0, 1000, 250]))).decoder()
    weights = 0
    for piece in dirt(MODELS[name], 20_000, 3):
        for reading in decoder.feed(piece):
            if reading.grams is not None and reading.grams > 0:
                frame = carried(name, reading.raw)
                weights += 1
                assert frame is not None
                assert frame.grams == reading.grams
                assert frame.rests or not reading.stable
    assert weights > 20


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "odd", Model(text, streams=True, commands={}))
    monkeypatch.setitem(MODELS, "shy", Model(binary, streams=False, commands={b"R": "weigh"}))


@pytest.mark.usefixtures("odd")
def test_a_scale_that_must_be_asked_is_found_and_learned_on_a_real_line() -> None:
    with ScaleSimulator("shy") as scale:
        heard = find_line(scale.path, listen_s=0.05, answer_s=0.06)
        assert heard.poll == b"R"
        loads = iter((0, 1000, 300))

        def person(_text: str) -> None:
            grams = next(loads)
            scale.place(grams, settle_s=1.2 if grams else 0.0)

        steps = watch(scale.path, heard, (1000, 300), person, seconds=3.0)
    proposal = learn(steps, str(heard.serial), "R")
    driver = driver_of(proposal)
    assert driver.poll is not None
    assert driver.poll.request == b"R"
    assert [one.grams for one in driver.decoder().feed(binary(Load(4321)))] == [4321]


class Person(io.BytesIO):
    """Somebody who presses Enter, and then puts the weight on."""

    def __init__(self, scale: ScaleSimulator, loads: list[int]) -> None:
        super().__init__()
        self._scale, self._loads = scale, loads

    def read1(self, _size: int | None = -1, /) -> bytes:
        if not self._loads:
            return b""
        grams = self._loads.pop(0)
        self._scale.place(grams, settle_s=0.8 if grams else 0.0)
        return b"\n"


@pytest.mark.usefixtures("odd")
def test_the_command_proposes_settings_for_an_unknown_scale_and_names_a_known_one() -> None:
    with ScaleSimulator("odd", interval_s=0.05) as scale:
        result = CliRunner().invoke(
            devices,
            ["learn", scale.path, "--weight", "800", "--seconds", "2.4", "--unknown", "--json"],
            input=Person(scale, [0, 800]),
            catch_exceptions=False,
        )
    said = json.loads(result.stdout)
    assert said["protocol"] == "custom"
    assert "stable = ['ST']" in said["toml"]
    assert "put 800 g on" in result.stderr
    with ScaleSimulator("yaohua-a9") as scale:
        scale.set_load(650)
        result = CliRunner().invoke(devices, ["learn", scale.path], catch_exceptions=False)
    assert 'protocol = "yaohua-a9"' in result.stdout


def test_the_fuzz_command_is_repeatable_and_judges_each_driver() -> None:
    words = ["fuzz", "--bytes", "1200", "--seed", "7", "--json"]
    result = CliRunner().invoke(devices, words, catch_exceptions=False)
    said = json.loads(result.stdout)
    assert (said["wrong"], len(said["drivers"])) == (0, len(PROTOCOLS))
    again = fuzz(PROTOCOLS["sma"], 1200, 7).to_json()
    assert again == next(row for row in said["drivers"] if row["protocol"] == "sma")
    plain = CliRunner().invoke(devices, ["fuzz", "--protocol", "sma", "--bytes", "3000"])
    assert "sma" in plain.stdout
    assert "0 wrong" in plain.stdout

"""What the line may do to frames: split, merge, dirty, flood."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.scales.framing import HEAD
from devices.scales.fuzz import fuzz
from devices.scales.judge import carried
from devices.scales.protocols import PROTOCOLS
from devices.scales.reading import Reading
from devices.scales.simulated import MODELS, Load

EVERY = pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
PROPERTY = settings(deadline=None, max_examples=15)
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
            assert load.shown <= 0 or carried(protocol, frame) is not None
            assert reading.stable == (load.stable and PROTOCOLS[protocol].says_stable)


@EVERY
def test_forty_thousand_bytes_of_dirt_carry_no_weight_that_no_frame_carried(protocol: str) -> None:
    outcome = fuzz(PROTOCOLS[protocol], 40_000, seed=1)
    assert outcome.wrong == []
    assert outcome.weights > 50, "the dirt held good frames as well"
    assert outcome.errors > 50


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
    for _ in range(256 if (unit, protocol) == (b"\x00", "cas-soh") else 3):
        assert not any(reading.billable for reading in decoder.feed(chunk))
        assert decoder.held <= HEAD

"""Tag readers: real frames give the chip's number, damaged ones a reason, noise neither."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.clock import SystemClock
from dafan.errors import ConfigError
from devices.tag_port import TagPort, check_reader
from devices.tag_simulator import TagSimulator, frame_of
from devices.tags import TAG_PROTOCOLS, ReadSet, TagDecoder

# Frames as makers' manuals and owners' logs print them, and the chip in each.
REAL = [
    (
        "uhf-a0",
        "A0 13 01 89 04 30 00 E2 00 30 16 66 13 01 21 15 50 74 EF 45 BF",
        "E2003016661301211550 74EF",
    ),
    ("uhf-a0", "A013018974 3000E20040 74850A0103163070E13629", "E2004074850A0103163070E1"),
    ("uhf-bb", "BB02220011C9340030751FEB705C5904E3D50D703A76EF7E", "30751FEB705C5904E3D50D70"),
    ("uhf-bb", "BB02220011CB3400E200471BB0006013044509D09582D47E", "E200471BB0006013044509D0"),
    ("hf-stx", "020A0206008E6D5DB003", "06008E6D5D"),
    ("em-ascii", "02 30 31 30 30 36 33 45 39 41 45 32 35 03", "010063E9AE"),
]
SILENT = [
    ("uhf-a0", "A00A0189000 0110000000 5B6"),  # a round has ended
    ("uhf-bb", "BB01FF000115167E"),  # no tag
]


def _bytes(text):
    return bytes.fromhex(text.replace(" ", ""))


@pytest.mark.parametrize(("protocol", "frame", "chip"), REAL)
def test_a_real_frame_is_its_chip_however_it_is_cut_and_no_damaged_one_is(protocol, frame, chip):
    raw, chip = _bytes(frame), chip.replace(" ", "")
    decoder = TagDecoder(TAG_PROTOCOLS[protocol])
    read = [one for byte in b"\xffnoise\r\n" + raw + raw for one in decoder.feed(bytes([byte]))]
    assert [one.tag for one in read if not one.error] == [chip, chip]
    assert TagDecoder(TAG_PROTOCOLS[protocol], reverse=True).feed(raw)[0].tag == (
        bytes.fromhex(chip)[::-1].hex().upper()
    )
    for place in range(2, len(raw) - 1):
        bad = raw[:place] + bytes([raw[place] ^ 0x01]) + raw[place + 1 :]
        assert chip not in {one.tag for one in TagDecoder(TAG_PROTOCOLS[protocol]).feed(bad)}


def test_what_is_no_tag_is_none_and_what_is_too_long_says_so():
    for protocol, frame in SILENT:
        assert TagDecoder(TAG_PROTOCOLS[protocol]).feed(_bytes(frame)) == []
    long = TagDecoder(TAG_PROTOCOLS["uhf-bb"]).feed(frame_of("uhf-bb", "AB" * 18))
    assert [one.error for one in long] == ["too_long"]
    lines = TagDecoder(TAG_PROTOCOLS["hex-lines"]).feed(b"e2 00 30 16\r\nhello\r\n")
    assert [(one.tag, one.error) for one in lines] == [("E2003016", None), ("", "garbled")]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(TAG_PROTOCOLS)),
    st.binary(min_size=6, max_size=6).map(lambda chip: chip.hex().upper()),
    st.binary(max_size=40),
    st.lists(st.integers(1, 60), max_size=6),
)
def test_after_any_noise_a_tag_is_found_and_noise_never_makes_another(protocol, tag, noise, cuts):
    tag = tag[:10] if protocol == "em-ascii" else tag
    stream = noise + b"\r\n" + frame_of(protocol, tag) * 40
    decoder, read = TagDecoder(TAG_PROTOCOLS[protocol]), []
    for cut in [*cuts, len(stream)]:
        read += decoder.feed(stream[:cut])
        stream = stream[cut:]
    found = [one.tag for one in read if not one.error]
    assert found.count(tag) >= 30
    assert len(set(found) - {tag}) <= (protocol in {"hex-lines", "hf-stx"})


def test_a_tag_is_there_until_it_was_not_read_for_seven_tenths_of_a_second():
    there = ReadSet()
    there.seen("AAAA", 10.0)
    there.seen("BBBB", 10.4)
    assert there.there(10.6) == {"AAAA", "BBBB"}
    assert there.there(10.71) == {"BBBB"}
    assert there.there(11.2) == frozenset()


@pytest.mark.parametrize("protocol", ["uhf-bb", "hf-stx"])
def test_a_port_asks_and_tells_trays_that_come_and_go_also_over_a_pulled_cable(protocol, tmp_path):
    told, states, changed = [], [], threading.Condition()

    def on_tags(tags, _at):
        with changed:
            told.append(tags)
            changed.notify_all()

    def until(tags):
        with changed:
            assert changed.wait_for(lambda: told[-1:] == [tags], 5), told[-5:]

    with TagSimulator(protocol, tmp_path / "reader") as reader:
        port = TagPort(reader.path, protocol, SystemClock(), on_tags, lambda *s: states.append(s))
        port.start()
        reader.put("E2003016", "E2003017")
        until({"E2003016", "E2003017"})
        reader.unplug()
        reader.put("E2003018")
        reader.plug_in()
        until({"E2003018"})
        reader.put()
        until(frozenset())
        port.stop()
    assert [state for state, _ in states] == ["connected", "disconnected", "connected"]


def test_an_address_or_a_protocol_that_is_none_is_told_in_words():
    assert check_reader("serial:/dev/ttyUSB1?baud=57600", "uhf-a0") == ("/dev/ttyUSB1", 57600)
    for device, protocol in [("COM3", "uhf-a0"), ("/dev/x?baud=fast", "uhf-a0"), ("/dev/x", "x")]:
        with pytest.raises(ConfigError, match="no tag reader"):
            check_reader(device, protocol)

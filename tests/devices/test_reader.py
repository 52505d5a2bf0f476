"""Cards that are typed, sent and shown."""

import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st

from dafan.clock import SystemClock
from dafan.errors import BadInputError, DafanError
from devices import reader_port
from devices.reader import CardFormat, CardLines, Debounce, KeyboardWedge, QrReader, decode_qr
from devices.reader_port import KeyEvents, ReaderThread, SimulatedReader

REVERSED_HEX = CardFormat("hex", reversed_bytes=True)


def type_text(wedge: KeyboardWedge, text: str, start: float, gap: float) -> list[str]:
    keys = [*text, "Enter"]
    found = [wedge.key(key, start + n * gap) for n, key in enumerate(keys)]
    return [one for one in found if one is not None]


def test_a_reader_that_types_fast_is_a_card():
    assert type_text(KeyboardWedge(), "0012345678", 5.0, 0.01) == ["0012345678"]


def test_a_person_who_types_the_same_digits_is_no_card():
    assert type_text(KeyboardWedge(), "0012345678", 5.0, 0.15) == []


def test_a_stray_key_long_before_the_card_does_not_spoil_it():
    wedge = KeyboardWedge()
    wedge.key("7", 0.0)
    assert type_text(wedge, "0012345678", 3.0, 0.01) == ["0012345678"]


def test_a_late_enter_does_not_complete_a_card():
    wedge = KeyboardWedge()
    for n, char in enumerate("0012345678"):
        wedge.key(char, n * 0.01)
    assert wedge.key("Enter", 2.0) is None
    assert type_text(wedge, "0012345678", 3.0, 0.01) == ["0012345678"]


@pytest.mark.parametrize(
    "text", ["12345", "00123 45678", "00123<5678", "1" * 33, "００１２３４５６７８", ""]
)
def test_too_short_too_long_or_odd_text_is_no_card_and_the_next_card_is(text):
    wedge = KeyboardWedge()
    assert type_text(wedge, text, 0.0, 0.01) == []
    assert type_text(wedge, "0012345678", 0.5, 0.01) == ["0012345678"]


def test_named_keys_of_the_browser_are_not_characters():
    wedge = KeyboardWedge()
    keys = ["Shift", "0", "0", "1", "Shift", "A", "B", "C", "Enter"]
    assert [wedge.key(key, n * 0.01) for n, key in enumerate(keys)][-1] == "001ABC"


@pytest.mark.parametrize(
    ("card_format", "text", "number"),
    [
        (CardFormat(), "0012345678", "0012345678"),
        (CardFormat(), "12345678", "0012345678"),
        (CardFormat("hex"), "00BC614E", "0012345678"),
        (REVERSED_HEX, "4E61BC00", "0012345678"),
        (CardFormat("decimal", reversed_bytes=True), "1315027968", "0012345678"),
        (CardFormat("hex"), "04A1B2C3D4E5F6", "1303689068602870"),
        (CardFormat("raw"), "a1b2", "A1B2"),
        (CardFormat("hex", checksum=True), "0000BC614E93", "0012345678"),
    ],
)
def test_every_way_to_write_a_card_gives_the_same_number(card_format, text, number):
    assert card_format.canonical(text) == number


@given(uid=st.integers(0, 2**32 - 1))
def test_forward_and_reversed_readers_agree_on_every_card(uid):
    forward, backward = f"{uid:08X}", uid.to_bytes(4, "little").hex()
    assert CardFormat("hex").canonical(forward) == REVERSED_HEX.canonical(backward)
    mirrored = str(int.from_bytes(uid.to_bytes(4, "little"), "big"))
    assert CardFormat(reversed_bytes=True).canonical(mirrored) == f"{uid:010d}"


@pytest.mark.parametrize(
    ("card_format", "text"),
    [
        (CardFormat(), "00BC614E"),
        (CardFormat("hex"), "00XY"),
        (CardFormat(), ""),
        (CardFormat(), "1" * 33),
        (CardFormat(), "１２３"),
        (CardFormat("hex", checksum=True), "0000BC614E94"),
        (CardFormat("hex", checksum=True), "93"),
        (CardFormat("hex", checksum=True), "123"),
    ],
)
def test_a_misread_is_never_a_card(card_format, text):
    with pytest.raises(BadInputError):
        card_format.canonical(text)


@given(
    text=st.text(max_size=40),
    base=st.sampled_from(["decimal", "hex", "raw"]),
    flags=st.integers(0, 3),
)
def test_any_text_is_a_number_or_one_clear_error(text, base, flags):
    try:
        number = CardFormat(base, bool(flags & 1), bool(flags & 2)).canonical(text)
    except BadInputError:
        return
    assert number.isascii()
    assert number.isalnum()


@pytest.mark.parametrize(
    "data",
    [
        b"0012345678\r\n",
        b"0012345678\n",
        b"\x020012345678\x03",
        b"\x020012345678\r\n\x03",
        b"xx\x020012345678\r",
    ],
)
def test_lines_and_frames_are_cut_into_numbers_wherever_they_are_split(data):
    for cut in range(len(data)):
        lines = CardLines()
        assert lines.feed(data[:cut]) + lines.feed(data[cut:]) == ["0012345678"]


@given(data=st.binary(max_size=3000))
def test_noise_on_the_line_stays_bounded_and_raises_nothing(data):
    lines = CardLines()
    for text in lines.feed(data):
        assert len(text) <= 33
    assert len(lines._pending) <= 33


def test_a_card_left_on_the_reader_counts_once_and_again_when_it_comes_back():
    debounce = Debounce(2.0)
    times = (0.0, 1.0, 2.5, 4.0, 6.1)
    assert [debounce.fresh("1", at) for at in times] == [True, False, False, False, True]
    assert debounce.fresh("2", 6.2)


def key_events(text: str) -> bytes:
    codes = {letter: code for code, letter in reader_port._KEYS.items()}
    events = []
    for n, key in enumerate([*text, "Enter"]):
        for value in (1, 0):
            events.append(struct.pack("llHHi", 100, n * 10_000, 1, codes[key], value))
            events.append(struct.pack("llHHi", 100, n * 10_000, 0, 0, 0))
    return b"".join(events)


def test_kernel_key_events_are_a_card_wherever_they_are_split():
    data = key_events("00BC614E")
    for cut in range(0, len(data), 7):
        events = KeyEvents()
        assert events.feed(data[:cut]) + events.feed(data[cut:]) == ["00BC614E"]


@given(data=st.binary(max_size=2000))
def test_noise_on_a_keyboard_device_raises_nothing(data):
    KeyEvents().feed(data)


class Seen:
    """What a reader thread reported, with a way to wait for it."""

    def __init__(self) -> None:
        self.cards, self.states = [], []
        self._changed = threading.Condition()

    def card(self, card) -> None:
        with self._changed:
            self.cards.append(card.number)
            self._changed.notify_all()

    def state(self, state, reason) -> None:
        with self._changed:
            self.states.append((state, reason))
            self._changed.notify_all()

    def wait(self, until) -> None:
        with self._changed:
            assert self._changed.wait_for(until, timeout=30), (self.cards, self.states)


def test_a_serial_reader_that_is_pulled_comes_back_by_itself(tmp_path):
    seen = Seen()
    with SimulatedReader(tmp_path / "reader") as simulated:
        thread = ReaderThread(f"serial:{simulated.link}", SystemClock(), seen.card, seen.state)
        thread.start()
        seen.wait(lambda: len(seen.states) == 1)
        simulated.present("0012345678")
        seen.wait(lambda: len(seen.cards) == 1)
        simulated.send(b"\xff\x00garbage\r\n")
        simulated.unplug()
        seen.wait(lambda: len(seen.states) == 2)
        simulated.plug_in()
        seen.wait(lambda: len(seen.states) == 3)
        simulated.present("0000000042")
        seen.wait(lambda: len(seen.cards) == 2)
        thread.stop()
    assert seen.cards == ["0012345678", "0000000042"]
    assert [state for state, _ in seen.states] == ["connected", "disconnected", "connected"]


def test_a_keyboard_device_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "event3"
    os.mkfifo(pipe)
    line = reader_port._KeyboardLine(str(pipe))
    writer = os.open(pipe, os.O_WRONLY)
    os.write(writer, key_events("0012345678"))
    assert line.read() == ["0012345678"]
    os.close(writer)
    with pytest.raises(OSError, match="gone"):
        line.read()
    line.close()


@pytest.mark.parametrize(
    "address", ["", "reader", "/dev/no-such-reader", "/dev/input/event9999", "serial:/dev/x?baud=z"]
)
def test_a_reader_that_is_not_there_is_one_clear_error(address):
    with pytest.raises(DafanError):
        reader_port._open(address)


def qr_frame(text: str, box: int = 5) -> np.ndarray:
    code = qrcode.QRCode(box_size=box, border=4)
    code.add_data(text)
    code.make()
    picture = np.asarray(code.make_image().convert("L"))
    frame = np.full((720, 1280, 3), 120, dtype=np.uint8)
    frame[100 : 100 + picture.shape[0], 300 : 300 + picture.shape[1]] = picture[..., None]
    return frame


def test_a_qr_code_in_a_frame_is_read_however_it_is_turned():
    frame = qr_frame("dafan:pay:0192f0c2-7d1e-7000-8000-000000000001")
    for turns in range(4):
        turned = np.ascontiguousarray(np.rot90(frame, turns))
        assert decode_qr(turned) == ["dafan:pay:0192f0c2-7d1e-7000-8000-000000000001"]


def test_chinese_in_a_qr_code_arrives_whole():
    assert decode_qr(qr_frame("工号 甲子")) == ["工号 甲子"]


@pytest.mark.parametrize(
    "shape", [(0, 0), (1, 1), (1, 1, 3), (300, 400, 3), (300, 400, 4), (5,), (2, 2, 2, 2)]
)
def test_garbage_pictures_hold_no_code(shape):
    noise = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    assert decode_qr(noise) == []
    assert decode_qr(noise.astype(np.float32)) == []


def test_a_code_too_long_to_be_ours_is_ignored():
    assert decode_qr(qr_frame("x" * 301, box=3)) == []


def test_a_code_held_up_counts_once_and_frames_between_looks_are_skipped():
    frame, empty = qr_frame("card-1"), np.zeros((100, 100, 3), np.uint8)
    qr = QrReader(every_s=0.2)
    assert qr.look(empty, 0.0) is None
    assert qr.look(frame, 0.1) is None  # too soon to look
    assert [qr.look(frame, at) for at in (0.3, 0.6, 0.9)] == ["card-1", None, None]
    assert qr.look(frame, 5.0) == "card-1"


def test_the_simulated_reader_removes_its_link_when_it_is_unplugged(tmp_path: Path):
    with SimulatedReader(tmp_path / "reader") as simulated:
        assert simulated.link.exists()
    assert not simulated.link.is_symlink()

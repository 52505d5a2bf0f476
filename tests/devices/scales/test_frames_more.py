"""The other protocols to the byte: checkout scales, indicators, and what must not pass for them."""

import pytest

from devices.scales import dibal, mt_continuous
from devices.scales.protocols import PROTOCOLS
from devices.scales.reading import Reading


def decode(protocol: str, data: bytes, unit: str = "kg") -> list[Reading]:
    decoder = PROTOCOLS[protocol].decoder(unit)
    return decoder.feed(data) + decoder.flush()


def one(protocol: str, data: bytes, unit: str = "kg") -> Reading:
    (reading,) = decode(protocol, data, unit)
    return reading


def mt(swa: int, swb: int, swc: int, weight: bytes = b"  1250", tare: bytes = b"     0") -> bytes:
    frame = b"\x02" + bytes((swa, swb, swc)) + weight + tare + b"\r"
    return frame + bytes((mt_continuous.check_of(frame),))


def test_the_promised_protocols_are_there() -> None:
    promised = {"mt-continuous", "cas-22", "cas-10", "nci", "sma", "ohaus", "dibal", "dialog06"}
    assert promised | {"epelsa", "adam"} <= set(PROTOCOLS)


@pytest.mark.parametrize(
    ("protocol", "frame", "grams", "stable", "net"),
    [
        ("mt-continuous", bytes.fromhex("022d30202020313235302020202020300d1c"), 1250, True, False),
        ("mt-continuous", mt(0x2D, 0x38, 0x20), 1250, False, False),
        ("mt-continuous", mt(0x2D, 0x31, 0x20, tare=b"   350"), 1250, True, True),
        ("mt-continuous", mt(0x2D, 0x32, 0x20), -1250, True, False),
        ("mt-continuous", mt(0x2D, 0x20, 0x20), 567, True, False),
        ("mt-continuous", mt(0x2A, 0x30, 0x21), 1250, True, False),
        ("mt-continuous", mt(0x2A, 0x30, 0x20), 1_250_000, True, False),
        ("mt-continuous", mt(0x29, 0x30, 0x20, b"     1"), 10_000, True, False),
        ("mt-continuous", mt(0x28, 0x30, 0x21, b"     3"), 300, True, False),
        ("mt-continuous", mt(0x3F, 0x30, 0x20, b"125000"), 1250, True, False),
        ("mt-continuous-17", mt(0x2D, 0x30, 0x20)[:17], 1250, True, False),
        ("cas-22", b"ST,GS,1\xe0,   1.250 kg\r\n", 1250, True, False),
        ("cas-22", b"US,NT,\x0d\xa2,   1.250 kg\r\n", 1250, False, True),
        ("cas-10", b"   1.250\r\n", 1250, False, False),
        ("cas-10", b"-  1.250\r\n", -1250, False, False),
        ("nci", b"\n  1.250KG\r\n00\r\x03", 1250, True, False),
        ("nci", b"\n0001.25LB\r\n10\r\x03", 567, False, False),
        ("nci", b"\n  1.250KG\r\n0\x704\r\x03", 1250, True, True),
        ("sma", b"\n 1G       1.250kg \r", 1250, True, False),
        ("sma", b"\n 1NM      1.250kg \r", 1250, False, True),
        ("sma", b"\n 1G      -1.250 lb\r", -567, True, False),
        ("ohaus", b"     1.250 kg\r\n", 1250, True, False),
        ("ohaus", b"    1250.0 g ?\r\n", 1250, False, False),
        ("ohaus", b"     1.250 kg NET\r\n", 1250, True, True),
        ("dibal", b"9900031600000004\r\n", 316, False, False),
        ("dialog06", b"\x0202\x1b3\x1b01250\x1b001000\x1b001250\x03", 1250, True, False),
        ("epelsa", b"\x1bS 01.250\r\n", 1250, True, False),
        ("epelsa", b"\x1bU-01.250\r\n", -1250, False, False),
        ("epelsa", b"\x02A -0.450\r\x03", -450, True, False),
        ("epelsa", b"\x02!  0.250\r\x03", 250, False, False),
        ("epelsa", b"\x02I  0.450\r\x03", 450, False, False),
        ("adam", b"1.250kg\r\n", 1250, False, False),
        ("adam", b"ST,NT,   1.250kg\r\n", 1250, False, True),
    ],
)
def test_a_frame_of_the_manual_gives_its_weight(
    protocol: str, frame: bytes, grams: int, stable: bool, net: bool
) -> None:
    reading = one(protocol, frame)
    assert (reading.grams, reading.stable, reading.net) == (grams, stable, net)
    assert (reading.error, reading.raw, reading.negative) == (None, frame, grams < 0)
    assert reading.billable == (stable and grams > 0)


@pytest.mark.parametrize(
    ("protocol", "frame", "says"),
    [
        ("mt-continuous", mt(0x2D, 0x34, 0x20), "over"),
        ("mt-continuous", mt(0x2D, 0x34, 0x20, b"      "), "over"),
        ("mt-continuous", mt(0x2D, 0x36, 0x20), "under"),
        ("mt-continuous", mt(0x2D, 0x70, 0x20), "scale"),
        ("mt-continuous", mt(0x2D, 0x30, 0x22), "unit"),
        ("mt-continuous", mt(0x2D, 0x30, 0x30), "unit"),
        ("mt-continuous", mt(0x25, 0x30, 0x20), "garbled"),
        ("mt-continuous", mt(0x2D, 0x30, 0x20)[:17] + b"\x1d", "checksum"),
        ("mt-continuous-17", mt(0x2D, 0x30, 0x20), "garbled"),
        ("mt-continuous-17", mt(0x2D, 0x30, 0x20, b"1250  ")[:17], "garbled"),
        ("cas-22", b"OL,GS,1\xa0,         kg\r\n", "over"),
        ("cas-22", b"ST,GS,1\xe0,   1.250 xx\r\n", "unit"),
        ("cas-22", b"ST,GS,1\xe0,   1.2500kg\r\n", "garbled"),
        ("cas-10", b"12345670\r\n", "garbled"),
        ("cas-10", b"  1.250\r\n", "garbled"),
        ("cas-10", b"      OL\r\n", "over"),
        ("nci", b"\n^^^^^^^KG\r\n02\r\x03", "over"),
        ("nci", b"\n  1.250KG\r\n02\r\x03", "over"),
        ("nci", b"\n_______KG\r\n00\r\x03", "under"),
        ("nci", b"\n-------KG\r\n00\r\x03", "scale"),
        ("nci", b"\n  1.250KG\r\n80\r\x03", "scale"),
        ("nci", b"\n  1.250KG\r\n0p\r\x03", "garbled"),
        ("nci", b"\n  1.250XX\r\n00\r\x03", "unit"),
        ("nci", b"\n?\r\x03", "scale"),
        ("sma", b"\nO1G  ----------kg \r", "over"),
        ("sma", b"\nU1G       0.000kg \r", "under"),
        ("sma", b"\nE1G       1.250kg \r", "scale"),
        ("sma", b"\n 1g       1.250kg \r", "scale"),
        ("sma", b"\n 1G       1.250pcs\r", "unit"),
        ("sma", b"\n?\r", "scale"),
        ("ohaus", b"     1.250 kN\r\n", "unit"),
        ("ohaus", b"1.250 kg\r\n", "garbled"),
        ("ohaus", b"S S      1.250 kg\r\n", "garbled"),
        ("ohaus", b"ES\r\n", "scale"),
        ("dibal", b"9900031700000004\r\n", "checksum"),
        ("dialog06", b"\x0202\x1b3\x1b01250\x1b001000\x1b001251\x03", "checksum"),
        ("dialog06", b"\x0202\x1b3\x1b01250\x1b001001\x1b001250\x03", "checksum"),
        ("dialog06", b"\x0202\x1b1\x1b01250\x1b001000\x1b001250\x03", "scale"),
        ("dialog06", b"\x0209\x1b31\x03", "under"),
        ("dialog06", b"\x0209\x1b32\x03", "over"),
        ("dialog06", b"\x0209\x1b11\x03", "scale"),
        ("epelsa", b"\x1bS ------\r\n", "garbled"),
        ("adam", b"OL\r\n", "over"),
        ("adam", b"x1.250kg\r\n", "garbled"),
        ("adam", b"1.250pcs\r\n", "unit"),
    ],
)
def test_out_of_range_a_fault_a_wrong_check_or_a_strange_unit_is_never_a_number(
    protocol: str, frame: bytes, says: str
) -> None:
    reading = decode(protocol, frame)[0]
    assert reading.grams is None
    assert says in (reading.error, "over" * reading.over, "under" * reading.under)


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [
        ("nci", b"\n10\r\x03"),
        ("dibal", dibal.with_check(b"990003160000000"[:2] + b"1003160000000")),
        ("dialog06", b"\x0209\x1b20\x03"),
        ("dialog06", b"\x0209\x1b21\x03"),
        ("adam", b"US,GS,   1.250kg\r\n"),
    ],
)
def test_a_scale_that_has_no_weight_now_says_so_without_a_number(
    protocol: str, frame: bytes
) -> None:
    assert one(protocol, frame) == Reading(raw=frame)


def test_less_than_the_least_weight_of_dialog_06_is_nothing_on_the_scale() -> None:
    reading = one("dialog06", b"\x0209\x1b30\x03")
    assert (reading.grams, reading.billable) == (0, False)


def test_a_tare_that_a_scale_tells_is_no_load() -> None:
    assert decode("sma", b"\n 1T       0.350kg \r") == []
    assert decode("adam", b"ST,TR,   0.350kg\r\n") == []


def test_scales_that_name_no_unit_are_read_in_the_one_configured() -> None:
    assert one("cas-10", b"   1.250\r\n", "lb").grams == 567
    assert one("epelsa", b"\x1bS 01.250\r\n", "lb").grams == 567


def test_a_price_is_asked_for_as_the_maker_s_example_and_a_refusal_is_asked_why() -> None:
    assert PROTOCOLS["dibal"].poll is not None
    assert PROTOCOLS["dibal"].poll.request == b"98000001\r\n"
    poll = PROTOCOLS["dialog06"].poll
    assert poll is not None
    assert poll.request == b"\x04\x0201\x1b001000\x1b\x03"
    assert (poll.reply(b"\x06"), poll.reply(b"\x15")) == (b"\x04\x05", b"\x04\x0208\x03")
    assert poll.reply(b"x") == b""

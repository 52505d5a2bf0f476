"""Each protocol to the byte, from the makers' manuals."""

import pytest

from dafan.errors import ConfigError
from devices.scales.protocols import PROTOCOLS, driver_named
from devices.scales.reading import Reading


def decode(protocol: str, data: bytes, unit: str = "kg") -> list[Reading]:
    decoder = PROTOCOLS[protocol].decoder(unit)
    return decoder.feed(data) + decoder.flush()


def one(protocol: str, data: bytes, unit: str = "kg") -> Reading:
    (reading,) = decode(protocol, data, unit)
    return reading


def cas(body: bytes) -> bytes:
    bcc = 0
    for byte in body:
        bcc ^= byte
    return b"\x01\x02" + body + bytes((bcc,)) + b"\x03\x04"


def os2(body: bytes, flag2: bytes = b"") -> bytes:
    frame = bytearray(cas(body))
    frame[12] ^= 0x03
    return bytes(frame) + flag2


def a9(body: bytes) -> bytes:
    check = 0
    for byte in body:
        check ^= byte
    return b"\x02" + body + f"{check:02X}".encode() + b"\x03"


def with_even_parity(data: bytes) -> bytes:
    return bytes(byte | (byte.bit_count() % 2) << 7 for byte in data)


def test_the_six_promised_protocols_are_there() -> None:
    promised = {"mt-sics", "toledo-8217", "cas-soh", "aclas-os2", "st-gs", "yaohua-a9"}
    assert promised <= set(PROTOCOLS)


def test_an_unknown_protocol_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigError, match="yaohua-a9"):
        driver_named("nonesuch")


@pytest.mark.parametrize(
    ("protocol", "frame", "grams", "stable", "net"),
    [
        ("mt-sics", b"S S     100.00 g\r\n", 100, True, False),
        ("mt-sics", b"S D      1.250 kg\r\n", 1250, False, False),
        ("mt-sics", b"S S      1.250 Kg\r\n", 1250, True, False),
        ("mt-sics", b"S S      2.000 lb\r\n", 907, True, False),
        ("mt-sics", "S S      2.500 斤\r\n".encode("gb18030"), 1250, True, False),
        ("mt-sics", b"S S    -10.00 g\r\n", -10, True, False),
        ("toledo-8217", b"\x0201.250\r", 1250, True, False),
        ("toledo-8217", b"\x0201.250N\r", 1250, True, True),
        ("cas-soh", bytes.fromhex("0102532030312e3235306b67670304"), 1250, True, False),
        ("cas-soh", bytes.fromhex("02532030312e3235306b67670304"), 1250, True, False),
        ("cas-soh", cas(b"S 001250kg"), 1250, True, False),
        ("cas-soh", cas(b"U 01.250kg"), 1250, False, False),
        ("cas-soh", cas(b"S-01.250kg"), -1250, True, False),
        ("aclas-os2", os2(b"S 01.250kg"), 1250, True, False),
        ("aclas-os2", cas(b"S 01.250kg"), 1250, True, False),
        ("aclas-os2", os2(b"S 01.250kg", b"\x00"), 1250, True, False),
        ("aclas-os2", os2(b"S 01.250kg", b"\x20"), 1250, True, True),
        ("aclas-os2", os2(b"U 01.250kg", b"\x00"), 1250, False, False),
        ("st-gs", b"ST,GS,+00012.3kg\r\n", 12300, True, False),
        ("st-gs", b"ST,NT,+00012.3kg\r\n", 12300, True, True),
        ("st-gs", b"US,GS,+00012.3kg\r\n", 12300, False, False),
        ("st-gs", b"ST,GS,-00012.3kg\r\n", -12300, True, False),
        ("st-gs", b"ST,+00123.45  g\r\n", 123, True, False),
        ("st-gs", b"ST,GS,+  1.250kg\r\n", 1250, True, False),
        ("st-gs", b"ST,GS,  1.250kg\r\n", 1250, True, False),
        ("st-gs", b"ST,GS,\x01\xe0,0001.250 kg\r\n", 1250, True, False),
        ("st-gs", b"ST,GS,\x0a\xe0,0001.250 kg\r\n", 1250, True, False),
        ("st-gs", b"ST,NT,1\xe2,0001.250 kg\r\n", 1250, True, True),
        ("st-gs", b"ST,GS,1\xf0,0001.250 kg\r\n", 1250, False, False),
        ("st-gs", b"US,GS,1\xa0,0001.250 kg\r\n", 1250, False, False),
        ("yaohua-a9", bytes.fromhex("022B30303230303032314203"), 20000, False, False),
        ("yaohua-a9", a9(b"-0012503"), -1250, False, False),
        ("yaohua-a9", a9(b"+0000200"), 20000, False, False),
    ],
)
def test_a_frame_of_the_manual_gives_its_weight(
    protocol: str, frame: bytes, grams: int, stable: bool, net: bool
) -> None:
    reading = one(protocol, frame)
    assert (reading.grams, reading.stable, reading.net) == (grams, stable, net)
    assert reading.error is None
    assert reading.raw == frame
    assert reading.negative == (grams < 0)
    assert reading.billable == (stable and grams > 0)


@pytest.mark.parametrize(
    ("protocol", "frame", "over", "under"),
    [
        ("mt-sics", b"S +\r\n", True, False),
        ("mt-sics", b"S -\r\n", False, True),
        ("toledo-8217", b"\x02?\x42\r", True, False),
        ("toledo-8217", b"\x02?\x44\r", False, True),
        ("cas-soh", cas(b"UFFFFFFFkg"), True, False),
        ("aclas-os2", os2(b"F 00.000kg"), True, False),
        ("aclas-os2", os2(b"F-00.000kg"), False, True),
        ("aclas-os2", os2(b"S 01.250kg", b"\x40"), True, False),
        ("st-gs", b"OL,GS,+99999.9kg\r\n", True, False),
        ("st-gs", b"OL,+9999999E+19\r\n", True, False),
        ("st-gs", b"OL,-9999999E+19\r\n", False, True),
        ("st-gs", b"LO,GS,+00000.0kg\r\n", False, True),
        ("st-gs", b"OL,GS,1\xa0,         kg\r\n", True, False),
    ],
)
def test_out_of_range_is_never_a_number(
    protocol: str, frame: bytes, over: bool, under: bool
) -> None:
    reading = one(protocol, frame)
    assert (reading.over, reading.under, reading.grams) == (over, under, None)
    assert not reading.billable


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [
        ("cas-soh", bytes.fromhex("0102532030312e3235306b67660304")),
        ("cas-soh", os2(b"S 01.250kg")),
        ("aclas-os2", cas(b"S 01.250kg")[:12] + b"\x00\x03\x04"),
        ("yaohua-a9", bytes.fromhex("022B30303230303032314303")),
        ("toledo-8217", with_even_parity(b"\x0201.250\r")[:2] + b"\xb3" + b"\xae25\x30\x8d"),
    ],
)
def test_a_frame_with_a_wrong_checksum_is_never_a_weight(protocol: str, frame: bytes) -> None:
    reading = one(protocol, frame)
    assert (reading.error, reading.grams) == ("checksum", None)


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [
        ("mt-sics", b"S S      0.500 ct\r\n"),
        ("mt-sics", b"S S          5 PCS\r\n"),
        ("st-gs", b"ST,GS,+00012.3xx\r\n"),
        ("st-gs", b"QT,GS,+0000012PC\r\n"),
        ("st-gs", b"ST,GS,1\xe0,0001.250   \r\n"),
        ("cas-soh", cas(b"S 01.250ct")),
        ("cas-soh", cas(b"S 001250 g")),
    ],
)
def test_an_unknown_unit_is_never_taken_for_kilograms(protocol: str, frame: bytes) -> None:
    reading = one(protocol, frame)
    assert (reading.error, reading.grams) == ("unit", None)


@pytest.mark.parametrize("unit", ["lb", "斤", "g", "KG"])
def test_a_scale_that_names_no_unit_is_read_in_the_one_configured(unit: str) -> None:
    expected = {"lb": 567, "斤": 625, "g": 1, "KG": 1250}[unit]
    assert one("toledo-8217", b"\x0201.250\r", unit).grams == expected
    assert one("yaohua-a9", a9(b"+0012503"), unit).grams == expected


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (0x41, {"stable": False}),
        (0x42, {"over": True, "stable": True}),
        (0x44, {"under": True, "negative": True, "stable": True}),
        (0x50, {"zero": True, "stable": True}),
        (0x60, {"net": True, "stable": True}),
        (0xC1, {"stable": False}),
        (0x40, {"stable": True}),
    ],
)
def test_the_8217_status_byte_is_read_bit_by_bit(status: int, flags: dict[str, bool]) -> None:
    reading = one("toledo-8217", bytes((0x02, 0x3F, status, 0x0D)))
    assert reading == Reading(raw=reading.raw, **flags)


def test_a_7e1_line_read_as_8n1_gives_the_same_weight() -> None:
    frame = with_even_parity(b"\x0201.250N\r")
    assert frame != b"\x0201.250N\r"
    reading = one("toledo-8217", frame)
    assert (reading.grams, reading.net) == (1250, True)


@pytest.mark.parametrize(
    "frame", [b"\x02E\rhello", b"\x02\r", b"\x0201.25\r", b"\x021.250\r", b"\x02-1.250\r"]
)
def test_other_8217_answers_are_no_weight(frame: bytes) -> None:
    assert all(reading.grams is None for reading in decode("toledo-8217", frame))


@pytest.mark.parametrize(
    "line", [b"T S      0.350 kg\r\n", b"Z A\r\n", b'I4 A "123"\r\n', b"TAC A\r\n", b"\r\n"]
)
def test_an_answer_to_tare_or_zero_is_no_weight(line: bytes) -> None:
    assert decode("mt-sics", line) == []


@pytest.mark.parametrize("line", [b"ES\r\n", b"ET\r\n", b"EL\r\n"])
def test_a_scale_that_refuses_a_command_reports_an_error(line: bytes) -> None:
    assert one("mt-sics", line).error == "scale"


def test_a_busy_scale_gives_no_weight() -> None:
    reading = one("mt-sics", b"S I\r\n")
    assert (reading.grams, reading.stable) == (None, False)


def test_the_tare_that_an_indicator_prints_is_no_load() -> None:
    assert decode("st-gs", b"ST,TR,+00001.0kg\r\n") == []


def test_a_passive_os2_frame_is_complete_without_its_last_byte() -> None:
    decoder = PROTOCOLS["aclas-os2"].decoder()
    assert decoder.feed(os2(b"S 01.250kg")) == []
    assert [reading.grams for reading in decoder.flush()] == [1250]
    assert decoder.flush() == []


def test_passive_os2_frames_behind_each_other_are_told_apart() -> None:
    frames = b"\x06" + os2(b"S 01.250kg") + b"\x06" + os2(b"S 00.300kg") + os2(b"S 00.100kg")
    assert [reading.grams for reading in decode("aclas-os2", frames)] == [1250, 300, 100]


def test_the_log_names_the_block_check_that_an_os2_scale_uses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        decode("aclas-os2", cas(b"S 01.250kg") * 3)
        decode("aclas-os2", os2(b"S 01.250kg") * 3)
    messages = [record.message for record in caplog.records]
    assert len(messages) == 2
    assert "CAS" in messages[0]
    assert "manual" in messages[1]


def test_an_empty_scale_reads_zero_and_costs_nothing() -> None:
    for protocol, frame in [
        ("mt-sics", b"S S      0.000 kg\r\n"),
        ("toledo-8217", b"\x0200.000\r"),
        ("cas-soh", cas(b"S 00.000kg")),
        ("aclas-os2", os2(b"S 00.000kg", b"\x10")),
        ("st-gs", b"ST,GS,+00000.0kg\r\n"),
        ("yaohua-a9", a9(b"+0000003")),
    ]:
        reading = one(protocol, frame)
        assert (reading.grams, reading.zero, reading.billable) == (0, True, False)


def test_a_faulty_reading_cannot_be_made_to_carry_a_weight() -> None:
    for fault in ({"error": "checksum"}, {"over": True}, {"under": True}):
        with pytest.raises(ValueError, match="never carries a weight"):
            Reading(grams=1250, **fault)


def test_the_same_weight_read_twice_is_the_same_weight_twice() -> None:
    frame = b"\x0201.250\r"
    assert [reading.grams for reading in decode("toledo-8217", frame * 2)] == [1250, 1250]

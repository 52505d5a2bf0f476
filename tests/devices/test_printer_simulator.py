"""The simulated printer is strict where real ones are."""

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dafan import fonts
from dafan.errors import DeviceError
from devices import escpos_render, glyphs
from devices.escpos_render import to_escpos
from devices.escpos_text import DOTS
from devices.printer_paper import Picture, PrintedLine
from devices.printer_simulator import VirtualPrinter
from devices.receipt_doc import QR, Cut, ReceiptDoc, Text

needs_font = pytest.mark.skipif(
    fonts.find_font() is None, reason="no Chinese font: apt install fonts-noto-cjk"
)
commands = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [
                b"\x1b@",
                b"\x1c&",
                b"\x1c.",
                b"\x1dv0\x00\x02\x00\x02\x00",
                b"\x1d(k\x05\x00",
                b"\x10\x04\x01",
                b"\n",
            ]
        ),
    ),
    max_size=60,
).map(b"".join)


@given(data=commands, cut=st.integers(0, 400))
def test_no_bytes_crash_the_printer_however_they_are_split(data, cut):
    whole, parts = VirtualPrinter(58), VirtualPrinter(58)
    answers = whole.feed(data)
    assert parts.feed(data[:cut]) + parts.feed(data[cut:]) == answers
    assert parts.text == whole.text
    for piece in (*whole.receipts, whole.current):
        piece.picture()


def test_a_megabyte_of_noise_leaves_bounded_paper_and_buffer():
    printer = VirtualPrinter()
    printer.set_fault("paper_out")
    for _ in range(3):
        printer.feed(b"\x1bd\xff" * 120_000)
    assert len(printer._received) <= 1 << 20
    printer.set_fault("paper_out", on=False)
    assert all(len(receipt.parts) < 20 for receipt in printer.receipts)


def test_chinese_without_fs_ampersand_comes_out_garbled_as_on_real_paper():
    printer = VirtualPrinter()
    printer.feed("食堂\n".encode("gb18030"))
    assert "食" not in printer.text
    assert len(printer.text.strip()) == 4


@needs_font
@pytest.mark.parametrize("paper", [58, 80])
def test_a_printer_without_a_font_rom_gets_the_whole_receipt_as_dots(paper):
    doc = ReceiptDoc(
        lines=(Text(text="机关食堂", align="center"), Text(text="红烧肉 ¥12.80"), Cut())
    )
    without_rom, with_rom = VirtualPrinter(paper, chinese_font=False), VirtualPrinter(paper)
    without_rom.feed(to_escpos(doc, paper, "raster"))
    with_rom.feed(to_escpos(doc, paper))
    drawn, printed = without_rom.receipts[0], with_rom.receipts[0]
    assert not any(isinstance(part, PrintedLine) for part in drawn.parts)
    assert drawn.picture().tobytes() == printed.picture().tobytes()


@needs_font
def test_only_the_line_with_a_character_outside_the_rom_is_drawn():
    printer = VirtualPrinter()
    printer.feed(
        to_escpos(ReceiptDoc(lines=(Text(text="红烧肉"), Text(text="𠮷野家"), Text(text="米饭"))))
    )
    assert [type(part) for part in printer.current.parts] == [PrintedLine, Picture, PrintedLine]
    assert printer.text == "红烧肉\n米饭"


def test_without_any_font_a_character_outside_the_rom_is_a_visible_question_mark(monkeypatch):
    monkeypatch.setattr(fonts, "find_font", lambda: None)
    glyphs.cell.cache_clear()
    printer = VirtualPrinter()
    doc = ReceiptDoc(lines=(Text(text="𠮷野家😀"),))
    printer.feed(to_escpos(doc))
    assert printer.text == "？野家？"
    assert printer.current.picture().getcolors(maxcolors=10) is not None  # boxes, not a crash
    with pytest.raises(DeviceError, match="fonts-noto-cjk"):
        to_escpos(doc, mode="raster")


def test_a_font_file_that_is_none_is_one_clear_error(monkeypatch, tmp_path):
    bad = tmp_path / "font.ttf"
    bad.write_bytes(b"no font")
    monkeypatch.setenv("DAFAN_FONT", str(bad))
    glyphs.cell.cache_clear()
    with pytest.raises(DeviceError, match="is not a font"):
        to_escpos(ReceiptDoc(lines=(Text(text="食堂"),)), mode="raster")
    glyphs.cell.cache_clear()


def test_dots_are_sent_in_strips_of_at_most_200_rows():
    sent = escpos_render._dots(Image.new("1", (576, 450), 1))
    heights = []
    while sent:
        assert sent[:4] == b"\x1dv0\x00"
        row, rows = int.from_bytes(sent[4:6], "little"), int.from_bytes(sent[6:8], "little")
        heights.append(rows)
        assert row == DOTS[80] // 8
        sent = sent[8 + row * rows :]
    assert heights == [200, 200, 50]


@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("mode", ["gb18030", "raster"])
def test_the_qr_code_on_paper_can_be_read(paper, mode):
    content = "https://example.org/s/0192f0c2-7d1e-7000-8000-000000000001?中=文"
    printer = VirtualPrinter(paper)
    printer.feed(to_escpos(ReceiptDoc(lines=(QR(data=content), Cut())), paper, mode))
    found = zxingcpp.read_barcodes(printer.receipts[0].picture())
    assert [code.text for code in found] == [content]


def test_the_longest_qr_code_still_fits_narrow_paper():
    content = "字" * 100 * 3
    printer = VirtualPrinter(58)
    printer.feed(to_escpos(ReceiptDoc(lines=(QR(data=content), Cut())), 58))
    found = zxingcpp.read_barcodes(printer.receipts[0].picture())
    assert [code.text for code in found] == [content]


def test_the_picture_is_as_wide_as_the_paper():
    widths = []
    for paper in (58, 80):
        printer = VirtualPrinter(paper)
        printer.feed(b"x\n\x1dV\x00")
        widths.append(printer.receipts[0].picture().width)
    assert widths == [58 * 8, 80 * 8]

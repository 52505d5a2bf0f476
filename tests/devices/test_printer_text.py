"""Setting text in columns and bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import escpos_text as txt
from devices.escpos_render import to_escpos
from devices.printer_simulator import VirtualPrinter
from devices.receipt_doc import QR, Columns, Cut, Drawer, Feed, ReceiptDoc, Rule, Text

gb2312 = st.builds(
    lambda row, cell: bytes([row, cell]).decode("gb2312", "ignore"),
    st.integers(0xB0, 0xF7),
    st.integers(0xA1, 0xFE),
)
mixed = st.lists(
    st.one_of(gb2312, st.sampled_from(list("，。（）“”￥·、abc 1290.,-")), st.just("word")),
    max_size=80,
).map("".join)

HEADER = bytes.fromhex("1b401c530000")


def test_a_small_receipt_on_58_mm_is_byte_for_byte_what_the_manual_asks():
    doc = ReceiptDoc(
        lines=(
            Text(text="食堂", align="center", bold=True, size=2),
            Columns(left="米饭", right="¥0.50"),
            Rule(),
            Feed(lines=2),
            Cut(),
        )
    )
    assert to_escpos(doc, 58) == (
        HEADER
        + b"\x1ba\x01\x1bE\x01\x1d!\x11\x1c!\x0c"
        + b"\x1c&\xca\xb3\xcc\xc3\x1c.\n"
        + b"\x1d!\x00\x1c!\x00\x1bE\x00\x1ba\x00"
        + b"\x1c&\xc3\xd7\xb7\xb9"
        + b" " * (32 - 4 - 6)
        + b"\xa3\xa40.50\x1c.\n"
        + b"-" * 32
        + b"\n\x1bd\x02\x1bd\x04\x1dVB\x00"
    )


def test_the_same_receipt_on_80_mm_is_48_columns_wide_and_cut_without_feed():
    doc = ReceiptDoc(lines=(Columns(left="米饭", right="¥0.50"), Cut()))
    expected = b"\x1c&\xc3\xd7\xb7\xb9" + b" " * 38 + b"\xa3\xa40.50\x1c.\n\x1dVB\x00"
    assert to_escpos(doc, 80) == HEADER + expected


@pytest.mark.parametrize(("pin", "m"), [(2, b"\x00"), (5, b"\x01")])
def test_the_drawer_gets_a_pulse_of_50_ms_on_its_pin(pin, m):
    doc = ReceiptDoc(lines=(Drawer(pin=pin),))
    assert to_escpos(doc) == HEADER + b"\x1bp" + m + b"\x19\xfa"
    printer = VirtualPrinter()
    printer.feed(to_escpos(doc))
    assert printer.current.drawer_kicks == [pin]


@given(text=mixed, columns=st.integers(4, 48))
def test_no_line_is_wider_than_the_paper_and_no_character_is_lost(text, columns):
    lines = txt.wrap(text, columns)
    assert all(txt.width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == txt.clean(text).replace(" ", "")


def test_a_blank_before_a_comma_does_not_let_the_comma_start_a_line():
    assert txt.wrap("红烧肉 ，米饭", 8) == ["红烧", "肉 ，米", "饭"]
    assert txt.wrap("红烧（ 肉）", 8) == ["红烧", "（ 肉）"]


@given(text=mixed.filter(lambda t: "\n" not in t))
def test_no_line_starts_with_closing_punctuation_unless_a_whole_line_is_punctuation(text):
    lines = txt.wrap(text, 32)
    for before, line in pairwise(lines):
        if line[:1] and line[0] in txt.NOT_AT_START:
            unbroken = not any(txt._may_break(before, cut) for cut in range(1, len(before)))
            assert unbroken


@given(left=mixed, right=st.from_regex(r"[¥￥]?[0-9]{1,7}\.[0-9]{2}", fullmatch=True))
def test_the_figure_always_ends_flush_right_and_lines_stay_in_width(left, right):
    lines = txt.two_columns(left, right, 32)
    assert all(txt.width(line) <= 32 for line in lines)
    assert lines[-1].endswith(txt.clean(right))
    assert txt.width(lines[-1]) == 32


def test_a_figure_too_wide_for_its_name_goes_below_it():
    lines = txt.two_columns("红烧肉", "1 234 567 890 123 456 789", 32)
    assert lines == ["红烧肉", "       1 234 567 890 123 456 789"]


@given(text=mixed)
def test_what_is_set_in_gb18030_reads_the_same_on_paper(text):
    printer = VirtualPrinter(58)
    printer.feed(to_escpos(ReceiptDoc(lines=(Text(text=text),)), 58))
    expected = "\n".join(line.rstrip() for line in txt.wrap(text, 32))
    assert printer.text == expected


def test_the_half_width_yuan_sign_prints_as_one_two_byte_character():
    assert txt.encode(txt.clean("¥1")) == b"\xa3\xa41"
    assert len("¥".encode("gb18030")) == 4  # why it is replaced


@pytest.mark.parametrize(
    "hostile", ["肉\x1bp\x00\x19\xfa", "肉\x1d(k\x00", "a\x10\x14\x01\x00\x01", "\x00\x7f"]
)
def test_control_characters_in_a_name_never_drive_the_printer(hostile):
    printer = VirtualPrinter()
    printer.feed(to_escpos(ReceiptDoc(lines=(Columns(left=hostile, right="¥1.00"),))))
    assert printer.current.drawer_kicks == []
    assert len(printer.current.parts) == 1


@given(text=st.text(max_size=60))
def test_any_text_at_all_is_set_without_an_error(text):
    for align in ("left", "center", "right"):
        assert to_escpos(ReceiptDoc(lines=(Text(text=text, align=align),)), 58)


def test_a_document_survives_the_spool_as_json():
    doc = ReceiptDoc(
        lines=(
            Text(text="食堂"),
            Columns(left="a", right="b"),
            Rule(),
            Feed(),
            QR(data="x"),
            Cut(),
            Drawer(),
        )
    )
    assert ReceiptDoc.model_validate_json(doc.model_dump_json()) == doc


def test_a_copy_says_so_first_and_leaves_the_drawer_shut():
    doc = ReceiptDoc(lines=(Text(text="食堂"), Drawer(), Cut())).as_copy()
    printer = VirtualPrinter()
    printer.feed(to_escpos(doc))
    assert printer.receipts[0].text.splitlines() == ["补打 COPY", "食堂"]
    assert printer.receipts[0].drawer_kicks == []

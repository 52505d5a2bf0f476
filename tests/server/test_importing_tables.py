import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan import workbooks
from server import tables

ALIASES = {"staff_no": ["工号", "staff number"], "name": ["姓名"], "cash": ["初始余额"]}
TEXT = "工号,姓名,初始余额\r\n1001,甲子,12.80\r\n"


def xlsx(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("gb18030"),
        TEXT.replace(",", "\t").encode("utf-16"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace("\r\n", "\n").encode(),
        xlsx(["工号", "姓名", "初始余额"], [1001, "甲子", 12.8]),
    ],
    ids=["utf-8", "utf-8 with mark", "gb18030", "utf-16 tabs", "semicolons", "unix", "xlsx"],
)
def test_the_same_table_is_read_from_whatever_excel_and_wps_write(data):
    table = tables.read_table(data, ALIASES)
    assert table.columns == ("staff_no", "name", "cash")
    (row,) = table.rows
    assert row.number == 2
    assert row.cells["staff_no"] == "1001"
    assert row.cells["name"] == "甲子"
    assert row.cells["cash"].rstrip("0") == "12.8"


def test_headings_are_known_by_alias_and_strange_columns_are_named():
    data = "Staff  Number,姓名,血型\n7,乙丑,A\n".encode()
    table = tables.read_table(data, ALIASES)
    assert table.columns == ("staff_no", "name")
    assert table.unknown == ("血型",)
    assert dict(table.rows[0].cells) == {"staff_no": "7", "name": "乙丑"}


def test_rows_keep_the_number_that_excel_shows_through_blank_rows_and_broken_cells():
    data = '\n工号,姓名\n1,"甲\n子"\n,\n2,乙丑\n'.encode()
    assert [row.number for row in tables.read_table(data, ALIASES).rows] == [3, 6]


def test_short_rows_are_filled_with_nothing():
    table = tables.read_table("工号,姓名\n1\n".encode(), ALIASES)
    assert table.rows[0].cells["name"] == ""


def test_whole_numbers_from_excel_stay_whole_and_long_card_numbers_stay_long():
    table = tables.read_table(xlsx(["工号", "姓名"], [1001.0, 1234567890]), ALIASES)
    assert dict(table.rows[0].cells) == {"staff_no": "1001", "name": "1234567890"}


def test_a_million_formatted_but_empty_rows_do_not_hold_the_server():
    book = openpyxl.Workbook()
    book.active.append(["工号"])
    book.active.append(["1"])
    book.active.cell(row=1_000_000, column=1).value = "2"
    file = io.BytesIO()
    book.save(file)
    assert len(tables.read_table(file.getvalue(), ALIASES).rows) == 1


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"", "empty"),
        (b"\n\n,,\n", "empty"),
        (b"x" * (tables.MAX_BYTES + 1), "split"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "save it as .xlsx"),
        (b"\x00\x01\x02\xff", "save the table"),
        (b"PK\x03\x04" + b"rubbish" * 20, "damaged"),
        ('工号,姓名\n1,"甲子\n2,乙丑\n'.encode(), "quotation mark"),
        ("工号,staff number\n1,2\n".encode(), "mean the same"),
        ("工号\n" + "1" * 600, "shorten"),
        ("工号\n" + "1\n" * (tables.MAX_ROWS + 1), "rows"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(data, advice):
    data = data.encode() if isinstance(data, str) else data
    with pytest.raises(tables.TableError, match=advice):
        tables.read_table(data, ALIASES)


def test_a_zip_bomb_is_refused_before_it_unpacks():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", bytes(workbooks.MAX_UNPACKED_BYTES + 1))
    assert len(file.getvalue()) < tables.MAX_BYTES
    with pytest.raises(tables.TableError, match="unpacks"):
        tables.read_table(file.getvalue(), ALIASES)


def test_a_zip_that_is_no_workbook_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("readme.txt", "hello")
    with pytest.raises(tables.TableError, match="damaged"):
        tables.read_table(file.getvalue(), ALIASES)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_a_table_or_a_clear_refusal(data):
    try:
        table = tables.read_table(data, ALIASES)
    except tables.TableError:
        return
    assert all(any(row.cells.values()) or not table.columns for row in table.rows) or table.unknown


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_damaged_workbook_is_a_table_or_a_clear_refusal(place, value):
    data = bytearray(xlsx(["工号", "姓名"], ["1", "甲子"]))
    data[place % len(data)] = value
    try:
        tables.read_table(bytes(data), ALIASES)
    except tables.TableError:
        return

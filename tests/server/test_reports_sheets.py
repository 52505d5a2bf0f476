import io
import zipfile

import openpyxl
import pytest

from dafan.money import Fen
from server.reports.sheets import Sheet, Yuan, write


def read(*rows):
    data = write([Sheet("表", "标题", ["甲", "乙"], rows)])
    return data, openpyxl.load_workbook(io.BytesIO(data))["表"]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "\t=1", "\r=1", "=cmd|' /C x'!A0"],
)  # fmt: skip
def test_text_that_looks_like_a_formula_stays_text_also_when_it_is_edited(text):
    data, sheet = read([text, Yuan(Fen(5))])
    cell = sheet["A4"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert cell.value == text.replace("\r", "\n") or cell.value == text
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_headings_and_titles_are_text_as_well():
    data = write([Sheet("表", "=1+1", ["=2+2"], [], ["=3+3"])])
    sheet = openpyxl.load_workbook(io.BytesIO(data))["表"]
    assert {sheet[name].data_type for name in ("A1", "A3", "A4")} == {"s"}


def test_amounts_are_exact_numbers_in_yuan():
    _, sheet = read(["a", Yuan(Fen(123456789))], ["b", Yuan(Fen(-5))], ["c", None])
    assert [sheet[f"B{row}"].value for row in (4, 5, 6)] == [1234567.89, -0.05, None]
    assert sheet["B4"].number_format == "#,##0.00"


def test_control_signs_and_endless_text_do_not_spoil_the_file():
    _, sheet = read(["a\x00b\x0b", "x" * 40_000])
    assert sheet["A4"].value == "ab"
    assert len(sheet["B4"].value) == 32_767

"""A catalogue as an Excel workbook: the sheets 食材, 菜品 and 配方, a line of a recipe a row."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from dafan import workbooks
from dafan.errors import BadInputError
from dafan.money import Fen, format_yuan, parse_yuan
from dafan.quantity import Measure
from dafan.records import Unit
from kitchen.catalogue import (
    DISHES,
    INGREDIENTS,
    MAX_ROWS,
    RECIPES,
    Draft,
    ExchangeError,
    NamedRecipe,
    RawRow,
)
from kitchen.dishes import DishValues
from kitchen.ingredients import Allergen, IngredientValues, Keep
from kitchen.nutrition import Nutrient
from kitchen.recipes import MAX_STEPS

MAX_COLUMNS = 60
_BLANK_ROWS_END_A_SHEET = 1000
"""Formatted but empty rows run on to row 1,048,576 in many files."""

_MEASURES = {"克": Measure.MASS, "毫升": Measure.VOLUME, "个": Measure.COUNT}
_KEEPS = {"常温": Keep.AMBIENT, "冷藏": Keep.CHILLED, "冷冻": Keep.FROZEN}
_UNITS = {"份": Unit.PIECE, "公斤": Unit.KG}
_YES_NO = {"是": True, "否": False}
_ALLERGENS = {
    "含麸质谷物": Allergen.GLUTEN,
    "甲壳类": Allergen.CRUSTACEANS,
    "鱼类": Allergen.FISH,
    "蛋类": Allergen.EGG,
    "花生": Allergen.PEANUT,
    "大豆": Allergen.SOY,
    "乳": Allergen.MILK,
    "坚果": Allergen.NUTS,
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, our name, how a filled cell is read and a value is written.

    Attributes:
        blank: What an empty cell means.
    """

    heading: str
    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], Any]
    blank: Any = None


def _text(heading: str, name: str) -> _Column:
    return _Column(heading, name, str, str, "")


def _number(heading: str, name: str, blank: int | None = None) -> _Column:
    return _Column(heading, name, _read_number, lambda value: value, blank)


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise BadInputError(f"'{text[:40]}' is no whole number")
    return int(text)


def _money(heading: str, name: str) -> _Column:
    return _Column(heading, name, parse_yuan, lambda value: format_yuan(Fen(value)))


def _choice(heading: str, name: str, words: Mapping[str, Any], blank: Any = None) -> _Column:
    spoken = {value: word for word, value in words.items()}
    return _Column(heading, name, lambda text: _choose(text, words), spoken.__getitem__, blank)


def _choose(text: str, words: Mapping[str, Any]) -> Any:
    if text not in words:
        raise BadInputError(f"'{text[:40]}' is none of {'、'.join(words)}")
    return words[text]


def _read_allergens(text: str) -> list[Allergen]:
    return [_choose(word.strip(), _ALLERGENS) for word in text.split("、")]


def _write_allergens(values: Sequence[Allergen]) -> str:
    return "、".join(word for word, value in _ALLERGENS.items() if value in values)


def _read_value(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInputError(f"'{text[:40]}' is no number") from error


_INGREDIENTS = (
    _text("名称", "name"), _text("类别", "category"), _choice("计量", "measure", _MEASURES),
    _number("单重(克)", "weighs"), _number("可食部(‰)", "edible_permille", 1000),
    _choice("储存", "keep", _KEEPS, Keep.AMBIENT), _text("库区", "zone"),
    _number("保质天数", "shelf_days"), _number("最低库存", "minimum", 0),
    _number("最高库存", "maximum"), _number("采购倍数", "pack", 1), _money("单价(元)", "price"),
    _choice("农残检测", "pesticide_test", _YES_NO, blank=False),
    _choice("检疫证明", "quarantine", _YES_NO, blank=False),
    _Column("过敏原", "allergens", _read_allergens, _write_allergens, ()),
    _text("营养来源", "nutrients_from"), _choice("启用", "active", _YES_NO, blank=True),
)  # fmt: skip
_NUTRIENTS = tuple(
    _Column(f"{nutrient.label}({nutrient.unit})", nutrient, _read_value, lambda value: value)
    for nutrient in Nutrient
)
_DISHES = (
    _text("名称", "name"), _text("分类", "category"), _choice("计价", "unit", _UNITS),
    _money("单价(元)", "price"), _money("半份价(元)", "half_price"),
    _money("小碗价(元)", "small_price"), _choice("在售", "active", _YES_NO, blank=True),
    _number("排序", "sort", 0),
)  # fmt: skip
_RECIPES = (
    _number("份数", "portions"), _number("出成(克)", "yield_grams"),
    _number("半份(‰)", "half_permille", 500), _number("小碗(‰)", "small_permille", 500),
    _text("做法", "steps"), _text("提示", "hints"),
)  # fmt: skip
_LINES = (
    _text("菜品", "dish"), _text("食材", "ingredient"), _text("半成品", "component"),
    _text("数量", "quantity"), _text("单位", "unit"),
)  # fmt: skip


def heading(name: str) -> str:
    """The heading of a field of ours, such as ``price``; the name itself where there is none."""
    columns = (*_INGREDIENTS, *_NUTRIENTS, *_DISHES, *_RECIPES, *_LINES)
    return next((column.heading for column in columns if column.name == name), name)


# --- Writing ------------------------------------------------------------------------------------


def write(
    parts: Sequence[IngredientValues], served: Sequence[DishValues], recipes: Sequence[NamedRecipe]
) -> bytes:
    """A workbook that :func:`read` takes back."""
    book = openpyxl.Workbook(write_only=True)
    _sheet(
        book, INGREDIENTS, (*_INGREDIENTS, *_NUTRIENTS),
        ({**part.model_dump(exclude={"nutrients"}), **part.nutrients} for part in parts),
    )  # fmt: skip
    _sheet(book, DISHES, _DISHES, (dish.model_dump() for dish in served))
    _sheet(book, RECIPES, (*_LINES, *_RECIPES), _recipe_rows(recipes))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _recipe_rows(recipes: Sequence[NamedRecipe]) -> Iterator[dict[str, Any]]:
    for recipe in recipes:
        whole = recipe.model_dump(exclude={"lines"})
        for line in recipe.lines:
            yield {**whole, **line.model_dump()}
            whole = {"dish": recipe.dish}


def _sheet(
    book: Any, title: str, columns: Sequence[_Column], rows: Iterator[dict[str, Any]]
) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    sheet.append([column.heading for column in columns])
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column.name)
            cell = WriteOnlyCell(sheet)
            if value is not None:
                written = column.write(value)
                if isinstance(written, str):
                    cell.value = ILLEGAL_CHARACTERS_RE.sub("", written)
                    cell.data_type = "s"  # a name such as '=1+1' is no formula
                else:
                    cell.value = written
            cells.append(cell)
        sheet.append(cells)


# --- Reading ------------------------------------------------------------------------------------


def read(data: bytes) -> Draft:
    """The rows of a workbook; sheets that it does not have are empty.

    Raises:
        ExchangeError: damaged, absurdly large when unpacked, or without any of the sheets.
    """
    draft = Draft()
    with workbooks.opened(data, ExchangeError, values=False) as book:
        known = {INGREDIENTS: _ingredients, DISHES: _dishes, RECIPES: _recipes}
        found = [title for title in book.sheetnames if title in known]
        for title in found:
            known[title](_Sheet(title, book[title], draft))
    if not found:
        raise ExchangeError(
            f"this workbook has none of the sheets {INGREDIENTS}, {DISHES} and {RECIPES}"
        )
    return draft


@dataclass
class _Sheet:
    """The filled rows of one sheet, under the headings that we know."""

    title: str
    cells: Any
    draft: Draft
    places: dict[str, int] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Row number and heading → text; rows with a fault are told and left out."""
        first, headings = next(self._filled(1, MAX_COLUMNS), (0, []))
        self.places = {text: at for at, text in enumerate(headings) if text}
        width = max(self.places.values(), default=0) + 1
        filled = self._filled(first + 1, width) if first else iter(())
        for number, texts in islice(filled, MAX_ROWS):
            yield number, {heading: texts[at] for heading, at in self.places.items()}
        if next(filled, None) is not None:
            raise ExchangeError(f"'{self.title}' has more than {MAX_ROWS} rows: split it")

    def _filled(self, first: int, width: int) -> Iterator[tuple[int, list[str]]]:
        blank = 0
        rows = self.cells.iter_rows(min_row=first, max_col=width)
        for number, cells in enumerate(rows, start=first):
            fault = next(filter(None, map(_fault, cells)), None)
            if fault is not None:
                self.fault(number, *fault)
                continue
            texts = [_plain(cell.value) for cell in cells]
            blank = 0 if any(texts) else blank + 1
            if blank >= _BLANK_ROWS_END_A_SHEET:
                return
            if any(texts):
                yield number, texts

    def fault(self, row: int, advice: str, code: str, about: str = "") -> None:
        """Tell a fault of this sheet."""
        self.draft.faults.add(self.title, row, advice, code, about)

    def values(
        self, row: int, texts: Mapping[str, str], columns: Sequence[_Column]
    ) -> dict[str, Any] | None:
        """What the cells say; a column that the sheet does not have says nothing."""
        told = {}
        for column in columns:
            text = texts.get(column.heading)
            if text is None:
                continue
            try:
                told[column.name] = column.read(text) if text else column.blank
            except BadInputError as error:
                self.fault(row, f"{column.heading}: {error}", "bad_value", column.heading)
                return None
        return told


def _fault(cell: Any) -> tuple[str, str] | None:
    if cell.value is None:
        return None
    if cell.data_type == "f":
        return "a cell holds a formula: copy the sheet and paste it as values only", "formula"
    if cell.data_type == "e":
        return f"a cell says {cell.value}: write what it should be", "error_cell"
    if isinstance(cell.value, str) and len(cell.value) > MAX_STEPS:
        return f"a cell has {len(cell.value)} characters: shorten it to {MAX_STEPS}", "too_long"
    return None


def _plain(value: object) -> str:
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return "" if value is None else str(value).strip()


def _ingredients(sheet: _Sheet) -> None:
    for number, texts in sheet.rows():
        told = sheet.values(number, texts, _INGREDIENTS)
        nutrients = sheet.values(number, texts, _NUTRIENTS)
        if told is not None and nutrients is not None:
            sheet.draft.ingredients.append(RawRow(number, {**told, "nutrients": nutrients}))


def _dishes(sheet: _Sheet) -> None:
    for number, texts in sheet.rows():
        told = sheet.values(number, texts, _DISHES)
        if told is not None:
            sheet.draft.dishes.append(RawRow(number, told))


def _recipes(sheet: _Sheet) -> None:
    """The first row of a dish says what is so of the whole recipe; every row has one line."""
    whole: dict[str, RawRow] = {}
    for number, texts in sheet.rows():
        line = sheet.values(number, texts, _LINES)
        if line is None:
            continue
        dish = line.pop("dish", "")
        if dish not in whole:
            told = sheet.values(number, texts, _RECIPES)
            if told is None:
                continue
            whole[dish] = RawRow(number, {"dish": dish, **told, "lines": []})
            sheet.draft.recipes.append(whole[dish])
        whole[dish].values["lines"].append(line)

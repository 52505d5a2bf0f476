"""Dishes from a table: looked at first, then taken over at once or not at all; known by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import parse_yuan
from kitchen.dishes import Dish, DishValues, values_of
from server import dishes
from server.actor import Actor
from server.importing import RowError
from server.tables import Row, TableError, read_table

COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("菜名", "菜品", "名称", "dish"),
    "category": ("分类", "类别"),
    "unit": ("单位", "计价方式", "计价单位"),
    "price": ("单价", "价格", "售价"),
    "half_price": ("半份价", "半份", "half"),
    "small_price": ("小碗价", "小碗", "小份价", "small"),
    "active": ("在售", "上架"),
    "sort": ("排序", "顺序", "序号"),
}
"""Our name of a column → the headings that mean it."""

HEADINGS: dict[str, str] = {name: aliases[0] for name, aliases in COLUMNS.items()}

_UNITS = {
    **dict.fromkeys(("kg", "公斤", "千克", "称重", "元/公斤"), "kg"),
    **dict.fromkeys(("piece", "份", "个", "碗", "杯", "只", "按份", "元/份"), "piece"),
}
_YES_NO = {
    **dict.fromkeys(("是", "在售", "1", "yes", "true"), True),
    **dict.fromkeys(("否", "停售", "0", "no", "false"), False),
}


@dataclass(frozen=True, slots=True)
class PlannedDish:
    """What the table asks for, for one dish; ``dish_id`` is ``None`` for a new one."""

    row: int
    dish_id: UUID | None
    values: DishValues
    changes: bool


@dataclass(frozen=True, slots=True)
class DishPreview:
    """What would happen; nothing is taken over while there is an error."""

    rows: tuple[PlannedDish, ...]
    errors: tuple[RowError, ...]
    unknown: tuple[str, ...]

    @property
    def new(self) -> int:
        """Dishes that are not known yet."""
        return sum(row.dish_id is None for row in self.rows)

    @property
    def changed(self) -> int:
        """Known dishes of which something changes."""
        return sum(row.dish_id is not None and row.changes for row in self.rows)

    @property
    def unchanged(self) -> int:
        """Known dishes that stay as they are."""
        return len(self.rows) - self.new - self.changed


def preview(session: Session, site_id: UUID, data: bytes) -> DishPreview:
    """Read a table of dishes and compare it with those known; changes nothing.

    Raises:
        TableError: not a table, or without a column of names.
    """
    table = read_table(data, COLUMNS)
    if "name" not in table.columns:
        raise TableError(f"add the column '{HEADINGS['name']}'")
    query = select(Dish).where(Dish.site_id == site_id)
    known = {dish.name: dish for dish in session.scalars(query)}
    errors: list[RowError] = []
    rows = []
    seen: dict[str, int] = {}
    for row in table.rows:
        name = row.cells["name"]
        if name in seen:
            errors.append(
                _fault(row, "name", "repeated", f"row {seen[name]} has it: leave one out")
            )
            continue
        seen[name] = row.number
        rows.append(_plan(row, known.get(name), errors))
    return DishPreview(tuple(row for row in rows if row), tuple(errors), table.unknown)


def apply(session: Session, actor: Actor, data: bytes) -> DishPreview:
    """Take the table over, in the transaction of the session; doing so again changes nothing.

    Raises:
        TableError: not a table.
        BadInputError: it has faults; :func:`preview` lists them.
    """
    plan = preview(session, actor.site_id, data)
    if plan.errors:
        first = plan.errors[0]
        raise BadInputError(
            f"the table has {len(plan.errors)} faults, "
            f"the first in row {first.row}: {first.advice}",
            code="faulty_table",
        )
    for row in plan.rows:
        if row.dish_id is None:
            dishes.create(session, actor, row.values)
        elif row.changes:
            dishes.update(session, actor, row.dish_id, row.values)
    return plan


def _plan(row: Row, dish: Dish | None, errors: list[RowError]) -> PlannedDish | None:
    known = None if dish is None else values_of(dish)
    told, faults = _read_cells(row)
    if not faults:
        try:
            values = DishValues.model_validate((known.model_dump() if known else {}) | told)
        except ValidationError as error:
            faults = [
                _fault(row, *_advice(problem["loc"], problem["type"], problem["msg"]))
                for problem in error.errors()
            ]
        else:
            return PlannedDish(
                row.number, None if dish is None else dish.id, values, values != known
            )
    errors += faults
    return None


def _read_cells(row: Row) -> tuple[dict[str, Any], list[RowError]]:
    told: dict[str, Any] = {}
    faults = []
    for column, text in row.cells.items():
        if not text:
            continue
        try:
            told[column] = _read_cell(column, text)
        except BadInputError as error:
            faults.append(_fault(row, column, error.code, str(error)))
    return told, faults


def _read_cell(column: str, text: str) -> object:
    if column in {"price", "half_price", "small_price"}:
        return parse_yuan(text)
    if column == "unit":
        return _one_of(_UNITS, text, "write 公斤 (by weight) or 份 (by portion)")
    if column == "active":
        return _one_of(_YES_NO, text, "write 是 or 否")
    return text


def _one_of(words: Mapping[str, Any], text: str, advice: str) -> object:
    if text.lower() not in words:
        raise BadInputError(advice, code="bad_word")
    return words[text.lower()]


def _advice(place: tuple[int | str, ...], kind: str, message: str) -> tuple[str, str, str]:
    column = str(place[0]) if place else "half_price"
    if kind == "missing":
        return column, "blank", f"fill in '{HEADINGS[column]}'"
    return column, "bad_value", message.removeprefix("Value error, ")


def _fault(row: Row, column: str, code: str, advice: str) -> RowError:
    return RowError(row.number, HEADINGS[column], advice, code, row.cells.get(column, ""))

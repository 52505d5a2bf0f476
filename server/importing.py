"""People from HR's table: looked at first, row by row, then taken over at once or not at all.

A blank cell, like a column that the table lacks, leaves what is known as it is. Opening balances
are booked once a diner, however often the table comes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen, parse_yuan
from dafan.records import DinerStatus, Source
from server import birthdays, cards, groups, leaving, opening, people
from server.actor import Actor
from server.tables import Row, read_table

COLUMNS: dict[str, tuple[str, ...]] = {
    "staff_no": ("工号", "人员编号", "员工号", "职工号", "学号", "staff number", "number", "id"),
    "name": ("姓名", "名字", "full name"),
    "department": ("部门", "单位", "科室", "dept"),
    "group": ("人员类别", "类别", "人员类型", "分组", "category"),
    "birthday": ("生日", "出生日期", "出生年月日", "birthday", "date of birth"),
    "card": ("卡号", "饭卡号", "card number", "card no"),
    "subsidy": ("初始补贴", "补贴余额", "opening subsidy"),
    "cash": ("初始余额", "余额", "充值余额", "opening balance", "balance"),
    "status": ("状态", "人员状态"),
}
"""Our name of a column → the headings that mean it."""

HEADINGS: dict[str, str] = {name: aliases[0] for name, aliases in COLUMNS.items()}
"""Headings of the table that we offer for download."""

_STATUS: dict[str, DinerStatus] = {
    **dict.fromkeys(("在职", "正常", "启用", "active"), DinerStatus.ACTIVE),
    **dict.fromkeys(("冻结", "停用", "frozen"), DinerStatus.FROZEN),
    **dict.fromkeys(("离职", "离开", "注销", "left"), DinerStatus.LEFT),
}


@dataclass(frozen=True, slots=True)
class RowError:
    """Something that a person has to put right in the table.

    Attributes:
        row: As Excel counts.
        column: The heading; empty: the whole row.
        advice: What to do.
        code: For translated screens.
        value: What the cell says.
    """

    row: int
    column: str
    advice: str
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """What the table asks for, for one diner.

    Attributes:
        row: As Excel counts.
        diner_id: ``None``: a new diner.
        values: Number, name, department, group.
        status: ``None``: as it is.
        card: Another card for him; ``None``: as it is.
        birthday: ``MM-DD``; ``None``: as it is.
        opening: Source → fen to book; empty where that was done before.
        changes: Our names of the columns that change something; all of them for a new diner.
    """

    row: int
    diner_id: UUID | None
    values: people.DinerValues
    status: DinerStatus | None
    card: str | None
    birthday: str | None
    opening: Mapping[Source, Fen]
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen.

    Attributes:
        rows: Rows without a fault.
        errors: Faults, in order of rows; nothing is taken over while there is one.
        unknown: Headings that mean nothing to us.
    """

    rows: tuple[PlannedPerson, ...]
    errors: tuple[RowError, ...]
    unknown: tuple[str, ...]

    @property
    def new(self) -> int:
        """Diners who are not known yet."""
        return sum(row.diner_id is None for row in self.rows)

    @property
    def changed(self) -> int:
        """Known diners of whom something changes."""
        return sum(row.diner_id is not None and bool(row.changes) for row in self.rows)

    @property
    def unchanged(self) -> int:
        """Known diners who stay as they are."""
        return len(self.rows) - self.new - self.changed


def preview(session: Session, site_id: UUID, data: bytes) -> Preview:
    """Read a table of people and compare it with who is known; changes nothing.

    Raises:
        TableError: not a table, or without the columns of number and name.
    """
    table = read_table(data, COLUMNS)
    check = _Check(_Known.load(session, site_id))
    missing = [HEADINGS[name] for name in ("staff_no", "name") if name not in table.columns]
    for heading in missing:
        check.fault(Row(1, {}), "", "column_missing", f"add the column '{heading}'")
    rows = [] if missing else [check.person(row) for row in table.rows]
    return Preview(
        tuple(row for row in rows if row is not None), tuple(check.errors), table.unknown
    )


def apply(session: Session, actor: Actor, data: bytes) -> Preview:
    """Take the table over, in the transaction of the session; doing so again changes nothing.

    Raises:
        TableError: not a table.
        BadInputError: it has faults; :func:`preview` lists them.
    """
    plan = preview(session, actor.site_id, data)
    if plan.errors:
        raise BadInputError(
            f"the table has {len(plan.errors)} faults, the first in row {plan.errors[0].row}: "
            f"{plan.errors[0].advice}",
            code="faulty_table",
        )
    _take_over(session, actor, [row for row in plan.rows if row.changes])
    actor.record(
        session, "people.import", "people", None,
        {"new": plan.new, "changed": plan.changed, "unchanged": plan.unchanged},
    )  # fmt: skip
    return plan


def _take_over(session: Session, actor: Actor, rows: Sequence[PlannedPerson]) -> None:
    """Each kind of change for all rows together; a diner is published once, when he is whole."""
    new = [row for row in rows if row.diner_id is None]
    made = people.create_diners(session, actor, [row.values for row in new])
    ids = {row.row: row.diner_id for row in rows if row.diner_id} | {
        row.row: diner.id for row, diner in zip(new, made, strict=True)
    }
    opening.book(
        session, actor,
        [(ids[row.row], *money) for row in rows for money in row.opening.items()],
    )  # fmt: skip
    for row in rows:
        if row.diner_id and {"staff_no", "name", "department", "group"} & set(row.changes):
            people.update_diner(session, actor, row.diner_id, row.values, publish=False)
    cards.assign_all(
        session, actor, [(ids[row.row], row.card) for row in rows if row.card is not None]
    )
    for row in rows:
        if row.birthday is not None:
            birthdays.set_day(session, actor, ids[row.row], row.birthday)
    people.publish_diners(session, actor.site_id, ids.values())
    for row in rows:
        if row.status is DinerStatus.LEFT:
            leaving.leave(session, actor, ids[row.row])
        elif row.status is not None:
            people.set_status(session, actor, ids[row.row], row.status)


@dataclass(frozen=True)
class _Known:
    """What the site knows, read once for the whole table."""

    diners: Mapping[str, people.Diner]
    groups: Mapping[str, UUID]
    cards: Mapping[str, UUID]
    opened: frozenset[tuple[UUID, Source]]
    birthdays: Mapping[UUID, str]

    @classmethod
    def load(cls, session: Session, site_id: UUID) -> "_Known":
        diners = session.scalars(select(people.Diner).where(people.Diner.site_id == site_id))
        held = session.scalars(select(cards.Card).where(cards.Card.site_id == site_id))
        return cls(
            {diner.staff_no: diner for diner in diners},
            {group.name: group.id for group in groups.all_of(session, site_id)},
            {card.number: card.diner_id for card in held},
            opening.booked(session, site_id),
            birthdays.days_of(session, site_id),
        )


@dataclass
class _Check:
    """Judges the rows of one table; remembers numbers and cards that it has seen."""

    known: _Known
    errors: list[RowError] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)

    def fault(self, row: Row, column: str, code: str, advice: str) -> None:
        heading = HEADINGS.get(column, "")
        self.errors.append(RowError(row.number, heading, advice, code, row.cells.get(column, "")))

    def person(self, row: Row) -> PlannedPerson | None:
        """The row's plan; ``None`` where it has faults."""
        before = len(self.errors)
        diner = self.known.diners.get(row.cells["staff_no"])
        values = self._values(row, diner)
        card = self._card(row, diner)
        birthday = self._birthday(row, diner)
        status = self._status(row, diner)
        money = self._opening(row, diner)
        if values is None or len(self.errors) > before:
            return None
        changes = _changes(diner, values, status, card, birthday, money)
        diner_id = None if diner is None else diner.id
        return PlannedPerson(
            row.number, diner_id, values, status, card, birthday, money, changes
        )  # fmt: skip

    def _values(self, row: Row, diner: people.Diner | None) -> people.DinerValues | None:
        number = row.cells["staff_no"]
        if number in self.numbers:
            first = self.numbers[number]
            self.fault(row, "staff_no", "repeated", f"row {first} has this number: leave one out")
        self.numbers.setdefault(number, row.number)
        known = {} if diner is None else people.diner_values(diner).model_dump()
        told = {name: text for name in ("staff_no", "name", "department")
                if (text := row.cells.get(name, ""))}  # fmt: skip
        group_id = self._group(row, diner)
        given: dict[str, Any] = known | told | ({"group_id": group_id} if group_id else {})
        if group_id is None and diner is None:
            given["group_id"] = UUID(int=0)
        try:
            return people.DinerValues.model_validate(given)
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0])
                code, advice = _ADVICE.get((name, problem["type"]), ("bad_value", problem["msg"]))
                self.fault(row, name, code, advice)
            return None

    def _group(self, row: Row, diner: people.Diner | None) -> UUID | None:
        name = row.cells.get("group", "")
        if name in self.known.groups:
            return self.known.groups[name]
        if name or diner is None:
            names = "、".join(self.known.groups)
            self.fault(
                row, "group", "unknown_group", f"write one of {names}, or add the group first"
            )
        return None

    def _card(self, row: Row, diner: people.Diner | None) -> str | None:
        text = row.cells.get("card", "")
        if not text:
            return None
        if "E+" in text.upper() or "." in text:
            self.fault(row, "card", "shortened", "Excel shortened it: format the column as text")
            return None
        number = self._read(row, "card", "bad_card", cards.read_number)
        if number is None:
            return None
        owner = self.known.cards.get(number)
        if number in self.cards:
            first = self.cards[number]
            self.fault(row, "card", "repeated", f"row {first} has this card: leave one out")
        elif owner is not None and (diner is None or owner != diner.id):
            self.fault(row, "card", "card_taken", "another diner has this card: take it back first")
        self.cards.setdefault(number, row.number)
        return None if owner is not None else number

    def _birthday(self, row: Row, diner: people.Diner | None) -> str | None:
        if not row.cells.get("birthday", ""):
            return None
        day: str | None = self._read(row, "birthday", "bad_birthday", birthdays.read_day)
        known = None if diner is None else self.known.birthdays.get(diner.id)
        return None if day == known else day

    def _status(self, row: Row, diner: people.Diner | None) -> DinerStatus | None:
        text = row.cells.get("status", "").lower()
        if not text:
            return None
        status = _STATUS.get(text)
        if status is None:
            self.fault(row, "status", "bad_status", "write 在职, 冻结 or 离职")
        now = DinerStatus.ACTIVE if diner is None else DinerStatus(diner.status)
        return None if status is now else status

    def _opening(self, row: Row, diner: people.Diner | None) -> dict[Source, Fen]:
        amounts = {}
        for source in (Source.SUBSIDY, Source.CASH):
            if not row.cells.get(source.value, ""):
                continue
            amount = self._read(row, source.value, "bad_amount", _read_amount)
            done = diner is not None and (diner.id, source) in self.known.opened
            if amount and not done:
                amounts[source] = amount
        return amounts

    def _read(self, row: Row, column: str, code: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(row.cells[column])
        except BadInputError as error:
            self.fault(row, column, code, str(error))
            return None


_ADVICE: dict[tuple[str, str], tuple[str, str]] = {
    ("staff_no", "missing"): ("blank", "write the number"),
    ("staff_no", "string_pattern_mismatch"): ("bad_number", "use letters, digits and . _ - only"),
    ("staff_no", "string_too_long"): ("too_long", "use at most 40 letters and digits"),
    ("name", "missing"): ("blank", "write the name"),
    ("name", "string_too_long"): ("too_long", "use at most 80 characters"),
    ("department", "string_too_long"): ("too_long", "use at most 80 characters"),
}


def _read_amount(text: str) -> Fen:
    amount = parse_yuan(text)
    if not 0 <= amount <= MAX_FEN:
        raise BadInputError("an opening balance is not negative, and at most 10,000,000.00")
    return amount


def _changes(
    diner: people.Diner | None,
    values: people.DinerValues,
    status: DinerStatus | None,
    card: str | None,
    birthday: str | None,
    money: Mapping[Source, Fen],
) -> tuple[str, ...]:
    if diner is None:
        return tuple(COLUMNS)
    known = people.diner_values(diner)
    changes = [
        column
        for column, name in (("name", "name"), ("department", "department"), ("group", "group_id"))
        if getattr(known, name) != getattr(values, name)
    ]
    changes += ["status"] if status is not None else []
    changes += ["card"] if card is not None else []
    changes += ["birthday"] if birthday is not None else []
    return (*changes, *(source.value for source in money))

"""Ledgers of hygiene (台账): disinfection, frying oil, pests; a correction is a new row."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator
from sqlalchemy import JSON, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, supervision
from kitchen.rows import KeyedRow, Values

POLAR_LIMIT = 270
"""Permille of polar compounds at which frying oil is thrown away: 27 % (confirm the clause)."""
MAX_PAGE = 500


class CorrectedError(BadInputError):
    """The row was corrected already: the newer one is corrected."""

    code = "corrected"


class Method(StrEnum):
    """How tableware is disinfected."""

    STEAM = "steam"
    """Steam or boiling water."""
    INFRARED = "infrared"
    DISHWASHER = "dishwasher"
    CHLORINE = "chlorine"


class Fault(StrEnum):
    """Why a disinfection does not count: it is done again."""

    TOO_COOL = "too_cool"
    TOO_SHORT = "too_short"
    TOO_WEAK = "too_weak"
    NOT_RINSED = "not_rinsed"


HEAT_LIMITS: dict[Method, tuple[int, int]] = {
    Method.STEAM: (100, 600),
    Method.INFRARED: (120, 600),
    Method.DISHWASHER: (85, 40),
}
"""Least degrees Celsius and seconds, as the usual instructions to GB 14934-2016 have them."""
CHLORINE_LIMITS = (250, 300)
"""Least mg/L of available chlorine, and seconds."""


class OilAct(StrEnum):
    """What was done with frying oil."""

    FILTERED = "filtered"
    TESTED = "tested"
    CHANGED = "changed"


class LedgerRow(KeyedRow):
    """A row of a ledger; it is never changed, a newer one may stand in its place."""

    __abstract__ = True

    business_date: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    corrects: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class Disinfection(LedgerRow):
    """A load of tableware was disinfected (餐具消毒)."""

    __tablename__ = "disinfection"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        UniqueConstraint("site_id", "corrects"),
        Index("ix_disinfection_day", "site_id", "business_date"),
    )

    items: Mapped[str] = mapped_column(String(80))
    count: Mapped[int]
    method: Mapped[str] = mapped_column(String(12))
    celsius: Mapped[int | None]
    chlorine: Mapped[int | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    rinsed: Mapped[bool]
    faults: Mapped[list[str]] = mapped_column(JSON)


class OilEntry(LedgerRow):
    """Frying oil was filtered, tested or changed (煎炸油)."""

    __tablename__ = "frying_oil"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        UniqueConstraint("site_id", "corrects"),
        Index("ix_frying_oil_day", "site_id", "business_date"),
    )

    fryer: Mapped[str] = mapped_column(String(80))
    act: Mapped[str] = mapped_column(String(12))
    polar: Mapped[int | None]
    discarded: Mapped[int]
    collector: Mapped[str] = mapped_column(String(80))
    change_due: Mapped[bool]


class PestEntry(LedgerRow):
    """Pests were looked for or fought (有害生物防制)."""

    __tablename__ = "pest_control"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        UniqueConstraint("site_id", "corrects"),
        Index("ix_pest_control_day", "site_id", "business_date"),
    )

    places: Mapped[str] = mapped_column(String(200))
    method: Mapped[str] = mapped_column(String(80))
    agent: Mapped[str] = mapped_column(String(80))
    company: Mapped[str] = mapped_column(String(80))
    traces: Mapped[int]
    note: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(120))


class DisinfectionValues(Values):
    """What was disinfected and how."""

    items: Annotated[str, Field(min_length=1, max_length=80)]
    """餐盘, 碗, 筷子 …"""
    count: Annotated[int, Field(gt=0, le=100_000)]
    method: Method
    celsius: Annotated[int, Field(ge=0, le=300)] | None = None
    """Whole degrees, for heat."""
    chlorine: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """mg/L, for chlorine."""
    started_at: AwareDatetime
    ended_at: AwareDatetime
    rinsed: bool = False
    """With drinking water, behind chlorine."""

    @model_validator(mode="after")
    def _measures_fit(self) -> Self:
        if self.method is Method.CHLORINE and self.chlorine is None:
            raise ValueError("give the concentration in mg/L")
        if self.method is not Method.CHLORINE and self.celsius is None:
            raise ValueError("give the temperature in degrees")
        if self.ended_at <= self.started_at:
            raise ValueError("it ends before it begins")
        if (self.ended_at - self.started_at).days:
            raise ValueError("it lasts longer than a day")
        return self


class OilValues(Values):
    """What was done with the oil of a fryer."""

    fryer: Annotated[str, Field(min_length=1, max_length=80)]
    act: OilAct
    polar: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Permille of polar compounds."""
    discarded: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Grams of old oil."""
    collector: Annotated[str, Field(max_length=80)] = ""
    """The licensed company that takes it."""

    @model_validator(mode="after")
    def _act_has_its_figures(self) -> Self:
        if self.act is OilAct.TESTED and self.polar is None:
            raise ValueError("give what the test showed")
        if self.act is OilAct.CHANGED and not (self.discarded and self.collector):
            raise ValueError("give the grams of old oil and who collects it")
        return self


class PestValues(Values):
    """What was looked for or fought, and what was seen."""

    places: Annotated[str, Field(min_length=1, max_length=200)]
    method: Annotated[str, Field(min_length=1, max_length=80)]
    """粘鼠板, 灭蝇灯, 挡鼠板检查 …"""
    agent: Annotated[str, Field(max_length=80)] = ""
    company: Annotated[str, Field(max_length=80)] = ""
    """Who was called in; empty: our own people."""
    traces: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Droppings, gnawing, animals caught."""
    note: Annotated[str, Field(max_length=200)] = ""
    photo: Annotated[str, Field(max_length=120)] = ""


L = TypeVar("L", bound=LedgerRow)


def check_disinfection(values: DisinfectionValues) -> tuple[Fault, ...]:
    """Why a disinfection does not count; nothing is an empty tuple.

    Steam or boiling 100 °C for 10 min; infrared 120 °C for 10 min; dishwasher 85 °C for 40 s;
    chlorine 250 mg/L for 5 min, then rinsed. Water boils below 100 °C on high ground: such a site
    uses another method.
    """
    seconds = (values.ended_at - values.started_at).total_seconds()
    faults = []
    if values.method is Method.CHLORINE:
        strength, least = CHLORINE_LIMITS
        if (values.chlorine or 0) < strength:
            faults.append(Fault.TOO_WEAK)
    else:
        heat, least = HEAT_LIMITS[values.method]
        if (values.celsius or 0) < heat:
            faults.append(Fault.TOO_COOL)
    if seconds < least:
        faults.append(Fault.TOO_SHORT)
    if values.method is Method.CHLORINE and not values.rinsed:
        faults.append(Fault.NOT_RINSED)
    return tuple(faults)


def must_change_oil(polar: int | None) -> bool:
    """Whether frying oil is over its limit; in permille of polar compounds."""
    return polar is not None and polar > POLAR_LIMIT


def disinfected(
    session: Session, actor: Acting, key: str, day: date, values: DisinfectionValues,
    *, corrects: UUID | None = None, reason: str = "",
) -> Disinfection:  # fmt: skip
    """Write a disinfection, good or not: what is not good is done again.

    Raises:
        BadInputError: it ends later than now, or a correction has no reason.
        KeyReusedError: something different was sent under this key.
        CorrectedError: the row was corrected already.
        UnknownRowError: no such row to correct.
    """
    if values.ended_at > actor.at:
        raise BadInputError("it ends later than now: write it when it is over", code="too_soon")
    faults = [fault.value for fault in check_disinfection(values)]
    row = Disinfection(
        **_base(actor, key, day, corrects, reason), **values.model_dump(), faults=faults
    )
    row = write(session, actor, row, "disinfection", ("items", "count", "method"))
    if not row.faults:
        supervision.fulfil(session, actor, "disinfection.meal", str(row.id), day=day)
    return row


def oil(
    session: Session, actor: Acting, key: str, day: date, values: OilValues,
    *, corrects: UUID | None = None, reason: str = "",
) -> OilEntry:  # fmt: skip
    """Write what was done with frying oil; a bad test says that it is to be changed.

    Raises:
        BadInputError: as :func:`disinfected`.
    """
    row = OilEntry(
        **_base(actor, key, day, corrects, reason), **values.model_dump(),
        change_due=values.act is not OilAct.CHANGED and must_change_oil(values.polar),
    )  # fmt: skip
    row = write(session, actor, row, "oil", ("fryer", "act", "polar", "discarded"))
    supervision.fulfil(session, actor, "oil.day", str(row.id), day=day)
    return row


def pests(
    session: Session, actor: Acting, key: str, day: date, values: PestValues,
    *, corrects: UUID | None = None, reason: str = "",
) -> PestEntry:  # fmt: skip
    """Write what was done against pests.

    Raises:
        BadInputError: as :func:`disinfected`.
    """
    row = PestEntry(**_base(actor, key, day, corrects, reason), **values.model_dump())
    row = write(session, actor, row, "pest", ("places", "method", "traces"))
    supervision.fulfil(session, actor, "pest.day", str(row.id), day=day)
    return row


def current(
    session: Session,
    site_id: UUID,
    table: type[L],
    first: date,
    last: date,
    *,
    after: UUID | None = None,
    limit: int = 100,
    newest_first: bool = False,
) -> Sequence[L]:
    """The rows of a ledger that were not corrected, by the moment they were written.

    Args:
        session: Reads.
        site_id: Of the ledger.
        table: Which ledger.
        first: The first business date.
        last: The last one.
        after: The row behind which the page begins.
        limit: Rows of a page.
        newest_first: In the other order.
    """
    newer = select(table.corrects).where(table.site_id == site_id, table.corrects.is_not(None))
    query = select(table).where(
        table.site_id == site_id, table.business_date.between(first, last), table.id.not_in(newer)
    )
    if after is not None:
        query = query.where(table.id < after if newest_first else table.id > after)
    query = query.order_by(table.id.desc() if newest_first else table.id)
    return session.scalars(query.limit(max(1, min(limit, MAX_PAGE)))).all()


def oil_to_change(session: Session, site_id: UUID) -> list[str]:
    """Fryers whose last entry says that the oil is to be changed."""
    newer = select(OilEntry.corrects).where(
        OilEntry.site_id == site_id, OilEntry.corrects.is_not(None)
    )
    query = select(OilEntry).where(
        OilEntry.site_id == site_id,
        OilEntry.act != OilAct.FILTERED.value,
        OilEntry.id.not_in(newer),
    )
    last: dict[str, OilEntry] = {}
    for row in session.scalars(
        query.order_by(OilEntry.at.desc(), OilEntry.id.desc()).limit(MAX_PAGE)
    ):
        last.setdefault(row.fryer, row)
    return sorted(fryer for fryer, row in last.items() if row.change_due)


def write(session: Session, actor: Acting, row: L, subject: str, same: Sequence[str]) -> L:
    """Append a row to a ledger, once by its key; it may stand in the place of an older one.

    Raises:
        KeyReusedError: something different was sent under this key.
        CorrectedError: the older row was corrected already.
        UnknownRowError: no such row to correct.
    """
    found = rows.earlier(session, row, (*same, "corrects"))
    if found is not None:
        return found
    if row.corrects is not None:
        old = rows.get(session, type(row), actor.site_id, row.corrects, "entry", lock=True)
        table = type(row)
        newer = select(table.id).where(table.site_id == actor.site_id, table.corrects == old.id)
        if session.scalar(newer) is not None:
            raise CorrectedError("this entry was corrected already: correct the newer one")
    row, fresh = rows.insert_once(session, row, (*same, "corrects"))
    if fresh:
        verb = "correct" if row.corrects else "enter"
        told = {name: getattr(row, name) for name in same}
        after = {k: str(v) if isinstance(v, UUID) else v for k, v in told.items()}
        if row.reason:
            after["reason"] = row.reason
        before = str(row.corrects) if row.corrects else None
        actor.record(session, f"{subject}.{verb}", str(row.id), before, after)
    return row


def _base(actor: Acting, key: str, day: date, corrects: UUID | None, reason: str) -> dict[str, Any]:
    if corrects is not None:
        reason = rows.say(reason, "why the entry is corrected")
    return {
        "id": new_id(), "site_id": actor.site_id, "key": key, "business_date": day,
        "at": actor.at, "by": actor.name, "corrects": corrects, "reason": reason,
    }  # fmt: skip

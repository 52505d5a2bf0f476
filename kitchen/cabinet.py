"""Refrigerators and freezers (冷藏柜, 冷冻柜): their temperature series and what is wrong with it.

A temperature is whole tenths of a degree Celsius. It comes by hand, from a serial line or over
MQTT (``dafan devices probes`` carries them here).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.clock import require_utc
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.units import COLDEST, HOTTEST
from kitchen import limits, rows
from kitchen.rows import SiteRow, Values

AHEAD = timedelta(minutes=5)
"""So far may the clock of a probe run ahead of ours."""
BEHIND = timedelta(days=7)
"""So long may readings wait for a network; older ones are of a clock that is wrong."""


class CabinetKind(StrEnum):
    """冷藏 0–8 °C, 冷冻 below −12 °C: 餐饮服务食品安全操作规范 (2018), definitions."""

    CHILLED = "chilled"
    FROZEN = "frozen"


class Source(StrEnum):
    """Where a reading comes from."""

    HAND = "hand"
    SERIAL = "serial"
    MQTT = "mqtt"
    API = "api"
    """A program sent it."""


@dataclass(frozen=True, slots=True)
class CabinetRules:
    """What a cabinet may show, both limits allowed; tenths of a degree and minutes.

    The limits are those of :class:`CabinetKind`; the minutes are usual settings, no law: a door
    that stands open for less than ``minutes`` is forgiven.
    """

    lowest: int | None
    highest: int
    minutes: int = 20
    silent_minutes: int = 30
    """A probe that says nothing for longer is an alarm itself."""
    by_hand_minutes: int = 14 * 60
    """Read in the morning and in the evening: longer is silence."""
    jump: int = 100
    """A step larger than this counts only when the next reading confirms it."""


@dataclass(frozen=True, slots=True)
class ChilledRules(CabinetRules):
    """Those of a refrigerator."""

    lowest: int | None = 0
    highest: int = 80


@dataclass(frozen=True, slots=True)
class FrozenRules(CabinetRules):
    """Those of a freezer."""

    lowest: int | None = None
    highest: int = -121


class Trouble(StrEnum):
    """What is wrong with a cabinet."""

    WARM = "warm"
    COLD = "cold"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading of a cabinet."""

    at: datetime
    tenths: int


@dataclass(frozen=True, slots=True)
class CabinetAlarm:
    """A time during which something was wrong; ``until`` is open while it lasts."""

    trouble: Trouble
    since: datetime
    until: datetime | None
    worst: int | None
    """The furthest reading in tenths; none for silence."""


def judge(
    readings: Sequence[Measured], rules: CabinetRules, now: datetime
) -> tuple[CabinetAlarm, ...]:
    """What was wrong with a cabinet, in order of time.

    A reading counts until the next one. Silence is looked for between readings and up to now; a
    cabinet that was never read has no series to judge.

    Args:
        readings: In order of time.
        rules: Its limits.
        now: The moment of judging.
    """
    found = [*_silences(readings, rules, now), *_excursions(_believed(readings, rules), rules, now)]
    return tuple(sorted(found, key=lambda alarm: (alarm.since, alarm.trouble)))


def _believed(readings: Sequence[Measured], rules: CabinetRules) -> list[Measured]:
    """Without single readings that jump away; two in a row near each other are true."""
    kept: list[Measured] = []
    doubted: Measured | None = None
    for reading in readings:
        jumps = bool(kept) and abs(reading.tenths - kept[-1].tenths) > rules.jump
        if not jumps:
            kept.append(reading)
            doubted = None
        elif doubted is not None and abs(reading.tenths - doubted.tenths) <= rules.jump:
            kept += [doubted, reading]
            doubted = None
        else:
            doubted = reading
    return kept


def _excursions(
    readings: Sequence[Measured], rules: CabinetRules, now: datetime
) -> Iterator[CabinetAlarm]:
    def trouble_of(reading: Measured) -> Trouble | None:
        if reading.tenths > rules.highest:
            return Trouble.WARM
        cold = rules.lowest is not None and reading.tenths < rules.lowest
        return Trouble.COLD if cold else None

    runs = [(trouble, list(run)) for trouble, run in groupby(readings, trouble_of)]
    ends: list[datetime | None] = [run[0].at for _, run in runs[1:]]
    for (trouble, run), until in zip(runs, [*ends, None], strict=False):
        if trouble and (until or now) - run[0].at > timedelta(minutes=rules.minutes):
            worst = max if trouble is Trouble.WARM else min
            yield CabinetAlarm(trouble, run[0].at, until, worst(one.tenths for one in run))


def _silences(
    readings: Sequence[Measured], rules: CabinetRules, now: datetime
) -> list[CabinetAlarm]:
    longest = timedelta(minutes=rules.silent_minutes)
    found = [
        CabinetAlarm(Trouble.SILENT, before.at, after.at, None)
        for before, after in pairwise(readings)
        if after.at - before.at > longest
    ]
    if readings and now - readings[-1].at > longest:
        found.append(CabinetAlarm(Trouble.SILENT, readings[-1].at, None, None))
    return found


class Cabinet(SiteRow):
    """A refrigerator or freezer of a site."""

    __tablename__ = "cabinet"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    venue_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8))
    probe: Mapped[str] = mapped_column(String(40))
    slots: Mapped[int]
    active: Mapped[bool]


class CabinetReading(Base):
    """One temperature; the table grows, so its key begins with site and day."""

    __tablename__ = "cabinet_reading"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    cabinet_id: Mapped[UUID] = mapped_column(ForeignKey("cabinet.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    tenths: Mapped[int]
    source: Mapped[str] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(80))


class CabinetValues(Values):
    """What a person decides about a cabinet."""

    venue_id: UUID
    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: CabinetKind = CabinetKind.CHILLED
    probe: Annotated[str, Field(max_length=40)] = ""
    """Name of its sensor on the line; empty where it is read by hand."""
    slots: Annotated[int, Field(ge=0, le=500)] = 0
    """Places for samples, numbered from 1; none where no samples are kept."""
    active: bool = True


def create(session: Session, actor: Acting, values: CabinetValues) -> Cabinet:
    """Add a cabinet.

    Raises:
        BadInputError: the site has one of this name, or the probe hangs in another one.
    """
    check_probe(session, actor.site_id, values)
    told = {**values.model_dump(), "kind": values.kind.value}
    row = Cabinet(id=new_id(), site_id=actor.site_id, **told)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise BadInputError(f"there is a cabinet named {values.name} already") from error
    actor.record(session, "cabinet.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def in_use(session: Session, site_id: UUID) -> Sequence[Cabinet]:
    """The cabinets of a site that are not retired, by name."""
    query = select(Cabinet).where(Cabinet.site_id == site_id, Cabinet.active.is_(True))
    return session.scalars(query.order_by(Cabinet.name)).all()


def rules_of(session: Session, row: Cabinet) -> CabinetRules:
    """The site's rules for a cabinet; one read by hand is silent later, and believed at once."""
    chilled = row.kind == CabinetKind.CHILLED.value
    kind: type[CabinetRules] = ChilledRules if chilled else FrozenRules
    rules = limits.of(session, row.site_id, kind)
    if row.probe:
        return rules
    return replace(rules, silent_minutes=rules.by_hand_minutes, jump=HOTTEST - COLDEST)


def of_probe(session: Session, site_id: UUID, probe: str) -> Cabinet | None:
    """The cabinet in which a probe hangs."""
    return session.scalar(
        select(Cabinet).where(
            Cabinet.site_id == site_id, Cabinet.probe == probe, Cabinet.active.is_(True)
        )
    )


def check_probe(
    session: Session, site_id: UUID, values: CabinetValues, own: UUID | None = None
) -> None:
    """Refuse that one probe hangs in two cabinets that are in use.

    Raises:
        BadInputError: naming the other cabinet.
    """
    other = of_probe(session, site_id, values.probe) if values.probe and values.active else None
    if other is not None and other.id != own:
        raise BadInputError(f"the probe {values.probe} hangs in {other.name} already")


def take_reading(
    session: Session,
    actor: Acting,
    cabinet_id: UUID,
    tenths: int,
    *,
    day: date,
    source: Source = Source.HAND,
    at: datetime | None = None,
) -> CabinetReading:
    """Keep a temperature. The same cabinet and moment again is the same reading.

    Args:
        session: Writing.
        actor: Who read it, or which program.
        cabinet_id: Of the site.
        tenths: Of a degree Celsius.
        day: Business date.
        source: Only what a person wrote stands in the journal of changes.
        at: When it was measured; now, where that is left out.

    Raises:
        kitchen.rows.UnknownRowError: not a cabinet of this site.
        BadInputError: no temperature of a kitchen, a moment that has not come, or another
            temperature of this moment is kept.
    """
    rows.get(session, Cabinet, actor.site_id, cabinet_id, "cabinet")
    if not COLDEST <= tenths <= HOTTEST:
        raise BadInputError(f"{tenths / 10:.1f} °C cannot be in a kitchen: read again")
    moment = require_utc(at or actor.at)
    if moment > actor.at + AHEAD:
        raise BadInputError("this reading is from a moment that has not come: set the clock")
    row = CabinetReading(
        site_id=actor.site_id, business_date=day, cabinet_id=cabinet_id, at=moment,
        tenths=tenths, source=source.value, by=actor.name,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        place = (actor.site_id, day, cabinet_id, moment)
        known = session.get_one(CabinetReading, place, populate_existing=True)
        if known.tenths != tenths:
            raise BadInputError(
                f"{known.tenths / 10:.1f} °C is kept for this moment: read again"
            ) from error
        return known
    if source is Source.HAND:
        actor.record(session, "cabinet.read", str(cabinet_id), None, {"tenths": tenths})
    return row


def series(
    session: Session, site_id: UUID, cabinet_id: UUID, first: date, last: date
) -> list[Measured]:
    """The temperatures of a cabinet in order of time, both days included."""
    query = select(CabinetReading.at, CabinetReading.tenths).where(
        CabinetReading.site_id == site_id,
        CabinetReading.business_date.between(first, last),
        CabinetReading.cabinet_id == cabinet_id,
    )
    return [Measured(at, tenths) for at, tenths in session.execute(query.order_by("at"))]


def describe(alarm: CabinetAlarm) -> str:
    """An alarm in a few words for the record, such as ``warm, worst 11.5 °C``."""
    worst = "" if alarm.worst is None else f", worst {alarm.worst / 10:.1f} °C"
    return f"{alarm.trouble.value}{worst}"

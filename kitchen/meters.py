"""Water, power and gas (用水用电): readings, what a day used, and the norm of a cover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median_low
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, supervision
from kitchen.rows import KeyedRow, SiteRow, Values

MOST = 10**12
JUMP = 3
"""So many times of what a day usually uses is asked about once more."""
USUAL_DAYS = 30


class BackwardsError(BadInputError):
    """A meter never runs backwards."""

    code = "meter_backwards"


class AskAgainError(BadInputError):
    """Much more than usual: look again, then say that it is so."""

    code = "confirm_reading"


class Kind(StrEnum):
    """What flows through a meter; its reading counts thousandths."""

    WATER = "water"
    """Litres, thousandths of a m³."""
    POWER = "power"
    """Wh, thousandths of a kWh."""
    GAS = "gas"
    """Litres, thousandths of a m³."""


class Meter(SiteRow):
    """A meter."""

    __tablename__ = "meter"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(8))
    place: Mapped[str] = mapped_column(String(80))
    norm: Mapped[int | None]
    active: Mapped[bool]


class MeterReading(KeyedRow):
    """What a meter showed; ``restart`` is where its successor began."""

    __tablename__ = "meter_reading"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_meter_reading_day", "site_id", "meter_id", "business_date"),
    )

    meter_id: Mapped[UUID] = mapped_column(ForeignKey("meter.id"))
    business_date: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    value: Mapped[int]
    restart: Mapped[int | None]
    sure: Mapped[bool]
    photo: Mapped[str] = mapped_column(String(120))
    withdrawn_at: Mapped[datetime | None]


class MeterValues(Values):
    """What is decided about a meter."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Kind
    place: Annotated[str, Field(max_length=80)] = ""
    norm: Annotated[int, Field(gt=0, le=MOST)] | None = None
    """Litres or Wh a cover (定额); none: no norm."""
    active: bool = True


class ReadingValues(Values):
    """What a person read."""

    meter_id: UUID
    value: Annotated[int, Field(ge=0, le=MOST)]
    """Litres or Wh."""
    restart: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """The meter was replaced: ``value`` is the last of the old one, this the first of the new."""
    sure: bool = False
    """He looked again: it is so."""
    photo: Annotated[str, Field(max_length=120)] = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A reading as the rules see it."""

    day: date
    value: int
    restart: int | None = None

    @property
    def onward(self) -> int:
        """What the next reading is counted from."""
        return self.value if self.restart is None else self.restart


@dataclass(frozen=True, slots=True)
class Compared:
    """What a day used against its norm."""

    used: int
    covers: int
    per_cover: int | None
    """Rounded down; none on a day without covers."""
    norm: int | None
    over: bool
    """More than norm × covers."""


@dataclass(frozen=True, slots=True)
class MeterDay:
    """A meter on a day."""

    meter_id: UUID
    name: str
    kind: Kind
    day: date
    compared: Compared


def use_per_day(points: Sequence[Point]) -> dict[date, int]:
    """What each day used, from readings in their order.

    What flowed between two readings belongs to the days behind the first one up to the second,
    in equal parts; nothing is lost by rounding. Two readings of one day add up in it.
    """
    used: dict[date, int] = {}
    for before, after in pairwise(points):
        amount = after.value - before.onward
        days = max(1, (after.day - before.day).days)
        for number in range(days):
            day = after.day - timedelta(days=days - 1 - number)
            part = amount * (number + 1) // days - amount * number // days
            used[day] = used.get(day, 0) + part
    return used


def usual(points: Sequence[Point]) -> int | None:
    """What a day usually uses; none before a week of readings."""
    used = use_per_day(points)
    return median_low(used.values()) if len(used) >= 7 else None


def is_jump(last: Point, value: int, day: date, usual_per_day: int | None) -> bool:
    """Whether a reading is so far above the last one that it must be looked at again."""
    if not usual_per_day:
        return False
    days = max(1, (day - last.day).days)
    return value - last.onward > JUMP * usual_per_day * days


def compare(used: int, covers: int, norm: int | None) -> Compared:
    """Hold what a day used against the norm of a cover.

    Args:
        used: Litres or Wh.
        covers: Meals served; on a day without any, whatever is used is not over the norm.
        norm: Litres or Wh a cover.
    """
    per_cover = used // covers if covers else None
    over = norm is not None and covers > 0 and used > norm * covers
    return Compared(used, covers, per_cover, norm, over)


def create(session: Session, actor: Acting, values: MeterValues) -> Meter:
    """Add a meter.

    Raises:
        BadInputError: there is one of this name; the transaction is then lost.
    """
    row = Meter(id=new_id(), site_id=actor.site_id, **values.model_dump(mode="json"))
    session.add(row)
    rows.flush(session, _taken(values.name))
    actor.record(session, "meter.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(session: Session, actor: Acting, meter_id: UUID, values: MeterValues) -> Meter:
    """Change a meter; what it counts stays.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: another one has the name (the transaction is then lost), or water would
            become power.
    """
    row = rows.get(session, Meter, actor.site_id, meter_id, "meter", lock=True)
    if row.kind != values.kind.value:
        raise BadInputError("a meter keeps what it counts: add another one and retire this one")
    rows.change(session, actor, row, values, "meter.update", _taken(values.name))
    return row


def listed(session: Session, site_id: UUID) -> Sequence[Meter]:
    """The meters in use, by name; a site has few."""
    query = select(Meter).where(Meter.site_id == site_id, Meter.active.is_(True))
    return session.scalars(query.order_by(Meter.name)).all()


def read(
    session: Session, actor: Acting, key: str, day: date, values: ReadingValues
) -> MeterReading:
    """Write a reading; the same key is the same reading.

    Raises:
        UnknownRowError: no such meter here.
        BackwardsError: less than the last reading; nothing is written.
        AskAgainError: much more than usual, and nobody said that he looked again.
        BadInputError: the meter is retired, or a later day was read already.
        KeyReusedError: something different was sent under this key.
    """
    meter = rows.get(session, Meter, actor.site_id, values.meter_id, "meter", lock=True)
    row = MeterReading(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, at=actor.at,
        by=actor.name, **values.model_dump(),
    )  # fmt: skip
    same = ("meter_id", "value", "restart")
    found = rows.earlier(session, row, same)
    if found is not None:
        return found
    if not meter.active:
        raise BadInputError(f"{meter.name} is not read any more")
    _require_likely(session, meter, day, values)
    row, fresh = rows.insert_once(session, row, same)
    if fresh:
        after = {"value": row.value, "restart": row.restart, "sure": row.sure}
        actor.record(session, "meter.read", str(meter.id), None, after)
        _close_act(session, actor, day)
    return row


def catch_up(session: Session, actor: Acting, day: date) -> None:
    """Close the act of the day where its last two meters were read at once.

    Neither reading saw the other.
    """
    query = select(func.max(MeterReading.at)).where(
        MeterReading.site_id == actor.site_id,
        MeterReading.business_date == day,
        MeterReading.withdrawn_at.is_(None),
    )
    last = session.scalar(query)
    if last is not None:
        _close_act(session, actor, day, last)


def _close_act(session: Session, actor: Acting, day: date, when: datetime | None = None) -> None:
    if not unread(session, actor.site_id, day):
        supervision.fulfil(session, actor, "meters.day", day.isoformat(), day=day, when=when)


def withdraw(session: Session, actor: Acting, reading_id: UUID, reason: str) -> None:
    """Take back a wrong reading, so that the right one can be written; it stays on record.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: no reason.
    """
    reason = rows.say(reason, "what was wrong with the reading")
    row = rows.get(session, MeterReading, actor.site_id, reading_id, "reading", lock=True)
    if row.withdrawn_at is None:
        row.withdrawn_at = actor.at
        session.flush()
        before = {"value": row.value, "restart": row.restart}
        actor.record(session, "meter.withdraw", str(row.meter_id), before, {"reason": reason})


def unread(session: Session, site_id: UUID, day: date) -> list[Meter]:
    """The meters that wait for their reading of a day."""
    query = select(MeterReading.meter_id).where(
        MeterReading.site_id == site_id,
        MeterReading.business_date == day,
        MeterReading.withdrawn_at.is_(None),
    )
    done = set(session.scalars(query))
    return [meter for meter in listed(session, site_id) if meter.id not in done]


def days(
    session: Session, site_id: UUID, first: date, last: date, covers: Mapping[date, int]
) -> list[MeterDay]:
    """What each meter used on each day, against its norm.

    Args:
        session: Reads.
        site_id: Whose meters.
        first: The first business date.
        last: The last one.
        covers: Meals served on each day.
    """
    found = []
    for meter in listed(session, site_id):
        begin = _before(session, meter, first)
        points = _points(session, meter, begin or first, last)
        for day, used in sorted(use_per_day(points).items()):
            if first <= day <= last:
                compared = compare(used, covers.get(day, 0), meter.norm)
                found.append(MeterDay(meter.id, meter.name, Kind(meter.kind), day, compared))
    return found


def _require_likely(session: Session, meter: Meter, day: date, values: ReadingValues) -> None:
    begin = _before(session, meter, day - timedelta(days=USUAL_DAYS))
    points = _points(session, meter, begin or date.min, date.max)
    if not points:
        return
    last = points[-1]
    if last.day > day:
        raise BadInputError(f"{meter.name} was read on {last.day} already: read it as of today")
    if values.value < last.onward:
        raise BackwardsError(
            f"{meter.name} showed {last.onward} before: read it again; a new meter is written as "
            "replaced"
        )
    if not values.sure and is_jump(last, values.value, day, usual(points)):
        raise AskAgainError(
            f"{meter.name}: {values.value - last.onward} since the last reading is far more than "
            "usual: look again, then confirm"
        )


def _before(session: Session, meter: Meter, day: date) -> date | None:
    query = select(MeterReading.business_date).where(
        MeterReading.site_id == meter.site_id,
        MeterReading.meter_id == meter.id,
        MeterReading.withdrawn_at.is_(None),
        MeterReading.business_date < day,
    )
    return session.scalar(query.order_by(MeterReading.business_date.desc()).limit(1))


def _points(session: Session, meter: Meter, first: date, last: date) -> list[Point]:
    query = select(MeterReading).where(
        MeterReading.site_id == meter.site_id,
        MeterReading.meter_id == meter.id,
        MeterReading.withdrawn_at.is_(None),
        MeterReading.business_date.between(first, last),
    )
    query = query.order_by(MeterReading.business_date, MeterReading.at, MeterReading.id)
    return [Point(row.business_date, row.value, row.restart) for row in session.scalars(query)]


def _taken(name: str) -> str:
    return f"there is a meter named {name} already"

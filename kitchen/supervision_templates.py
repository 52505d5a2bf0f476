"""What the supervision list (监管事项清单) is made from: acts, their windows, their proof.

A site begins with the acts of ``kitchen/data/supervision.json`` and changes them as it works; every
version is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from sqlalchemy import JSON, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import MealPeriod
from kitchen import rows
from kitchen.rows import SiteRow, Values

SHORTEST = timedelta(minutes=5)
"""A window that its meal makes shorter is made so long."""
MOST_ACTS = 300
TENTHS = "0.1 "


class Listed(StrEnum):
    """On which list an act stands."""

    WORK = "work"
    """The day's work, in its order."""
    DAILY = "daily_control"
    """日管控: the food-safety officer, every day."""
    WEEKLY = "weekly_check"
    """周排查: the food-safety director, once a week."""
    MONTHLY = "monthly_meeting"
    """月调度: who is in charge of the unit, once a month."""


class Evidence(StrEnum):
    """What proves that an act was done."""

    NONE = "none"
    TICK = "tick"
    PHOTO = "photo"
    NUMBER = "number"
    SIGNATURE = "signature"
    LINK = "link"
    """Another subject proves it and closes it by itself, such as all samples of a meal."""


class Edge(StrEnum):
    """The beginning or the end of a meal."""

    STARTS = "starts"
    ENDS = "ends"


class Moment(Values):
    """A local time, or so many minutes from an edge of a meal."""

    at: time | None = None
    meal: Edge | None = None
    minutes: Annotated[int, Field(ge=-720, le=720)] = 0
    """Before (below zero) or behind the edge."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.at is None) is (self.meal is None):
            raise ValueError("give either a time of day or an edge of the meal")
        if self.at is not None and self.minutes:
            raise ValueError("minutes count from an edge of a meal, not from a time of day")
        return self


class Act(Values):
    """Something that must be done, by whom, when, and what proves it."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    listed: Listed = Listed.WORK
    post: Annotated[str, Field(min_length=1, max_length=40)]
    opens: Moment
    due: Moment
    evidence: Evidence = Evidence.TICK
    low: int | None = None
    """The least number that is right, in the unit."""
    high: int | None = None
    unit: Annotated[str, Field(max_length=16)] = ""
    """One that begins with ``0.1`` counts tenths: 85 of ``0.1 °C`` are 8.5 °C."""
    fulfilled_by: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,39}$")] | None = None
    """The kind of event of another subject that closes it."""
    meals: tuple[str, ...] = ()
    """Codes of the meals it belongs to; empty: every meal."""
    first_meal: bool = False
    """Only with the first of these meals of the day."""
    weekday: Annotated[int, Field(ge=1, le=7)] | None = None
    """Only on this day of the week, Monday being 1."""
    monthday: Annotated[int, Field(ge=1, le=28)] | None = None
    """Only on this day of the month."""
    escalate_after: Annotated[int, Field(ge=0, le=1440)] = 30
    """Minutes behind its end at which ``escalate_to`` is told."""
    escalate_to: Annotated[str, Field(min_length=1, max_length=40)] = "食品安全员"
    weight: Annotated[int, Field(ge=1, le=10)] = 1
    """How much it counts in the score of the day."""
    source: Annotated[str, Field(min_length=1, max_length=120)]
    """The rule that asks for it, or ``house rule``."""

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        if self.evidence is Evidence.LINK and self.fulfilled_by is None:
            raise ValueError("an act that another subject proves names the kind of event")
        if self.evidence is not Evidence.NUMBER and (self.low, self.high) != (None, None):
            raise ValueError("only an act that is proved by a number has limits")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the lower limit is above the upper one")
        if self.opens.at is not None and self.due.at is not None and self.due.at <= self.opens.at:
            raise ValueError("the window ends before it begins")
        if self.meals and not self.per_meal:
            raise ValueError("an act with meals needs a window that counts from a meal")
        return self

    @property
    def per_meal(self) -> bool:
        """It comes once a meal."""
        return self.opens.meal is not None or self.due.meal is not None


@dataclass(frozen=True, slots=True)
class Planned:
    """An act of one day, with its window in UTC."""

    code: str
    """Of the act, and of its meal where it has one: ``samples@lunch``."""
    act: Act
    meal: str
    opens_at: datetime
    due_at: datetime

    @property
    def escalate_at(self) -> datetime:
        """When somebody else is told."""
        return self.due_at + timedelta(minutes=self.act.escalate_after)


@dataclass(frozen=True, slots=True)
class Template:
    """A site's acts; version 0 is what the software brings."""

    version: int
    acts: tuple[Act, ...]
    decided: frozenset[str]
    """Codes that this or an earlier version had, and those that were refused: acts of which the
    site has decided. What ships and is none of them is new to it."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The time of a site."""

    zone: ZoneInfo
    periods: tuple[MealPeriod, ...]
    day_starts_hour: int = 4
    """A time of day before this hour belongs to the next calendar day of a business date."""


class SupervisionTemplate(SiteRow):
    """One version of a site's acts; rows are added, never changed."""

    __tablename__ = "supervision_template"
    __table_args__ = (UniqueConstraint("site_id", "version"),)

    version: Mapped[int]
    acts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    decided: Mapped[list[str]] = mapped_column(JSON)
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime]


class Acts(Values):
    """A whole template, as a file has it."""

    acts: Annotated[tuple[Act, ...], Field(min_length=1, max_length=MOST_ACTS)]

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        codes = [act.code for act in self.acts]
        if len(set(codes)) < len(codes):
            twice = sorted({code for code in codes if codes.count(code) > 1})
            raise ValueError(f"two acts have one code: {', '.join(twice)}")
        return self


def shown(number: int, unit: str) -> str:
    """A number of an act as people write it: -125 of ``0.1 °C`` is -12.5 °C."""
    if not unit.startswith(TENTHS):
        return f"{number} {unit}".strip()
    whole, part = divmod(abs(number), 10)
    return f"{'-' if number < 0 else ''}{whole}.{part} {unit.removeprefix(TENTHS)}"


def plan(acts: Sequence[Act], day: date, hours: Hours) -> list[Planned]:
    """The acts of a day in the order of the kitchen's work."""
    found = []
    for act in acts:
        if act.weekday not in {None, day.isoweekday()} or act.monthday not in {None, day.day}:
            continue
        if not act.per_meal:
            found.append(_planned(act, day, None, hours))
            continue
        found += [_planned(act, day, period, hours) for period in _meals(act, day, hours)]
    place = {act.code: number for number, act in enumerate(acts)}
    return sorted(found, key=lambda one: (one.opens_at, place[one.act.code], one.code))


@cache
def shipped() -> tuple[Act, ...]:
    """The acts that the software brings."""
    text = resources.files("kitchen").joinpath("data/supervision.json").read_text("utf-8")
    return Acts.model_validate(json.loads(text)).acts


def read_acts(values: dict[str, object]) -> tuple[Act, ...]:
    """Check a template that a file or a page brings.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(Acts, values, "supervision template").acts


def in_force(session: Session, site_id: UUID) -> Template:
    """The site's newest template."""
    query = select(SupervisionTemplate).where(SupervisionTemplate.site_id == site_id)
    row = session.scalar(query.order_by(SupervisionTemplate.version.desc()).limit(1))
    if row is None:
        return Template(0, shipped(), frozenset(act.code for act in shipped()))
    acts = Acts.model_validate({"acts": row.acts}).acts
    return Template(row.version, acts, frozenset({*row.decided, *(act.code for act in acts)}))


def offered(found: Template) -> tuple[Act, ...]:
    """Acts that a newer version of the software brought, of which the site has not decided."""
    return tuple(act for act in shipped() if act.code not in found.decided)


def with_shipped(acts: Sequence[Act], fresh: Act) -> list[Act]:
    """A site's acts and a shipped one, behind that which stands before it as shipped."""
    ahead = [act.code for act in shipped()]
    ahead = ahead[: ahead.index(fresh.code)]
    places = [place for place, act in enumerate(acts, start=1) if act.code in ahead]
    place = max(places, key=lambda place: ahead.index(acts[place - 1].code), default=0)
    return [*acts[:place], fresh, *acts[place:]]


def save(
    session: Session, actor: Acting, acts: Sequence[Act], seen: int, *, refused: str = ""
) -> Template:
    """Put a changed template in force; the lists of later days, and what is still open today.

    Args:
        session: Of the change.
        actor: Who decides.
        acts: All of them.
        seen: The version that he changed.
        refused: Code of a shipped act that the site does not want; it is not offered again.

    Raises:
        BadInputError: somebody else changed it meanwhile, or two acts have one code.
    """
    whole = rows.read(Acts, {"acts": [act.model_dump(mode="json") for act in acts]}, "template")
    before = in_force(session, actor.site_id)
    stale = BadInputError(
        "somebody else changed the template meanwhile: look at it again, then change it",
        code="stale_template",
    )
    if before.version != seen:
        raise stale
    decided = before.decided | {act.code for act in whole.acts} | ({refused} - {""})
    row = SupervisionTemplate(
        id=new_id(), site_id=actor.site_id, version=seen + 1, decided=sorted(decided),
        acts=whole.model_dump(mode="json")["acts"], set_by=actor.name, set_at=actor.at,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise stale from error
    told = _told(before.acts, whole.acts) | ({"refused": refused} if refused else {})
    after = {"version": row.version, **told}
    actor.record(session, "supervision.template", str(row.id), {"version": seen}, after)
    return Template(row.version, whole.acts, decided)


def _told(before: Sequence[Act], after: Sequence[Act]) -> dict[str, object]:
    known = {act.code: act for act in before}
    changed = [act.code for act in after if known.get(act.code) != act]
    return {"changed": changed, "removed": sorted(set(known) - {act.code for act in after})}


def _meals(act: Act, day: date, hours: Hours) -> list[MealPeriod]:
    own = [period for period in hours.periods if not act.meals or period.code in act.meals]
    if act.first_meal:
        own.sort(key=lambda period: moment(Moment(meal=Edge.STARTS), day, period, hours))
    return own[:1] if act.first_meal else own


def _planned(act: Act, day: date, period: MealPeriod | None, hours: Hours) -> Planned:
    opens = moment(act.opens, day, period, hours)
    due = max(moment(act.due, day, period, hours), opens + SHORTEST)
    meal = period.code if period else ""
    return Planned(f"{act.code}@{meal}" if meal else act.code, act, meal, opens, due)


def moment(told: Moment, day: date, period: MealPeriod | None, hours: Hours) -> datetime:
    """A moment of a business date, aware UTC; without a meal an edge of one is midnight."""
    if told.at is not None or period is None:
        return _utc(day, told.at or time(0), hours)
    starts = _utc(day, period.starts, hours)
    ends = _utc(day, period.ends, hours)
    if ends <= starts:
        ends = _utc(day + timedelta(days=1), period.ends, hours)
    return (starts if told.meal is Edge.STARTS else ends) + timedelta(minutes=told.minutes)


def _utc(day: date, at: time, hours: Hours) -> datetime:
    if at.hour < hours.day_starts_hour:
        day += timedelta(days=1)
    return datetime.combine(day, at, hours.zone).astimezone(UTC)

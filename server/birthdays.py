"""Birthday vouchers (生日礼券): a subsidy that comes by itself, once a year, and ends soon.

Only the month and the day are kept, of those whose site has told them: a year of birth buys
nobody a meal (PIPL art. 6, the least that the purpose needs). The diner sees his day on his
phone and may take it away.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import DinerStatus
from kitchen import limits
from server import people, sites
from server.actor import Actor
from server.books import subsidies

JOB = "birthdays"
RUNS = "birthday"
"""The kind of the weeks' runs of subsidies."""
CATCH_UP = timedelta(days=6)
"""So long a birthday is made up for, when the server was off or HR told it late."""
APART = timedelta(days=300)
"""Whoever had a voucher gets no other so soon: also when somebody changes his day."""
MOST = Fen(100_000)
"""No voucher is worth more: it is given to everybody, and nobody looks each time."""
_LEAP = 2000
_NUMBERS = re.compile(r"(?:(\d{4})\D+)?(\d{1,2})\D+(\d{1,2})\D*(?:00:00:00)?")
_COMPACT = re.compile(r"\d{8}")


class BirthdayError(BadInputError):
    """A text is no day of a year."""

    code = "bad_birthday"


class Birthday(Base):
    """A diner's day; whoever has told none has no row."""

    __tablename__ = "birthday"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    day: Mapped[str] = mapped_column(String(5))
    """``MM-DD``."""


class BirthdayGift(Base):
    """A voucher that was given."""

    __tablename__ = "birthday_gift"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    given_on: Mapped[date] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    fen: Mapped[int]
    expires_on: Mapped[date]
    transfer_id: Mapped[UUID]
    """Of the subsidy that it is."""


@dataclass(frozen=True, slots=True)
class GiftRules:
    """What a birthday is worth at a site.

    Raises:
        BadInputError: the amount is none, or it would have expired when it comes.
    """

    fen: int = 0
    """0: there are no vouchers here."""
    weeks: int = 4
    """It can be spent to the end of the week so many weeks on."""

    def __post_init__(self) -> None:
        if not 0 <= self.fen <= MOST or not 1 <= self.weeks <= 52:
            raise BadInputError(
                "a voucher is worth at most 1,000 yuan, and lasts one to 52 weeks",
                code="bad_voucher",
            )


# --- rules --------------------------------------------------------------------------------------


def read_day(text: str) -> str:
    """``MM-DD`` of a day as people and HR's tables write it; a year in it is dropped.

    Args:
        text: Such as ``3月5日``, ``03-05``, ``1990/3/5``, ``19900305``, ``1990-03-05T00:00:00``.

    Raises:
        BirthdayError: this is no day.
    """
    text = text.strip().replace("T", " ")
    if _COMPACT.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = _NUMBERS.fullmatch(text)
    if found is None:
        raise BirthdayError("write the birthday as month and day, such as 3-5 or 3月5日")
    year, month, day = (int(part) if part else _LEAP for part in found.groups())
    try:
        return f"{date(year, month, day):%m-%d}"
    except ValueError as error:
        raise BirthdayError(f"'{text}' is no day of the calendar") from error


def day_in(day: str, year: int) -> date:
    """When a birthday is kept in a year: that of 29 February a day early, but in leap years."""
    month, number = int(day[:2]), int(day[3:])
    try:
        return date(year, month, number)
    except ValueError:
        return date(year, month, number - 1)


def due(days: Mapping[UUID, str], today: date) -> set[UUID]:
    """Whose birthday is today, or was within :data:`CATCH_UP`.

    Args:
        days: Diner → ``MM-DD``.
        today: Trading day.
    """
    first = today - CATCH_UP
    return {
        diner_id
        for diner_id, day in days.items()
        if any(first <= day_in(day, year) <= today for year in {first.year, today.year})
    }


# --- days ---------------------------------------------------------------------------------------


def day_of(session: Session, diner_id: UUID) -> str | None:
    """``MM-DD`` of a diner."""
    row = session.get(Birthday, diner_id)
    return row.day if row else None


def days_of(session: Session, site_id: UUID) -> dict[UUID, str]:
    """Diner → ``MM-DD``, of all that are known at a site."""
    query = select(Birthday.diner_id, Birthday.day).where(Birthday.site_id == site_id)
    return dict(session.execute(query).all())


def count(session: Session, site_id: UUID) -> int:
    """How many active diners have told their day."""
    query = select(func.count()).select_from(Birthday).join(people.Diner)
    active = people.Diner.status == DinerStatus.ACTIVE.value
    return session.scalars(query.where(Birthday.site_id == site_id, active)).one()


def set_day(session: Session, actor: Actor, diner_id: UUID, text: str) -> None:
    """Keep a diner's day, or none where the text is blank.

    Raises:
        UnknownDinerError: not a diner of this site.
        BirthdayError: this is no day.
    """
    people.get_diner(session, actor.site_id, diner_id)
    day = read_day(text) if text.strip() else None
    row = session.get(Birthday, diner_id)
    before = row.day if row else None
    if before == day:
        return
    if row is not None and day is None:
        session.delete(row)
    elif row is not None and day is not None:
        row.day = day
    elif day is not None:
        session.add(Birthday(diner_id=diner_id, site_id=actor.site_id, day=day))
    session.flush()
    actor.record(session, "birthday.set", str(diner_id), before, day)


def forget(session: Session, actor: Actor, diner_id: UUID) -> None:
    """He leaves: his day goes."""
    set_day(session, actor, diner_id, "")


# --- vouchers -----------------------------------------------------------------------------------


def give_due(session: Session, now: datetime) -> tuple[int, Fen]:
    """Give every voucher that is due, at every site; doing so again gives nothing more.

    Args:
        session: Writes; commit it at the end.
        now: Aware UTC.

    Returns:
        How many diners, and fen in all.
    """
    heads, total = 0, 0
    for site in sites.all_sites(session):
        rules = limits.of(session, site.id, GiftRules)
        if rules.fen:
            given = _give(session, Actor(site.id, JOB, now), rules)
            heads, total = heads + given, total + given * rules.fen
    return heads, Fen(total)


def _give(session: Session, actor: Actor, rules: GiftRules) -> int:
    today = sites.business_date(session, actor.site_id, actor.at)
    wanted = due(_active_days(session, actor.site_id), today)
    chosen = sorted(wanted - _had(session, actor.site_id, today - APART))
    if not chosen:
        return 0
    run = subsidies.week_run(
        session, actor.site_id, RUNS, "生日礼券", by=JOB, at=actor.at, weeks=rules.weeks
    )
    last = run.expires_on or today
    paid = subsidies.join(session, run, chosen, Fen(rules.fen), by=JOB, at=actor.at)
    session.add_all(
        BirthdayGift(
            diner_id=diner_id, given_on=today, site_id=actor.site_id, fen=rules.fen,
            expires_on=last, transfer_id=transfer.id,
        )
        for diner_id, transfer in zip(chosen, paid, strict=True)
    )  # fmt: skip
    session.flush()
    after = {"diners": len(chosen), "fen": rules.fen, "expires_on": last.isoformat()}
    actor.record(session, "birthday.give", str(run.id), None, after)
    people.publish_diners(session, actor.site_id, chosen)
    return len(chosen)


def _active_days(session: Session, site_id: UUID) -> dict[UUID, str]:
    query = (
        select(Birthday.diner_id, Birthday.day)
        .join(people.Diner)
        .where(Birthday.site_id == site_id, people.Diner.status == DinerStatus.ACTIVE.value)
    )
    return dict(session.execute(query).all())


def _had(session: Session, site_id: UUID, since: date) -> set[UUID]:
    query = select(BirthdayGift.diner_id).where(
        BirthdayGift.site_id == site_id, BirthdayGift.given_on > since
    )
    return set(session.scalars(query))


def fresh(session: Session, diner_id: UUID, today: date) -> BirthdayGift | None:
    """The voucher that a diner was given within :data:`CATCH_UP`: for his phone to say so."""
    query = select(BirthdayGift).where(
        BirthdayGift.diner_id == diner_id, BirthdayGift.given_on >= today - CATCH_UP
    )
    return session.scalar(query.order_by(BirthdayGift.given_on.desc()))

"""Reconciliation (日结): what differs on a day, why people say it does, and closing the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Outcome
from server import day_figures, shifts, sites, terminals
from server.actor import Actor
from server.books import closing
from server.books.closing import ClosingError, DayClose
from server.books.refunds import Kind, Refund
from server.books.sales import Sale
from server.books.transfers import Transfer
from server.entries import EntryRow
from server.shifts import Compared
from server.terminals import Terminal

SILENT = timedelta(minutes=10)
"""A till that has not been heard of for so long is cut off."""
MAX_DAYS = 400
"""Closed by one act."""
_DAY = timedelta(days=1)


class ClosingNote(Base):
    """A person explains a difference of a day; rows are added, never changed."""

    __tablename__ = "closing_note"
    __table_args__ = (Index("ix_closing_note_site_id_business_date", "site_id", "business_date"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    business_date: Mapped[date]
    difference: Mapped[str] = mapped_column(String(120))
    """Key of the difference, such as ``cash:<shift>``."""
    text: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a day that does not agree, or has not arrived.

    Attributes:
        code: ``cut_off`` (not heard of since before the day ended), ``no_shift`` (sales that no
            shift covers), ``parked`` (entries that could not be booked), ``server_void`` (voids
            made on the pages, which the till does not know), ``sales``, ``voids``, ``subsidy``,
            ``cash``, ``drawer`` (the till's own figure is another one), ``counted`` (cash in the
            drawer over or short).
        terminal_id: At which till.
        terminal: Its name.
        shift_id: Of which shift.
        count: How many entries, sales or voids; of ``sales`` and ``voids``, how many more the till
            told.
        fen: Amount; what is missing is below zero.
        since: Of ``cut_off``, the last contact.
        booked: Of ``counted``, whether a person has confirmed it.
    """

    code: str
    terminal_id: UUID
    terminal: str
    shift_id: UUID | None = None
    count: int = 0
    fen: Fen | None = None
    since: datetime | None = None
    booked: bool = False

    @property
    def key(self) -> str:
        """Names it within its day."""
        return f"{self.code}:{self.shift_id or self.terminal_id}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for the closing."""
        return {
            "key": self.key, "code": self.code, "terminal": self.terminal, "count": self.count,
            "fen": self.fen, "since": self.since.isoformat() if self.since else None,
            "booked": self.booked,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """A business date as its page shows it.

    Attributes:
        date: The date.
        figures: As they are now, or, of a closed day, as they were closed.
        late: What came for a closed day since; it counts for another day.
        closing: Who closed it, and when; ``None`` while it is open, or where nothing moved on it.
        closed: Whether it is closed.
        closed_with: The differences that the closing holds, as plain values.
        shifts: Every shift beside the books.
        differences: What a person should explain.
        notes: Key of a difference → explanations, the oldest first.
    """

    date: date
    figures: day_figures.Figures
    late: Mapping[day_figures.Place, day_figures.Takings]
    closing: DayClose | None
    closed: bool
    closed_with: Sequence[Mapping[str, Any]]
    shifts: Sequence[Compared]
    differences: Sequence[Difference]
    notes: Mapping[str, Sequence[ClosingNote]]

    @property
    def late_total(self) -> day_figures.Takings:
        """All that came late."""
        return sum(self.late.values(), start=day_figures.Takings())


def day(session: Session, site_id: UUID, when: date, now: datetime) -> Day:
    """Everything about a business date of a site.

    Args:
        session: Reads.
        site_id: The site.
        when: The date.
        now: Aware UTC.
    """
    row = closing.find(session, site_id, when)
    told: dict[str, Any] = {} if row is None else closing.figures_of(row)
    if told:
        figures = day_figures.Figures.from_json(told["figures"])
    else:
        figures = day_figures.of_day(session, site_id, when)
    until = closing.closed_until(session, site_id)
    closed = until is not None and when <= until
    compared = [shifts.compare(session, row) for row in shifts.of_day(session, site_id, when)]
    return Day(
        when, figures, day_figures.late(session, site_id, when), row, closed,
        told.get("differences", ()), compared,
        _differences(session, site_id, when, now, compared),
        _notes(session, site_id, when),
    )  # fmt: skip


# --- differences --------------------------------------------------------------------------------


def differences(session: Session, site_id: UUID, when: date, now: datetime) -> list[Difference]:
    """What of a day does not agree, or has not arrived, as it is now."""
    compared = [shifts.compare(session, row) for row in shifts.of_day(session, site_id, when)]
    return _differences(session, site_id, when, now, compared)


def _differences(
    session: Session, site_id: UUID, when: date, now: datetime, compared: Sequence[Compared]
) -> list[Difference]:
    uncovered = shifts.uncovered(session, site_id, when)
    parked = _parked(session, site_id, when)
    voids = _server_voids(session, site_id, when)
    ends = day_end(session, site_id, when)
    found = []
    for till in terminals.of_site(session, site_id):
        if _cut_off(till, ends, now):
            found.append(Difference("cut_off", till.id, till.name, since=till.last_seen))
        if till.id in uncovered and now >= ends:
            count, fen = uncovered[till.id]
            found.append(Difference("no_shift", till.id, till.name, count=count, fen=fen))
        if till.id in parked:
            found.append(Difference("parked", till.id, till.name, count=parked[till.id]))
        if till.id in voids:
            count, fen = voids[till.id]
            found.append(Difference("server_void", till.id, till.name, count=count, fen=Fen(-fen)))
        found += [
            one for each in compared if each.row.terminal_id == till.id
            for one in _of_shift(each, till)
        ]  # fmt: skip
    return found


def _of_shift(each: Compared, till: Terminal) -> list[Difference]:
    found = []
    for name, more in each.disagreeing().items():
        counted = name in {"sales", "voids"}
        count, fen = (more, None) if counted else (0, Fen(more))
        found.append(Difference(name, till.id, till.name, each.row.id, count, fen))
    if each.over:
        booked = each.row.transfer_id is not None
        found.append(
            Difference("counted", till.id, till.name, each.row.id, fen=each.over, booked=booked)
        )
    return found


def _cut_off(till: Terminal, ends: datetime, now: datetime) -> bool:
    """Whether a till may hold sales of the day that have not arrived."""
    if till.enrolled_at >= ends or (till.revoked_at is not None and till.revoked_at < ends):
        return False
    return till.last_seen is None or till.last_seen < min(ends, now - SILENT)


def day_end(session: Session, site_id: UUID, when: date) -> datetime:
    """The moment at which a business date is over."""
    rules = sites.policy(session, site_id)
    zone = ZoneInfo(rules.time_zone)
    return datetime.combine(when + _DAY, time(rules.day_starts_hour), zone)


def _parked(session: Session, site_id: UUID, when: date) -> dict[UUID, int]:
    query = (
        select(EntryRow.terminal_id, func.count())
        .where(
            EntryRow.site_id == site_id,
            EntryRow.business_date == when,
            EntryRow.outcome == Outcome.PARKED.value,
        )
        .group_by(EntryRow.terminal_id)
    )
    return dict(session.execute(query).all())


def _server_voids(session: Session, site_id: UUID, when: date) -> dict[UUID, tuple[int, Fen]]:
    query = (
        select(Sale.terminal_id, func.count(), func.sum(Refund.total))
        .join(Refund, Refund.sale_id == Sale.id)
        .where(
            Sale.site_id == site_id,
            Refund.site_id == site_id,
            Refund.business_date == when,
            Refund.kind == Kind.VOID.value,
            Refund.terminal_id.is_(None),
        )
        .group_by(Sale.terminal_id)
    )
    return {
        terminal_id: (count, Fen(int(total)))
        for terminal_id, count, total in session.execute(query)
    }


def _notes(session: Session, site_id: UUID, when: date) -> dict[str, list[ClosingNote]]:
    query = select(ClosingNote).where(
        ClosingNote.site_id == site_id, ClosingNote.business_date == when
    )
    found: dict[str, list[ClosingNote]] = {}
    for note in session.scalars(query.order_by(ClosingNote.id)):
        found.setdefault(note.difference, []).append(note)
    return found


def explain(session: Session, actor: Actor, when: date, key: str, text: str) -> ClosingNote:
    """A person says why something differs.

    Raises:
        BadInputError: nothing is said, or the day has no such difference.
    """
    text = text.strip()
    if not 1 <= len(text) <= 400:
        raise BadInputError("say why, in at most 400 characters", code="no_explanation")
    if key not in {each.key for each in differences(session, actor.site_id, when, actor.at)}:
        raise BadInputError(
            "there is no such difference any more: reload the page", code="unknown_difference"
        )
    note = ClosingNote(
        id=new_id(), site_id=actor.site_id, business_date=when, difference=key, text=text,
        at=actor.at, by=actor.name[:80],
    )  # fmt: skip
    session.add(note)
    actor.record(session, "closing.explain", f"{when} {key}", None, text)
    return note


# --- closing ------------------------------------------------------------------------------------


def next_days(session: Session, site_id: UUID, until: date) -> list[date]:
    """The open days up to a date that are closed together: those with movements, and the date."""
    last = closing.closed_until(session, site_id) or date.min
    found = {until} if until > last else set()
    for table in (Transfer, Sale):
        days = select(table.business_date).where(
            table.site_id == site_id, table.business_date > last, table.business_date <= until
        )
        found |= set(session.scalars(days.distinct()))
    return sorted(found)


def close_days(session: Session, actor: Actor, until: date) -> list[DayClose]:
    """Close every open day up to a date, in order; tills that are cut off do not prevent it.

    Days on which nothing moved get no closing of their own, but for the last.

    Raises:
        ClosingError: the date lies ahead, is closed, or too many days are open.
    """
    books = closing.lock(session, actor.site_id)
    if until > sites.business_date(session, actor.site_id, actor.at):
        raise ClosingError("this day has not come yet", code="closing_ahead")
    days = next_days(session, actor.site_id, until)
    if not days:
        raise ClosingError("this day is closed already", code="closed_before")
    if len(days) > MAX_DAYS:
        raise ClosingError(
            f"{len(days)} days are open: close at most {MAX_DAYS} at once, up to an earlier date",
            code="closing_many",
        )
    return [_close(session, actor, books, when) for when in days]


def _close(session: Session, actor: Actor, books: closing.Books, when: date) -> DayClose:
    figures = day_figures.of_day(session, actor.site_id, when)
    notes = _notes(session, actor.site_id, when)
    told = {
        "day": when.isoformat(),
        "figures": figures.to_json(),
        "differences": [
            each.to_json() | {"notes": [note.text for note in notes.get(each.key, ())]}
            for each in differences(session, actor.site_id, when, actor.at)
        ],
    }
    row = closing.close(session, books, when, told, by=actor.name, at=actor.at)
    after = {"sales": figures.total.sales, "fen": figures.total.total, "hash": row.hash}
    actor.record(session, "closing.close", when.isoformat(), None, after)
    return row

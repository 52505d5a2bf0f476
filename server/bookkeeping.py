"""What one journal entry does to the books: the rules that park it, and those that only report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from dafan.errors import DafanError
from dafan.records import (
    ENTRY_BODIES,
    DinerStatus,
    Entry,
    ErasureReceipt,
    Record,
    Sale,
    TerminalNotice,
)
from server import exceptions, faces, groups, people, sites
from server.books import sales
from server.books.sales import Told
from server.terminals import Terminal

FUTURE = timedelta(days=1)


class ParkedError(DafanError):
    """The entry cannot be booked; it is kept, and a person judges it."""

    code = "parked"


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of an entry.

    Attributes:
        reason: Why it cannot be booked and is parked; empty where it is booked.
        diner_id: Whose balances changed.
    """

    reason: str = ""
    diner_id: UUID | None = None


def apply(
    session: Session, terminal: Terminal, entries: Sequence[Entry], now: datetime
) -> list[Booked]:
    """Do what entries say, all of them with as few statements as one of them needs.

    Args:
        session: A savepoint, which the caller gives up when this raises.
        terminal: Who reports.
        entries: In sequence; their chain and signature are proved already.
        now: Aware UTC.

    Returns:
        What became of each.
    """
    bodies: dict[int, Record] = {}
    booked: dict[int, Booked] = {}
    for entry in entries:
        try:
            bodies[entry.seq] = _read(entry)
        except ParkedError as error:
            booked[entry.seq] = Booked(str(error))
    told = [
        Told(entry, body) for entry in entries if isinstance(body := bodies.get(entry.seq), Sale)
    ]
    booked |= _apply_sales(session, terminal, told, now)
    for entry in entries:
        _apply_other(session, terminal, entry, bodies.get(entry.seq), now)
    return [booked.get(entry.seq, Booked()) for entry in entries]


def _read(entry: Entry) -> Record:
    model = ENTRY_BODIES.get(entry.kind)
    if model is None:
        raise ParkedError(f"unknown_kind: this server does not know entries of kind {entry.kind}")
    try:
        return model.model_validate(entry.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or entry.kind
        raise ParkedError(f"bad_body: {where}: {first['msg']}") from error


def _apply_other(
    session: Session, terminal: Terminal, entry: Entry, body: Record | None, now: datetime
) -> None:
    if isinstance(body, TerminalNotice):
        detail = f"{body.code}: {body.detail}" if body.detail else body.code
        _report(session, terminal, entry, "notice", now, detail=detail)
    elif isinstance(body, ErasureReceipt):
        faces.note_erasure(session, terminal.id, body)


def _apply_sales(
    session: Session, terminal: Terminal, told: Sequence[Told], now: datetime
) -> dict[int, Booked]:
    """Sequence → what became of the sale."""
    if not told:
        return {}
    site = _Site.load(session, terminal.site_id, told, now)
    booked = {}
    good = []
    for each in told:
        try:
            site.admit(each.sale)
        except ParkedError as error:
            booked[each.entry.seq] = Booked(str(error))
        else:
            booked[each.entry.seq] = Booked(diner_id=each.sale.diner_id)
            good.append(each)
    posted = sales.post(session, terminal.site_id, good, now)
    for each, codes in zip(good, posted, strict=True):
        for code in codes + site.broken_rules(each.sale):
            _report(
                session, terminal, each.entry, code, now, sale_id=each.sale.id,
                diner_id=each.sale.diner_id, detail=f"{each.sale.business_date} {each.sale.period}",
            )  # fmt: skip
    return booked


@dataclass(frozen=True)
class _Site:
    """What a site knows about the sales of a batch, read before any of them is posted."""

    id: UUID
    day: date
    venues: frozenset[UUID]
    diners: Mapping[UUID, people.Diner]
    groups: Mapping[UUID, groups.GroupValues]
    posted: set[UUID]
    """Grows with every sale that is admitted."""
    spent: Counter[tuple[UUID, date]]
    """By diner and date, in fen; grows with every sale that is judged."""
    subsidised: Counter[tuple[UUID, date, str]]
    """Meals by diner, date and period; grows likewise."""

    @classmethod
    def load(cls, session: Session, site_id: UUID, told: Sequence[Told], now: datetime) -> "_Site":
        diners = people.get_diners(
            session, site_id, {each.sale.diner_id for each in told if each.sale.diner_id}
        )
        spent: Counter[tuple[UUID, date]] = Counter()
        subsidised: Counter[tuple[UUID, date, str]] = Counter()
        for day in {each.sale.business_date for each in told}:
            for diner_id, use in sales.day_uses(session, list(diners), day).items():
                spent[diner_id, day] = use.spent
                for period, meals in use.subsidised.items():
                    subsidised[diner_id, day, period] = meals
        return cls(
            site_id,
            sites.business_date(session, site_id, now),
            frozenset(venue.id for venue in sites.venues(session, site_id)),
            diners,
            {group.id: groups.values_of(group) for group in groups.all_of(session, site_id)},
            sales.posted(session, [each.sale.id for each in told]),
            spent,
            subsidised,
        )

    def admit(self, sale: Sale) -> None:
        """Raise ParkedError for a sale that cannot be booked."""
        if sale.site_id != self.id:
            raise ParkedError("other_site: the terminal belongs to another site")
        if sale.venue_id not in self.venues:
            raise ParkedError("unknown_venue: the site has no such venue")
        if sale.id in self.posted:
            raise ParkedError(
                "posted_before: a sale of this id is in the books under another entry"
            )
        if sale.diner_id is not None and sale.diner_id not in self.diners:
            raise ParkedError("unknown_diner: the site has no such diner")
        self.posted.add(sale.id)

    def broken_rules(self, sale: Sale) -> list[str]:
        """Rules that tills without contact to each other can break together; the sale stands."""
        codes = ["wrong_date"] if sale.business_date > self.day + FUTURE else []
        if sale.diner_id is None:
            return codes
        diner = self.diners[sale.diner_id]
        rules = self.groups[diner.group_id]
        if diner.status != DinerStatus.ACTIVE.value:
            codes.append("not_active")
        day = diner.id, sale.business_date
        self.spent[day] += sale.total
        self.subsidised[*day, sale.period] += sale.subsidised
        meal = rules.meals.get(sale.period)
        allowed = max(meal.subsidised_per_day if meal else 0, 1)
        if sale.subsidised and self.subsidised[*day, sale.period] > allowed:
            codes.append("subsidised_twice")
        over_meal = rules.meal_limit is not None and sale.total > rules.meal_limit
        if over_meal or (rules.daily_limit is not None and self.spent[day] > rules.daily_limit):
            codes.append("over_limit")
        return codes


def _report(
    session: Session, terminal: Terminal, entry: Entry, code: str, now: datetime, **about: Any
) -> None:
    exceptions.add(
        session, terminal.site_id, code, now, terminal_id=terminal.id, seq=entry.seq, **about
    )

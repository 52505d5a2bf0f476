"""What one journal entry does to the books: the rules that park it, and those that only report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from dafan.desk import ErasureReceipt, TerminalNotice
from dafan.errors import DafanError
from dafan.records import (
    ENTRY_BODIES,
    DinerStatus,
    Entry,
    Record,
    Sale,
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
    locked = sales.lock_accounts(session, terminal.site_id, good)
    uses = _Uses.load(session, good)
    posted = sales.post(session, good, locked, now)
    for each, codes in zip(good, posted, strict=True):
        for code in codes + site.broken_rules(each.sale, uses):
            _report(
                session, terminal, each.entry, code, now, sale_id=each.sale.id,
                diner_id=each.sale.diner_id, detail=f"{each.sale.business_date} {each.sale.period}",
            )  # fmt: skip
    return booked


@dataclass(frozen=True)
class _Uses:
    """What diners have spent and eaten, read while nobody else sells to them; grows by sales."""

    spent: Counter[tuple[UUID, date]]
    """By diner and date, in fen."""
    subsidised: Counter[tuple[UUID, date, str]]
    """Subsidised meals by diner, date and period."""

    @classmethod
    def load(cls, session: Session, told: Sequence[Told]) -> "_Uses":
        uses = cls(Counter(), Counter())
        eaters: dict[date, set[UUID]] = {}
        for each in told:
            if each.sale.diner_id is not None:
                eaters.setdefault(each.sale.business_date, set()).add(each.sale.diner_id)
        for day, diners in eaters.items():
            for diner_id, use in sales.day_uses(session, sorted(diners), day).items():
                uses.spent[diner_id, day] = use.spent
                for period, meals in use.subsidised.items():
                    uses.subsidised[diner_id, day, period] = meals
        return uses

    def add(self, diner_id: UUID, sale: Sale) -> tuple[int, int]:
        """Fen spent that day, and subsidised meals at that period, this sale included."""
        day = diner_id, sale.business_date
        self.spent[day] += sale.total
        self.subsidised[*day, sale.period] += sale.subsidised
        return self.spent[day], self.subsidised[*day, sale.period]


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

    @classmethod
    def load(cls, session: Session, site_id: UUID, told: Sequence[Told], now: datetime) -> "_Site":
        eaters = {each.sale.diner_id for each in told if each.sale.diner_id}
        return cls(
            site_id,
            sites.business_date(session, site_id, now),
            frozenset(venue.id for venue in sites.venues(session, site_id)),
            people.get_diners(session, site_id, eaters),
            {group.id: groups.values_of(group) for group in groups.all_of(session, site_id)},
            sales.posted(session, [each.sale.id for each in told]),
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

    def broken_rules(self, sale: Sale, uses: _Uses) -> list[str]:
        """Rules that tills without contact to each other can break together; the sale stands."""
        codes = ["wrong_date"] if sale.business_date > self.day + FUTURE else []
        if sale.diner_id is None:
            return codes
        diner = self.diners[sale.diner_id]
        rules = self.groups[diner.group_id]
        if diner.status != DinerStatus.ACTIVE.value:
            codes.append("not_active")
        spent, meals = uses.add(diner.id, sale)
        meal = rules.meals.get(sale.period)
        allowed = max(meal.subsidised_per_day if meal else 0, 1)
        if sale.subsidised and meals > allowed:
            codes.append("subsidised_twice")
        over_meal = rules.meal_limit is not None and sale.total > rules.meal_limit
        if over_meal or (rules.daily_limit is not None and spent > rules.daily_limit):
            codes.append("over_limit")
        return codes


def _report(
    session: Session, terminal: Terminal, entry: Entry, code: str, now: datetime, **about: Any
) -> None:
    exceptions.add(
        session, terminal.site_id, code, now, terminal_id=terminal.id, seq=entry.seq, **about
    )

"""What one journal entry does to the books: the rules that park it, and those that only report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from dafan.desk import ErasureReceipt, Shift, TerminalNotice, Void
from dafan.errors import DafanError
from dafan.plates import PlateReturn
from dafan.records import (
    ENTRY_BODIES,
    DinerStatus,
    Entry,
    Record,
    Sale,
)
from server import exceptions, faces, groups, line, people, plates, shifts, sites, till_voids
from server.actor import Actor
from server.books import sales, settlement
from server.books.accounts import Account, Owner
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
        diner_id: Whose balances or points changed.
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
    voids = [
        till_voids.Told(entry, body)
        for entry in entries
        if isinstance(body := bodies.get(entry.seq), Void)
    ]
    booked |= _apply_money(session, terminal, told, voids, now)
    trays = [
        plates.Told(entry, body)
        for entry in entries
        if isinstance(body := bodies.get(entry.seq), PlateReturn)
    ]
    done = plates.take(session, terminal, trays, now)
    booked |= {seq: Booked(*each) for seq, each in done.items()}
    scoops = [
        line.Told(entry, body)
        for entry in entries
        if isinstance(body := bodies.get(entry.seq), line.Body)
    ]
    refused = line.take(session, terminal, scoops, now)
    booked |= {seq: Booked(why) for seq, why in refused.items()}
    for entry in entries:
        body = bodies.get(entry.seq)
        if isinstance(body, Shift):
            booked[entry.seq] = Booked(shifts.take(session, terminal, entry, body, now))
        else:
            _apply_other(session, terminal, entry, body, now)
    return [booked.get(entry.seq, Booked()) for entry in entries]


def _read(entry: Entry) -> Record:
    model = ENTRY_BODIES.get(entry.kind)
    if model is None:
        raise ParkedError(f"unknown_kind: this server does not know entries of kind {entry.kind}")
    try:
        body = model.model_validate(entry.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or entry.kind
        raise ParkedError(f"bad_body: {where}: {first['msg']}") from error
    if body.model_dump(mode="json", exclude_unset=True) != entry.body:
        # A date as a number, an id in braces: read with good will, it could not be proved later
        # that what was booked is what was told.
        raise ParkedError(f"bad_body: {entry.kind}: it is not spelt as the contract spells it")
    return body


def _apply_other(
    session: Session, terminal: Terminal, entry: Entry, body: Record | None, now: datetime
) -> None:
    if isinstance(body, TerminalNotice):
        detail = f"{body.code}: {body.detail}" if body.detail else body.code
        _report(session, terminal, entry, "notice", now, detail=detail)
    elif isinstance(body, ErasureReceipt) and not faces.note_erasure(session, terminal.id, body):
        _erase_again(session, terminal, entry, body, now)


def _erase_again(
    session: Session, terminal: Terminal, entry: Entry, body: ErasureReceipt, now: datetime
) -> None:
    """Withdraw here, too, what was withdrawn after the backup that this server was restored from.

    A till erases a template only when it was told so, or finds it gone.
    """
    kept = faces.template_of(session, body.diner_id)
    if kept is None or kept.id != body.template_id or kept.site_id != terminal.site_id:
        return
    faces.withdraw(session, Actor(terminal.site_id, str(terminal.id), now), body.diner_id)
    _report(session, terminal, entry, "erased_again", now, diner_id=body.diner_id)


def _apply_money(
    session: Session,
    terminal: Terminal,
    told: Sequence[Told],
    voids: Sequence[till_voids.Told],
    now: datetime,
) -> dict[int, Booked]:
    """Sequence → what became of the sale or void.

    Sales are posted together, up to the next void: that one may free what later ones use.
    """
    if not (told or voids):
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
            good.append(replace(each, bodies=site.bodies_of(each.sale)))
    also = till_voids.lock(session, terminal.site_id, voids)
    locked = sales.lock_accounts(session, terminal.site_id, good, also)
    for run in _runs(good, voids):
        sold = [each for each in run if isinstance(each, Told)]
        if sold:
            _post_sales(session, terminal, site, sold, locked, now)
        else:
            taken_back = [each for each in run if isinstance(each, till_voids.Told)]
            done = till_voids.book(session, terminal, taken_back, locked)
            booked |= {seq: Booked(*each) for seq, each in done.items()}
    return booked


def _runs(
    told: Sequence[Told], voids: Sequence[till_voids.Told]
) -> Iterator[list[Told | till_voids.Told]]:
    """Sales and voids in sequence, a new list at every change from one to the other."""
    every: list[Told | till_voids.Told] = [*told, *voids]
    every.sort(key=lambda each: each.entry.seq)
    for _, run in groupby(every, key=type):
        yield list(run)


def _post_sales(
    session: Session,
    terminal: Terminal,
    site: "_Site",
    good: Sequence[Told],
    locked: Mapping[Owner, Account],
    now: datetime,
) -> None:
    """Post sales that were admitted, and report the rules that they broke."""
    uses = _Uses.load(session, good)
    posted = sales.post(session, good, locked, now)
    for each, codes in zip(good, posted, strict=True):
        for code in codes + site.broken_rules(each.sale, uses):
            _report(
                session, terminal, each.entry, code, now, sale_id=each.sale.id,
                diner_id=each.sale.diner_id, detail=f"{each.sale.business_date} {each.sale.period}",
            )  # fmt: skip


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
    belonging: settlement.Belonging

    @classmethod
    def load(cls, session: Session, site_id: UUID, told: Sequence[Told], now: datetime) -> "_Site":
        eaters = {each.sale.diner_id for each in told if each.sale.diner_id}
        all_venues = {venue.id: venue.body_id for venue in sites.venues(session, site_id)}
        all_groups = groups.all_of(session, site_id)
        bodies = {group.id: group.body_id for group in all_groups}
        return cls(
            site_id,
            sites.business_date(session, site_id, now),
            frozenset(all_venues),
            people.get_diners(session, site_id, eaters),
            {group.id: groups.values_of(group) for group in all_groups},
            sales.posted(session, [each.sale.id for each in told]),
            settlement.belonging(session, site_id, all_venues, bodies),
        )

    def bodies_of(self, sale: Sale) -> tuple[UUID, UUID] | None:
        """Whose diner pays at whose venue, where the two bodies differ."""
        return self.belonging.between(sale.group_id, sale.venue_id)

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

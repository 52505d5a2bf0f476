"""The figures of one business date: what tills sold, what was given back, what the desk took in.

A sale counts for its own date, or, where that was closed before it came, for the open day on which
it was rescued (补录). All money is told twice, from the sales and from the postings of the day.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from dafan.money import Fen
from server import sites, terminals
from server.books.accounts import Account, AccountKind
from server.books.refunds import Kind, Refund
from server.books.sales import Sale
from server.books.transfers import Posting, Transfer

_ZERO = Fen(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """How many movements, and fen of all of them."""

    count: int = 0
    fen: Fen = _ZERO

    def __add__(self, other: Self) -> Self:
        return type(self)(self.count + other.count, Fen(self.fen + other.fen))


@dataclass(frozen=True, slots=True)
class Takings:
    """What a till, a venue or a site sold, in fen; voids and refunds are not taken off."""

    sales: int = 0
    list_total: Fen = _ZERO
    discount: Fen = _ZERO
    total: Fen = _ZERO
    subsidy: Fen = _ZERO
    cash: Fen = _ZERO
    drawer: Fen = _ZERO
    tenders: Mapping[str, Amount] = field(default_factory=dict)
    voids: Amount = Amount()
    """Given back on this day, of sales of whatever day; of baskets that cost something."""
    refunds: Amount = Amount()

    @property
    def net(self) -> Fen:
        """Sales less what was given back."""
        return Fen(self.total - self.voids.fen - self.refunds.fen)

    def __add__(self, other: Self) -> Self:
        tenders = {
            code: self.tenders.get(code, Amount()) + other.tenders.get(code, Amount())
            for code in sorted({*self.tenders, *other.tenders})
        }
        return type(self)(
            self.sales + other.sales, Fen(self.list_total + other.list_total),
            Fen(self.discount + other.discount), Fen(self.total + other.total),
            Fen(self.subsidy + other.subsidy), Fen(self.cash + other.cash),
            Fen(self.drawer + other.drawer), tenders,
            self.voids + other.voids, self.refunds + other.refunds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A till at a venue, with the names of the day."""

    terminal_id: UUID
    terminal: str
    venue_id: UUID
    venue: str


@dataclass(frozen=True, slots=True)
class Figures:
    """A day.

    Attributes:
        tills: Till and venue → its sales of this very date.
        rescued: Late sales of closed days that count for this day, by their own date.
        desk: Login and kind of movement → what came into the cash desk, below zero: went out.
        kinds: Kind of movement → kind of account → fen; this is every posting of the day.
        counts: Kind of movement → how many.
    """

    tills: Mapping[Place, Takings]
    rescued: Mapping[date, Amount]
    desk: Mapping[tuple[str, str], Amount]
    kinds: Mapping[str, Mapping[str, Fen]]
    counts: Mapping[str, int]

    @property
    def total(self) -> Takings:
        """All tills together."""
        return sum(self.tills.values(), start=Takings())

    def venues(self) -> dict[tuple[UUID, str], Takings]:
        """Venue and its name → its tills together."""
        found: dict[tuple[UUID, str], Takings] = {}
        for place, takings in self.tills.items():
            venue = place.venue_id, place.venue
            found[venue] = found.get(venue, Takings()) + takings
        return found

    def moved(self, kind: str, account: AccountKind) -> Fen:
        """Fen that movements of a kind brought to accounts of a kind."""
        return self.kinds.get(kind, {}).get(account.value, _ZERO)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "tills": [
                {name: str(value) for name, value in asdict(place).items()} | asdict(takings)
                for place, takings in self.tills.items()
            ],
            "rescued": {day.isoformat(): asdict(each) for day, each in self.rescued.items()},
            "desk": [
                {"by": by, "kind": kind} | asdict(each) for (by, kind), each in self.desk.items()
            ],
            "kinds": {kind: dict(moved) for kind, moved in self.kinds.items()},
            "counts": dict(self.counts),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote."""
        return cls(
            {_place(each): _takings(each) for each in told["tills"]},
            {date.fromisoformat(day): Amount(**each) for day, each in told["rescued"].items()},
            {(one["by"], one["kind"]): Amount(one["count"], one["fen"]) for one in told["desk"]},
            told["kinds"],
            told["counts"],
        )


def _place(told: Mapping[str, Any]) -> Place:
    return Place(UUID(told["terminal_id"]), told["terminal"], UUID(told["venue_id"]), told["venue"])


def _takings(told: Mapping[str, Any]) -> Takings:
    plain = ("sales", "list_total", "discount", "total", "subsidy", "cash", "drawer")
    return Takings(
        **{name: told[name] for name in plain},
        tenders={code: Amount(**each) for code, each in told["tenders"].items()},
        voids=Amount(**told["voids"]),
        refunds=Amount(**told["refunds"]),
    )


def of_day(session: Session, site_id: UUID, day: date) -> Figures:
    """The figures of a day as they are in the books now."""
    own = Sale.site_id == site_id, Sale.business_date == day, Sale.rescued_on.is_(None)
    return Figures(
        _tills(session, site_id, day, *own),
        _rescued(session, site_id, day),
        _desk(session, site_id, day),
        *moved(session, site_id, day),
    )


def late(session: Session, site_id: UUID, day: date) -> dict[Place, Takings]:
    """Sales of a closed day that came after it was closed, by till; they count for another day."""
    return _sold(
        session, _places(session, site_id),
        Sale.site_id == site_id, Sale.business_date == day, Sale.rescued_on.is_not(None),
    )  # fmt: skip


_Named = Callable[[UUID, UUID], Place]


def _places(session: Session, site_id: UUID) -> _Named:
    tills = {terminal.id: terminal.name for terminal in terminals.of_site(session, site_id)}
    venues = {venue.id: venue.name for venue in sites.venues(session, site_id)}

    def named(terminal_id: UUID, venue_id: UUID) -> Place:
        return Place(terminal_id, tills.get(terminal_id, ""), venue_id, venues.get(venue_id, ""))

    return named


def _tills(
    session: Session, site_id: UUID, day: date, *own: ColumnElement[bool]
) -> dict[Place, Takings]:
    named = _places(session, site_id)
    found = _sold(session, named, *own)
    for place, kind, back in _given_back(session, site_id, day, named):
        part = Takings(voids=back) if kind == Kind.VOID else Takings(refunds=back)
        found[place] = found.get(place, Takings()) + part
    return dict(sorted(found.items(), key=lambda one: (one[0].venue_id, one[0].terminal_id)))


def _sold(
    session: Session, named: _Named, *conditions: ColumnElement[bool]
) -> dict[Place, Takings]:
    measured = (
        Sale.list_total, Sale.discount, Sale.total, Sale.subsidy_paid, Sale.cash_paid,
        Sale.drawer_paid,
    )  # fmt: skip
    query = (
        select(Sale.terminal_id, Sale.venue_id, Sale.tender, func.count(),
               *(func.sum(column) for column in measured))
        .where(*conditions)
        .group_by(Sale.terminal_id, Sale.venue_id, Sale.tender)
    )  # fmt: skip
    found: dict[Place, Takings] = {}
    for terminal_id, venue_id, tender, count, *sums in session.execute(query):
        listed, off, total, subsidy, cash, drawer = (Fen(int(value)) for value in sums)
        shares = {tender: Amount(count, total)}
        part = Takings(count, listed, off, total, subsidy, cash, drawer, shares)
        place = named(terminal_id, venue_id)
        found[place] = found.get(place, Takings()) + part
    return found


def _given_back(
    session: Session, site_id: UUID, day: date, named: _Named
) -> list[tuple[Place, str, Amount]]:
    """By the till and venue that sold, what movements of this day gave back."""
    query = (
        select(Sale.terminal_id, Sale.venue_id, Refund.kind, func.count(), func.sum(Refund.total))
        .join(Refund, Refund.sale_id == Sale.id)
        .join(Transfer, Transfer.id == Refund.transfer_id)
        .where(
            Sale.site_id == site_id, Refund.site_id == site_id, Transfer.site_id == site_id,
            Transfer.business_date == day,
        )
        .group_by(Sale.terminal_id, Sale.venue_id, Refund.kind)
    )  # fmt: skip
    return [
        (named(terminal_id, venue_id), kind, Amount(count, Fen(int(total))))
        for terminal_id, venue_id, kind, count, total in session.execute(query)
    ]


def _rescued(session: Session, site_id: UUID, day: date) -> dict[date, Amount]:
    query = (
        select(Sale.business_date, func.count(), func.sum(Sale.total))
        .where(Sale.site_id == site_id, Sale.rescued_on == day)
        .group_by(Sale.business_date)
        .order_by(Sale.business_date)
    )
    return {own: Amount(count, Fen(int(total))) for own, count, total in session.execute(query)}


def _desk(session: Session, site_id: UUID, day: date) -> dict[tuple[str, str], Amount]:
    query = (
        select(Transfer.by, Transfer.kind, func.count(), func.sum(-Posting.amount))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Transfer.site_id == site_id, Transfer.business_date == day,
            Posting.site_id == site_id, Posting.business_date == day,
            Account.kind == AccountKind.CASH_DESK.value,
        )
        .group_by(Transfer.by, Transfer.kind)
        .order_by(Transfer.by, Transfer.kind)
    )  # fmt: skip
    return {
        (by, kind): Amount(count, Fen(int(total)))
        for by, kind, count, total in session.execute(query)
    }


def moved(
    session: Session, site_id: UUID, day: date
) -> tuple[dict[str, dict[str, Fen]], dict[str, int]]:
    """All postings of a day: kind of movement → kind of account → fen, and how many of a kind."""
    here = Transfer.site_id == site_id, Transfer.business_date == day
    counts = dict(
        session.execute(
            select(Transfer.kind, func.count()).where(*here).group_by(Transfer.kind)
        ).all()
    )
    query = (
        select(Transfer.kind, Account.kind, func.sum(Posting.amount))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(*here, Posting.site_id == site_id, Posting.business_date == day)
        .group_by(Transfer.kind, Account.kind)
        .order_by(Transfer.kind, Account.kind)
    )
    found: dict[str, dict[str, Fen]] = {kind: {} for kind in sorted(counts)}
    for kind, account, total in session.execute(query):
        found[kind][account] = Fen(int(total))
    return found, counts

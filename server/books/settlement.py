"""Settlement (清算) between bodies (核算主体): who owes whom for meals of the other's diners.

A diner's balance is owed to him by the body of his group; a sale is the income of the body that
runs the venue. Where the two differ, the sale also credits what the diner's body owes the venue's
body, and debits what the venue's body may claim of the diner's: each body's own accounts stay
balanced, and all clearing accounts together are zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import ForeignKey, String, case, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.money import Fen
from server import sites
from server.actor import Actor
from server.books import accounts, closing
from server.books.accounts import Account, AccountKind, Owner
from server.books.transfers import Leg, Move, Posting, Transfer, move_all

_PAIRS = UUID("6f0a5e0e-9c5b-4b2e-8a65-3d1f5c0d7a11")
"""Namespace of the clearing accounts' owners."""
KIND = "settlement"
_NOTHING = Fen(0)


class SettlementError(BadInputError):
    """This month of these bodies cannot be settled."""

    code = "settlement"


class Settlement(Base):
    """Two bodies have settled a month."""

    __tablename__ = "settlement"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    body_id: Mapped[UUID] = mapped_column(ForeignKey("body.id"), primary_key=True)
    """The one of the two that comes first."""
    other_id: Mapped[UUID] = mapped_column(ForeignKey("body.id"), primary_key=True)
    amount: Mapped[int]
    """Fen that ``body_id`` paid ``other_id``; below zero: it was paid."""
    reference: Mapped[str] = mapped_column(String(120))
    """Of the payment, such as the bank's number."""
    transfer_id: Mapped[UUID | None]
    """Nothing moved where the two owed each other the same."""
    settled_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(80))


def pair(debtor_id: UUID, creditor_id: UUID) -> UUID:
    """Owner of the account of what one body owes the other."""
    return uuid5(_PAIRS, f"{debtor_id}:{creditor_id}")


def legs(debtor_id: UUID, creditor_id: UUID, amount: Fen) -> list[tuple[Owner, Fen]]:
    """What a sale to the debtor's diner at the creditor's venue moves beside wallet and revenue."""
    return [
        ((AccountKind.CLEARING, pair(debtor_id, creditor_id)), amount),
        ((AccountKind.CLEARING, pair(creditor_id, debtor_id)), Fen(-amount)),
    ]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Which body venues and groups of a site belong to; those without one, to the first."""

    first: UUID | None
    """``None`` where nothing names a body: all are the same one's."""
    venues: Mapping[UUID, UUID | None]
    groups: Mapping[UUID, UUID | None]

    def between(self, group_id: UUID | None, venue_id: UUID) -> tuple[UUID, UUID] | None:
        """Debtor and creditor of a sale; ``None`` within one body, and for coins of nobody."""
        if self.first is None or group_id is None:
            return None
        debtor = self.groups.get(group_id) or self.first
        creditor = self.venues.get(venue_id) or self.first
        return None if debtor == creditor else (debtor, creditor)


def belonging(
    session: Session,
    site_id: UUID,
    venues: Mapping[UUID, UUID | None],
    groups: Mapping[UUID, UUID | None],
) -> Belonging:
    """Of venues and groups with the bodies that they name; one query, where any names one."""
    named = any(venues.values()) or any(groups.values())
    return Belonging(sites.bodies(session, site_id)[0].id if named else None, venues, groups)


def clearing_legs(session: Session, transfer_id: UUID, amount: Fen) -> list[tuple[Owner, Fen]]:
    """What giving back a part of a sale takes back between bodies.

    Args:
        session: Reads.
        transfer_id: The sale's.
        amount: Fen, above zero, at most the sale's total.

    Returns:
        Nothing where the sale stayed within one body; else two legs, the reverse of the sale's,
        whichever body diner and venue belong to today.
    """
    query = (
        select(Account.owner_id, Posting.amount)
        .join(Posting, Posting.account_id == Account.id)
        .where(Posting.transfer_id == transfer_id, Account.kind == AccountKind.CLEARING.value)
    )
    return [
        ((AccountKind.CLEARING, owner_id), Fen(-amount if booked > 0 else amount))
        for owner_id, booked in session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Owed:
    """What one body owes another for a month's meals, in fen."""

    sales: Fen = _NOTHING
    refunds: Fen = _NOTHING
    """Voids and refunds of meals that the debtor's diners ate."""

    @property
    def net(self) -> Fen:
        """Sales less refunds."""
        return Fen(self.sales - self.refunds)


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's statement (清算单) of all bodies of a site.

    Attributes:
        month: Its first day.
        bodies: Id → name, the first body first.
        owed: Debtor and creditor → what the first owes the second; pairs without meals are left
            out.
        settled: Pair in the order of ``bodies`` → how it was settled.
        closed: Whether all days of the month are closed.
    """

    month: date
    bodies: Mapping[UUID, str]
    owed: Mapping[tuple[UUID, UUID], Owed]
    settled: Mapping[tuple[UUID, UUID], Settlement]
    closed: bool

    def pairs(self) -> list[tuple[UUID, UUID]]:
        """Pairs that owe each other something or have settled, in the order of the bodies."""
        ids = list(self.bodies)
        all_pairs = [(one, other) for no, one in enumerate(ids) for other in ids[no + 1 :]]
        return [
            (one, other) for one, other in all_pairs
            if self.owed.keys() & {(one, other), (other, one)} or (one, other) in self.settled
        ]  # fmt: skip

    def gross(self, debtor_id: UUID, creditor_id: UUID) -> Owed:
        """What one owes the other, not netted."""
        return self.owed.get((debtor_id, creditor_id), Owed())

    def net(self, body_id: UUID, other_id: UUID) -> Fen:
        """Fen that the first owes the second, what it is owed taken off; below zero: is owed."""
        return Fen(self.gross(body_id, other_id).net - self.gross(other_id, body_id).net)

    def result(self, body_id: UUID) -> Fen:
        """Fen that a body pays to all others together; below zero: it receives."""
        return Fen(sum(self.net(body_id, other) for other in self.bodies if other != body_id))

    @property
    def whole(self) -> Fen:
        """What all bodies together pay: nothing."""
        return Fen(sum(self.result(body) for body in self.bodies))


def month_end(month: date) -> date:
    """The last day of a month that is named by its first."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def statement(session: Session, site_id: UUID, month: date) -> Statement:
    """What the bodies of a site owe each other for a month.

    Args:
        session: Reads.
        site_id: Of all the bodies.
        month: Its first day.
    """
    month = month.replace(day=1)
    names = {body.id: body.name for body in sites.bodies(session, site_id)}
    until = closing.closed_until(session, site_id)
    settled = select(Settlement).where(Settlement.site_id == site_id, Settlement.month == month)
    return Statement(
        month, names, _owed(session, site_id, month, list(names)),
        {(row.body_id, row.other_id): row for row in session.scalars(settled)},
        until is not None and until >= month_end(month),
    )  # fmt: skip


def _owed(
    session: Session, site_id: UUID, month: date, ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID], Owed]:
    """On the account of what A owes B, a sale to A's diner is a credit, its refund a debit.

    The other two signs tell B's diners, and stand with the signs turned on B's account as well.
    """
    pairs = {pair(one, other): (one, other) for one in ids for other in ids if one != other}
    sold = func.sum(
        case(
            (Transfer.kind == "sale", case((Posting.amount > 0, Posting.amount), else_=0)), else_=0
        )
    )
    given_back = func.sum(
        case(
            (Transfer.kind != "sale", case((Posting.amount < 0, -Posting.amount), else_=0)), else_=0
        )
    )
    query = (
        select(Account.owner_id, sold, given_back)
        .join(Posting, Posting.account_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Account.site_id == site_id,
            Account.kind == AccountKind.CLEARING.value,
            Transfer.kind != KIND,
            Posting.business_date.between(month, month_end(month)),
        )
        .group_by(Account.owner_id)
    )
    found = {
        pairs[owner_id]: Owed(Fen(int(sales)), Fen(int(refunds)))
        for owner_id, sales, refunds in session.execute(query)
    }
    return {each: owed for each, owed in found.items() if owed != Owed()}


def settle(
    session: Session, actor: Actor, month: date, body_id: UUID, other_id: UUID, reference: str
) -> Settlement:
    """Bring what two bodies owe each other for a month to zero; a second time changes nothing.

    Raises:
        SettlementError: no such pair, no reference, or a day of the month is open.
    """
    month, reference = month.replace(day=1), reference.strip()
    if not 1 <= len(reference) <= 120:
        raise SettlementError(
            "enter the payment's reference, such as the bank's number", code="settle_reference"
        )
    order = [body.id for body in sites.bodies(session, actor.site_id)]
    if body_id not in order or other_id not in order or body_id == other_id:
        raise SettlementError("the site has no such pair of bodies", code="unknown_body")
    body_id, other_id = sorted((body_id, other_id), key=order.index)
    owners = [owner for owner, _ in legs(body_id, other_id, Fen(1))]
    locked = accounts.ensure_all(session, actor.site_id, owners)
    if closing.first_open_day(session, actor.site_id) <= month_end(month):
        raise SettlementError(
            "a day of this month is open: close all its days first", code="month_open"
        )
    known = session.get(Settlement, (actor.site_id, month, body_id, other_id))
    if known is not None:
        return known
    row = _book(session, actor, statement(session, actor.site_id, month), body_id, other_id, locked)
    row.reference = reference
    session.add(row)
    session.flush()
    actor.record(
        session, "settlement.settle", f"{month:%Y-%m}", None,
        {"from": str(body_id), "to": str(other_id), "fen": row.amount, "reference": reference},
    )  # fmt: skip
    return row


def _book(
    session: Session, actor: Actor, told: Statement, body_id: UUID, other_id: UUID,
    locked: Mapping[Owner, Account],
) -> Settlement:  # fmt: skip
    amount = told.net(body_id, other_id)
    row = Settlement(
        site_id=actor.site_id, month=told.month, body_id=body_id, other_id=other_id, amount=amount,
        transfer_id=None, settled_at=actor.at, settled_by=actor.name[:80],
    )  # fmt: skip
    if amount:
        moved = [Leg(locked[owner], Fen(-fen)) for owner, fen in legs(body_id, other_id, amount)]
        key = f"settlement:{told.month:%Y-%m}:{body_id}:{other_id}"
        day = sites.business_date(session, actor.site_id, actor.at)
        one = Move(KIND, key, moved, at=actor.at, business_date=day, by=actor.name)
        row.transfer_id = move_all(session, actor.site_id, [one])[0].id
    return row

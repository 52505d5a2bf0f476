"""Voids and approved refunds in the books: the sale's money goes the way back.

Whoever gives money back locks the sale first and the accounts after it; so two of them at once
cannot give back the same fen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.money import Fen
from dafan.records import Source
from server.books import accounts, day_changes, refunds, sales, settlement
from server.books.accounts import Account, AccountKind, Owner
from server.books.refunds import Chosen, Kind, Refund, RefundLine, State
from server.books.sales import Sale
from server.books.transfers import Leg, Move, move_all


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund as it is asked for, or a void as it is done.

    Attributes:
        id: Made when the form was opened, or by the till.
        day: The business date that it is kept under.
        reason: For people.
        by: Login.
        at: Aware UTC.
        terminal_id: The till that reported a void.
        seq: Its journal entry there.
    """

    id: UUID
    day: date
    reason: str
    by: str
    at: datetime
    terminal_id: UUID | None = None
    seq: int | None = None


def write(
    session: Session,
    sale: Sale,
    kind: Kind,
    asked: Asked,
    chosen: Sequence[Chosen],
    left: Mapping[Source, int],
) -> Refund:
    """Write down what goes back; no money moves yet.

    Args:
        session: Writes.
        sale: Locked by the caller.
        kind: A void needs no judgement.
        asked: By whom and why.
        chosen: Which lines, and how much.
        left: As :func:`left_of`.
    """
    total = sum(each.amount for each in chosen)
    back = refunds.split(total, left)
    done = kind is Kind.VOID
    refund = Refund(
        site_id=sale.site_id, business_date=asked.day, id=asked.id, sale_id=sale.id,
        sale_date=sale.business_date, diner_id=sale.diner_id, kind=kind.value,
        state=(State.APPROVED if done else State.ASKED).value, total=total,
        subsidy_back=back[Source.SUBSIDY], cash_back=back[Source.CASH],
        drawer_back=back[Source.DRAWER], reason=asked.reason[:200], asked_by=asked.by[:80],
        asked_at=asked.at, judged_by=asked.by[:80] if done else None,
        judged_at=asked.at if done else None, judgement="", terminal_id=asked.terminal_id,
        seq=asked.seq, transfer_id=None,
    )  # fmt: skip
    session.add(refund)
    session.add_all(
        RefundLine(
            site_id=sale.site_id, business_date=asked.day, refund_id=asked.id, no=each.no,
            quantity=each.quantity, amount=each.amount,
        )
        for each in chosen
    )  # fmt: skip
    return refund


def left_of(sale: Sale, before: Sequence[Refund]) -> dict[Source, int]:
    """Fen that each source paid for the sale and that no standing refund gives back."""
    standing = [each for each in before if each.state in refunds.STANDING]
    return {
        Source.SUBSIDY: sale.subsidy_paid - sum(each.subsidy_back for each in standing),
        Source.CASH: sale.cash_paid - sum(each.cash_back for each in standing),
        Source.DRAWER: sale.drawer_paid - sum(each.drawer_back for each in standing),
    }


def owners_of(session: Session, sale: Sale) -> set[Owner]:
    """The accounts that a void of the sale moves."""
    return {owner for owner, _ in _legs(session, sale, Kind.VOID, left_of(sale, ()))}


def write_whole(
    session: Session, sale: Sale, kind: Kind, asked: Asked, before: Sequence[Refund]
) -> Refund:
    """Write down that all that is left of a sale goes back, as :func:`write`.

    Args:
        session: Writes.
        sale: Locked by the caller.
        kind: Void or refund.
        asked: By whom and why.
        before: What was asked for the sale before.

    Raises:
        RefundError: nothing is left, and it is no void: one of a basket that cost nothing frees
            the meal.
    """
    lines = lines_of(session, sale, before)
    if kind is Kind.VOID:
        chosen = [Chosen(each.no, each.left, each.left_fen) for each in lines]
    else:
        chosen = refunds.choose(lines, None)
    return write(session, sale, kind, asked, chosen, left_of(sale, before))


def lines_of(session: Session, sale: Sale, before: Sequence[Refund]) -> list[refunds.Line]:
    """The lines of a sale with what can still go back for each."""
    sold = [(line.no, line.quantity, line.amount) for line in sales.lines_of(session, sale)]
    return refunds.lines_left(sold, sale.total, refunds.taken(session, before))


@dataclass(frozen=True, slots=True)
class Back:
    """Money that goes back now.

    Attributes:
        refund: A void, or an approved refund.
        sale: Its sale, locked by the caller.
        at: Aware UTC.
        day: An open day, for which it counts.
    """

    refund: Refund
    sale: Sale
    at: datetime
    day: date


def move_back(session: Session, given: Sequence[Back], locked: Mapping[Owner, Account]) -> None:
    """Move the money of voids and approved refunds.

    Args:
        session: Writes.
        given: Of one site.
        locked: The accounts of all of them, as :func:`accounts.ensure_all` gives them.
    """
    if not given:
        return
    moves = []
    for each in given:
        legs = [
            Leg(locked[owner], amount)
            for owner, amount in _legs_of(session, each.refund, each.sale)
        ]
        if legs:
            moves.append(_move(each, legs))
    moved = {made.key: made.id for made in move_all(session, given[0].sale.site_id, moves)}
    for each in given:
        refund, sale = each.refund, each.sale
        refund.transfer_id = moved.get(_key(refund))
        sale.refunded += refund.total
        whole = refund.total > 0 and sale.refunded == sale.total
        sale.cancelled = whole or refund.kind == Kind.VOID.value
    session.flush()
    tills = {(each.sale.business_date, each.sale.terminal_id) for each in given}
    day_changes.changed(session, given[0].sale.site_id, tills)


def lock_accounts(session: Session, refund: Refund, sale: Sale) -> dict[Owner, Account]:
    """The accounts that a refund moves; nobody else moves them until the transaction ends."""
    wanted = {owner for owner, _ in _legs_of(session, refund, sale)}
    return accounts.ensure_all(session, sale.site_id, wanted)


def _legs_of(session: Session, refund: Refund, sale: Sale) -> list[tuple[Owner, Fen]]:
    back = {
        Source.SUBSIDY: refund.subsidy_back, Source.CASH: refund.cash_back,
        Source.DRAWER: refund.drawer_back,
    }  # fmt: skip
    return _legs(session, sale, Kind(refund.kind), back)


def _legs(
    session: Session, sale: Sale, kind: Kind, back: Mapping[Source, int]
) -> list[tuple[Owner, Fen]]:
    """Whose accounts are credited and debited, with fen; none where nothing goes back."""
    legs: list[tuple[Owner, Fen]] = []
    for source, amount in back.items():
        if not amount:
            continue
        if source is not Source.DRAWER:
            if sale.diner_id is None:
                raise ValueError("a wallet without a diner")
            legs.append(((accounts.WALLETS[source], sale.diner_id), Fen(amount)))
        elif kind is Kind.VOID:
            legs.append(((AccountKind.DRAWER, sale.terminal_id), Fen(amount)))
        else:
            legs.append(((AccountKind.CASH_DESK, sale.site_id), Fen(amount)))
    total = Fen(sum(back.values()))
    if total and sale.transfer_id:
        legs.append(((AccountKind.REVENUE, sale.venue_id), Fen(-total)))
        legs += settlement.clearing_legs(session, sale.transfer_id, total)
    return legs


def _key(refund: Refund) -> str:
    """A sale can be voided once, and each refund be paid once, whoever asks how often."""
    return f"void:{refund.sale_id}" if refund.kind == Kind.VOID.value else f"refund:{refund.id}"


def _move(back: Back, legs: Sequence[Leg]) -> Move:
    refund = back.refund
    by = str(refund.terminal_id) if refund.terminal_id else refund.judged_by or refund.asked_by
    return Move(
        refund.kind, _key(refund), legs, at=back.at, business_date=back.day, by=by,
        memo=refund.reason,
    )  # fmt: skip

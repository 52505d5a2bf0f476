"""Giving money back: a void by the cashier today, or a refund that a second person approves.

Every change of a sale's refunds is made under the sale's lock, so that what is judged is what
stands. The person who asks never approves (不相容岗位).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.money import Fen
from server import disputes, evidence, people, sites
from server.actor import Actor
from server.books import accounts, closing, refunds, reversals, sales
from server.books.accounts import Account, Owner
from server.books.refunds import Kind, Line, Refund, RefundError, State
from server.books.reversals import Asked, Back
from server.books.sales import Sale
from server.books.transfers import KeyUsedError


class UnknownSaleError(RefundError):
    """The site has no such sale."""

    code = "unknown_sale"


class UnknownRefundError(RefundError):
    """The site has no such refund."""

    code = "unknown_refund"


@dataclass(frozen=True, slots=True)
class Offer:
    """What can still go back for a sale.

    Attributes:
        lines: With the pieces and fen that are left of each.
        left: Fen of all of them.
        void: Whether a void is possible: today, and nothing went back before.
        history: What was asked for before, the oldest first.
    """

    lines: Sequence[Line]
    left: Fen
    void: bool
    history: Sequence[Refund]


def offer(session: Session, sale: Sale, today: date) -> Offer:
    """What can still go back for a sale, for a page: it may change at any moment."""
    before = refunds.of_sale(session, sale.site_id, sale.id)
    lines = reversals.lines_of(session, sale, before)
    closed = closing.closed_until(session, sale.site_id)
    is_open = closed is None or sale.business_date > closed
    fresh = not any(each.state in refunds.STANDING for each in before)
    void = fresh and is_open and sale.business_date == today
    return Offer(lines, Fen(sum(each.left_fen for each in lines)), void, before)


def void(session: Session, actor: Actor, sale_id: UUID, reason: str, *, key: UUID) -> Refund:
    """Take a whole sale back on its own business date (当日撤销), once for each key.

    Coins come out of the drawer of the terminal that sold.

    Raises:
        UnknownSaleError: not a sale of this site.
        RefundError: it is of another day or of a closed one, or money went back before.
    """
    sale, before, known = _begin(session, actor, sale_id, key, Kind.VOID)
    if known is not None:
        return known
    day = sale.business_date
    if day != sites.business_date(session, actor.site_id, actor.at):
        raise RefundError("this sale is not of today: ask for a refund instead", code="not_today")
    if any(each.state in refunds.STANDING for each in before):
        raise RefundError(
            "money for this sale went back already, or is asked for: look at its refunds",
            code="refunded_before",
        )
    locked = accounts.ensure_all(session, actor.site_id, reversals.owners_of(session, sale))
    if closing.is_closed(session, actor.site_id, day):
        raise RefundError("this day is closed: ask for a refund instead", code="day_closed")
    asked = Asked(key, day, _reason(reason), actor.name, actor.at)
    refund = reversals.write_whole(session, sale, Kind.VOID, asked, before)
    _give_back(session, Back(refund, sale, actor.at, day), locked)
    actor.record(
        session, "sale.void", str(sale.id), {"total": sale.total},
        {"refund": str(key), "reason": refund.reason},
    )  # fmt: skip
    return refund


def ask(
    session: Session,
    actor: Actor,
    sale_id: UUID,
    wanted: Mapping[int, int] | None,
    reason: str,
    *,
    key: UUID,
) -> Refund:
    """Ask for a refund, once for each key; no money moves before a second person approves.

    Args:
        session: Writes.
        actor: Who asks.
        sale_id: Of any day.
        wanted: Number of a line → pieces of it; ``None``: all that is left of the sale.
        reason: For the one who judges.
        key: Made when the form was opened, so that pressing twice asks once.

    Raises:
        UnknownSaleError: not a sale of this site.
        RefundError: nothing is left or chosen, or more than is left.
        KeyUsedError: the key asked for something else before.
    """
    sale, before, known = _begin(session, actor, sale_id, key, Kind.REFUND)
    if known is not None:
        told = {line.no: line.quantity for line in refunds.lines_of(session, [key])[key]}
        if wanted is not None and wanted != told:
            raise KeyUsedError("this form asked for other lines before: reload the page")
        return known
    today = sites.business_date(session, actor.site_id, actor.at)
    asked = Asked(key, today, _reason(reason), actor.name, actor.at)
    chosen = refunds.choose(reversals.lines_of(session, sale, before), wanted)
    left = reversals.left_of(sale, before)
    refund = reversals.write(session, sale, Kind.REFUND, asked, chosen, left)
    session.flush()
    actor.record(
        session, "refund.ask", str(key), None,
        {
            "sale": str(sale.id), "fen": refund.total, "reason": refund.reason,
            "lines": {str(each.no): each.quantity for each in chosen},
        },
    )  # fmt: skip
    return refund


def approve(session: Session, actor: Actor, refund_id: UUID) -> Refund:
    """A second person agrees: the money goes back now. Twice is once.

    Coins are paid out at the cash desk. A diner who has left is refunded all the same: what he is
    owed stays in his account until it is paid out.

    Raises:
        UnknownRefundError: not a refund of this site.
        RefundError: he asked for it himself, or it was refused.
    """
    refund, sale = _judge(session, actor, refund_id, State.APPROVED)
    if refund.state == State.APPROVED.value:
        return refund
    _note(session, actor, refund, State.APPROVED, "")
    today = sites.business_date(session, actor.site_id, actor.at)
    locked = reversals.lock_accounts(session, refund, sale)
    day = closing.booking_date(session, actor.site_id, today)
    _give_back(session, Back(refund, sale, actor.at, day), locked)
    disputes.follow(session, actor, refund.id, refunded=True)
    return refund


def refuse(session: Session, actor: Actor, refund_id: UUID, reason: str) -> Refund:
    """A second person does not agree: nothing moves, and the asker reads why. Twice is once.

    Raises:
        UnknownRefundError: not a refund of this site.
        RefundError: he asked for it himself, or it was approved, or no reason is given.
    """
    refund, _ = _judge(session, actor, refund_id, State.REFUSED)
    if refund.state == State.REFUSED.value:
        return refund
    _note(session, actor, refund, State.REFUSED, _reason(reason))
    disputes.follow(session, actor, refund.id, refunded=False)
    session.flush()
    return refund


def refund_wrong_person(
    session: Session, actor: Actor, dispute_id: UUID, conclusion: str, *, key: UUID
) -> disputes.Dispute:
    """A disputed payment was made by somebody else: ask for all of it. Twice is once.

    The diner has his money back when a second person approves; the evidence is kept until then,
    so that he can look as well. Where the whole sale went back already, the dispute ends.

    Raises:
        DisputeError: there is no such dispute here, it is judged already, or no reason is given.
        RefundError: another refund of the sale waits for approval.
    """
    dispute = disputes.held(session, actor, dispute_id)
    if dispute.refund_id == key:
        return dispute
    sale = sales.find(session, actor.site_id, [dispute.sale_id])[dispute.sale_id]
    disputes.judge(session, actor, dispute, disputes.State.REFUND_ASKED, conclusion)
    if sale.cancelled:
        dispute.state = disputes.State.REFUNDED.value
        evidence.erase(session, actor, dispute.sale_id)
    else:
        dispute.refund_id = ask(session, actor, sale.id, None, conclusion, key=key).id
    session.flush()
    return dispute


def _begin(
    session: Session, actor: Actor, sale_id: UUID, key: UUID, kind: Kind
) -> tuple[Sale, Sequence[Refund], Refund | None]:
    """The sale, locked; what was asked for it; and among that what the key asked before."""
    sale = sales.find(session, actor.site_id, [sale_id], lock=True).get(sale_id)
    if sale is None:
        raise UnknownSaleError("there is no such sale here: look for it in the list of sales")
    before = refunds.of_sale(session, actor.site_id, sale_id)
    known = next((each for each in before if each.id == key), None)
    if known is None and refunds.known(session, [key]):
        raise KeyUsedError("this form refunded another sale before: reload the page")
    if known is not None and known.kind != kind.value:
        raise KeyUsedError("this form was used before: reload the page")
    return sale, before, known


def _judge(session: Session, actor: Actor, refund_id: UUID, verdict: State) -> tuple[Refund, Sale]:
    """The refund as it stands under its sale's lock, and the sale."""
    query = select(Refund).where(Refund.site_id == actor.site_id, Refund.id == refund_id)
    found = session.scalar(query)
    if found is None:
        raise UnknownRefundError("there is no such refund here: reload the list")
    sale = sales.find(session, actor.site_id, [found.sale_id], lock=True)[found.sale_id]
    refund = session.scalars(query.execution_options(populate_existing=True)).one()
    if refund.kind == Kind.VOID.value or refund.state not in {State.ASKED.value, verdict.value}:
        raise RefundError("this was judged before: reload the list", code="judged_before")
    if refund.asked_by == actor.name:
        raise RefundError(
            "you asked for this refund yourself: another person has to judge it",
            code="own_refund",
        )
    return refund, sale


def _note(session: Session, actor: Actor, refund: Refund, verdict: State, reason: str) -> None:
    refund.state, refund.judgement = verdict.value, reason
    refund.judged_by, refund.judged_at = actor.name[:80], actor.at
    action = "refund.approve" if verdict is State.APPROVED else "refund.refuse"
    after = {"state": verdict.value, "fen": refund.total, "asked_by": refund.asked_by}
    if reason:
        after["reason"] = reason
    actor.record(session, action, str(refund.id), {"state": State.ASKED.value}, after)


def _give_back(session: Session, back: Back, locked: Mapping[Owner, Account]) -> None:
    reversals.move_back(session, [back], locked)
    if back.sale.diner_id is not None:
        people.publish_diner(session, back.sale.diner_id)


def _reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= 200:
        raise RefundError("say in a few words why", code="no_reason")
    return reason

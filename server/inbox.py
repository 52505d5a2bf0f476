"""One inbox (审批): everything that waits for a person's decision, the longest waiting first.

Each sort of thing says in one query who has not decided it yet; all of them together are one query,
paged by time and id. What a person may not decide, and what he asked for himself where another one
has to decide, is not in his inbox.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from dafan.money import Fen
from kitchen import approvals, purchasing
from kitchen.approvals import Approval
from kitchen.incidents import Incident
from kitchen.incidents import State as Judged
from kitchen.ingredients import Ingredient
from kitchen.rectification import Finding, FindingStep, Step
from kitchen.repairs import Repair
from kitchen.repairs import Stage as RepairStage
from kitchen.sample_alarms import SampleAlarm
from kitchen.staff import Worker
from kitchen.stock_requests import Asked, StockRequest
from kitchen.stocktake import Stocktake, StocktakeLine
from kitchen.supervision import SupervisionItem
from server import disputes
from server.access import RIGHTS
from server.books.approvals import State
from server.books.pay_outs import PayOut
from server.books.receipts import Reversal, TopUpReceipt
from server.books.refunds import Refund
from server.books.refunds import State as RefundState
from server.disputes import Dispute
from server.scale_book import Scale
from server.scale_rules import TO_SEE_TO, Watch

MOST = 200


class Kind(StrEnum):
    """What waits."""

    ORDER = "order"
    ASKED = "asked"
    """Another subject of :mod:`kitchen.approvals` than an order."""
    STOCK = "stock"
    STOCKTAKE = "stocktake"
    REFUND = "refund"
    REVERSAL = "reversal"
    PAY_OUT = "pay_out"
    DISPUTE = "dispute"
    INCIDENT = "incident"
    ALARM = "alarm"
    FINDING = "finding"
    REPAIR = "repair"
    WAIVER = "waiver"
    SCALE_FAILED = "scale_failed"
    SCALE_EXPIRED = "scale_expired"
    SCALE_UNVERIFIED = "scale_unverified"
    SCALE_CHECK_DUE = "scale_check_due"
    SCALE_SOON = "scale_soon"
    """Scales that stand so (:class:`server.scale_rules.Standing`), all of them in one line."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that waits.

    Attributes:
        kind: What it is.
        id: What the page about it is found by.
        row_id: Its row; it orders what was asked at the same moment.
        at: When it was asked for, or happened.
        by: Login of who asked; empty: a machine.
        amount: Fen; ``None`` where it is not about money.
        title: What the asker wrote, or what it is about; of scales: how many.
    """

    kind: Kind
    id: UUID
    row_id: UUID
    at: datetime
    by: str
    amount: Fen | None
    title: str

    @property
    def cursor(self) -> str:
        """Where the next page begins."""
        return f"{self.at.isoformat()}_{self.row_id}"


@dataclass(frozen=True, slots=True)
class Who:
    """For whom: his login, and his roles at the site."""

    site_id: UUID
    login: str
    roles: tuple[str, ...]
    weighing: Callable[[], Watch] = Watch
    """How the scales of the site stand, asked only for who sees to them; at first none waits."""

    def may(self, right: str) -> bool:
        """Whether one of his roles has the right."""
        return any(role in RIGHTS[right] for role in self.roles)


def waiting(session: Session, who: Who, *, after: str = "", limit: int = 50) -> list[Ask]:
    """A page of what waits for a person; ``after`` is the cursor of the last one seen."""
    everything = _everything(session, who)
    if everything is None:
        return []
    query = select(everything)
    key = _read_cursor(after)
    if key is not None:
        query = query.where(tuple_(everything.c.at, everything.c.row_id) > tuple_(*key))
    query = query.order_by(everything.c.at, everything.c.row_id)
    return [
        Ask(
            Kind(row.kind), row.id, row.row_id, row.at, row.by,
            None if row.amount is None else Fen(int(row.amount)), row.title,
        )
        for row in session.execute(query.limit(max(1, min(limit, MOST))))
    ]  # fmt: skip


def count(session: Session, who: Who) -> int:
    """How many things wait for a person."""
    everything = _everything(session, who)
    if everything is None:
        return 0
    return session.scalar(select(func.count()).select_from(everything)) or 0


def _everything(session: Session, who: Who) -> Any:
    parts = [
        part
        for right, make in _SORTS
        if who.may(right)
        for part in make(session, who)
    ]  # fmt: skip
    return union_all(*parts).subquery() if parts else None


def _part(
    kind: Kind, row: Any, at: Any, by: Any, title: Any, *where: ColumnElement[bool],
    ident: Any = None, amount: Any = None,
) -> Select[Any]:  # fmt: skip
    ident = row.id if ident is None else ident
    return select(*_columns(kind, ident, row.id, at, by, title, amount)).where(*where)


def _columns(
    kind: Kind, ident: Any, row_id: Any, at: Any, by: Any, title: Any, amount: Any = None
) -> list[Any]:
    return [
        literal(kind.value).label("kind"),
        ident.label("id"),
        row_id.label("row_id"),
        at.label("at"),
        cast(by, String(80)).label("by"),
        cast(null() if amount is None else amount, BigInteger).label("amount"),
        cast(title, String(200)).label("title"),
    ]


def _orders(session: Session, who: Who) -> Sequence[Select[Any]]:
    mine = approvals.open_to(session, who.site_id, who.login, who.roles)
    return [
        _part(
            kind, Approval, Approval.asked_at, Approval.asked_by, Approval.title, mine, subject,
            ident=Approval.subject_id, amount=Approval.amount,
        )
        for kind, subject in (
            (Kind.ORDER, Approval.subject == purchasing.SUBJECT),
            (Kind.ASKED, Approval.subject != purchasing.SUBJECT),
        )
    ]  # fmt: skip


def _stock(session: Session, who: Who) -> Sequence[Select[Any]]:
    del session
    counted = select(StocktakeLine.stocktake_id).where(
        StocktakeLine.site_id == who.site_id, StocktakeLine.by == who.login
    )
    asked = _part(
        Kind.STOCK, StockRequest, StockRequest.asked_at, StockRequest.asked_by, Ingredient.name,
        StockRequest.site_id == who.site_id, StockRequest.state == Asked.ASKED.value,
        StockRequest.asked_by != who.login,
    ).join(Ingredient, Ingredient.id == StockRequest.ingredient_id)  # fmt: skip
    differences = _part(
        Kind.STOCKTAKE, Stocktake, Stocktake.asked_at, Stocktake.asked_by, Stocktake.place,
        Stocktake.site_id == who.site_id, Stocktake.state == Asked.ASKED.value,
        Stocktake.asked_by != who.login, Stocktake.id.not_in(counted),
    )  # fmt: skip
    return asked, differences


def _refunds(session: Session, who: Who) -> Sequence[Select[Any]]:
    del session
    refunds = _part(
        Kind.REFUND, Refund, Refund.asked_at, Refund.asked_by, Refund.reason,
        Refund.site_id == who.site_id, Refund.state == RefundState.ASKED.value,
        Refund.asked_by != who.login, ident=Refund.sale_id, amount=Refund.total,
    )  # fmt: skip
    reversals = _part(
        Kind.REVERSAL, Reversal, Reversal.asked_at, Reversal.asked_by, Reversal.reason,
        Reversal.site_id == who.site_id, Reversal.state == State.ASKED.value,
        Reversal.asked_by != who.login, ident=Reversal.receipt_id, amount=TopUpReceipt.amount,
    ).join(TopUpReceipt, TopUpReceipt.transfer_id == Reversal.receipt_id)  # fmt: skip
    return refunds, reversals


def _pay_outs(session: Session, who: Who) -> Sequence[Select[Any]]:
    del session
    return [
        _part(
            Kind.PAY_OUT, PayOut, PayOut.asked_at, PayOut.asked_by, PayOut.reason,
            PayOut.site_id == who.site_id, PayOut.state == State.ASKED.value,
            PayOut.asked_by != who.login, amount=PayOut.cash,
        )
    ]  # fmt: skip


def _disputes(session: Session, who: Who) -> Sequence[Select[Any]]:
    del session
    return [
        _part(
            Kind.DISPUTE, Dispute, Dispute.opened_at, Dispute.opened_by, Dispute.reason,
            Dispute.site_id == who.site_id, Dispute.state == disputes.State.OPEN.value,
        )
    ]  # fmt: skip


def _incidents(session: Session, who: Who) -> Sequence[Select[Any]]:
    del session
    return [
        _part(
            Kind.INCIDENT, Incident, Incident.at, literal(""), Incident.kind,
            Incident.site_id == who.site_id, Incident.state == Judged.FOUND.value,
        )
    ]  # fmt: skip


def _in_charge(session: Session, who: Who) -> Sequence[Select[Any]]:
    """What only people in charge of the kitchen may agree to."""
    del session
    alarms = _part(
        Kind.ALARM, SampleAlarm, SampleAlarm.raised_at, SampleAlarm.answered_by,
        SampleAlarm.answer, SampleAlarm.site_id == who.site_id,
        SampleAlarm.closed_at.is_(None), SampleAlarm.answered_by.is_not(None),
        SampleAlarm.answered_by != who.login,
    )  # fmt: skip
    waivers = _part(
        Kind.WAIVER, SupervisionItem, SupervisionItem.opens_at, SupervisionItem.waiver_asked_by,
        SupervisionItem.title, SupervisionItem.site_id == who.site_id,
        SupervisionItem.waiver_asked_by.is_not(None), SupervisionItem.waiver_asked_by != who.login,
        SupervisionItem.waived_at.is_(None), SupervisionItem.done_at.is_(None),
        SupervisionItem.withdrawn_at.is_(None),
    )  # fmt: skip
    return alarms, waivers


def _scales(session: Session, who: Who) -> Sequence[Select[Any]]:
    """One line for each way in which scales of the site want a hand."""
    del session
    seen, parts = who.weighing(), []
    for one in TO_SEE_TO:
        if one in seen.counts:
            kind = Kind(f"scale_{one.value}")
            ident = literal(uuid5(who.site_id, kind.value), Scale.id.type)
            at = literal(seen.since[one], Scale.changed_at.type)
            count = literal(str(seen.counts[one]))
            parts.append(select(*_columns(kind, ident, ident, at, literal(""), count)))
    return parts


def _kitchen(session: Session, who: Who) -> Sequence[Select[Any]]:
    """What another pair of eyes of the kitchen looks at."""
    del session
    own = select(Worker.id).where(Worker.site_id == who.site_id, Worker.login == who.login)
    step = FindingStep
    last = (
        select(step.finding_id, func.max(step.number).label("number"))
        .where(step.site_id == who.site_id, step.step == Step.PUT_RIGHT.value)
        .group_by(step.finding_id)
        .subquery()
    )
    findings = (
        _part(
            Kind.FINDING, Finding, step.at, step.by, Finding.what,
            Finding.site_id == who.site_id, Finding.state == Step.PUT_RIGHT.value,
            step.by != who.login,
            Finding.worker_id.is_(None) | Finding.worker_id.not_in(own),
        )
        .join(last, last.c.finding_id == Finding.id)
        .join(step, (step.finding_id == Finding.id) & (step.number == last.c.number))
    )  # fmt: skip
    repairs = _part(
        Kind.REPAIR, Repair, Repair.repaired_at, Repair.asked_by, Repair.what,
        Repair.site_id == who.site_id, Repair.stage == RepairStage.REPAIRED.value,
        Repair.asked_by == who.login,
    )  # fmt: skip
    return findings, repairs


_SORTS: Sequence[tuple[str, Callable[[Session, Who], Sequence[Select[Any]]]]] = (
    ("approve_buying", _orders),
    ("approve_stock", _stock),
    ("approve_refunds", _refunds),
    ("pay_out", _pay_outs),
    ("judge_disputes", _disputes),
    ("judge_incidents", _incidents),
    ("run_kitchen", _in_charge),
    ("run_kitchen", _scales),
    ("do_kitchen", _kitchen),
)
"""Who may decide → what waits for him."""

PLACES: Mapping[Kind, tuple[str, str]] = {
    Kind.ORDER: ("manage.order", "order_id"),
    Kind.ASKED: ("manage.approvals_inbox", ""),
    Kind.STOCK: ("manage.approvals_inbox", ""),
    Kind.STOCKTAKE: ("kitchen.stock_count", "stocktake_id"),
    Kind.REFUND: ("manage.refunds_list", ""),
    Kind.REVERSAL: ("manage.top_up_receipt", "receipt_id"),
    Kind.PAY_OUT: ("manage.pay_out", "pay_out_id"),
    Kind.DISPUTE: ("manage.dispute", "dispute_id"),
    Kind.INCIDENT: ("kitchen.incident", "incident_id"),
    Kind.ALARM: ("kitchen.samples", ""),
    Kind.FINDING: ("kitchen.finding", "finding_id"),
    Kind.REPAIR: ("kitchen.repair", "repair_id"),
    Kind.WAIVER: ("kitchen.act", "item_id"),
    Kind.SCALE_FAILED: ("manage.scales_list", ""),
    Kind.SCALE_EXPIRED: ("manage.scales_list", ""),
    Kind.SCALE_UNVERIFIED: ("manage.scales_list", ""),
    Kind.SCALE_CHECK_DUE: ("manage.scales_list", ""),
    Kind.SCALE_SOON: ("manage.scales_list", ""),
}
"""Endpoint where it is decided, and what the id is called in its address."""


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """What :attr:`Ask.cursor` wrote; ``None`` for anything else, which begins at the top."""
    moment, _, row_id = text.partition("_")
    try:
        at, key = datetime.fromisoformat(moment), UUID(row_id)
    except ValueError:
        return None
    return None if at.tzinfo is None else (at, key)

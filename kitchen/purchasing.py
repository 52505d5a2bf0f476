"""Purchase orders (采购单): asked for, approved by another, sent, received, settled.

What may follow what is told by :mod:`kitchen.purchase_rules`. The prices of an order are those
that were approved: whoever writes other ones asks again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import LARGEST, Measure
from kitchen import approvals, ingredients, rows, suppliers
from kitchen.approvals import Done
from kitchen.purchase_book import PurchaseLine, PurchaseOrder, PurchaseStep, lines_of, steps_of
from kitchen.purchase_rules import (
    COMING,
    DUTIES,
    Act,
    OrderValues,
    State,
    WrongStepError,
    amount_of,
    fingerprint,
    step,
)

SUBJECT = "purchase_order"


def draft(
    session: Session, actor: Acting, values: OrderValues, day: date, *, key: str
) -> PurchaseOrder:
    """Write an order; told again with the same key it is written once.

    Args:
        session: Writing.
        actor: Who writes it.
        values: What is ordered.
        day: Business date.
        key: Minted by the sender, the same through every retry.

    Raises:
        SupplierBlockedError: the supplier may not supply on that day or on the day of delivery.
        UnknownRowError, UnknownIngredientError: not of this site.
        BadInputError: an ingredient twice, or a delivery in the past.
        KeyReusedError: the key wrote another order.
    """
    told = fingerprint(values.model_dump(mode="json"))
    row = PurchaseOrder(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day,
        supplier_id=values.supplier_id, deliver_on=values.deliver_on, note=values.note,
        state=State.DRAFT.value, total=0, rounds=0, approval_id=None, told=told,
    )  # fmt: skip
    again = rows.earlier(session, row, ("told",))
    if again is not None:
        return again
    measures = _check(session, actor.site_id, values, day)
    row.total = _total(values, measures)
    row, new = rows.insert_once(session, row, ("told",))
    if new:
        _write_lines(session, row, values, measures)
        _note(session, actor, row, Act.DRAFT)
        after = values.model_dump(mode="json") | {"total": row.total}
        actor.record(session, "purchase.draft", str(row.id), None, after)
    return row


def revise(
    session: Session, actor: Acting, order_id: UUID, values: OrderValues, day: date
) -> PurchaseOrder:
    """Write a draft, or what was asked for or refused, anew; it has to be asked for again.

    Raises:
        WrongStepError: it is approved already.
        SupplierBlockedError, UnknownRowError, BadInputError: as :func:`draft`.
    """
    row = _locked(session, actor.site_id, order_id)
    after = step(State(row.state), Act.REVISE)
    measures = _check(session, actor.site_id, values, day)
    before = {"state": row.state, "total": row.total}
    approvals.withdraw(session, actor, SUBJECT, row.id)
    for line in lines_of(session, row.id):
        session.delete(line)
    session.flush()
    row.supplier_id, row.deliver_on, row.note = values.supplier_id, values.deliver_on, values.note
    row.total = _total(values, measures)
    row.state, row.approval_id = after.value, None
    _write_lines(session, row, values, measures)
    _note(session, actor, row, Act.REVISE)
    told = values.model_dump(mode="json") | {"total": row.total}
    actor.record(session, "purchase.revise", str(row.id), before, told)
    return row


def ask(session: Session, actor: Acting, order_id: UUID) -> PurchaseOrder:
    """Ask for the approval of an order; asked again it is asked once.

    Raises:
        WrongStepError: it was approved, refused or sent already.
        ApprovalError: no role of the site may approve so much.
    """
    row = _locked(session, actor.site_id, order_id)
    if row.state == State.ASKED:
        return row
    step(State(row.state), Act.ASK)
    row.rounds += 1
    name = suppliers.get(session, actor.site_id, row.supplier_id).name
    title = f"{name} {row.deliver_on}"
    key = f"{SUBJECT}:{row.id.hex}:{row.rounds}"
    approval = approvals.ask(session, actor, SUBJECT, row.id, row.total, title, key=key)
    row.approval_id = approval.id
    _move(session, actor, row, Act.ASK)
    return row


def decide(
    session: Session,
    actor: Acting,
    roles: Sequence[str],
    order_id: UUID,
    *,
    approve: bool,
    reason: str = "",
) -> PurchaseOrder:
    """Approve or refuse an order that is asked for; the same said again changes nothing.

    Raises:
        WrongStepError: nobody asked.
        ApprovalError, IncompatibleDutiesError, BadInputError: as :func:`kitchen.approvals.decide`.
    """
    row = _locked(session, actor.site_id, order_id)
    if row.approval_id is None:
        raise WrongStepError("nobody asked for this order yet")
    approvals.decide(session, actor, roles, row.approval_id, approve=approve, reason=reason)
    if row.state == State.ASKED:
        _move(session, actor, row, Act.APPROVE if approve else Act.REFUSE)
    return row


def send(session: Session, actor: Acting, order_id: UUID, day: date) -> PurchaseOrder:
    """The order goes to the supplier; sent again it was sent once.

    Raises:
        WrongStepError: it is not approved.
        SupplierBlockedError: the supplier may not supply any more.
    """
    row = _locked(session, actor.site_id, order_id)
    if row.state == State.SENT:
        return row
    step(State(row.state), Act.SEND)
    suppliers.require_may_supply(session, actor.site_id, row.supplier_id, day)
    _move(session, actor, row, Act.SEND)
    return row


def receive(
    session: Session,
    actor: Acting,
    order_id: UUID,
    arrived: Mapping[UUID, int],
    day: date,
    *,
    key: str,
) -> PurchaseOrder:
    """Count what was accepted of an order; told again with the same key it is counted once.

    Args:
        session: Writing.
        actor: Who receives, and neither sent the order nor settles it.
        order_id: The order.
        arrived: Ingredient → accepted quantity in its measure; more than ordered is counted too.
        day: Business date of the receiving.
        key: Of this receiving.

    Raises:
        WrongStepError: the order was not sent, or is settled.
        SupplierBlockedError: the supplier may not supply on that day.
        IncompatibleDutiesError: he sent the order himself.
        BadInputError: a quantity below 1, or an ingredient that was not ordered.
        KeyReusedError: the key told of another receiving.
    """
    row = _locked(session, actor.site_id, order_id)
    told = fingerprint([str(row.id), {str(one): number for one, number in arrived.items()}])
    again = rows.earlier(session, _step(actor, row, Act.RECEIVE_PART, key, told), ("told",))
    if again is not None:
        return row
    step(State(row.state), Act.RECEIVE_PART)
    suppliers.require_may_supply(session, actor.site_id, row.supplier_id, day)
    by_ingredient = {line.ingredient_id: line for line in lines_of(session, row.id)}
    if not arrived or any(not 0 < quantity <= LARGEST for quantity in arrived.values()):
        raise BadInputError("tell a quantity above zero for what arrived")
    if set(arrived) - set(by_ingredient):
        raise BadInputError("something arrived that was not ordered: write an order for it first")
    for ingredient, quantity in arrived.items():
        by_ingredient[ingredient].received += quantity
    whole = all(line.received >= line.quantity for line in by_ingredient.values())
    act = Act.RECEIVE_ALL if whole else Act.RECEIVE_PART
    said = {str(one): quantity for one, quantity in arrived.items()}
    _move(session, actor, row, act, said, key=key, told=told)
    return row


def close(session: Session, actor: Acting, order_id: UUID, reason: str = "") -> PurchaseOrder:
    """Settle an order; one that came in part needs a reason, and its rest is waited for no more.

    Raises:
        WrongStepError: nothing was received yet.
        IncompatibleDutiesError: he received it himself.
        BadInputError: a part is missing and no reason is given.
    """
    row = _locked(session, actor.site_id, order_id)
    if row.state == State.CLOSED:
        return row
    step(State(row.state), Act.CLOSE)
    said = reason.strip()[:200]
    if row.state == State.PARTLY:
        said = rows.say(reason, "why the rest is not waited for")
    _move(session, actor, row, Act.CLOSE, {"reason": said})
    return row


def cancel(session: Session, actor: Acting, order_id: UUID, reason: str) -> PurchaseOrder:
    """Give an order up before anything of it arrived.

    Raises:
        WrongStepError: something arrived already: close it instead.
        BadInputError: no reason is given.
    """
    row = _locked(session, actor.site_id, order_id)
    if row.state == State.CANCELLED:
        return row
    step(State(row.state), Act.CANCEL)
    said = rows.say(reason, "why")
    approvals.withdraw(session, actor, SUBJECT, row.id)
    _move(session, actor, row, Act.CANCEL, {"reason": said})
    return row


def on_order(session: Session, site_id: UUID) -> dict[UUID, int]:
    """What is approved or sent and has not arrived yet, by ingredient, in its measure."""
    left = PurchaseLine.quantity - PurchaseLine.received
    query = (
        select(PurchaseLine.ingredient_id, func.sum(left))
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseLine.order_id)
        .where(
            PurchaseOrder.site_id == site_id,
            PurchaseOrder.state.in_([state.value for state in COMING]),
            left > 0,
        )
        .group_by(PurchaseLine.ingredient_id)
    )
    return {ingredient: int(quantity) for ingredient, quantity in session.execute(query)}


def _check(session: Session, site_id: UUID, values: OrderValues, day: date) -> dict[UUID, Measure]:
    """The measures of what is ordered, when all of it may be ordered."""
    if values.deliver_on < day:
        raise BadInputError(f"nothing is delivered in the past: {values.deliver_on}")
    for moment in (day, values.deliver_on):
        suppliers.require_may_supply(session, site_id, values.supplier_id, moment)
    wanted = [line.ingredient_id for line in values.lines]
    if len(set(wanted)) < len(wanted):
        raise BadInputError("an ingredient stands twice in the order: write it in one line")
    found = ingredients.by_ids(session, site_id, wanted)
    for one in set(wanted) - set(found):
        ingredients.get(session, site_id, one)
    return {one: Measure(row.measure) for one, row in found.items()}


def _total(values: OrderValues, measures: Mapping[UUID, Measure]) -> int:
    return sum(
        amount_of(line.quantity, line.price, measures[line.ingredient_id]) for line in values.lines
    )


def _write_lines(
    session: Session, row: PurchaseOrder, values: OrderValues, measures: Mapping[UUID, Measure]
) -> None:
    for line in values.lines:
        amount = amount_of(line.quantity, line.price, measures[line.ingredient_id])
        own = {"id": new_id(), "site_id": row.site_id, "order_id": row.id, "amount": amount}
        session.add(PurchaseLine(**own, **line.model_dump(), received=0))
    session.flush()


def _locked(session: Session, site_id: UUID, order_id: UUID) -> PurchaseOrder:
    return rows.get(session, PurchaseOrder, site_id, order_id, "purchase order", lock=True)


def _move(
    session: Session,
    actor: Acting,
    row: PurchaseOrder,
    act: Act,
    said: Mapping[str, object] | None = None,
    *,
    key: str = "",
    told: str = "",
) -> None:
    """Take a step: duties are kept apart, and it is written beside the order."""
    before = State(row.state)
    after = step(before, act)
    duty = DUTIES.get(act)
    if duty is not None:
        done = [
            Done(DUTIES[Act(one.act)], one.by)
            for one in steps_of(session, row.id)
            if one.act in DUTIES
        ]
        approvals.require_compatible(done, actor.name, duty)
    row.state = after.value
    _note(session, actor, row, act, key=key, told=told)
    told_after = {"state": after.value, **(said or {})}
    actor.record(session, f"purchase.{act.value}", str(row.id), {"state": before.value}, told_after)


def _note(
    session: Session, actor: Acting, row: PurchaseOrder, act: Act, *, key: str = "", told: str = ""
) -> None:
    session.add(_step(actor, row, act, key or str(new_id()), told))
    session.flush()


def _step(actor: Acting, row: PurchaseOrder, act: Act, key: str, told: str) -> PurchaseStep:
    return PurchaseStep(
        id=new_id(), site_id=actor.site_id, key=key, order_id=row.id, act=act.value,
        by=actor.name, at=actor.at, told=told,
    )  # fmt: skip

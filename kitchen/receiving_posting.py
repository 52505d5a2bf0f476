"""The end of a delivery: what receiving tells the order, the stock and the list of the day."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from kitchen import purchasing, receiving, receiving_book, rows, supervision
from kitchen.deliveries import Receiving, ReceivingError, ReceivingLine, Role, State, get, lines
from kitchen.lots import Lot
from kitchen.receiving_rules import PesticideTest, Rules


def finish(
    session: Session, actor: Acting, receiving_id: UUID, *, day: date, rules: Rules
) -> Sequence[Lot]:
    """The storekeeper signs last; what is accepted comes into stock and is told to its order.

    Finished again, it gives the same lots and tells nobody anything.

    Args:
        session: Writing.
        actor: The storekeeper, who neither bought it nor settles it.
        receiving_id: The delivery.
        day: Business date.
        rules: Of the site.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: another signature is missing, or something that must not come in is not
            rejected.
        IncompatibleDutiesError: he sent the order himself.
        SupplierBlockedError, WrongStepError: the order cannot be received any more.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    if delivery.state == State.OPEN.value:
        receiving.sign(session, actor, receiving_id, Role.STOREKEEPER, actor.name)
        made = receiving.post(session, actor, receiving_id, day=day, rules=rules)
        arrived: Counter[UUID] = Counter()
        for row in lines(session, actor.site_id, receiving_id):
            arrived[row.ingredient_id] += row.accepted
        accepted = {one: quantity for one, quantity in arrived.items() if quantity}
        if delivery.order_id is not None and accepted:
            key = f"receiving:{delivery.id.hex}"
            purchasing.receive(session, actor, delivery.order_id, accepted, day, key=key)
        _prove(session, actor, delivery.id, day)
        return made
    return receiving.post(session, actor, receiving_id, day=day, rules=rules)


def give_up(
    session: Session, actor: Acting, receiving_id: UUID, why: str, *, day: date
) -> Receiving:
    """End a delivery that was opened by mistake; given up again, it stays so.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted, or something of it is weighed.
        BadInputError: no reason.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    if delivery.state == State.GIVEN_UP.value:
        return delivery
    receiving.require_open(session, actor.site_id, receiving_id)
    if lines(session, actor.site_id, receiving_id):
        raise ReceivingError(
            "something of it is weighed: take the loads back first, or reject it", code="weighed"
        )
    reason = rows.say(why, "why it is given up")
    delivery.state = State.GIVEN_UP.value
    delivery.posted_by, delivery.posted_at = actor.name[:80], actor.at
    actor.record(
        session, "receiving.give_up", str(delivery.id), {"state": State.OPEN.value},
        {"state": delivery.state, "reason": reason},
    )  # fmt: skip
    posted = receiving_book.posted_on(session, actor.site_id, day)
    if posted is not None:
        _prove(session, actor, posted.id, day)
    return delivery


def add_test(
    session: Session, actor: Acting, receiving_id: UUID, line: UUID, test: PesticideTest,
    *, day: date, rules: Rules,
) -> ReceivingLine:  # fmt: skip
    """A pesticide test, as :func:`kitchen.receiving.add_test`; it proves the day's act.

    Raises:
        UnknownReceivingError, ReceivingError: as there.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    again = test in receiving.line_of(session, delivery, line).pesticide_tests
    row = receiving.add_test(session, actor, receiving_id, line, test, rules)
    if not again:
        supervision.fulfil(session, actor, "pesticide.day", str(row.id), day=day)
    return row


def catch_up(session: Session, actor: Acting, day: date) -> None:
    """Close the act of the day where its last two deliveries ended at once.

    Neither saw the other.
    """
    query = select(Receiving).where(
        Receiving.site_id == actor.site_id,
        Receiving.business_date == day,
        Receiving.posted_at.is_not(None),
    )
    ended = session.scalars(query.order_by(Receiving.posted_at, Receiving.id)).all()
    if any(one.state != State.GIVEN_UP.value for one in ended):
        _prove(session, actor, ended[-1].id, day, ended[-1].posted_at)


def _prove(
    session: Session, actor: Acting, receiving_id: UUID, day: date, when: datetime | None = None
) -> None:
    """The day's act is done once nothing of the day stands open."""
    session.flush()
    if not any(one.business_date == day for one in receiving_book.opened(session, actor.site_id)):
        ref = str(receiving_id)
        supervision.fulfil(session, actor, "receiving.day", ref, day=day, when=when)

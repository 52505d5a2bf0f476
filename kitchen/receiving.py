"""Receiving (食材验收): weighed, checked, signed by three, and only then it comes into stock.

What is rejected never does.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen, divide_half_up
from dafan.quantity import Measure, MeasureError
from kitchen import ingredients, lots, receiving_rules, rows, stock, suppliers, zones
from kitchen.deliveries import (
    Disposal,
    Receiving,
    ReceivingError,
    ReceivingLine,
    ReceivingSignature,
    Role,
    State,
    UnknownReceivingError,
    get,
    lines,
    signatures,
)
from kitchen.lots import Lot
from kitchen.receiving_rules import Finding, LineValues, PesticideTest, Rules
from kitchen.stock import MAIN, NewLot

__all__ = [
    "RULES", "Disposal", "Receiving", "ReceivingError", "ReceivingLine", "ReceivingSignature",
    "Role", "State", "UnknownReceivingError", "add_test", "begin", "findings", "get", "lines",
    "post", "put_line", "reject", "sign", "signatures",
]  # fmt: skip

RULES = Rules()


def begin(
    session: Session,
    actor: Acting,
    supplier_id: UUID,
    *,
    key: str,
    day: date,
    order_id: UUID | None = None,
    place: str = MAIN,
) -> Receiving:
    """Open a delivery; the same key again gives the same one.

    Raises:
        SupplierBlockedError: the supplier may not supply on that day: a licence ended, blacklisted.
        UnknownRowError: not a supplier of this site.
        KeyReusedError: the key opened a delivery of another supplier or order.
        BadInputError: no key.
    """
    made = Receiving(
        id=new_id(), site_id=actor.site_id, business_date=day, supplier_id=supplier_id,
        order_id=order_id, place=place, state=State.OPEN.value, key=key,
        opened_by=actor.name[:80], opened_at=actor.at,
    )  # fmt: skip
    same = ("supplier_id", "order_id")
    known = rows.earlier(session, made, same)
    if known is not None:
        return known
    suppliers.require_may_supply(session, actor.site_id, supplier_id, day)
    delivery, new = rows.insert_once(session, made, same)
    if new:
        actor.record(
            session, "receiving.begin", str(delivery.id), None,
            {"supplier": str(supplier_id), "order": order_id and str(order_id)},
        )  # fmt: skip
    return delivery


def put_line(
    session: Session,
    actor: Acting,
    receiving_id: UUID,
    line_id: UUID,
    ingredient_id: UUID,
    values: LineValues,
) -> ReceivingLine:
    """Add a line, or change it; who has signed before signs again.

    Raises:
        UnknownReceivingError: not one of this site.
        UnknownIngredientError: not one of this site.
        MeasureError: 500 ml are no 500 g.
        WrongZoneError: it may not lie in that zone.
        ReceivingError: it is posted, or less is left than was rejected.
    """
    delivery = require_open(session, actor.site_id, receiving_id)
    ingredient = ingredients.get(session, actor.site_id, ingredient_id)
    if ingredient.measure != values.measure.value:
        raise MeasureError(
            f"{ingredient.name} is counted in {ingredient.measure}, not in {values.measure.value}"
        )
    zones.place(
        zones.of_site(session, actor.site_id), ingredient.category, asked=values.zone
    )  # fmt: skip
    line = session.get(ReceivingLine, line_id)
    before = None if line is None else dict(line.details)
    if line is None:
        line = ReceivingLine(
            id=line_id, receiving_id=delivery.id, site_id=actor.site_id, tests=[], rejected=0,
            ingredient_id=ingredient_id, reject_reason="", disposal="",
        )  # fmt: skip
        session.add(line)
    elif line.receiving_id != delivery.id or line.ingredient_id != ingredient_id:
        raise UnknownReceivingError("this line belongs to something else: add a new one")
    if line.rejected > values.quantity:
        raise ReceivingError(
            f"{line.rejected} of it are rejected already: reject less first", code="rejected_more"
        )
    line.details = values.model_dump(mode="json")
    if line.details != before:
        changed(session, actor, delivery, line, "line", before, line.details)
    return line


def add_test(
    session: Session,
    actor: Acting,
    receiving_id: UUID,
    line_id: UUID,
    test: PesticideTest,
    rules: Rules = RULES,
) -> ReceivingLine:
    """Write down a pesticide test; one record of a device counts once.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted, or tested already: only a positive one is tested once more.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    line = line_of(session, delivery, line_id)
    done = line.pesticide_tests
    if test in done:
        return line
    require_open(session, actor.site_id, receiving_id)
    if any((one.device, one.record) == (test.device, test.record) for one in done):
        raise ReceivingError(
            f"record {test.record} of {test.device} said something else before", code="other_record"
        )
    if not receiving_rules.may_test_again(done, rules):
        raise ReceivingError(
            "it is tested: only a positive test is repeated, and only once", code="tested_already"
        )
    line.tests = [*line.tests, test.model_dump(mode="json")]
    changed(session, actor, delivery, line, "test", None, test.model_dump(mode="json"))
    return line


def reject(
    session: Session,
    actor: Acting,
    receiving_id: UUID,
    line_id: UUID,
    quantity: int,
    *,
    why: str,
    disposal: Disposal = Disposal.RETURN,
) -> ReceivingLine:
    """Reject a part of a line or all of it; zero takes the rejection back.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted.
        BadInputError: more than came, or no reason.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    line = line_of(session, delivery, line_id)
    if not 0 <= quantity <= line.values.quantity:
        raise BadInputError(
            f"of {line.values.quantity} nobody can reject {quantity}", code="rejects_too_much"
        )
    if quantity and not why.strip():
        raise BadInputError("write down why it is rejected", code="no_reason")
    before = [line.rejected, line.reject_reason, line.disposal]
    after = [quantity, why.strip()[:200], disposal.value] if quantity else [0, "", ""]
    if before != after:
        require_open(session, actor.site_id, receiving_id)
        line.rejected, line.reject_reason = quantity, str(after[1])
        line.disposal = str(after[2])
        changed(session, actor, delivery, line, "reject", before, after)
    return line


def sign(
    session: Session, actor: Acting, receiving_id: UUID, role: Role, name: str, *, picture: str = ""
) -> ReceivingSignature:
    """One of the three signs: chef, storekeeper, supplier; no name twice, and each one once.

    Args:
        session: Writing.
        actor: Who writes it.
        receiving_id: The delivery.
        role: For whom he signs.
        name: Of our own people as the journal of changes knows him, since two may be called the
            same; of the driver as he writes it.
        picture: Where the drawn signature is kept.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted, has no line, or the name signed for another party.
        BadInputError: no name.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise BadInputError("who signs writes his name", code="no_name")
    signed = signatures(session, actor.site_id, receiving_id)
    row = next((one for one in signed if one.role == role.value), None)
    if row is not None and row.name == name and (row.picture or not picture):
        return row
    require_open(session, actor.site_id, receiving_id)
    if not lines(session, actor.site_id, receiving_id):
        raise ReceivingError("there is nothing to sign yet", code="nothing_to_sign")
    if any(one.role != role.value and one.name.casefold() == name.casefold() for one in signed):
        raise ReceivingError(
            f"{name} has signed for another party: three people sign", code="three_people"
        )
    if row is None:
        row = ReceivingSignature(
            receiving_id=delivery.id, role=role.value, site_id=actor.site_id
        )  # fmt: skip
        session.add(row)
    row.name, row.picture, row.at = name, picture[:200], actor.at
    session.flush()
    actor.record(session, "receiving.sign", str(delivery.id), None, {"role": role, "name": name})
    return row


def findings(
    session: Session, site_id: UUID, receiving_id: UUID, *, day: date, rules: Rules = RULES
) -> dict[UUID, list[Finding]]:
    """By line, what is wrong and what is odd."""
    rows = lines(session, site_id, receiving_id)
    known = ingredients.by_ids(session, site_id, [row.ingredient_id for row in rows])
    return {
        row.id: receiving_rules.check(
            row.values, known[row.ingredient_id], day, rules, tests=row.pesticide_tests
        )
        for row in rows
    }


def post(
    session: Session, actor: Acting, receiving_id: UUID, *, day: date, rules: Rules = RULES
) -> Sequence[Lot]:
    """Make a lot of what is accepted of each line; posted again, it gives the same lots.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: a signature is missing, something that must not come in is not rejected,
            or it was given up.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    rows = lines(session, actor.site_id, receiving_id)
    if delivery.state not in {State.POSTED.value, State.REJECTED.value}:
        require_open(session, actor.site_id, receiving_id)
    else:
        known = lots.by_ids(session, actor.site_id, [row.lot_id for row in rows if row.lot_id])
        return sorted(known.values(), key=lambda lot: lot.number)
    signed = {one.role for one in signatures(session, actor.site_id, receiving_id)}
    missing = [role.value for role in Role if role.value not in signed]
    if missing or not rows:
        raise ReceivingError(f"still to sign: {', '.join(missing)}", code="not_signed")
    found = findings(session, actor.site_id, receiving_id, day=day, rules=rules)
    for row in rows:
        blocked = [finding.text for finding in found[row.id] if finding.blocks]
        if blocked and row.accepted:
            raise ReceivingError(f"reject it: {'; '.join(blocked)}", code="blocked")
    made = [
        _put_in(session, actor, delivery, row, day) for row in rows if row.accepted
    ]  # fmt: skip
    delivery.state = (State.POSTED if made else State.REJECTED).value
    delivery.posted_by, delivery.posted_at = actor.name[:80], actor.at
    actor.record(
        session, "receiving.post", str(delivery.id), {"state": State.OPEN.value},
        {
            "state": delivery.state, "lots": [lot.number for lot in made],
            "rejected": {str(row.id): row.rejected for row in rows if row.rejected},
        },
    )  # fmt: skip
    return made


def require_open(session: Session, site_id: UUID, receiving_id: UUID) -> Receiving:
    """A delivery that may change, locked.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted, or was given up.
    """
    delivery = get(session, site_id, receiving_id, lock=True)
    if delivery.state == State.GIVEN_UP.value:
        raise ReceivingError("this delivery was given up: open a new one", code="given_up")
    if delivery.state != State.OPEN.value:
        raise ReceivingError(
            "this delivery is posted: what is wrong with it goes back as a return", code="posted"
        )
    return delivery


def line_of(session: Session, delivery: Receiving, line_id: UUID) -> ReceivingLine:
    """A line of a delivery.

    Raises:
        UnknownReceivingError: it has no such line.
    """
    row = session.get(ReceivingLine, line_id)
    if row is None or row.receiving_id != delivery.id:
        raise UnknownReceivingError("this delivery has no such line: reload the page")
    return row


def changed(
    session: Session, actor: Acting, delivery: Receiving, line: ReceivingLine, what: str,
    before: Any, after: Any,
) -> None:  # fmt: skip
    """What was signed has changed: it is written down, and the signatures fall away."""
    for signature in signatures(session, delivery.site_id, delivery.id):
        session.delete(signature)
    session.flush()
    actor.record(session, f"receiving.{what}", str(line.id), before, after)


def _put_in(
    session: Session, actor: Acting, delivery: Receiving, row: ReceivingLine, day: date
) -> Lot:
    values = row.values
    cost = divide_half_up(row.accepted * values.unit_price, Measure(values.measure).priced_by)
    new = NewLot(
        ingredient_id=row.ingredient_id, quantity=row.accepted, cost=Fen(cost),
        supplier_id=delivery.supplier_id, receiving_id=delivery.id, batch=values.batch,
        produced_on=values.produced_on, expires_on=values.expires_on, zone=values.zone,
    )  # fmt: skip
    key = f"receiving:{row.id}"
    lot = stock.put_in(session, actor, new, key=key, day=day, place=delivery.place)
    row.lot_id = lot.id
    return lot

"""A line of a delivery step by step, beside the scale: loads add up, then what is seen of them.

Each step changes its own part under the delivery's lock, so two tablets at one delivery lose
nothing of each other's; sent again with its key, a step changes nothing.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.quantity import Measure, read_quantity
from kitchen import ingredients, receiving, receiving_book, zones
from kitchen.deliveries import (
    Receiving,
    ReceivingError,
    ReceivingLine,
    UnknownReceivingError,
    get,
    lines,
)
from kitchen.ingredients import Ingredient
from kitchen.receiving_rules import Paper, Rules, Weighing, read_line
from kitchen.rows import KeyReusedError

PACKS = "pack"
"""The unit of :func:`read_amount` for the packs in which an ingredient is sold."""
UNITS: Mapping[Measure, tuple[str, ...]] = {
    Measure.MASS: ("kg", "斤", "g"), Measure.VOLUME: ("L", "ml"), Measure.COUNT: ("个",),
}  # fmt: skip
"""What a form offers; the first one is the usual one."""
_WHOLE = re.compile(r"[0-9]{1,9}")


def line_id(receiving_id: UUID, ingredient_id: UUID, batch: str = "") -> UUID:
    """The same on all tablets: the first line of an ingredient, or one more for another batch."""
    return uuid5(receiving_id, f"{ingredient_id}/{batch}")


def read_amount(number: str, unit: str, ingredient: Ingredient) -> int:
    """What was typed, in the ingredient's measure.

    Raises:
        MeasureError: 500 ml are no 500 g; the unit is unknown.
        BadInputError: no number, or not whole packs.
    """
    measure = Measure(ingredient.measure)
    if unit != PACKS:
        return read_quantity(number, unit, measure)
    if _WHOLE.fullmatch(number.strip()) is None:
        raise BadInputError(f"'{number[:40]}' are no whole packs: type digits", code="no_packs")
    return int(number) * ingredient.pack


def weigh(
    session: Session,
    actor: Acting,
    receiving_id: UUID,
    line: UUID,
    ingredient_id: UUID,
    weighing: Weighing,
    rules: Rules = receiving.RULES,
) -> ReceivingLine:
    """Add a load to a line; the first one begins it, with price and amount of the order.

    Raises:
        UnknownReceivingError, UnknownIngredientError: not one of this site.
        ReceivingError: the delivery is posted, or has an order without this ingredient.
        KeyReusedError: another load was sent under the key.
        BadInputError: absurdly heavy, or not heavier than its crates.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    row = _find(session, delivery, line)
    known = _known(row, weighing.key)
    if known is not None and row is not None:
        if (known.gross, known.net) != (weighing.gross, weighing.net):
            raise KeyReusedError("another load was sent under this key: weigh it anew")
        return row
    if weighing.gross > rules.heaviest:
        raise BadInputError(f"{weighing.gross} at once is absurdly much", code="absurd_weight")
    if weighing.net <= 0:
        raise BadInputError("it does not weigh more than its crates", code="no_net_weight")
    before = _first(session, delivery, ingredient_id) if row is None else row.details
    told = {
        **before,
        "quantity": before.get("quantity", 0) + weighing.net,
        "weighings": [*before.get("weighings", ()), weighing.model_dump(mode="json")],
    }
    values = read_line(told)
    return receiving.put_line(session, actor, receiving_id, line, ingredient_id, values)


def take_back(session: Session, actor: Acting, receiving_id: UUID, line: UUID, key: str) -> None:
    """Take a wrong load away; with its last load the line is gone. Taken back twice it is once.

    Raises:
        UnknownReceivingError: not one of this site.
        ReceivingError: it is posted, or less would be left than was rejected.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    row = _find(session, delivery, line)
    known = _known(row, key)
    if row is None or known is None:
        return
    receiving.require_open(session, actor.site_id, receiving_id)
    left = [one for one in row.values.weighings if one.key != key]
    if not left and not row.rejected:
        session.delete(row)
        receiving.changed(session, actor, delivery, row, "line", row.details, None)
        return
    told = {
        **row.details,
        "quantity": row.values.quantity - known.net,
        "weighings": [one.model_dump(mode="json") for one in left],
    }
    if row.rejected > row.values.quantity - known.net:
        raise ReceivingError("more is rejected than would be left", code="rejected_more")
    receiving.put_line(session, actor, receiving_id, line, row.ingredient_id, read_line(told))


def describe(
    session: Session, actor: Acting, receiving_id: UUID, line: UUID, told: Mapping[str, Any]
) -> ReceivingLine:
    """Write down what is seen of a line: price, dates, batch, zone, temperature, look.

    Raises:
        UnknownReceivingError: not one of this site, or not weighed yet.
        WrongZoneError: it may not lie there.
        ReceivingError: it is posted.
        BadInputError: it would end before it was produced, or another value does not fit.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    row = receiving.line_of(session, delivery, line)
    made, ends = told.get("produced_on"), told.get("expires_on")
    if made and ends and ends < made:
        raise BadInputError("it cannot end before it was produced", code="bad_dates")
    looked = {"looked": True} if "looks_good" in told else {}
    values = read_line({**row.values.model_dump(), **told, **looked})
    if values == row.values:
        return row
    return receiving.put_line(session, actor, receiving_id, line, row.ingredient_id, values)


def add_paper(
    session: Session, actor: Acting, receiving_id: UUID, line: UUID, paper: Paper
) -> ReceivingLine:
    """Keep a certificate, or a picture of the goods themselves; the same one is kept once.

    Raises:
        UnknownReceivingError: not one of this site, or not weighed yet.
        ReceivingError: it is posted.
    """
    delivery = get(session, actor.site_id, receiving_id, lock=True)
    row = receiving.line_of(session, delivery, line)
    if paper in row.values.papers:
        return row
    values = read_line({**row.values.model_dump(), "papers": [*row.values.papers, paper]})
    return receiving.put_line(session, actor, receiving_id, line, row.ingredient_id, values)


def _first(session: Session, delivery: Receiving, ingredient_id: UUID) -> dict[str, Any]:
    """What is known of a line before anybody weighed: from the order, or the usual price."""
    site_id = delivery.site_id
    ingredient = ingredients.get(session, site_id, ingredient_id)
    usual = zones.place(zones.of_site(session, site_id), ingredient.category, usual=ingredient.zone)
    told: dict[str, Any] = {
        "measure": ingredient.measure, "zone": usual, "unit_price": ingredient.price or 0,
        "looked": False,
    }  # fmt: skip
    if delivery.order_id is None:
        return told
    ordered = receiving_book.ordered(session, delivery.order_id).get(ingredient_id)
    if ordered is None:
        raise ReceivingError(
            f"{ingredient.name} is not in the order: receive it without one", code="not_ordered"
        )
    told |= {"unit_price": ordered.price, "ordered_price": ordered.price}
    if any(row.ingredient_id == ingredient_id for row in lines(session, site_id, delivery.id)):
        return told
    left = ordered.quantity - ordered.received
    return told | ({"ordered": left} if left > 0 else {})


def _find(session: Session, delivery: Receiving, line: UUID) -> ReceivingLine | None:
    row = session.get(ReceivingLine, line)
    if row is not None and row.receiving_id != delivery.id:
        raise UnknownReceivingError("this delivery has no such line: reload the page")
    return row


def _known(row: ReceivingLine | None, key: str) -> Weighing | None:
    loads = () if row is None else row.values.weighings
    return next((one for one in loads if one.key == key), None)

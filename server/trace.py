"""The food-safety file (溯源): a dish of a day to its lots, suppliers, people, samples and sales.

It joins what the subjects keep and changes nothing. Each part is a few queries by index, whatever
the size of the book, so that an inspector waits less than a second.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from kitchen import rows, stock_trace
from kitchen.byproducts import Byproduct
from kitchen.cabinet import Cabinet, CabinetReading
from kitchen.deliveries import Receiving, ReceivingSignature
from kitchen.dishes import Dish, UnknownDishError
from kitchen.menus import MenuDay, MenuItem
from kitchen.production import Batch
from kitchen.samples import Sample, SampleHold
from kitchen.stock_book import Kind
from kitchen.stock_issues import BATCH
from kitchen.stock_trace import Used
from server.books.sales import Sale, SaleLine
from server.trace_file import (
    Cooked,
    Delivered,
    DishTrace,
    KeptSample,
    LotFile,
    MealKey,
    MealTrace,
    Signed,
    Sold,
    WentInto,
)


class NothingCookedError(BadInputError):
    """The dish was on no menu, in no pot and on no receipt of that day."""

    code = "nothing_cooked"


def dish(session: Session, site_id: UUID, dish_id: UUID, day: date) -> DishTrace:
    """Everything about a dish of a day.

    Raises:
        UnknownDishError: not a dish of this site.
        NothingCookedError: nobody planned, cooked or sold it that day.
    """
    name = session.scalar(select(Dish.name).where(Dish.site_id == site_id, Dish.id == dish_id))
    if name is None:
        raise UnknownDishError("there is no such dish here: take one from the list of dishes")
    batches = session.scalars(
        select(Batch)
        .where(Batch.site_id == site_id, Batch.business_date == day, Batch.dish_id == dish_id)
        .order_by(Batch.number)
    ).all()
    planned = _planned(session, site_id, dish_id, day)
    samples = _samples(session, site_id, dish_id, day)
    sold = sales_of(session, site_id, [(dish_id, day)])
    held = _held(session, site_id, day)
    keys = {_key(batch) for batch in batches} | set(planned) | set(samples)
    keys |= {key for _dish, key in sold}
    if not keys:
        raise NothingCookedError(f"{name} was not cooked on {day}: choose another day")
    used = _used(session, site_id, [batch.id for batch in batches])
    meals = [
        MealTrace(
            *key, planned[key][0] if key in planned else None,
            planned[key][1] if key in planned else "", key in held,
            tuple(_cooked(batch) for batch in batches if _key(batch) == key),
            tuple(samples.get(key, ())), sold.get((dish_id, key), Sold(0, 0, 0, 0)),
        )
        for key in sorted(keys)
    ]  # fmt: skip
    came = [one.origin.receiving_id for one in used if one.origin.receiving_id is not None]
    return DishTrace(
        dish_id, name, day, tuple(meals), used, _deliveries(session, site_id, came)
    )  # fmt: skip


def sample(session: Session, site_id: UUID, sample_id: UUID) -> DishTrace:
    """The dish of a retained sample.

    Raises:
        UnknownRowError: not a sample of this site.
        UnknownDishError, NothingCookedError: as :func:`dish`.
    """
    row = rows.get(session, Sample, site_id, sample_id, "sample")
    return dish(session, site_id, row.dish_id, row.business_date)


def lot(session: Session, site_id: UUID, lot_id: UUID) -> LotFile:
    """Everything that a lot went into, with trimmings that went on to other dishes.

    Raises:
        UnknownLotError: not one of this site.
    """
    trace = stock_trace.trace_lot(session, site_id, lot_id)
    taken: dict[UUID, int] = {}
    for move in trace.moves:
        if move.kind in {Kind.OUT, Kind.BACK} and move.ref is not None and move.ref[0] == BATCH:
            taken[move.ref[1]] = taken.get(move.ref[1], 0) - move.quantity
    taken = {batch_id: quantity for batch_id, quantity in taken.items() if quantity}
    further = _handed_on(session, site_id, taken, trace.origin.ingredient_id)
    found = session.execute(
        select(Batch, Dish.name)
        .join(Dish, Dish.id == Batch.dish_id)
        .where(Batch.site_id == site_id, Batch.id.in_([*taken, *further]))
        .order_by(Batch.business_date, Batch.id)
    ).all()
    sold = sales_of(session, site_id, {(batch.dish_id, batch.business_date) for batch, _ in found})
    went = tuple(
        WentInto(
            batch.id, batch.dish_id, name, *_key(batch), batch.number, taken.get(batch.id, 0),
            sold.get((batch.dish_id, _key(batch)), Sold(0, 0, 0, 0)),
        )
        for batch, name in found
    )  # fmt: skip
    came = trace.origin.receiving_id
    deliveries = _deliveries(session, site_id, [came]) if came is not None else {}
    return LotFile(trace, deliveries.get(came) if came is not None else None, went)


def cooked_on(session: Session, site_id: UUID, day: date) -> Sequence[tuple[UUID, str]]:
    """The dishes of a day: on a menu or in a pot."""
    planned = (
        select(MenuItem.dish_id)
        .join(MenuDay, MenuDay.id == MenuItem.menu_id)
        .where(MenuDay.site_id == site_id, MenuDay.business_date == day)
    )
    cooked = select(Batch.dish_id).where(Batch.site_id == site_id, Batch.business_date == day)
    query = select(Dish.id, Dish.name).where(
        Dish.site_id == site_id, Dish.id.in_(planned.union(cooked))
    )
    return [(dish_id, name) for dish_id, name in session.execute(query.order_by(Dish.name))]


def sales_of(
    session: Session, site_id: UUID, dishes: Iterable[tuple[UUID, date]]
) -> dict[tuple[UUID, MealKey], Sold]:
    """What was sold of dishes on days, by dish and meal.

    Dishes and days are asked for apart: the index of the lines serves both, but no pairs of them.
    """
    wanted = set(dishes)
    if not wanted:
        return {}
    query = (
        select(
            SaleLine.dish_id, Sale.business_date, Sale.period, Sale.venue_id,
            func.count(func.distinct(Sale.id)), func.sum(SaleLine.quantity),
            func.coalesce(func.sum(SaleLine.grams), 0), func.sum(SaleLine.amount),
        )
        .join(Sale, Sale.id == SaleLine.sale_id)
        .where(
            SaleLine.site_id == site_id,
            SaleLine.dish_id.in_({dish_id for dish_id, _day in wanted}),
            SaleLine.business_date.in_({day for _dish, day in wanted}),
            Sale.cancelled.is_(False),
        )
        .group_by(SaleLine.dish_id, Sale.business_date, Sale.period, Sale.venue_id)
    )  # fmt: skip
    return {
        (dish_id, (day, period, venue_id)): Sold(
            covers, int(portions or 0), int(grams or 0), int(fen or 0)
        )
        for dish_id, day, period, venue_id, covers, portions, grams, fen in session.execute(query)
        if (dish_id, day) in wanted
    }  # fmt: skip


# --- parts --------------------------------------------------------------------------------------


def _key(row: Batch | Sample) -> MealKey:
    return row.business_date, row.period, row.venue_id


def _cooked(row: Batch) -> Cooked:
    return Cooked(
        row.id, row.number, row.state, row.cook, row.started_at, row.finished_at, row.core_tenths,
        row.cooked_grams, row.cooked_portions, row.served_portions, row.left_grams,
    )  # fmt: skip


def _planned(
    session: Session, site_id: UUID, dish_id: UUID, day: date
) -> dict[MealKey, tuple[int, str]]:
    query = (
        select(MenuDay, MenuItem)
        .join(MenuItem, MenuItem.menu_id == MenuDay.id)
        .where(
            MenuDay.site_id == site_id, MenuDay.business_date == day, MenuItem.dish_id == dish_id
        )
    )
    return {
        (menu.business_date, menu.period, menu.venue_id): (item.portions, item.cook)
        for menu, item in session.execute(query)
    }


def _held(session: Session, site_id: UUID, day: date) -> set[MealKey]:
    query = select(SampleHold).where(
        SampleHold.site_id == site_id, SampleHold.business_date == day,
        SampleHold.lifted_at.is_(None),
    )  # fmt: skip
    return {(row.business_date, row.period, row.venue_id) for row in session.scalars(query)}


def _samples(
    session: Session, site_id: UUID, dish_id: UUID, day: date
) -> dict[MealKey, list[KeptSample]]:
    query = (
        select(Sample, Cabinet.name)
        .join(Cabinet, Cabinet.id == Sample.cabinet_id)
        .where(
            Sample.site_id == site_id, Sample.business_date == day, Sample.dish_id == dish_id
        )
        .order_by(Sample.id)
    )  # fmt: skip
    found: dict[MealKey, list[KeptSample]] = {}
    for row, cabinet in session.execute(query):
        found.setdefault(_key(row), []).append(
            KeptSample(
                row.id, row.grams, cabinet, row.slot, row.sampled_at, row.due_at, row.sampler,
                row.reviewer, row.disposed_at, row.disposer, row.result,
                *_warmth(session, row),
            )
        )  # fmt: skip
    return found


def _warmth(session: Session, row: Sample) -> tuple[int | None, int | None, int]:
    """Coldest, warmest and number of readings of its cabinet while it stood there."""
    until = row.disposed_at or row.due_at
    query = select(
        func.min(CabinetReading.tenths), func.max(CabinetReading.tenths), func.count()
    ).where(
        CabinetReading.site_id == row.site_id,
        CabinetReading.business_date >= row.business_date,
        CabinetReading.business_date <= until.date(),
        CabinetReading.cabinet_id == row.cabinet_id,
        CabinetReading.at.between(row.placed_at, until),
    )
    coldest, warmest, count = session.execute(query).one()
    return coldest, warmest, count


def _used(session: Session, site_id: UUID, batch_ids: Sequence[UUID]) -> tuple[Used, ...]:
    """Lots of the batches themselves, and of those whose trimmings they cooked."""
    own = stock_trace.trace_refs(session, site_id, BATCH, batch_ids)
    given: dict[UUID, set[UUID]] = {}
    seen, next_ones = set(batch_ids), list(batch_ids)
    while next_ones:
        query = select(Byproduct.batch_id, Byproduct.ingredient_id).where(
            Byproduct.site_id == site_id, Byproduct.to_batch_id.in_(next_ones)
        )
        for batch_id, ingredient_id in session.execute(query):
            given.setdefault(batch_id, set()).add(ingredient_id)
        next_ones = [batch_id for batch_id in given if batch_id not in seen]
        seen.update(next_ones)
    if not given:
        return own
    names = set().union(*given.values())
    others = stock_trace.trace_refs(session, site_id, BATCH, list(given))
    known = {one.origin.lot_id for one in own}
    return own + tuple(
        Used(one.origin, 0, 0)
        for one in others
        if one.origin.ingredient_id in names and one.origin.lot_id not in known
    )


def _handed_on(
    session: Session, site_id: UUID, batch_ids: Collection[UUID], ingredient_id: UUID
) -> list[UUID]:
    """Batches that cooked its trimmings, and trimmings of those."""
    seen, next_ones = set(batch_ids), list(batch_ids)
    while next_ones:
        query = select(Byproduct.to_batch_id).where(
            Byproduct.site_id == site_id,
            Byproduct.batch_id.in_(next_ones),
            Byproduct.ingredient_id == ingredient_id,
        )
        next_ones = [batch_id for batch_id in set(session.scalars(query)) if batch_id not in seen]
        seen.update(next_ones)
    return [batch_id for batch_id in seen if batch_id not in batch_ids]


def _deliveries(
    session: Session, site_id: UUID, receiving_ids: Sequence[UUID]
) -> dict[UUID, Delivered]:
    query = (
        select(Receiving, ReceivingSignature)
        .outerjoin(ReceivingSignature, ReceivingSignature.receiving_id == Receiving.id)
        .where(Receiving.site_id == site_id, Receiving.id.in_(receiving_ids))
        .order_by(Receiving.id, ReceivingSignature.role)
    )
    found: dict[UUID, Delivered] = {}
    for row, signature in session.execute(query):
        before = found.get(row.id)
        signed = before.signed if before else ()
        if signature is not None:
            signed += (Signed(signature.role, signature.name, signature.at),)
        found[row.id] = Delivered(row.id, row.business_date, row.opened_by, signed)
    return found

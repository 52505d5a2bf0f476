"""Proofs of the kitchen, asked of the sales as well: was every dish that was served sampled?"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from kitchen import samples_proof
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.production import Batch
from kitchen.samples import Sample
from kitchen.samples_proof import Served
from server.books.sales import Sale, SaleLine


def samples(session: Session) -> Iterator[Fault]:
    """Retained samples: rows that no rule allows, and dishes that were sold without one."""
    yield from samples_proof.row_faults(session)
    yield from samples_proof.faults(session, _served(session))


def _served(session: Session) -> Iterator[Served]:
    """Dishes of which samples are kept, by meal: those that were sold, and those that were cooked.

    Of sites that keep samples, from the day of their first one to the day before the last sale: a
    meal that still runs is watched by its alarms. A sale that went back whole served nothing.
    """
    of_sale = and_(
        SaleLine.site_id == Sale.site_id,
        SaleLine.business_date == Sale.business_date,
        SaleLine.sale_id == Sale.id,
    )
    sold = select(*_meal(Sale), SaleLine.dish_id).join(SaleLine, of_sale)
    sold = sold.where(Sale.cancelled.is_(False))
    cooked = select(*_meal(Batch), Batch.dish_id).where(Batch.cooked_grams.is_not(None))
    for query, table, dish_id in ((sold, Sale, SaleLine.dish_id), (cooked, Batch, Batch.dish_id)):
        with session.execute(_watched(query, table, dish_id)) as found:
            for site_id, day, period, venue_id, dish in found:
                yield Served(site_id, Meal(day, period, venue_id), dish)


def _meal(table: Any) -> tuple[Any, ...]:
    return table.site_id, table.business_date, table.period, table.venue_id


def _watched(query: Select[Any], table: Any, dish_id: Any) -> Select[Any]:
    """Only dishes that are sampled, in the days that are proved, in order of their meals."""
    begun = (
        select(Sample.site_id, func.min(Sample.business_date).label("since"))
        .group_by(Sample.site_id)
        .subquery()
    )
    last = (
        select(Sale.site_id, func.max(Sale.business_date).label("until"))
        .group_by(Sale.site_id)
        .subquery()
    )
    return (
        query.join(Dish, and_(Dish.id == dish_id, Dish.sampled.is_(True)))
        .join(begun, begun.c.site_id == table.site_id)
        .join(last, last.c.site_id == table.site_id)
        .where(table.business_date >= begun.c.since, table.business_date < last.c.until)
        .distinct()
        .order_by(*_meal(table), dish_id)
        .execution_options(yield_per=1000)
    )

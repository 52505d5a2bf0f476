"""Proofs of the kitchen, asked of the sales as well: was every dish that was sold sampled?"""

from collections.abc import Iterator

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from kitchen import samples_proof
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.samples import Sample
from kitchen.samples_proof import Served
from server.books.sales import Sale, SaleLine


def samples(session: Session) -> Iterator[Fault]:
    """Retained samples: rows that no rule allows, and dishes that were sold without one."""
    yield from samples_proof.row_faults(session)
    yield from samples_proof.faults(session, _served(session))


def _served(session: Session) -> Iterator[Served]:
    """Dishes of which samples are kept by meal, in order of the meals.

    Of sites that keep samples, from the day of their first one to the day before the last sale: a
    meal that still runs is watched by its alarms. A sale that went back whole served nothing.
    """
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
    of_sale = and_(
        SaleLine.site_id == Sale.site_id,
        SaleLine.business_date == Sale.business_date,
        SaleLine.sale_id == Sale.id,
    )
    meal = (Sale.site_id, Sale.business_date, Sale.period, Sale.venue_id, SaleLine.dish_id)
    query = (
        select(*meal)
        .join(SaleLine, of_sale)
        .join(Dish, and_(Dish.id == SaleLine.dish_id, Dish.sampled.is_(True)))
        .join(begun, begun.c.site_id == Sale.site_id)
        .join(last, last.c.site_id == Sale.site_id)
        .where(
            Sale.business_date >= begun.c.since,
            Sale.business_date < last.c.until,
            Sale.cancelled.is_(False),
        )
        .distinct()
        .order_by(*meal)
    )
    with session.execute(query.execution_options(yield_per=1000)) as found:
        for site_id, day, period, venue_id, dish_id in found:
            yield Served(site_id, Meal(day, period, venue_id), dish_id)

"""Between the subjects of buying: sales become a forecast, and what is picked becomes orders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.money import Fen
from kitchen import cookbook, expected, forecast, purchasing, suppliers
from kitchen.expected import Told
from kitchen.forecast import Forecast
from kitchen.meals import Meal
from kitchen.menus import Menu
from kitchen.purchase_book import PurchaseOrder
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.week_plan import Proposed
from server import bookings, exceptions, kitchen_sales, sites

LICENCE_ENDS = "licence_ends"
"""Code of the exception that says so."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What is to be ordered of whom."""

    supplier_id: UUID
    deliver_on: date
    ingredient_id: UUID
    quantity: int
    """In its measure."""
    price: Fen
    """Per kilogram, litre or piece."""


def draft_orders(
    session: Session, actor: Acting, picks: Sequence[Pick], day: date, *, key: str, note: str = ""
) -> list[PurchaseOrder]:
    """Write an order for each supplier and day of delivery; told again they are written once.

    Args:
        session: Writing.
        actor: Who writes them.
        picks: Lines of all orders; of an ingredient picked twice for one order, the sum is
            ordered at the first price.
        day: Business date.
        key: Of this act, 36 characters at most; each order has its own made of it.
        note: Stands on every order.

    Raises:
        BadInputError: nothing was picked, or as :func:`kitchen.purchasing.draft`: then none of
            them is written.
    """
    if not picks:
        raise BadInputError("nothing was picked to be ordered", code="nothing_picked")
    orders: dict[tuple[UUID, date], dict[UUID, LineValues]] = {}
    for pick in picks:
        lines = orders.setdefault((pick.supplier_id, pick.deliver_on), {})
        first = lines.get(pick.ingredient_id)
        lines[pick.ingredient_id] = LineValues(
            ingredient_id=pick.ingredient_id,
            quantity=pick.quantity + (first.quantity if first else 0),
            price=first.price if first else pick.price,
        )
    return [
        purchasing.draft(
            session,
            actor,
            OrderValues(
                supplier_id=supplier, deliver_on=deliver_on, note=note, lines=tuple(lines.values())
            ),
            day,
            key=f"{key}:{supplier.hex}:{deliver_on}",
        )
        for (supplier, deliver_on), lines in orders.items()
    ]


def warn_of_licences(engine: Engine, now: datetime) -> str:
    """Put every licence that ended or ends soon on the list of exceptions, each of them once."""
    warned = 0
    with reading(engine) as session:
        found = [site.id for site in sites.all_sites(session)]
    for site_id in found:
        with writing(engine) as session:
            day = sites.business_date(session, site_id, now)
            for name, one in suppliers.ending(session, site_id, day):
                detail = f"{name} · {one.number} · {one.valid_to}"
                if not exceptions.is_told(session, site_id, LICENCE_ENDS, detail):
                    exceptions.add(session, site_id, LICENCE_ENDS, now, detail=detail)
                    warned += 1
    return f"{warned} licences end"


# --- how many will come -------------------------------------------------------------------------

COVERS_BEHIND = timedelta(days=730)
"""Two years of meals: each holiday was seen twice."""
PORTIONS_BEHIND = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Coming:
    """A meal as the forecast sees it, as a person does, and as it was."""

    forecast: Forecast
    told: Told | None
    actual: int | None
    """None before its day is over."""
    week_ago: int | None

    @property
    def covers(self) -> int:
        """What is cooked for: a person's figure stands in the place of the forecast's."""
        return self.forecast.covers if self.told is None else self.told.covers


def coming(
    session: Session,
    site_id: UUID,
    venue_id: UUID,
    periods: Sequence[str],
    first: date,
    last: date,
    today: date,
) -> list[Coming]:
    """Every meal of some days, both included; days that are over as they were forecast then."""
    since = min(first, today) - COVERS_BEHIND
    rows = kitchen_sales.covers(session, site_id, since, max(last, today), venue_id=venue_id)
    known = {(row.on, row.period): row.covers for row in rows}
    told = expected.of_site(session, site_id)
    booked = bookings.counts(session, site_id, first, last, venue_id=venue_id)
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    return [
        Coming(
            one,
            told.get(Meal(on, one.period, venue_id)),
            known.get((on, one.period), 0) if on < today else None,
            known.get((on - timedelta(days=7), one.period)),
        )
        for on in days
        for one in forecast.forecast_covers(
            rows, [(on, period) for period in periods], booked, before=min(on, today)
        )
    ]


def proposed_portions(
    session: Session, site_id: UUID, planned: Sequence[Menu], today: date
) -> Proposed:
    """Portions of the dishes of menus for which nobody has planned any."""
    open_menus = [menu for menu in planned if any(not one.portions for one in menu.items)]
    book = cookbook.load_book(session, site_id)
    proposed: dict[tuple[Meal, UUID], int] = {}
    for venue in {menu.meal.venue_id for menu in open_menus}:
        own = [menu for menu in open_menus if menu.meal.venue_id == venue]
        first, last = (pick(menu.meal.day for menu in own) for pick in (min, max))
        periods = sorted({menu.meal.period for menu in own})
        meals = {
            (one.forecast.on, one.forecast.period): one
            for one in coming(session, site_id, venue, periods, first, last, today)
        }
        since = today - PORTIONS_BEHIND
        covers = kitchen_sales.covers(session, site_id, since, today, venue_id=venue)
        sold = kitchen_sales.portions(session, site_id, since, today, book=book, venue_id=venue)
        for menu in own:
            one = meals[menu.meal.day, menu.meal.period]
            meal = replace(one.forecast, covers=one.covers)
            dishes = [item.dish_id for item in menu.items if not item.portions]
            for dish in forecast.forecast_portions(sold, covers, meal, dishes, before=today):
                proposed[menu.meal, dish.dish] = dish.portions
    return proposed

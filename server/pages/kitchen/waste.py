"""厨余: a category, a weight, saved; the day's sums; a slip taken off by a second row."""

from dataclasses import dataclass
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import production, waste
from kitchen.dishes import Dish
from kitchen.waste import Category, WasteRecord, WasteValues
from server import kitchen_sales
from server.access import needs
from server.pages.kitchen import at_meal, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import grams, read
from server.pages.kitchen.fields import day, key, photo, said
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, reading, site_id

NAMES: dict[Category, tuple[LazyString, LazyString]] = {
    Category.TRIM: (_l("切配"), _l("皮、骨、老叶")),
    Category.SPOILAGE: (_l("变质"), _l("坏了、过期了")),
    Category.OVERPRODUCTION: (_l("剩余"), _l("做多了，没有卖出")),
    Category.PLATE: (_l("餐盘"), _l("就餐人剩下的")),
    Category.OIL: (_l("废油"), _l("炸油、隔油池")),
}
"""What a category is called, and what belongs to it."""
REASONS = (_l("过期"), _l("变质"), _l("破损"), _l("断电"), _l("虫鼠"))
TILES.append(Tile("kitchen.waste", _l("厨余"), _l("称重登记，看今天浪费了多少")))


@dataclass(frozen=True, slots=True)
class Bar:
    """A category with its grams of the day."""

    category: Category
    grams: int
    percent: int
    """Of the largest category."""
    a_cover: str
    """Grams for each person who ate; empty where nobody ate."""


@kitchen.get("/waste", endpoint="waste")
@needs("see_kitchen")
def waste_page() -> str:
    """Four categories and oil; what was thrown away today."""
    today = day()
    with reading() as session:
        totals = waste.totals(session, site_id(), today, today)
        covers = sum(row.covers for row in kitchen_sales.covers(session, site_id(), today, today))
        found = waste.page(session, site_id(), today, limit=waste.MAX_PAGE)
        query = select(Dish.id, Dish.name).where(
            Dish.site_id == site_id(), Dish.id.in_({row.dish_id for row in found if row.dish_id})
        )
        dishes = {row.id: row.name for row in session.execute(query)}
    plate = totals.get(Category.PLATE, 0)
    return render_template(
        "kitchen/waste.html",
        names=NAMES,
        bars=_bars(totals, covers),
        covers=covers,
        against=waste.against(plate, covers) if covers and plate else None,
        benchmark=waste.BENCHMARKS[0].grams,
        found=list(reversed(found)),
        taken_off={row.voids for row in found if row.voids},
        dishes=dishes,
        total=sum(totals.values()),
        categories=[one for one in Category if one is not Category.OIL],
    )


@kitchen.get("/waste/<any(trim, spoilage, overproduction, plate, oil):category>")
@needs("do_kitchen")
def waste_form(category: str) -> str:
    """The scale, and one button."""
    at = at_meal.chosen()
    with reading() as session:
        wanted = {row.dish_id for row in production.of_meal(session, site_id(), at.meal)}
        query = select(Dish).where(Dish.site_id == site_id(), Dish.id.in_(wanted))
        dishes = session.scalars(query.order_by(Dish.sort, Dish.id)).all()
    return render_template(
        "kitchen/waste_form.html",
        at=at,
        category=Category(category),
        name=NAMES[Category(category)],
        dishes=dishes if category in {Category.PLATE, Category.OVERPRODUCTION} else (),
        reasons=REASONS,
    )


@kitchen.post("/waste/<any(trim, spoilage, overproduction, plate, oil):category>")
@needs("do_kitchen")
def waste_kept(category: str) -> AnyResponse:
    """It was weighed."""

    def work(session: Session) -> None:
        at, person = at_meal.chosen(), signing.acting()
        kind = Category(category)
        if kind is Category.SPOILAGE and not said():
            raise BadInputError(_("变质的要说明原因"))
        values = read(
            WasteValues,
            "record of waste",
            venue_id=at.meal.venue_id,
            category=kind,
            grams=grams("grams", "kg"),
            period=at.meal.period,
            dish_id=as_uuid(request.form.get("dish")),
            reason=said(),
            photo=photo(session, person),
        )
        waste.record(session, person, values, day=at.meal.day, key=key())

    if change(work, _("已登记")):
        return redirect(url_for("kitchen.waste"))
    return redirect(url_for("kitchen.waste_form", category=category))


@kitchen.post("/waste/<uuid:record_id>/void")
@needs("do_kitchen")
def waste_voided(record_id: UUID) -> AnyResponse:
    """A slip: a second row takes it off."""
    change(
        lambda session: waste.void(
            session, signing.acting(), record_id, reason=said(), key=key()
        ),
        _("已作废"),
    )  # fmt: skip
    return redirect(url_for("kitchen.waste"))


def _bars(totals: dict[Category, int], covers: int) -> list[Bar]:
    most = max([*totals.values(), 1])
    shares = {one.category: one for one in waste.per_cover(totals, covers)} if covers else {}
    return [
        Bar(
            category, totals.get(category, 0), max(0, round(100 * totals.get(category, 0) / most)),
            f"{shares[category].tenths / 10:.1f}" if category in shares else "",
        )
        for category in Category
    ]  # fmt: skip


def record_name(row: WasteRecord) -> LazyString:
    """The category of a row, as people say it."""
    return NAMES[Category(row.category)][0]


kitchen.add_app_template_filter(record_name, "waste_name")

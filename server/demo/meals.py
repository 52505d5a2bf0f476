"""How the demo's kitchen cooks a meal: issue, batch, sample."""

from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.ids import new_id
from kitchen import byproducts, cookbook, dishes, menus, production, recipes, samples, stock
from kitchen.collectors import Collector
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.production import Batch, Finish, Start
from kitchen.recipes import Book, NoRecipeError
from kitchen.samples import SampleValues
from kitchen.waste import Stream
from server.demo import kitchen as demo
from server.demo.scene import Scene

SERVED = {
    "breakfast": (time(6, 50), time(8, 50)),
    "lunch": (time(11, 10), time(13)),
    "dinner": (time(17, 10), time(18, 50)),
}
"""When the demo's diners come."""
PERIODS = tuple(SERVED)
COLD = ("拍黄瓜", "凉拌木耳", "凉拌海带丝")
_PORTION_GRAMS = 220


def cook(session: Session, scene: Scene, meal: Meal) -> None:
    """Cook what the menu of a meal says, and keep a sample of each dish."""
    menu = menus.find(session, scene.site_id, meal)
    if menu is None:
        return
    book = cookbook.load_book(session, scene.site_id)
    sampled = dishes.sampled(session, scene.site_id, [item.dish_id for item in menu.items])
    begins = scene.at(SERVED[meal.period][0])
    for number, item in enumerate(menu.items):
        started = begins - timedelta(minutes=55 - 3 * number)
        batch = _batch(session, scene, meal, item, book, started)
        if item.dish_id in sampled:
            _sample(session, scene, meal, batch, started + timedelta(minutes=36))


def _batch(
    session: Session, scene: Scene, meal: Meal, item: ItemValues, book: Book, started: datetime
) -> Batch:
    name, portions = dishes.get(session, scene.site_id, item.dish_id).name, item.portions
    cold = name in COLD
    chef = scene.by("厨师", started)
    batch = production.plan(
        session, chef, meal, item.dish_id, portions, key=str(new_id()), cold=cold
    )
    production.tell(session, chef, batch.id, Start(), key=str(new_id()))
    _issue(session, scene, batch, book, started)
    ready = scene.by("厨师", started + timedelta(minutes=28))
    finish = Finish(
        grams=portions * _PORTION_GRAMS, portions=portions, cook=chef.name,
        core_tenths=None if cold else scene.rng.randint(780, 930),
    )  # fmt: skip
    production.tell(session, ready, batch.id, finish, key=str(new_id()))
    scene.count("batches")
    return batch


def _issue(session: Session, scene: Scene, batch: Batch, book: Book, at: datetime) -> None:
    try:
        parts = recipes.whole(recipes.explode(book, batch.dish_id, batch.planned_portions))
    except NoRecipeError:
        return
    keeper = scene.by("仓管", at)
    for need in byproducts.needs(batch.id, parts, {}):
        entries = stock.issue(
            session, keeper, need.ingredient_id, need.quantity, ref=need.ref, key=need.key,
            day=scene.day, asked_by=scene.known.people["厨师"],
        )  # fmt: skip
        byproducts.note_issue(
            session, keeper, batch.id, need.ingredient_id, need.quantity,
            entries=[entry.id for entry in entries], key=need.key,
        )  # fmt: skip
        scene.count("issues")


def _sample(session: Session, scene: Scene, meal: Meal, batch: Batch, at: datetime) -> None:
    scene.count("samples")
    taker = scene.by("留样员", at)
    values = SampleValues(
        business_date=meal.day, period=meal.period, venue_id=meal.venue_id,
        dish_id=batch.dish_id, batch_id=batch.id, grams=scene.rng.randint(130, 165),
        cabinet_id=scene.known.cabinets[demo.SAMPLE_CABINET], slot=scene.done["samples"],
        photo=scene.picture(session, taker, f"SAMPLE {scene.done['samples']}"),
    )  # fmt: skip
    row = samples.take(session, taker, values, key=str(new_id()))
    reviewer = scene.by("食品安全员", taker.at + timedelta(minutes=10))
    samples.review(session, reviewer, row.id)


def collector_of(session: Session, site_id: UUID, stream: Stream) -> UUID | None:
    """The collector that takes this away."""
    rows = session.scalars(select(Collector).where(Collector.site_id == site_id))
    return next((row.id for row in rows if stream.value in row.streams), None)

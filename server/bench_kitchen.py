"""``dafan bench kitchen``: the plan of a week, the trace of a dish in a year of data, cameras."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from dafan.db import Base, reading, writing
from dafan.errors import DafanError
from dafan.ids import new_id
from kitchen import dishes, library, menus, recipes, suppliers, week_plan
from kitchen.cookbook import load_book
from kitchen.deliveries import Receiving, ReceivingLine, ReceivingSignature
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.production import Batch
from kitchen.recipes import NoRecipeError
from kitchen.stock_book import Kind, StockEntry, StockLevel
from kitchen.suppliers import SupplierValues
from server import bench_verify, trace
from server.actor import Actor
from server.many import portions
from server.sites import all_sites
from vision.boxes import Box
from vision.hygiene import load_hygiene
from vision.hygiene_figures import in_a_frame, time_frames
from vision.samples import sample_faces

PERIODS = ("breakfast", "lunch", "dinner")
PLAN_DISHES, PLAN_COVERS = 60, 3000
MEALS, LOTS, ENTRIES, SALES = 1000, 50_000, 1_000_000, 20_000
BATCHES_A_MEAL = 20
ROUNDS = 5
FIRST = date(2026, 1, 5)
_WRITTEN = 20_000
_QUANTITY = 100_000
_FACE_PIXELS = 64


@dataclass(frozen=True)
class _Store:
    """A canteen with a year of data."""

    site_id: UUID
    venue_id: UUID
    supplier_id: UUID
    dish_ids: list[UUID]
    ingredient_ids: list[UUID]
    names: list[str]


def bench_kitchen(
    engine: Engine,
    entries: int = ENTRIES,
    *,
    sold: int = SALES,
    cameras: bool = True,
    seed: int = 1,
) -> dict[str, Any]:
    """Fill an empty database with a year of a kitchen and time what people wait for.

    Args:
        engine: Empty; the caller throws it away.
        entries: Stock entries; lots and meals follow in proportion.
        sold: Sales that stand in the books as well.
        cameras: Time the hygiene detectors as well.
        seed: Makes the data repeatable.

    Returns:
        ``engine``, ``fill_s``, and for ``plan``, ``trace_dish``, ``trace_lot`` the median and
        longest of :data:`ROUNDS` in milliseconds; ``hygiene`` with what a frame costs, or why it
        was left out.
    """
    rng = Random(seed)  # noqa: S311 - quantities, not secrets
    began = time.perf_counter()
    bench_verify.fill(engine, sold, rng)
    store = _open(engine)
    counts = _fill(engine, store, entries, rng)
    filled = time.perf_counter() - began
    return {
        "engine": engine.dialect.name,
        "fill_s": round(filled, 1),
        "plan": {"dishes": PLAN_DISHES, "covers": PLAN_COVERS, **_plan(engine, store)},
        **counts,
        **_traces(engine, store, counts["meals"], rng),
        "hygiene": _cameras() if cameras else "left out",
    }


def _open(engine: Engine) -> _Store:
    with writing(engine) as session:
        site = all_sites(session)[0]
        venue_id = new_id()
        actor = Actor(site.id, "bench", datetime.now(UTC))
        library.seed(session, actor)
        supplier = suppliers.create(session, actor, SupplierValues(name="示范商行"))
        session.flush()
        book = load_book(session, site.id)
        served = [
            dish for dish in dishes.page(session, site.id, limit=dishes.MAX_PAGE)
            if _has_recipe(book, dish.id)
        ]  # fmt: skip
        kept = session.query(Ingredient.id, Ingredient.name).order_by(Ingredient.id).all()
        return _Store(
            site.id, venue_id, supplier.id, [dish.id for dish in served],
            [row.id for row in kept], [row.name for row in kept],
        )  # fmt: skip


def _has_recipe(book: recipes.Book, dish_id: UUID) -> bool:
    try:
        recipes.explode(book, dish_id, 1)
    except NoRecipeError:
        return False
    return True


def _fill(engine: Engine, store: _Store, entries: int, rng: Random) -> dict[str, int]:
    share = entries / ENTRIES
    lots, meals = max(1, round(LOTS * share)), max(1, round(MEALS * share))
    batches = list(_batches(store, meals))
    lot_rows = list(_lots(store, lots))
    _write(engine, Batch, batches)
    _write(engine, Receiving, _receivings(store, lot_rows))
    _write(engine, ReceivingSignature, _signatures(store, lot_rows))
    _write(engine, Lot, lot_rows)
    _write(engine, ReceivingLine, _lines(store, lot_rows))
    _write(engine, StockEntry, _entries(store, lot_rows, batches, entries, rng))
    _write(engine, StockLevel, _levels(store, lot_rows))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return {"meals": meals, "batches": len(batches), "lots": lots, "entries": entries}


def _write(engine: Engine, table: type[Base], rows: Any) -> None:
    for portion in portions(rows, _WRITTEN):
        with writing(engine) as session:
            session.execute(insert(table), portion)


def _meal_days(meals: int) -> Iterator[tuple[date, str]]:
    for number in range(meals):
        yield FIRST + timedelta(days=number // 3), PERIODS[number % 3]


def _batches(store: _Store, meals: int) -> Iterator[dict[str, Any]]:
    for number, (day, period) in enumerate(_meal_days(meals)):
        for place in range(BATCHES_A_MEAL):
            dish = store.dish_ids[(number * 7 + place) % len(store.dish_ids)]
            yield {
                "id": new_id(), "site_id": store.site_id, "key": f"{number}/{place}",
                "business_date": day, "period": period, "venue_id": store.venue_id,
                "dish_id": dish, "number": 1, "planned_by": "bench", "state": "served",
                "planned_portions": 150, "cold": False, "cook": "bench", "settled_grams": 0,
                "started_at": _noon(day), "finished_at": _noon(day),
            }  # fmt: skip


def _lots(store: _Store, lots: int) -> Iterator[dict[str, Any]]:
    receiving_id = new_id()
    for number in range(lots):
        if number % 10 == 0:
            receiving_id = new_id()
        day = FIRST + timedelta(days=number * 333 // max(lots, 1))
        yield {
            "id": new_id(), "site_id": store.site_id, "receiving_id": receiving_id,
            "ingredient_id": store.ingredient_ids[number % len(store.ingredient_ids)],
            "supplier_id": store.supplier_id, "number": f"{day:%Y%m%d}-{number:06}",
            "quantity": _QUANTITY, "cost": 50_000, "received_on": day,
            "expires_on": day + timedelta(days=9), "batch": f"B{number}",
        }  # fmt: skip


def _receivings(store: _Store, lots: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for lot in lots[::10]:
        yield {
            "id": lot["receiving_id"], "site_id": store.site_id, "key": str(lot["receiving_id"]),
            "business_date": lot["received_on"], "supplier_id": store.supplier_id,
            "order_id": None, "place": "main", "state": "posted", "opened_by": "bench",
            "opened_at": _noon(lot["received_on"]),
        }  # fmt: skip


def _signatures(store: _Store, lots: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for lot, role in product(lots[::10], ("chef", "storekeeper", "supplier")):
        yield {
            "receiving_id": lot["receiving_id"], "role": role, "site_id": store.site_id,
            "name": role, "at": _noon(lot["received_on"]),
        }  # fmt: skip


def _lines(store: _Store, lots: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    paper = {"kind": "produce_promise", "file": "bench", "number": ""}
    details = {"quantity": _QUANTITY, "measure": "g", "unit_price": 500, "papers": [paper]}
    for lot in lots:
        yield {
            "id": new_id(), "site_id": store.site_id, "receiving_id": lot["receiving_id"],
            "ingredient_id": lot["ingredient_id"], "details": details, "tests": [],
            "rejected": 0, "lot_id": lot["id"],
        }  # fmt: skip


def _entries(
    store: _Store,
    lots: list[dict[str, Any]],
    batches: list[dict[str, Any]],
    entries: int,
    rng: Random,
) -> Iterator[dict[str, Any]]:
    """Each lot comes in once; all other entries give small parts of lots to batches."""
    for lot in lots:
        yield _entry(store, lot, Kind.IN, lot["quantity"], None, lot["received_on"])
    for number in range(entries - len(lots)):
        batch = batches[number % len(batches)]
        near = len(lots) * (number % len(batches)) // len(batches)
        lot = lots[max(0, min(len(lots) - 1, near - rng.randrange(300)))]
        yield _entry(store, lot, Kind.OUT, -rng.randint(20, 900), batch, batch["business_date"])


def _entry(
    store: _Store,
    lot: dict[str, Any],
    kind: Kind,
    quantity: int,
    batch: dict[str, Any] | None,
    day: date,
) -> dict[str, Any]:
    return {
        "site_id": store.site_id, "business_date": day, "id": new_id(), "lot_id": lot["id"],
        "place": "main", "kind": kind.value, "quantity": quantity, "cost": quantity // 2,
        "ref_kind": "batch" if batch else None, "ref_id": batch["id"] if batch else None,
        "by": "bench", "at": _noon(day), "key": str(new_id()),
    }  # fmt: skip


def _levels(store: _Store, lots: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for lot in lots:
        yield {
            "site_id": store.site_id, "lot_id": lot["id"], "place": "main", "quantity": 0,
            "cost": 0,
        }  # fmt: skip


def _plan(engine: Engine, store: _Store) -> dict[str, Any]:
    """The purchase plan of a week: sixty dishes, three thousand covers a meal."""
    served = store.dish_ids[:PLAN_DISHES]
    first = FIRST + timedelta(days=364)
    with writing(engine) as session:
        actor = Actor(store.site_id, "bench", datetime.now(UTC))
        for number, (day, period) in enumerate(product(range(7), PERIODS)):
            chosen = {served[(number * 9 + place) % len(served)] for place in range(9)}
            items = [ItemValues(dish_id=one, portions=PLAN_COVERS // 3) for one in sorted(chosen)]
            meal = Meal(first + timedelta(days=day), period, store.venue_id)
            menus.save(session, actor, meal, items)
    lines = 0

    def work(session: Session) -> None:
        nonlocal lines
        last = first + timedelta(days=6)
        plan = week_plan.plan_days(session, store.site_id, [store.venue_id], first, last)
        lines = len(plan.lines)

    return {**_timed(engine, [work] * ROUNDS), "lines": lines}


def _traces(engine: Engine, store: _Store, meals: int, rng: Random) -> dict[str, Any]:
    days = [FIRST + timedelta(days=rng.randrange(max(1, meals // 3))) for _ in range(ROUNDS)]
    with reading(engine) as session:
        cooked = [trace.cooked_on(session, store.site_id, day)[0][0] for day in days]
        lots = session.query(Lot.id).order_by(Lot.id).limit(ROUNDS * 50).all()[::50]
    by_dish = [
        partial(trace.dish, site_id=store.site_id, dish_id=one, day=day)
        for one, day in zip(cooked, days, strict=True)
    ]
    by_lot = [partial(trace.lot, site_id=store.site_id, lot_id=one.id) for one in lots]
    return {"trace_dish": _timed(engine, by_dish), "trace_lot": _timed(engine, by_lot)}


def _timed(engine: Engine, works: Sequence[Callable[[Session], Any]]) -> dict[str, float]:
    times = []
    for work in works:
        start = time.perf_counter()
        with reading(engine) as session:
            work(session)
        times.append((time.perf_counter() - start) * 1000)
    return {"median_ms": round(statistics.median(times), 1), "most_ms": round(max(times), 1)}


def _cameras() -> dict[str, Any] | str:
    """What a 720p frame of a kitchen camera with one person costs."""
    try:
        hygiene, notes = load_hygiene()
    except DafanError as error:
        return str(error)
    frames = [
        in_a_frame(sample.image, Box(*sample.face), _FACE_PIXELS) for sample in sample_faces()
    ]
    return {**time_frames(hygiene, frames), "notes": list(notes)}


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)

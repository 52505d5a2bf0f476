"""What the kitchen did for what was sold: deliveries at moving prices, issues, batches, waste."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.production import Batch, BatchState
from kitchen.stock_book import MAIN, Kind, StockEntry, StockLevel
from kitchen.waste import MAX_GRAMS, Category, WasteRecord
from server.history.canteen import BY, Canteen, Served
from server.many import insert_all

_LOT_DAYS = 3
"""A delivery lasts so long."""
_DEFAULT_PRICE = 800
_DEARER_A_YEAR, _SEASON, _WALK = 0.04, 0.10, 0.012
_PLATE_GRAMS = 78.0
"""Left on the plate by a diner at the beginning; see :data:`_BETTER`."""
_BETTER = 0.38
"""So much less is thrown away at the end of a year than at its beginning."""
_OVER = 0.07
_TRIM = 0.05
_PLATE_WHY = ("份量偏大", "口味偏咸", "口味偏淡", "")
_OVER_WHY = ("来的人比预计少", "天气不好", "备料按份数取整", "")
_SPOILED_WHY = ("到货时已不新鲜", "冷库温度偏高", "过期")

Row = dict[str, Any]


class Kitchen:
    """Cooks what is sold, and keeps its books until all of it is written.

    Args:
        canteen: Whose.
        rng: Chooses.
        first: The first day.
        days: How long the history is.
    """

    def __init__(self, canteen: Canteen, rng: Random, first: date, days: int) -> None:
        self._canteen, self._rng, self._first, self._days = canteen, rng, first, days
        self._issued: dict[UUID, dict[date, list[tuple[UUID, int]]]] = {}
        """Ingredient → day → batch and quantity."""
        self._waste: list[Row] = []
        self._batches: list[Row] = []
        self._dishes = {dish.id: dish for dish in canteen.dishes}

    def cook(
        self, day: date, period: str, venue_id: UUID, covers: int, sold: dict[UUID, int]
    ) -> None:
        """A meal: portions of each dish as they were sold, and some too many."""
        over = _OVER * self._better(day)
        for dish_id, portions in sorted(sold.items()):
            dish = self._dishes[dish_id]
            extra = max(0, round(portions * self._rng.gauss(over, over / 2)))
            batch_id = self._batch(day, period, venue_id, dish, portions + extra, portions)
            for ingredient_id, each in dish.needs.items():
                quantity = round(each * (portions + extra) * self._rng.gauss(1.02, 0.02))
                if quantity > 0:
                    on = self._issued.setdefault(ingredient_id, {}).setdefault(day, [])
                    on.append((batch_id, quantity))
            if extra > 3:
                left = extra * dish.grams
                self._throw(day, period, venue_id, Category.OVERPRODUCTION, left, dish=dish_id,
                            batch=batch_id, why=self._rng.choice(_OVER_WHY))  # fmt: skip
        plate = covers * _PLATE_GRAMS * self._better(day) * self._rng.gauss(1, 0.08)
        why = self._rng.choice(_PLATE_WHY)
        self._throw(day, period, venue_id, Category.PLATE, round(plate), why=why)

    def clean_up(self, day: date, venue_id: UUID) -> None:
        """The end of a day: trimmings, on some days oil, now and then something spoiled."""
        used = {
            ingredient: sum(quantity for _, quantity in on[day])
            for ingredient, on in self._issued.items()
            if day in on
        }
        if not used:
            return
        whole = sum(used.values())
        trim = round(whole * _TRIM * self._rng.gauss(1, 0.1))
        self._throw(day, "", venue_id, Category.TRIM, trim)
        if day.weekday() == 4:
            oil = round(2500 * self._rng.gauss(1, 0.2))
            self._throw(day, "", venue_id, Category.OIL, oil, why="炸锅换油")
        if self._rng.random() < 0.15 * self._better(day):
            spoiled = self._rng.choice(sorted(used))
            grams, why = self._rng.randint(300, 4000), self._rng.choice(_SPOILED_WHY)
            self._throw(day, "", venue_id, Category.SPOILAGE, grams, ingredient=spoiled, why=why)

    def write(self, session: Session) -> None:
        """Write all of it."""
        insert_all(session, Batch.__table__, self._batches)
        lots, entries = self._stock()
        insert_all(session, Lot.__table__, lots)
        insert_all(session, StockEntry.__table__, entries)
        insert_all(session, StockLevel.__table__, [
            {"site_id": lot["site_id"], "lot_id": lot["id"], "place": MAIN} for lot in lots
        ])  # fmt: skip
        insert_all(session, WasteRecord.__table__, self._waste)

    def _better(self, day: date) -> float:
        return 1 - _BETTER * (day - self._first).days / 365

    def _batch(
        self, day: date, period: str, venue_id: UUID, dish: Served, cooked: int, served: int
    ) -> UUID:
        batch_id = new_id()
        self._batches.append({
            "id": batch_id, "site_id": self._canteen.site_id, "key": str(batch_id),
            "business_date": day, "period": period, "venue_id": venue_id, "dish_id": dish.id,
            "number": 1, "planned_by": BY, "state": BatchState.CLOSED.value,
            "planned_portions": cooked, "started_at": _at(day, 1), "cook": BY,
            "cooked_grams": cooked * dish.grams, "cooked_portions": cooked, "core_tenths": 850,
            "finished_at": _at(day, 2), "served_portions": served,
            "left_grams": (cooked - served) * dish.grams,
            "settled_grams": (cooked - served) * dish.grams,
        })  # fmt: skip
        return batch_id

    def _throw(
        self, day: date, period: str, venue_id: UUID, category: Category, grams: int,
        *, dish: UUID | None = None, batch: UUID | None = None, ingredient: UUID | None = None,
        why: str = "",
    ) -> None:  # fmt: skip
        if grams <= 0:
            return
        record_id = new_id()
        self._waste.append({
            "id": record_id, "site_id": self._canteen.site_id, "key": str(record_id),
            "business_date": day, "period": period, "venue_id": venue_id,
            "category": category.value, "grams": min(grams, MAX_GRAMS), "dish_id": dish,
            "batch_id": batch, "ingredient_id": ingredient, "lot_id": None, "reason": why,
            "photo": "", "by": BY, "at": _at(day, 11), "voids": None,
        })  # fmt: skip

    def _stock(self) -> tuple[list[Row], list[Row]]:
        """Lots, and their entries: each came in for the days that used it up."""
        lots: list[Row] = []
        entries: list[Row] = []
        kept = {one.id: one for one in self._canteen.ingredients}
        numbers: dict[date, int] = {}
        for ingredient_id, on in sorted(self._issued.items()):
            price = _prices(kept[ingredient_id], self._rng, self._first, self._days)
            for days in _deliveries(sorted(on)):
                numbers[days[0]] = numbers.get(days[0], 0) + 1
                number = f"{days[0]:%Y%m%d}-{numbers[days[0]]:03}"
                used = [(day, *one) for day in days for one in on[day]]
                quantity = sum(each for _, _, each in used)
                measure = Measure(kept[ingredient_id].measure)
                cost = max(round(quantity * price(days[0]) / measure.priced_by), 1)
                lot = self._lot(ingredient_id, number, days[0], quantity, cost)
                lots.append(lot)
                entries.append(self._entry(lot, Kind.IN, days[0], quantity, cost, None))
                done = 0
                for day, batch_id, each in used:
                    part = cost * (done + each) // quantity - cost * done // quantity
                    done += each
                    entries.append(self._entry(lot, Kind.OUT, day, -each, -part, batch_id))
        return lots, entries

    def _lot(self, ingredient_id: UUID, number: str, day: date, quantity: int, cost: int) -> Row:
        return {
            "id": new_id(), "site_id": self._canteen.site_id, "ingredient_id": ingredient_id,
            "supplier_id": self._canteen.supplier_id, "receiving_id": None, "number": number,
            "quantity": quantity, "cost": cost, "produced_on": day - timedelta(days=1),
            "expires_on": day + timedelta(days=9), "received_on": day, "state": "gone",
        }  # fmt: skip

    def _entry(
        self, lot: Row, kind: Kind, day: date, quantity: int, cost: int, batch_id: UUID | None
    ) -> Row:
        entry_id = new_id()
        return {
            "site_id": lot["site_id"], "business_date": day, "id": entry_id, "lot_id": lot["id"],
            "place": MAIN, "kind": kind.value, "quantity": quantity, "cost": cost,
            "ref_kind": "batch" if batch_id else None, "ref_id": batch_id, "by": BY,
            "at": _at(day, 0), "key": str(entry_id),
        }  # fmt: skip


def _deliveries(days: list[date]) -> Iterator[list[date]]:
    """Days that use an ingredient, delivery by delivery."""
    while days:
        last = days[0] + timedelta(days=_LOT_DAYS)
        part = [day for day in days if day < last]
        yield part
        days = days[len(part) :]


def _prices(ingredient: Ingredient, rng: Random, first: date, days: int) -> Callable[[date], int]:
    """Day → fen per kilogram, litre or piece: seasons, a slow rise, a walk from week to week."""
    base = ingredient.price or _DEFAULT_PRICE
    phase, level, walk = rng.uniform(0, 365), 0.0, []
    for _ in range(days // 7 + 1):
        walk.append(level)
        level += rng.gauss(0, _WALK)

    def at(day: date) -> int:
        step = (day - first).days
        season = _SEASON * math.sin(2 * math.pi * (step + phase) / 365)
        factor = 1 + season + walk[step // 7] + _DEARER_A_YEAR * step / 365
        return max(round(base * factor), 1)

    return at


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)

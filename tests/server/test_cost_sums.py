"""Costs of a day are what the books say, whatever changes, and never an authority."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.desk import Void
from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure
from dafan.records import Portion, SaleLine, Unit
from kitchen import cookbook, ingredients, production, stock, waste
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.recipes import Line, RecipeValues
from kitchen.stock import NewLot
from kitchen.waste import Category, WasteValues
from server import dishes
from server.actor import Actor
from server.reports import cost_sums, kept, readings, sums_proof
from server.reports.cost_rows import COSTED, NUTRIENTS
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope
from tests.server.conftest import TestSite, Till

DAYS = [date(2026, 1, 20), date(2026, 1, 21), date(2026, 2, 10), date(2026, 3, 2)]
ALL = Scope(date(2026, 1, 1), date(2026, 3, 31))
SERVED = ("portions", "standard_cost", "uncosted_portions", *NUTRIENTS, "told_portions")
WASTED = ("waste_grams", "waste_fen", "waste_uncosted")
HELD = {"energy_kcal": 200, "protein_g": 20, "fat_g": 10, "carbohydrate_g": 5, "sodium_mg": 900}
RUNNING = date(2026, 4, 1)


@dataclass
class Kitchen:
    """Two dishes, of which one has a recipe; pork with a standard price, salt with none."""

    engine: Engine
    actor: Actor
    till: Till
    sale: Callable[..., Any]
    venue_id: UUID
    sold: dict[date, list[Any]] = field(default_factory=dict)
    weighed: dict[date, list[UUID]] = field(default_factory=dict)
    pushed: int = 0

    def build(self) -> None:
        """What is there before anything is sold."""
        with db.writing(self.engine) as session:
            self.pork, self.salt = (
                ingredients.create(session, self.actor, values).id for values in (
                    IngredientValues(name="猪肉", price=Fen(2000), nutrients=HELD),
                    IngredientValues(name="盐蛋", measure=Measure.COUNT, weighs=60),
                )
            )  # fmt: skip
            self.dish, self.late = (
                dishes.create(
                    session, self.actor, DishValues(name=name, unit=Unit.PIECE, price=Fen(800))
                ).id
                for name in ("红烧肉", "新菜")
            )
        self.cook(self.dish, date(2026, 1, 1), 1000)

    def cook(self, dish: UUID, day: date, grams: int) -> None:
        """Write a recipe on a day."""
        parts = [Line(ingredient_id=self.pork, quantity=grams)]
        parts += [Line(ingredient_id=self.salt, quantity=1)] if grams % 2 else []
        values = RecipeValues(portions=10, yield_grams=2500, half_permille=600, lines=tuple(parts))
        with db.writing(self.engine) as session:
            cookbook.save(session, replace(self.actor, at=_morning(day)), dish, values)

    def sell(self, day: date, much: int = 1) -> None:
        """Sell so many halves of each dish, and a full one."""
        for dish in (self.dish, self.late):
            lines = tuple(
                SaleLine(
                    dish_id=dish, name="菜", unit=Unit.PIECE, portion=portion, quantity=count,
                    unit_price=Fen(800), amount=Fen(800 * count),
                )
                for portion, count in ((Portion.FULL, 1), (Portion.HALF, much))
            )  # fmt: skip
            sale = self.sale(None, 800 * (1 + much), lines=lines, business_date=day)
            self.till.sell(sale)
            self.sold.setdefault(day, []).append(sale)
        self._push()

    def take_back(self, day: date) -> None:
        """Void the last sale of a day."""
        if sold := self.sold.get(day):
            sale = sold.pop()
            void = Void(
                id=new_id(), sale_id=sale.id, business_date=day, total=sale.total, reason="错",
                staff_id=new_id(), at=_morning(day),
            )  # fmt: skip
            self.till.write("void", void)
            self._push()

    def _push(self) -> None:
        after, self.pushed = self.pushed, self.till.journal.read(0, 10_000)[-1].seq
        self.till.push(after=after)

    def receive(self, day: date, fen: int = 990) -> UUID:
        """A lot of pork comes in, and some of it is issued for a dish."""
        new = NewLot(ingredient_id=self.pork, quantity=700, cost=Fen(fen))
        with db.writing(self.engine) as session:
            lot = stock.put_in(session, self.actor, new, key=str(new_id()), day=day)
            return lot.id

    def issue(self, day: date) -> None:
        """Some pork leaves the store for a dish."""
        self.receive(day)
        meal, key = Meal(day, "lunch", self.venue_id), str(new_id())
        with db.writing(self.engine) as session:
            batch = production.plan(session, self.actor, meal, self.dish, 10, key=key)
            ref = ("batch", batch.id)
            stock.issue(session, self.actor, self.pork, 300, ref=ref, key=key, day=day)

    def throw(self, day: date, **of: Any) -> None:
        """Weigh a kilogram of something."""
        values = WasteValues(venue_id=self.venue_id, grams=997, period="lunch", **of)
        with db.writing(self.engine) as session:
            row = waste.record(session, self.actor, values, day=day, key=str(new_id()))
            self.weighed.setdefault(day, []).append(row.id)

    def take_off(self, day: date) -> None:
        """Take the last weighing of a day off."""
        if weighed := self.weighed.get(day):
            key = str(new_id())
            with db.writing(self.engine) as session:
                waste.void(session, self.actor, weighed.pop(), reason="错", key=key)

    def change(self, ingredient_id: UUID, **to: Any) -> None:
        """Change an ingredient."""
        with db.writing(self.engine) as session:
            before = ingredients.values_of(
                ingredients.get(session, self.actor.site_id, ingredient_id)
            )
            values = IngredientValues.model_validate({**before.model_dump(), **to})
            ingredients.update(session, self.actor, ingredient_id, values)

    def make(self) -> set[date]:
        """Make the costs; tells the days that were old."""
        site_id = self.actor.site_id
        with db.reading(self.engine) as session:
            old = set(cost_sums.stand(session, site_id, ALL.since, ALL.until).old)
        assert cost_sums.make(self.engine, site_id, self.actor.at, before=RUNNING) == len(old)
        return old

    def agree(self) -> None:
        """What reports tell is what they tell without any sums."""
        with db.writing(self.engine) as session:
            told = self.told(session)
            kept = session.begin_nested()
            cost_sums.throw_away(session, self.actor.site_id)
            assert told == self.told(session)
            kept.rollback()

    def told(self, session: Session) -> list[Any]:
        """Everything that follows from costs, in several cuts, as one report reads it."""
        kept.keep(session)
        of_lunch = replace(ALL, only={Dimension.MEAL: "lunch", Dimension.DISH: self.dish})
        asked: list[tuple[Any, Scope, list[Dimension]]] = [
            (SERVED, ALL, [Dimension.DAY, Dimension.MEAL, Dimension.VENUE, Dimension.DISH]),
            (SERVED, of_lunch, [Dimension.MONTH]),
            (WASTED, ALL, [Dimension.DAY, Dimension.DISH, Dimension.CATEGORY]),
            (("waste_grams",), of_lunch, []),
            (("actual_cost",), ALL, [Dimension.WEEK, Dimension.MEAL, Dimension.DISH]),
        ]
        site_id = self.actor.site_id
        answers = [ask(session, site_id, codes, scope, by) for codes, scope, by in asked]
        return [*answers, readings.used(session, site_id, ALL.since, ALL.until)]


def _morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


@pytest.fixture
def kitchen(
    engine: Engine, actor: Actor, site: TestSite, terminal: Till, make_sale: Any
) -> Kitchen:
    """A kitchen in which nothing was sold yet."""
    found = Kitchen(engine, actor, terminal, make_sale, site.venue_id)
    found.build()
    return found


def test_each_change_makes_the_days_old_that_it_touches_and_no_others(kitchen: Kitchen) -> None:
    k, (first, second, third, last) = kitchen, DAYS
    for day in DAYS:
        k.sell(day)
    assert k.make() == {*DAYS}
    assert k.make() == set()
    changes: list[tuple[Callable[[], Any], set[date]]] = [
        (lambda: k.receive(second), {second, third, last}),
        (lambda: k.sell(first), {first}),
        (lambda: k.take_back(first), {first}),
        (lambda: k.issue(last), {last}),
        (lambda: k.throw(third, category=Category.PLATE), {third}),
        (lambda: k.throw(third, category=Category.TRIM, ingredient_id=k.pork), {third}),
        (lambda: k.throw(third, category=Category.OVERPRODUCTION, dish_id=k.dish), {third}),
        (lambda: k.take_off(third), {third}),
        (lambda: k.change(k.salt, price=150), {*DAYS}),
        (lambda: k.change(k.pork, nutrients={**HELD, "sodium_mg": 5}), {*DAYS}),
        (lambda: k.change(k.pork, minimum=5), set()),
        (lambda: k.cook(k.late, second, 800), {*DAYS}),  # its first one reaches back
        (lambda: k.cook(k.late, third, 801), {third, last}),
        (lambda: k.cook(k.dish, last, 1101), {last}),
    ]
    for change, old in changes:
        change()
        k.agree()
        assert k.make() == old
    with db.writing(k.engine) as session:
        session.execute(text("UPDATE day_costs SET sodium = sodium + 1"))
        session.execute(text("DELETE FROM day_used"))
    with db.reading(k.engine) as session:
        faults = list(sums_proof.faults(session))
    assert {fault.code for fault in faults} == {"day_sums"}
    assert [fault.where[:10] for fault in faults] == sorted([*map(str, DAYS), str(last)])
    with db.writing(k.engine) as session:
        cost_sums.throw_away(session, k.actor.site_id)
        for table in COSTED:
            assert not session.scalars(select(table)).all()


_day = st.sampled_from(DAYS)
_op = st.one_of(
    st.tuples(st.just("sell"), _day, st.integers(1, 3)),
    st.tuples(st.sampled_from(["take_back", "take_off", "issue"]), _day),
    st.tuples(st.just("receive"), _day, st.integers(1, 5000)),
    st.tuples(st.just("throw"), _day, st.sampled_from(["plate", "dish", "late", "pork", "lot"])),
    st.tuples(st.just("cook"), _day, st.booleans(), st.integers(1, 2000)),
    st.tuples(st.just("price"), st.integers(0, 5000), st.booleans()),
    st.tuples(st.just("make")),
)


@settings(
    deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ops=st.lists(_op, min_size=4, max_size=8))
def test_reports_tell_from_the_sums_what_they_tell_from_the_books_after_any_mix_of_changes(
    ops: list[tuple[Any, ...]], kitchen: Kitchen
) -> None:
    """Every example goes on with the days of the examples before it."""
    k = kitchen
    for name, *told in ops:
        if name == "throw":
            of: dict[str, dict[str, Any]] = {
                "plate": {"category": Category.PLATE},
                "dish": {"category": Category.OVERPRODUCTION, "dish_id": k.dish},
                "late": {"category": Category.OVERPRODUCTION, "dish_id": k.late},
                "pork": {"category": Category.TRIM, "ingredient_id": k.pork},
            }
            day, what = told
            k.throw(day, **of.get(what) or {"category": "trim", "lot_id": k.receive(day)})
        elif name == "cook":
            k.cook(k.late if told[1] else k.dish, told[0], told[2])
        elif name == "price":
            k.change(k.salt if told[1] else k.pork, price=told[0])
        else:
            getattr(k, name)(*told)
    k.agree()
    k.make()
    k.agree()
    with db.reading(k.engine) as session:
        assert list(sums_proof.faults(session)) == []


def test_old_days_are_read_in_ranges_the_latest_first() -> None:
    day = date(2026, 3, 2)
    days = [day + timedelta(days=step) for step in (0, 1, 6, 13, 40)]
    assert cost_sums.spans(days) == [(days[4], days[4]), (days[3], days[3]), (days[0], days[2])]
    assert cost_sums.spans([]) == []

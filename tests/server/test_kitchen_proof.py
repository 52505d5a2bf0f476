"""``dafan verify`` proves stock and samples beside the money: invariants 3 and 5."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from dafan import db
from dafan.money import Fen
from dafan.records import SaleLine, Unit
from kitchen import cabinet, dishes, ingredients, production, sample_alarms, samples, stock
from kitchen.cabinet import CabinetValues
from kitchen.dishes import Dish, DishValues
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.production import Finish, Start
from kitchen.sample_alarms import AlarmKind
from kitchen.samples import SampleValues
from kitchen.stock import NewLot
from server.actor import Actor
from server.verify import Report, verify_server
from tests.server.conftest import TestSite

DAMAGE = {
    "UPDATE stock_level SET quantity = quantity + 1": "stock",
    "UPDATE stock_entry SET quantity = quantity - 1 WHERE quantity < 0": "stock",
    "UPDATE stock_entry SET cost = cost + 1 WHERE kind = 'in'": "stock*2",
    "DELETE FROM stock_entry WHERE kind = 'out'": "stock",
    "UPDATE retained_sample SET reviewer = sampler": "sample_review",
    "UPDATE retained_sample SET disposed_at = sampled_at": "sample_early",
    "DELETE FROM sample_alarm": "sample_missing",
}
"""What is done to a row → codes of the faults that are then found."""


@pytest.fixture
def kitchen(
    engine: Engine, actor: Actor, site: TestSite, terminal: Any, make_diner: Any, make_sale: Any
) -> Engine:
    """Yesterday two dishes were sold, one with a sample, one with an alarm; rice went out."""
    with db.writing(engine) as session:
        rice = ingredients.create(session, actor, IngredientValues(name="大米", category="粮食"))
        lot = NewLot(rice.id, quantity=50_000, cost=Fen(26_000))
        stock.put_in(session, actor, lot, key="in", day=actor.at.date())
        stock.issue(
            session, actor, rice.id, 20_000, ref=("batch", rice.id), key="out", day=actor.at.date()
        )
        menu = [
            dishes.create(
                session, actor.site_id, DishValues(name=name, unit=Unit.PIECE, price=Fen(500)),
                by="chef", at=actor.at,
            ).id
            for name in ("红烧肉", "青菜")
        ]  # fmt: skip
        fridge = cabinet.create(
            session, actor, CabinetValues(venue_id=site.venue_id, name="留样柜", slots=9)
        )
        meal = Meal(actor.at.date(), "lunch", site.venue_id)
        values = SampleValues(
            **meal.columns, dish_id=menu[0], grams=130, cabinet_id=fridge.id, slot=1,
            cooked_at=actor.at - timedelta(minutes=5),
        )  # fmt: skip
        samples.take(session, actor, values, key="sample")
    with db.writing(engine) as session:
        sample_alarms.sound(session, actor, meal, AlarmKind.MISSING, menu[1], since=actor.at)
    _sell(terminal, make_diner, make_sale, menu)
    return engine


def _sell(terminal: Any, make_diner: Any, make_sale: Any, menu: list[Any]) -> None:
    diner = make_diner()
    lines = tuple(
        SaleLine(dish_id=dish, name="菜", unit=Unit.PIECE, unit_price=Fen(500), amount=Fen(500))
        for dish in menu
    )
    terminal.sell(make_sale(diner, 1000, lines=lines))
    terminal.sell(make_sale(diner, 100, business_date=terminal.clock.now().date() + timedelta(1)))
    terminal.push()


def codes(session: Session) -> str:
    report = Report()
    verify_server(session, report)
    found = [fault.code for fault in report.faults]
    return " ".join(
        f"{code}*{found.count(code)}" if found.count(code) > 1 else code
        for code in dict.fromkeys(found)
    )


def test_a_kitchen_in_order_is_proved(kitchen: Engine) -> None:
    with db.reading(kitchen) as session:
        assert codes(session) == ""


def test_each_altered_row_of_the_kitchen_is_found(kitchen: Engine) -> None:
    found = {}
    for damage in DAMAGE:
        with Session(kitchen) as session:
            assert session.execute(text(damage)).rowcount > 0, damage  # type: ignore[attr-defined]
            found[damage] = codes(session)
            session.rollback()
    assert found == DAMAGE


def test_of_packaged_food_no_sample_is_asked_though_it_was_sold(kitchen: Engine) -> None:
    with Session(kitchen) as session:
        session.execute(text("DELETE FROM sample_alarm"))
        packaged = update(Dish).where(Dish.name == "青菜").values(sampled=False)
        session.execute(packaged)
        assert codes(session) == ""
        session.rollback()


def test_a_dish_that_was_cooked_and_never_sold_by_name_needs_its_sample(
    kitchen: Engine, actor: Actor, site: TestSite
) -> None:
    meal = Meal(actor.at.date(), "lunch", site.venue_id)
    with Session(kitchen) as session:
        values = DishValues(name="自选菜", unit=Unit.PIECE, price=Fen(500))
        dish = dishes.create(session, actor.site_id, values, by="chef", at=actor.at)
        batch = production.plan(session, actor, meal, dish.id, 10, key="batch")
        assert codes(session) == ""
        production.tell(session, actor, batch.id, Start(), key="start")
        cooked = Finish(grams=2000, portions=10, cook="chef", core_tenths=800)
        production.tell(session, actor, batch.id, cooked, key="finish")
        assert codes(session) == "sample_missing"
        session.rollback()

"""The trace: a dish of a day to lots, suppliers, people, samples and sales; a lot to its dishes."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import Engine, event

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from kitchen import (
    byproducts,
    cabinet,
    ingredients,
    production,
    samples,
    stock,
    stock_issues,
    suppliers,
)
from kitchen.cabinet import CabinetValues
from kitchen.dishes import Dish
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.production import Finish, Start
from kitchen.sample_rules import QR_PREFIX
from kitchen.samples import SampleValues
from kitchen.stock import NewLot
from kitchen.stock_issues import Wish
from kitchen.suppliers import SupplierValues
from server import trace
from server.actor import Actor
from server.trace_file import DishTrace
from tests.server.conftest import NOON, TestSite, Till
from tests.server.pages.conftest import Browser

DAY = date(2026, 3, 2)


@dataclass
class Cooked:
    """Pork that became a stew at lunch, whose trimmings became a soup."""

    engine: Engine
    site: TestSite
    stew: UUID
    soup: UUID
    lot: UUID
    sample: UUID

    def dish(self, dish_id: UUID) -> DishTrace:
        with db.reading(self.engine) as session:
            return trace.dish(session, self.site.id, dish_id, DAY)


@pytest.fixture
def cooked(engine: Engine, site: TestSite) -> Cooked:
    actor = Actor(site.id, "keeper", NOON - timedelta(hours=3), "")
    later = Actor(site.id, "chef", NOON - timedelta(minutes=30), "")
    meal = Meal(DAY, "lunch", site.venue_id)
    with db.writing(engine) as session:
        seller = suppliers.create(session, actor, SupplierValues(name="=王记肉铺")).id
        values = IngredientValues(name="五花肉", category="畜肉")
        pork = ingredients.create(session, actor, values).id
        new = NewLot(pork, 5000, Fen(15000), supplier_id=seller, batch="P-7")
        lot = stock.put_in(session, actor, new, key="in", day=DAY).id
        dishes = [
            Dish(id=new_id(), site_id=site.id, name=name, unit=Unit.PIECE.value)
            for name in ("红烧肉", "肉骨汤")
        ]
        session.add_all(dishes)
        session.flush()
        stew, soup = (one.id for one in dishes)
        batches = [
            production.plan(session, actor, meal, one, 50, key=str(one)).id for one in (stew, soup)
        ]
        wish = Wish(pork, 3000, ("batch", batches[0]), "k", DAY)
        stock_issues.take(session, actor, wish)
        stock_issues.put_back(
            session, actor, lot, 500, ref=("batch", batches[0]), key="b", day=DAY
        )  # fmt: skip
        byproducts.hand_on(session, actor, batches[0], batches[1], pork, 200, key="h")
        production.tell(session, actor, batches[0], Start(), key="s")
        done = Finish(grams=9000, portions=48, cook="李师傅", core_tenths=780)
        production.tell(session, later, batches[0], done, key="f")
        fridge = cabinet.create(
            session, actor, CabinetValues(venue_id=site.venue_id, name="留样柜", slots=20)
        ).id
        kept = samples.take(
            session, later,
            SampleValues(
                business_date=DAY, period="lunch", venue_id=site.venue_id, dish_id=stew,
                batch_id=batches[0], grams=150, cabinet_id=fridge, slot=3,
            ),
            key="sample",
        ).id  # fmt: skip
        for minutes, tenths in ((0, 35), (20, 52)):
            at = later.at + timedelta(minutes=minutes)
            cabinet.take_reading(session, Actor(site.id, "chef", at, ""), fridge, tenths, day=DAY)
    return Cooked(engine, site, stew, soup, lot, kept)


@pytest.fixture
def inspector(browser: Callable[[str], Browser]) -> Browser:
    return browser("inspector")


def test_a_dish_of_a_day_shows_its_lots_people_samples_temperatures_and_covers(
    cooked: Cooked, inspector: Browser, terminal: Till, make_diner: Any, make_sale: Any
) -> None:
    sale = make_sale(make_diner(), total=1200)
    line = sale.lines[0].model_copy(update={"dish_id": cooked.stew, "name": "红烧肉"})
    terminal.sell(sale.model_copy(update={"lines": (line, *sale.lines[1:])}))
    terminal.push()
    assert f"/kitchen/trace/dishes/{cooked.stew}/{DAY}" in inspector.see("/kitchen/trace")
    page = inspector.see(f"/kitchen/trace/dishes/{cooked.stew}/{DAY}")
    for shown in (
        "红烧肉", "李师傅", "78.0 °C", "五花肉", "2.5 kg", "=王记肉铺", "P-7", "留样柜 3", "150 g",
        "3.5 °C – 5.2 °C", "在柜", "食品安全员：",
    ):  # fmt: skip
        assert shown in page, shown
    assert cooked.dish(cooked.stew).meals[0].sold.covers == 1
    assert "就餐人次 <b>1</b>" in page
    label = {"code": f"{QR_PREFIX}{cooked.sample}", "to": "trace"}
    scanned = inspector.get("/kitchen/stock/scan", query_string=label)
    assert "chosen" in inspector.see(str(scanned.location))


def test_a_lot_leads_to_every_dish_its_trimmings_too(cooked: Cooked, inspector: Browser) -> None:
    page = inspector.see(f"/kitchen/trace/lots/{cooked.lot}")
    for shown in ("红烧肉", "肉骨汤", "2.5 kg", "边角料", "退库", "2 个生产批次"):
        assert shown in page, shown
    (used,) = cooked.dish(cooked.soup).used
    assert (used.origin.lot_id, used.quantity) == (cooked.lot, 0)
    assert "没有留样" in inspector.see(f"/kitchen/trace/dishes/{cooked.soup}/{DAY}")


def test_the_file_comes_as_json_and_as_excel_in_which_no_text_is_a_formula(
    cooked: Cooked, inspector: Browser
) -> None:
    for path in (f"dishes/{cooked.stew}/{DAY}", f"lots/{cooked.lot}"):
        told = json.loads(inspector.get(f"/kitchen/trace/{path}.json").text)
        assert told["site"]
        assert "五花肉" in json.dumps(told, ensure_ascii=False)
        answer = inspector.client.get(f"/kitchen/trace/{path}.xlsx")
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert "=王记肉铺" in {cell.value for cell in cells}
        assert {cell.data_type for cell in cells if cell.value == "=王记肉铺"} == {"s"}


def test_what_was_never_cooked_and_days_that_are_none_are_told_calmly(
    cooked: Cooked, inspector: Browser
) -> None:
    for path in (
        f"dishes/{cooked.stew}/2026-03-09", f"dishes/{cooked.stew}/yesterday",
        f"dishes/{new_id()}/{DAY}", f"lots/{new_id()}", f"samples/{new_id()}", "?day=x",
    ):  # fmt: skip
        assert inspector.get(f"/kitchen/trace/{path}").status_code in {308, 400, 404}, path
    assert "这一天没有" in inspector.see("/kitchen/trace?day=2026-03-09")


def test_only_who_may_see_it_sees_it(cooked: Cooked, browser: Callable[[str], Browser]) -> None:
    path = f"/kitchen/trace/dishes/{cooked.stew}/{DAY}"
    assert browser("cashier").get(path).status_code == 403
    assert browser("finance").get(path).status_code == 200


def test_a_trace_takes_few_queries_however_many_lots_and_batches(cooked: Cooked) -> None:
    counted: list[str] = []
    listen = lambda *told: counted.append(told[2])  # noqa: E731 - a hook of five arguments
    event.listen(cooked.engine, "before_cursor_execute", listen)
    cooked.dish(cooked.stew)
    with db.reading(cooked.engine) as session:
        trace.lot(session, cooked.site.id, cooked.lot)
    event.remove(cooked.engine, "before_cursor_execute", listen)
    assert len([each for each in counted if each.startswith("SELECT")]) <= 20

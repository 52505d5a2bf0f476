"""Reports: every figure leads to the rows behind it; a link is a report; no address breaks one."""

import io
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pypdf
import pytest
from apiflask import APIFlask
from openpyxl import load_workbook
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan import db, fonts
from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure
from dafan.records import Portion, SaleLine, Unit
from kitchen import cookbook, ingredients, production, stock, waste
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.lots import Lot
from kitchen.meals import Meal
from kitchen.production import Batch, Finish, Serve, Start
from kitchen.recipes import Line, RecipeValues
from kitchen.stock import NewLot
from kitchen.stock_book import StockEntry
from kitchen.waste import Category, WasteRecord, WasteValues
from server import dishes
from server.actor import Actor
from server.books import sales as books
from server.reports import cost, filters, plot, self_assessment, selling
from server.reports import waste as waste_report
from server.reports.basis import Basis
from server.reports.frame import KILOGRAMS, YUAN, Link, Report
from tests.server.conftest import TestSite
from tests.server.pages.conftest import Browser

MONDAY = date(2026, 3, 2)
WEEK = {"since": "2026-03-02", "until": "2026-03-04"}
ALL = {
    "waste": waste_report.build, "cost": cost.build, "sales": selling.build,
    "self-assessment": self_assessment.build,
}  # fmt: skip


@pytest.fixture
def week(
    engine: Engine, actor: Actor, site: TestSite, terminal: Any, make_diner: Any, make_sale: Any,
    clock: Any,
) -> UUID:  # fmt: skip
    """Three lunches: food bought, issued, cooked, sold, thrown away, a slip taken off; the dish."""
    with db.writing(engine) as session:
        dish = dishes.create(
            session, actor, DishValues(name="红烧肉", unit=Unit.PIECE, price=Fen(800))
        ).id
        pork = ingredients.create(
            session, actor, IngredientValues(name="猪肉", measure=Measure.MASS, price=Fen(3000))
        ).id
        recipe = RecipeValues(
            portions=10, yield_grams=2500, lines=(Line(ingredient_id=pork, quantity=1000),)
        )
        cookbook.save(session, actor, dish, recipe)
        new = NewLot(ingredient_id=pork, quantity=50_000, cost=160_000)
        lot = stock.put_in(session, actor, new, key="lot", day=MONDAY).id
    for back, portions in enumerate((3, 5, 2)):
        day = MONDAY + timedelta(days=back)
        with db.writing(engine) as session:
            meal = Meal(day, "lunch", site.venue_id)
            batch = production.plan(session, actor, meal, dish, 8, key=f"batch {day}").id
            for event in (Start(), Finish(2000, 8, "王", 800), Serve(portions, 500)):
                production.tell(session, actor, batch, event, key=str(new_id()))
            stock.issue(
                session, actor, pork, 900 + 10 * back, ref=("batch", batch), key=f"out {day}",
                day=day,
            )  # fmt: skip
            _throw(session, actor, site, day, lot, dish, 100 * (back + 1))
        for _ in range(portions):
            line = SaleLine(
                dish_id=dish, name="红烧肉", unit=Unit.PIECE, portion=Portion.FULL, quantity=1,
                unit_price=Fen(800), amount=Fen(800),
            )  # fmt: skip
            terminal.sell(make_sale(make_diner(cash=10_000), total=800, lines=(line,)))
        terminal.push()
        clock.advance(24 * 3600)
    return dish


def _throw(
    session: Session, actor: Actor, site: TestSite, day: date, lot: UUID, dish: UUID, grams: int
) -> None:
    told: list[dict[str, Any]] = [
        {"category": Category.TRIM, "grams": grams, "lot_id": lot},
        {"category": Category.OVERPRODUCTION, "grams": grams + 7, "dish_id": dish},
        {"category": Category.PLATE, "grams": grams + 11},
        {"category": Category.SPOILAGE, "grams": grams + 13, "reason": "断电"},
    ]
    for each in told:
        values = WasteValues(venue_id=site.venue_id, period="lunch", **each)
        row = waste.record(session, actor, values, day=day, key=str(new_id()))
    if day == MONDAY:
        waste.void(session, actor, row.id, reason="称错了", key="slip")


@pytest.fixture
def make(app: APIFlask, engine: Engine, site: TestSite) -> Callable[[str], tuple[Report, Session]]:
    """Make a report of the week; the session looks behind its figures."""

    def do(name: str) -> Any:
        asked = filters.read(WEEK, date(2026, 3, 5), {site.venue_id}, {"lunch"})
        with app.test_request_context("/"), db.reading(engine) as session:
            names = {"lunch": "午餐"}, {site.venue_id: "一食堂"}
            report = ALL[name](Basis(session, site.id, asked, *names))
            return report, _leads(session, report)

    return do


def _leads(session: Session, report: Report) -> dict[str, int]:
    """Follow every figure that leads somewhere and sum up what is there; how many of each kind."""
    followed: dict[str, int] = {}
    for part in report.parts:
        for _sums, cells in part.table.lines():
            for column, cell, _text in cells:
                unit = cell.unit or column.unit
                if cell.link is None or not isinstance(cell.value, int):
                    continue
                found = _behind(session, cell.link, column.title, unit)
                if found is not None:
                    assert found == cell.value, (part.code, column.title, cell)
                    followed[cell.link.endpoint] = followed.get(cell.link.endpoint, 0) + 1
    return followed


def _behind(session: Session, link: Link, title: str, unit: Any) -> int | None:
    """The sum of the rows that an address names; ``None`` for what is no sum of them."""
    days = date.fromisoformat(link.args["since"]), date.fromisoformat(link.args["until"])
    query = None
    if link.endpoint == "manage.report_waste_records" and unit == KILOGRAMS:
        query = _weighed(link.args, days)
    if link.endpoint == "manage.report_stock_entries":
        query = _issued(link.args, days)
    if link.endpoint == "manage.sales":
        if title in {"补贴账户", "现金", "退款"}:
            return 0  # all of it was paid from top-ups, and nothing went back
        counted = func.sum(books.Sale.total) if unit == YUAN else func.count()
        query = select(counted).where(books.Sale.business_date.between(*days))
        if "tender" in link.args:
            query = query.where(books.Sale.tender == link.args["tender"])
    return None if query is None else int(session.scalar(query) or 0)


def _weighed(args: Mapping[str, str], days: tuple[date, date]) -> Any:
    query = select(func.sum(WasteRecord.grams)).where(WasteRecord.business_date.between(*days))
    for name in ("category", "period"):
        if name in args:
            query = query.where(getattr(WasteRecord, name) == args[name])
    return query.where(WasteRecord.dish_id == UUID(args["dish"])) if "dish" in args else query


def _issued(args: Mapping[str, str], days: tuple[date, date]) -> Any:
    query = select(func.sum(-StockEntry.cost)).join(Lot, Lot.id == StockEntry.lot_id)
    query = query.outerjoin(Batch, Batch.id == StockEntry.ref_id)
    query = query.where(StockEntry.business_date.between(*days), StockEntry.kind == "out")
    if "period" in args:
        query = query.where(Batch.period == args["period"])
    if "ingredient" in args:
        query = query.where(Lot.ingredient_id == UUID(args["ingredient"]))
    return query


def test_every_figure_of_the_waste_report_is_the_sum_of_the_weighings_that_it_leads_to(
    week: UUID, make: Any
) -> None:
    report, followed = make("waste")
    # 3 days: (100 + 107 + 111) + (200 + 207 + 211 + 213) + (300 + 307 + 311 + 313); Monday's slip
    # of 113 g was taken off
    thrown = 318 + 831 + 1231
    facts = {fact.title: fact.value for fact in report.facts}
    assert facts["浪费重量"] == thrown
    assert facts["人均浪费"] == 10 * thrown // 10  # ten ate; tenths of a gram
    # trim 600 g of a lot at 3.2 fen; 621 g of a dish of which 250 g cost 320 fen; plate 633 g the
    # same; what spoiled has no name
    assert facts["浪费金额"] == 600 * 32 // 10 + sum(
        round(grams * 320 / 250) for grams in (107, 207, 307, 111, 211, 311)
    )
    assert facts["盘中剩余"] == 633
    assert followed["manage.report_waste_records"] >= 20
    parts = {part.code: part for part in report.parts}
    assert {"time", "cause", "plate", "meal", "dish", "why", "forecast"} == parts.keys()
    causes = {row[0].value: row[1].value for row in parts["cause"].table.rows}
    assert causes == {"边角料": 600, "多做未售": 621, "盘中剩余": 633, "变质过期": 526}
    assert [row[2].value for row in parts["why"].table.rows] == [526]
    assert any("不知道是什么" in note for note in report.notes)
    kitchen = parts["forecast"].table.rows
    assert [(row[2].value, row[3].value, row[4].value, row[5].value) for row in kitchen] == [
        (3, 8, 3, 500), (5, 8, 5, 500), (2, 8, 2, 500),
    ]  # fmt: skip
    del week


def test_every_figure_of_the_cost_report_is_the_sum_of_the_issues_and_sales_behind_it(
    week: UUID, make: Any
) -> None:
    report, followed = make("cost")
    actual = sum(grams * 32 // 10 for grams in (900, 910, 920))
    standard = 10 * 320  # ten portions of 100 g at what the lot cost
    facts = {fact.title: fact.value for fact in report.facts}
    assert facts == {
        "人均实际成本": round(actual / 10), "人均标准成本": 320, "成本差异": actual - standard,
        "毛利率": 1000 * (8000 - standard) // 8000,
    }  # fmt: skip
    assert followed["manage.report_stock_entries"] >= 5
    assert followed["manage.sales"] >= 8
    parts = {part.code: part for part in report.parts}
    dish = parts["dish"].table.rows[0]
    assert [cell.value for cell in dish] == ["红烧肉", 10, 8000, 320, None, 3200, 4800, 600]
    assert [cell.value for cell in parts["prices"].table.rows[0][:6]] == [
        "猪肉", "公斤", 3200, None, None, actual,
    ]  # fmt: skip
    sold, _ = make("sales")
    assert {fact.title: fact.value for fact in sold.facts}["净销售额"] == 8000
    peak = next(part for part in sold.parts if part.code == "peak")
    assert [row[1].value for row in peak.table.rows] == [10]  # all at noon
    rules, _ = make("self-assessment")
    shown = {row[1].value: row[2].value for row in rules.parts[0].table.rows}
    assert (shown["出餐重量"], shown["剩菜重量"], shown["剩菜率"]) == (6000, 1500, 250)
    assert shown["盘中剩余"] == 633
    assert shown["领用食材金额"] == actual
    assert (shown["半份、小份占比"], shown["称重天数占比"]) == (0, 1000)
    del week


def test_what_drives_a_cost_adds_up_to_the_whole_difference() -> None:
    one, two, three = new_id(), new_id(), new_id()
    then = {one: (100, 20_000), two: (50, 30_000)}
    now = {one: (80, 18_000), two: (90, 55_000), three: (10, 1_000)}
    found = cost.drivers(now, then)
    assert found.number + found.mix + found.price == 74_000 - 50_000
    assert found.price == 18_000 - 16_000 + 55_000 - 54_000
    assert found.number == 10_000  # 30 more at 333.33 fen
    assert cost.drivers(now, {}) == cost.Drivers(74_000, 0, 0)


def test_a_report_is_a_page_a_workbook_of_numbers_and_a_pdf_in_chinese(
    week: UUID, browser: Callable[[str], Browser]
) -> None:
    manager = browser("manager")
    query = "since=2026-03-02&until=2026-03-04"
    listed = manager.see("/manage/reports")
    for name in ALL:
        page = manager.see(f"/manage/reports/{name}?{query}")
        assert f"/manage/reports/{name}?preset=last_week" in page
        assert f"/manage/reports/{name}" in listed
        answer = manager.client.get(f"/manage/reports/{name}.xlsx?{query}")
        book = load_workbook(io.BytesIO(answer.data))
        answer.close()
        numbers = [
            cell.value for sheet in book for row in sheet.iter_rows(min_row=4) for cell in row
            if isinstance(cell.value, int | float)
        ]  # fmt: skip
        assert len(numbers) > 10
    page = manager.see(f"/manage/reports/waste?{query}")
    assert "共浪费 2.38 千克" in page
    assert "data-figure=" in page
    assert plot.MAP_STYLE in page
    assert plot.MAP_STYLE in plot.SCRIPT.read_text(encoding="utf-8")
    script = manager.client.get(f"/manage/reports/plotly-{plot.VERSION}.js")
    assert "immutable" in script.headers["Cache-Control"]
    script.close()
    behind = manager.see(f"/manage/reports/waste/records?{query}&category=spoilage")
    assert "断电" in behind
    assert "冲销" in behind
    assert "猪肉" in manager.see(f"/manage/reports/cost/entries?{query}&period=lunch")
    assert "红烧肉" in manager.see(f"/manage/sales?{query}&dish={week}")
    assert "红烧肉 · " not in manager.see(f"/manage/sales?{query}&dish={new_id()}")
    if fonts.find_font() is not None:
        answer = manager.client.get(f"/manage/reports/waste.pdf?{query}")
        pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
        answer.close()
        text = "".join("".join(one.extract_text() for one in pages).replace("\0", "").split())
        assert "每餐浪费了多少，为什么？" in text
        assert "共浪费2.38千克" in text
        assert "变质过期" in text


def test_without_a_chinese_font_the_page_says_what_to_install(
    browser: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "find_font", lambda: None)
    answer = browser("manager").client.get("/manage/reports/sales.pdf", follow_redirects=True)
    assert "fonts-noto-cjk" in answer.text


HOSTILE = (
    "since=x&until=y", "since=9999-12-31", "until=0001-01-01", "since=2026-13-45&meal=<b>",
    "preset=never", "since=2026-03-09&until=2020-01-01", "venue=1&meal=%00&against=year",
    "since=0001-01-01&until=9999-12-31&against=year", "preset=week&preset=&venue=%F0%9F%8D%9A",
    "after=x&category=%27&dish=x&ingredient=1&period=" + 50 * "x",
)  # fmt: skip


def test_no_address_breaks_a_report(browser: Callable[[str], Browser]) -> None:
    person = browser("manager")
    for query in HOSTILE:
        for path in ("waste", "sales", "cost", "waste/records", "cost/entries", "suppliers/lots"):
            answer = person.get(f"/manage/reports/{path}?{query}")
            assert answer.status_code in {200, 400}, (path, query)
    assert "没有称过餐厨垃圾" in person.see("/manage/reports/waste")
    assert "显示全部场所" in person.see(f"/manage/reports/waste?venue={new_id()}")
    for name in ("self-assessment", "nutrition", "suppliers", "satisfaction", "settlement"):
        assert person.get(f"/manage/reports/{name}.xlsx?{HOSTILE[7]}").status_code == 200
        assert "没有" in person.see(f"/manage/reports/{name}")


def test_each_sees_the_reports_of_his_work(browser: Callable[[str], Browser]) -> None:
    seen = {}
    for role in ("cashier", "inspector"):
        person = browser(role)
        seen[role] = {
            name for name in ALL if person.get(f"/manage/reports/{name}").status_code == 200
        }
    assert seen == {"cashier": {"sales", "cost"}, "inspector": {"waste", "self-assessment"}}


def test_the_days_before_are_the_same_part_of_time() -> None:
    days = lambda *told: tuple(date.fromisoformat(one) for one in told)  # noqa: E731 - short
    assert filters.before(*days("2026-03-02", "2026-03-04")) == days("2026-02-23", "2026-02-25")
    assert filters.before(*days("2026-03-09", "2026-03-15")) == days("2026-03-02", "2026-03-08")
    week = {"since": "2026-03-09", "until": "2026-03-15", "against": "year"}
    asked = filters.read(week, date(2026, 3, 20), set(), set())
    assert asked.then_since.weekday() == asked.since.weekday()
    assert filters.before(*days("2026-03-01", "2026-03-31")) == days("2026-02-01", "2026-02-28")
    assert filters.before(*days("2026-01-01", "2026-03-31")) == days("2025-10-01", "2025-12-31")
    assert filters.before(*days("2026-03-01", "2026-03-20")) == days("2026-02-01", "2026-02-20")
    assert filters.before(*days("2026-03-01", "2026-03-30")) == days("2026-02-01", "2026-02-28")
    assert filters.days_of("last_quarter", date(2026, 2, 3)) == days("2025-10-01", "2025-12-31")
    assert filters.days_of("week", date(2026, 3, 4)) == days("2026-03-02", "2026-03-04")

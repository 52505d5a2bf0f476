"""The tables of nutrition, suppliers, satisfaction and settlement are what the entries say."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure
from dafan.records import Portion, SaleLine, Unit
from kitchen import cookbook, deliveries, ingredients, stock, suppliers
from kitchen.deliveries import Receiving, ReceivingLine
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.lots import Lot
from kitchen.receiving_rules import LineValues
from kitchen.recipes import Line, RecipeValues
from kitchen.stock import NewLot
from kitchen.suppliers import SupplierValues
from server import dishes, feedback, surveys
from server.actor import Actor
from server.feedback import FeedbackValues, Kind
from server.ratings import DishRating
from server.reports import clearing, export, fed, filters, satisfaction, supplying
from server.reports.basis import Basis
from server.reports.frame import Report
from server.reports.sheets import Number
from server.surveys import Question, QuestionKind, SurveyValues
from tests.server.conftest import TestSite, Till
from tests.server.test_books_settlement import Town

DAY = date(2026, 3, 2)
MARCH = {"since": "2026-03-01", "until": "2026-03-31"}


@pytest.fixture
def make(app: APIFlask, engine: Engine, site: TestSite, clock: Any) -> Callable[..., Report]:
    """Make a report of March."""

    def do(build: Callable[[Basis], Report]) -> Report:
        asked = filters.read(MARCH, date(2026, 4, 2), {site.venue_id}, {"lunch"})
        with app.test_request_context("/"), db.reading(engine) as session:
            names = {"lunch": "午餐"}, {site.venue_id: "一食堂"}
            return build(Basis(session, site.id, asked, *names, clock.now()))

    return do


def _part(report: Report, code: str) -> Any:
    return next(part.table for part in report.parts if part.code == code)


def _values(row: Any) -> list[Any]:
    return [cell.value for cell in row]


def test_what_a_meal_gave_is_the_portions_sold_times_the_recipe_and_says_how_much_is_known(
    engine: Engine, actor: Actor, terminal: Till, make_diner: Any, make_sale: Any, make: Any
) -> None:
    held = {"energy_kcal": 200, "protein_g": 20, "fat_g": 10, "carbohydrate_g": 5, "sodium_mg": 900}
    with db.writing(engine) as session:
        told, silent = (
            dishes.create(session, actor, DishValues(name=name, unit=Unit.PIECE, price=Fen(800))).id
            for name in ("红烧肉", "没有配方")
        )
        pork = IngredientValues(name="猪肉", measure=Measure.MASS, nutrients=held)
        part = Line(ingredient_id=ingredients.create(session, actor, pork).id, quantity=1000)
        recipe = RecipeValues(portions=10, yield_grams=2500, lines=(part,))
        cookbook.save(session, actor, told, recipe)
    for dish, count in ((told, 2), (told, 1), (silent, 1)):
        line = SaleLine(
            dish_id=dish, name="菜", unit=Unit.PIECE, portion=Portion.FULL, quantity=count,
            unit_price=Fen(800), amount=Fen(800 * count),
        )  # fmt: skip
        terminal.sell(make_sale(make_diner(cash=10_000), total=800 * count, lines=(line,)))
    terminal.push()
    report = make(fed.build)
    facts = {fact.title: fact.value for fact in report.facts}
    # three portions of 100 g of pork, of four, for three people
    assert (facts["人均能量"], facts["人均钠"]) == (200_000, 900_000)
    assert facts["营养已知"] == 750
    lunch = _values(_part(report, "meal").rows[0])
    assert lunch[1:8] == [3, 200_000, 20_000, 10_000, 5_000, 900_000, 750]
    assert lunch[9] == "建议不超过 800 毫克"
    assert "午餐的钠超过建议" in report.answer
    shares = _values(_part(report, "shares").rows[0])
    assert sum(shares[1:]) == 1000
    by_dish = {row[0].value: row[1:] for row in _part(report, "dish").rows}
    assert (by_dish["红烧肉"][0].value, by_dish["红烧肉"][5].value) == (3, 900_000)
    assert by_dish["没有配方"][5].value is None
    assert any("只有 75.0%" in note for note in report.notes)
    cells = [cell for sheet in export.sheets(report, "x") for row in sheet.rows for cell in row]
    assert any(isinstance(cell, Number) and cell.value == 200 for cell in cells)  # kcal, not less


def _deliver(
    session: Session, actor: Actor, whose: UUID, ingredient: UUID, day: date,
    arrived: int, rejected: int, fen: int,
) -> None:  # fmt: skip
    receiving = Receiving(
        id=new_id(), site_id=actor.site_id, key=str(new_id()), business_date=day, place="main",
        supplier_id=whose, state=deliveries.State.POSTED.value, opened_by="x", opened_at=actor.at,
    )  # fmt: skip
    session.add(receiving)
    session.flush()
    new = NewLot(
        ingredient_id=ingredient, quantity=arrived - rejected, cost=Fen(fen), supplier_id=whose,
        receiving_id=receiving.id,
    )  # fmt: skip
    lot = stock.put_in(session, actor, new, key=str(new_id()), day=day)
    session.add(
        ReceivingLine(
            id=new_id(), receiving_id=receiving.id, site_id=actor.site_id, lot_id=lot.id,
            ingredient_id=ingredient, rejected=rejected,
            details=LineValues(
                measure=Measure.MASS, quantity=arrived, unit_price=Fen(500)
            ).model_dump(mode="json"),
        )
    )  # fmt: skip


def test_what_suppliers_delivered_sums_up_to_the_lots_and_the_dearer_one_is_named(
    engine: Engine, actor: Actor, make: Any
) -> None:
    with db.writing(engine) as session:
        cheap, dear = (
            suppliers.create(session, actor, SupplierValues(name=name)).id for name in ("甲", "乙")
        )
        rice = IngredientValues(name="大米", measure=Measure.MASS)
        rice_id = ingredients.create(session, actor, rice).id
        _deliver(session, actor, cheap, rice_id, DAY, 10_000, 0, 5_000)
        _deliver(session, actor, dear, rice_id, DAY, 10_000, 500, 5_700)
        _deliver(session, actor, dear, rice_id, DAY + timedelta(days=60), 1_000, 0, 900)
        whole = session.scalar(select(func.sum(Lot.cost)).where(Lot.received_on < date(2026, 4, 1)))
    report = make(supplying.build)
    table = _part(report, "each")
    assert [_values(row)[:2] for row in table.rows] == [["乙", 5_700], ["甲", 5_000]]
    assert sum(row[1].value for row in table.rows) == table.sums[1].value == whole
    # 9500 g at 0.5 fen would be 4750; 10,000 g at 0.6 fen 6000
    assert [row[6].value for row in table.rows] == [200, -167]
    assert [row[8].value for row in table.rows] == [60, 100]  # 5 % went back
    assert "乙比其他家贵 20.0%" in report.answer
    assert _values(_part(report, "faulty").rows[0])[1:] == ["乙", DAY, 0, 50]
    price = _values(_part(report, "prices").rows[0])
    assert price == ["大米", "甲", 500, "乙", 600, 10_700, 950]


def test_few_voices_are_not_told_and_complaints_are_in_time_late_or_wait(
    engine: Engine, actor: Actor, make_diner: Any, make: Any, clock: Any
) -> None:
    liked, rare, diner = new_id(), new_id(), make_diner()
    with db.writing(engine) as session:
        for dish, stars in [(liked, 5)] * 3 + [(liked, 2)] * 2 + [(rare, 1)] * 4:
            session.add(
                DishRating(
                    site_id=actor.site_id, sale_id=new_id(), line_no=1, dish_id=dish,
                    diner_id=diner, stars=stars, given_on=DAY, given_at=actor.at,
                )
            )  # fmt: skip
        said = [
            feedback.say(session, actor, diner, new_id(), values)
            for values in (
                FeedbackValues(kind=Kind.COMPLAINT, text=text) for text in ("太咸了", "太慢了")
            )
        ]
        feedback.answer(session, actor, said[0].id, "改了")
    waits = _values(_part(make(satisfaction.build), "kinds").rows[0])
    assert waits == ["投诉", 2, 1, 0, 1, 1000]
    clock.advance(4 * 86400)
    report = make(satisfaction.build)
    assert _values(_part(report, "kinds").rows[0]) == ["投诉", 2, 1, 1, 0, 500]
    assert [_values(row)[1:] for row in _part(report, "dish").rows] == [[380, None, 5, 400]]
    stars = _part(report, "stars")
    assert sum(row[1].value for row in stars.rows) == stars.sums[1].value == 9
    assert sum(row[1].value for row in _part(report, "time").rows) == 2


def test_a_questionnaire_is_told_from_five_voices_on(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Any, make: Any
) -> None:
    loud, quiet = new_id(), new_id()
    taste = Question(kind=QuestionKind.STARS, text="味道")
    with db.writing(engine) as session:
        for survey_id, title in ((loud, "三月"), (quiet, "四月")):
            values = SurveyValues(title=title, opens_on=DAY, closes_on=DAY, questions=(taste,))
            surveys.ask(session, actor, survey_id, values)
    for stars in (5, 5, 4, 4, 3):
        diner = make_diner()
        with db.writing(engine) as session:
            surveys.answer(session, site.id, diner, loud, {0: str(stars)}, DAY)
            if stars != 3:
                surveys.answer(session, site.id, diner, quiet, {0: str(stars)}, DAY)
    rows = _part(make(satisfaction.build), "surveys").rows
    assert [_values(row) for row in rows] == [["三月", "味道", 420, 5]]


def test_the_report_of_settlement_is_the_statements(
    engine: Engine, actor: Actor, site: TestSite, terminal: Till, make_sale: Any, make: Any
) -> None:
    town = Town(engine, actor, site)
    terminal.sell(town.meal(make_sale, 0, 1, 800))
    terminal.sell(town.meal(make_sale, 1, 0, 300))
    terminal.push()
    report = make(clearing.build)
    table = _part(report, "pairs")
    assert [row[5].value for row in table.rows] == [800, 300]
    assert table.sums[5].value == sum(owed.net for owed in town.statement().owed.values()) == 1100
    facts = {fact.title: fact.value for fact in report.facts}
    assert facts == {"跨主体消费": 1100, "未清算净额": 500}
    assert _part(report, "bodies").sums[1].value == 0
    with db.reading(engine) as session:
        told = clearing.statements(session, site.id, date(2026, 2, 27), date(2026, 4, 1))
    assert [one.month for one in told] == [date(2026, month, 1) for month in (2, 3, 4)]

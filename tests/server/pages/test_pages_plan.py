"""The purchase plan on its page: every figure explained, and orders made of it once."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dafan import db
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import cookbook, dishes, expected, ingredients, menus, stock, suppliers
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from kitchen.recipes import Line, RecipeValues
from kitchen.stock import NewLot
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues

MONDAY = date(2026, 3, 2)
NEXT = MONDAY + timedelta(days=1)

NOBODY = "0190b1f0-0000-7000-8000-000000000000"


def add_supplier(session, actor, name, categories):
    row = suppliers.create(session, actor, SupplierValues(name=name, categories=categories))
    for kind in (LicenceKind.BUSINESS, LicenceKind.FOOD_TRADE):
        paper = LicenceValues(kind=kind, number=name, valid_from=MONDAY)
        suppliers.add_licence(session, actor, row.id, paper)
    return row.id


@pytest.fixture
def kitchen(engine, actor, site):
    """Pork with peppers for a hundred tomorrow; 2 kg of pork are there, and two suppliers."""
    with db.writing(engine) as session:
        pork = ingredients.create(
            session, actor, IngredientValues(name="猪肉", category="畜肉", pack=5000, price=3000)
        ).id
        pepper = ingredients.create(
            session, actor, IngredientValues(name="青椒", category="蔬菜", price=800)
        ).id
        dish = dishes.create(
            session, actor.site_id, DishValues(name="青椒肉丝", unit=Unit.PIECE),
            by=actor.name, at=actor.at,
        ).id  # fmt: skip
        lines = (
            Line(ingredient_id=pork, quantity=1000),
            Line(ingredient_id=pepper, quantity=500),
        )
        recipe = RecipeValues(portions=10, yield_grams=1500, lines=lines)
        cookbook.save(session, actor, dish, recipe)
        meal = Meal(NEXT, "lunch", site.venue_id)
        menus.save(session, actor, meal, [ItemValues(dish_id=dish, portions=100)])
        lot = NewLot(pork, 2000, 6000)
        stock.put_in(session, actor, lot, key="in", day=MONDAY)
        butcher = add_supplier(session, actor, "肉联厂", ("畜肉",))
        grocer = add_supplier(session, actor, "菜场", ("蔬菜",))
    return {"pork": pork, "pepper": pepper, "dish": dish, "butcher": butcher, "grocer": grocer}


def form_of(page):
    """What the browser sends of the plan as it stands."""
    form = page[page.index('action="/manage/plan/orders"') :]
    told = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', form))
    told = {name: value for name, value in told.items() if name != "csrf_token"}
    for number in re.findall(r'name="pick_(\d+)" value="1" checked', form):
        options = form[form.index(f'name="supplier_{number}"') :]
        found = re.search(r'value="([^"]+)" selected', options)
        told |= {f"pick_{number}": "1", f"supplier_{number}": found.group(1)}
    return told


def ordered(engine):
    with db.reading(engine) as session:
        query = select(PurchaseOrder.supplier_id, PurchaseLine.ingredient_id, PurchaseLine.quantity)
        query = query.join(PurchaseLine, PurchaseLine.order_id == PurchaseOrder.id)
        return {tuple(row) for row in session.execute(query)}


def test_every_figure_of_the_plan_says_where_it_comes_from(browser, kitchen):
    page = browser("kitchen_manager").see("/manage/plan")
    assert kitchen["pork"] != kitchen["pepper"]
    for part in (
        "10 kg",
        "0.5 kg",
        "10.5 kg",
        "−2 kg",
        "8.5 kg",
        "按包装 5 kg 凑整",
        "青椒肉丝",
        "100 份",
    ):
        assert part in page, part
    assert 'value="10" inputmode' in page  # 8.5 kg are two packs
    assert 'value="30.00"' in page


def test_orders_are_split_by_supplier_and_written_once(browser, engine, kitchen):
    buyer = browser("kitchen_manager")
    told = form_of(buyer.see("/manage/plan"))
    expected_rows = {
        (kitchen["butcher"], kitchen["pork"], 10_000),
        (kitchen["grocer"], kitchen["pepper"], 5250),
    }
    for _ in range(2):
        page = buyer.send("/manage/plan/orders", "/manage/plan", **told).text
        assert "已生成采购单草稿" in page
        assert "肉联厂" in page
    assert ordered(engine) == expected_rows


def test_what_is_edited_counts_and_what_is_not_ticked_is_not_bought(browser, engine, kitchen):
    buyer = browser("kitchen_manager")
    told = form_of(buyer.see("/manage/plan"))
    (pork,) = (
        name.split("_")[1] for name, value in told.items() if value == str(kitchen["pork"])
    )  # fmt: skip
    told |= {f"quantity_{pork}": "15"}
    told = {
        name: value for name, value in told.items() if name == f"pick_{pork}" or "pick" not in name
    }
    buyer.send("/manage/plan/orders", "/manage/plan", **told)
    assert ordered(engine) == {(kitchen["butcher"], kitchen["pork"], 15_000)}


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("supplier", "", "选择供应商"),
        ("supplier", NOBODY, "没有这一项"),
        ("ingredient", NOBODY, "没有这种食材"),
        ("quantity", "x", "数量写错了"),
        ("price", "", "不是金额"),
        ("price", "-1", "不能小于零"),
        ("deliver", "x", "到货日期"),
        ("deliver", "2026-03-01", "检查填写的内容"),
    ],
)
@pytest.mark.usefixtures("kitchen")
def test_a_line_that_does_not_fit_writes_no_order_at_all(browser, engine, field, value, advice):
    buyer = browser("kitchen_manager")
    told = form_of(buyer.see("/manage/plan")) | {f"{field}_2": value}
    assert advice in buyer.send("/manage/plan/orders", "/manage/plan", **told).text
    assert ordered(engine) == set()


@pytest.mark.usefixtures("kitchen")
def test_nothing_ticked_is_said(browser, engine):
    buyer = browser("kitchen_manager")
    assert "没有选中" in buyer.send("/manage/plan/orders", "/manage/plan", key=new_id()).text
    assert ordered(engine) == set()


def test_portions_that_nobody_planned_are_those_that_are_expected(
    browser, engine, actor, site, kitchen
):
    meal = Meal(NEXT, "lunch", site.venue_id)
    with db.writing(engine) as session:
        menus.save(session, actor, meal, [ItemValues(dish_id=kitchen["dish"])])
    buyer = browser("kitchen_manager")
    assert "历史也估不出来" in buyer.see("/manage/plan")
    with db.writing(engine) as session:
        expected.tell(session, actor, meal, 50, "会议", MONDAY)
    page = buyer.see("/manage/plan")
    assert "50 份" in page
    assert "预估" in page
    assert "历史也估不出来" not in page


@pytest.mark.browser
@pytest.mark.process
@pytest.mark.usefixtures("kitchen")
def test_a_buyer_walks_from_the_plan_to_an_order_that_is_asked_for(
    address, page, sign_in, make_user
):
    make_user("buyer", "manager")
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    sign_in(page, "buyer")
    page.goto(f"{address}/manage/plan")
    page.click("tr:has-text('猪肉') details summary")
    assert page.locator("tr:has-text('按包装 5 kg 凑整')").first.is_visible()
    page.uncheck("[aria-label='采购 青椒'][type=checkbox]")
    page.click("button:has-text('按供应商生成采购单')")
    page.wait_for_selector(".note.ok")
    page.click("td a:has-text('肉联厂')")
    page.click("button:has-text('提交审批')")
    page.wait_for_selector(".pill:has-text('待审批')")
    doors = ("forecast", "plan", "orders", "inquiries", "suppliers", "approvals", "approvals/rules")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in (*doors, "suppliers/new", "inquiries/new", "orders/new", "forecast/check"):
            page.goto(f"{address}/manage/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert faults == []


def test_a_week_without_menus_and_strange_days_say_so(browser):
    person = browser("auditor")
    for asked in ("", "?from=x&until=y", "?from=2026-01-01", "?from=9999-12-31&until=0001-01-01"):
        assert "还没有食谱" in person.see(f"/manage/plan{asked}")
    assert person.send("/manage/plan/orders", "/manage/plan").status_code == 403

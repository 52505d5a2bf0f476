"""Prices side by side on the page: the cheapest is proposed, a dearer one needs a reason."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from dafan import db
from dafan.ids import new_id
from kitchen import ingredients, suppliers
from kitchen.ingredients import IngredientValues
from kitchen.inquiries import Inquiry
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from kitchen.supplier_rules import LicenceKind, LicenceValues, Standing
from kitchen.suppliers import SupplierValues

DAY = date(2026, 3, 2)


@pytest.fixture
def market(engine, actor):
    """Three grocers with good papers, rice and oil."""
    with db.writing(engine) as session:
        found = {}
        for name in ("甲店", "乙店", "丙店"):
            row = suppliers.create(session, actor, SupplierValues(name=name))
            paper = LicenceValues(kind=LicenceKind.BUSINESS, number=name, valid_from=DAY)
            suppliers.add_licence(session, actor, row.id, paper)
            found[name] = row.id
        for name in ("大米", "菜油"):
            found[name] = ingredients.create(session, actor, IngredientValues(name=name)).id
    return found


def asked(**changes):
    return {
        "key": str(new_id()), "deliver_on": "2026-03-04", "note": "下周",
        "name": ["大米", "菜油", ""], "quantity": ["100", "20", ""],
    } | changes  # fmt: skip


@pytest.fixture
def opened(browser, engine, market):
    """An inquiry with the offers of all three; its buyer and its address."""
    buyer = browser("kitchen_manager")
    told = asked()
    for _ in range(2):
        assert "还没有报价" in buyer.send("/manage/inquiries/new", "/manage/", **told).text
    with db.reading(engine) as session:
        (row,) = session.scalars(select(Inquiry)).all()
    path = f"/manage/inquiries/{row.id}"
    for name, rice, oil in (("甲店", "5.20", "12"), ("乙店", "5.00", "15"), ("丙店", "6", "")):
        quote(buyer, path, market, name, rice, oil)
    return buyer, path


def quote(buyer, path, market, name, rice, oil):
    told = {f"price_{market['大米']}": rice, f"price_{market['菜油']}": oil}
    return buyer.send(f"{path}/quotes", path, supplier=str(market[name]), **told).text


def chosen(page, **changes):
    told = dict(re.findall(r'name="(choose_[^"]+)" value="([^"]+)" checked', page))
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    return {"key": key, **told, **changes}


def orders(engine):
    with db.reading(engine) as session:
        query = select(PurchaseOrder, PurchaseLine).join(
            PurchaseLine, PurchaseLine.order_id == PurchaseOrder.id
        )
        return {
            (order.supplier_id, line.ingredient_id, line.price, order.note)
            for order, line in session.execute(query)
        }


def test_the_cheapest_of_each_is_proposed_and_ordered_once(engine, market, opened):
    buyer, path = opened
    page = buyer.see(path)
    assert "不到三家" in page  # two named a price for oil
    told = chosen(page)
    for _ in range(2):
        assert "已生成采购单草稿" in buyer.send(f"{path}/orders", path, **told).text
    assert orders(engine) == {
        (market["乙店"], market["大米"], 500, "询价 2026-03-02"),
        (market["甲店"], market["菜油"], 1200, "询价 2026-03-02"),
    }
    assert "已结束" in buyer.see("/manage/inquiries")
    assert "询价" in quote(buyer, path, market, "丙店", "1", "1")
    assert "¥1.00" not in buyer.see(path)


def test_a_dearer_offer_needs_a_reason_that_stands_on_the_order(engine, market, opened):
    buyer, path = opened
    told = chosen(buyer.see(path)) | {f"choose_{market['大米']}": str(market["甲店"])}
    assert "大米 没有选最便宜的：请写明理由" in buyer.send(f"{path}/orders", path, **told).text
    assert orders(engine) == set()
    buyer.send(f"{path}/orders", path, **told, reason="送货准时")
    assert {row[3] for row in orders(engine)} == {"询价 2026-03-02：送货准时"}


def test_who_may_not_supply_is_not_asked_and_nothing_is_ordered_of_him(
    engine, actor, market, opened
):
    buyer, path = opened
    told = chosen(buyer.see(path))
    with db.writing(engine) as session:
        suppliers.set_standing(session, actor, market["乙店"], Standing.BLACKLISTED, "掺假")
    assert "不能供货" in quote(buyer, path, market, "乙店", "4", "4")
    assert "不能供货" in buyer.send(f"{path}/orders", path, **told).text
    assert orders(engine) == set()


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"name": ["", ""], "quantity": ["", ""]}, "至少写一种"),
        ({"name": ["大米", "大米"], "quantity": ["1", "2"]}, "写了两行"),
        ({"name": ["大米"], "quantity": ["x"]}, "数量写错了"),
        ({"name": [""], "quantity": ["3"]}, "没有叫"),
        ({"deliver_on": "2026-03-01"}, "已经过去"),
        ({"deliver_on": ""}, "到货日期"),
    ],
)
@pytest.mark.usefixtures("market")
def test_an_inquiry_that_does_not_fit_says_what_to_do(browser, engine, changes, advice):
    buyer = browser("kitchen_manager")
    sent = buyer.send("/manage/inquiries/new", "/manage/inquiries/new", **asked(**changes))
    assert advice in sent.text
    with db.reading(engine) as session:
        assert session.scalars(select(Inquiry)).all() == []


@pytest.mark.parametrize("price", ["", "0", "-1", "x"])
def test_a_price_is_an_amount_above_zero(market, opened, price):
    buyer, path = opened
    before = buyer.see(path).count("¥")
    assert "价格" in quote(buyer, path, market, "丙店", price, "") or price == "x"
    assert buyer.see(path).count("¥") == before


def test_an_inquiry_may_end_without_an_order(engine, opened):
    buyer, path = opened
    assert "询价已结束" in buyer.send(f"{path}/close", path).text
    assert orders(engine) == set()
    assert buyer.get(f"/manage/inquiries/{new_id()}").status_code == 404

"""Suppliers on their pages: lights, papers with pictures, the black list, the nightly warning."""

import io
import re
from datetime import date, timedelta

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from dafan import db
from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen import appraisals, ingredients, purchasing, receiving, suppliers
from kitchen.ingredients import IngredientValues
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.receiving import Role
from kitchen.receiving_rules import LineValues as Arrived
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import Licence, Supplier, SupplierValues
from server import buying
from server.exceptions import ExceptionItem

DAY = date(2026, 3, 2)


def paper(kind=LicenceKind.BUSINESS, ends=99, number="1"):
    ends_on = None if ends is None else DAY + timedelta(days=ends)
    return LicenceValues(
        kind=kind, number=number, valid_from=DAY - timedelta(days=400), valid_to=ends_on
    )


def add(engine, actor, name, *papers, categories=()):
    with db.writing(engine) as session:
        values = SupplierValues(name=name, categories=categories)
        row = suppliers.create(session, actor, values)
        for one in papers:
            suppliers.add_licence(session, actor, row.id, one)
        return row.id


def rows(engine, table):
    with db.reading(engine) as session:
        return session.scalars(select(table).order_by(table.id)).all()


def picture():
    done, data = cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))
    assert done
    return io.BytesIO(data.tobytes()), "licence.png"


def test_the_list_shows_a_light_and_its_reason(browser, engine, actor):
    add(engine, actor, "好店", paper())
    add(engine, actor, "快到期", paper(ends=20))
    add(engine, actor, "过期了", paper(ends=-1))
    add(engine, actor, "肉店", paper(), categories=("畜肉",))
    page = browser("kitchen_manager").see("/manage/suppliers")
    assert "营业执照将于 2026-03-22 到期" in page
    assert "营业执照已于 2026-03-01 到期" in page
    assert re.search("缺.*生猪定点屠宰证", page)
    assert page.count("可供货</span>") == 1


def test_a_supplier_is_added_and_changed_and_a_name_is_used_once(browser, engine):
    buyer, path = browser("kitchen_manager"), "/manage/suppliers/new"
    told = {"name": "绿源", "categories": "蔬菜、 水果，蛋", "credit_code": "91330000MA27U00QXW"}
    assert "已添加" in buyer.send(path, path, **told).text
    (row,) = rows(engine, Supplier)
    assert row.categories == ["蔬菜", "水果", "蛋"]
    assert "已被使用" in buyer.send(path, path, **told).text
    assert "18 位" in buyer.send(path, path, name="x", credit_code="1").text
    path = f"/manage/suppliers/{row.id}/edit"
    assert "蔬菜、水果、蛋" in buyer.see(path)
    assert "已保存" in buyer.send(path, path, **told | {"phone": "0571"}).text
    assert [one.phone for one in rows(engine, Supplier)] == ["0571"]


def test_a_licence_is_kept_once_with_a_picture_that_only_buyers_see(browser, engine, actor):
    supplier = add(engine, actor, "绿源")
    buyer, path = browser("kitchen_manager"), f"/manage/suppliers/{supplier}"
    told = {"kind": "business", "number": "33", "valid_from": "2020-01-01", "valid_to": ""}
    assert "缺营业执照" in buyer.see(path)
    buyer.send(f"{path}/licences", path, **told)
    for _ in range(2):
        page = buyer.send(f"{path}/licences", path, **told, photo=picture()).text
        assert "证照已登记" in page
        assert "长期" in page
    (kept,) = rows(engine, Licence)
    address = f"/manage/suppliers/licences/{kept.file}.jpg"
    assert address in buyer.see(path)
    assert buyer.get(address).mimetype == "image/jpeg"
    assert buyer.get(f"/manage/suppliers/licences/{new_id()}.jpg").status_code == 404
    assert browser("cashier").get(address).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [{"number": ""}, {"valid_from": "x"}, {"valid_to": "2019-01-01"}, {"kind": "driving"}],
)
def test_a_licence_that_says_nothing_is_refused(browser, engine, actor, changes):
    supplier = add(engine, actor, "绿源")
    buyer, path = browser("kitchen_manager"), f"/manage/suppliers/{supplier}"
    told = {"kind": "business", "number": "33", "valid_from": "2020-01-01", "valid_to": ""}
    assert "检查填写的内容" in buyer.send(f"{path}/licences", path, **told | changes).text
    text = {"photo": (io.BytesIO(b"<svg>"), "x.png")}
    assert "不是可用的照片" in buyer.send(f"{path}/licences", path, **told, **text).text
    assert rows(engine, Licence) == []


def test_a_licence_is_withdrawn_with_a_reason(browser, engine, actor):
    supplier = add(engine, actor, "绿源", paper())
    buyer, path = browser("kitchen_manager"), f"/manage/suppliers/{supplier}"
    address = f"{path}/licences/{rows(engine, Licence)[0].id}/withdraw"
    assert "请写一句说明" in buyer.send(address, path, reason="").text
    assert "缺营业执照" in buyer.send(address, path, reason="被吊销").text


def test_who_buys_may_blacklist_but_only_who_approves_takes_back(browser, engine, actor):
    supplier = add(engine, actor, "绿源", paper())
    buyer, path = browser("kitchen_manager"), f"/manage/suppliers/{supplier}"
    assert (
        "请写一句说明" in buyer.send(f"{path}/block", path, standing="blacklisted", reason="").text
    )
    page = buyer.send(f"{path}/block", path, standing="blacklisted", reason="掺假").text
    assert "黑名单：掺假" in page
    assert f"/manage/orders/new?supplier={supplier}" not in page
    assert buyer.send(f"{path}/back", path, reason="x").status_code == 403
    assert "先由有审批权的人恢复" in buyer.send(f"{path}/block", path, reason="x").text
    boss = browser("manager")
    assert "可以供货" in boss.send(f"{path}/back", path, reason="整改复查合格").text
    assert "已暂停：换季" in buyer.send(f"{path}/block", path, reason="换季").text


def test_a_licence_that_ends_is_warned_of_once(browser, engine, actor, clock):
    add(engine, actor, "快到期", paper(ends=20, number="77"))
    add(engine, actor, "换了新证", paper(ends=20), paper(ends=500, number="2"))
    add(engine, actor, "长期", paper(ends=None))
    for _ in range(2):
        buying.warn_of_licences(engine, clock.now())
    assert [one.detail for one in rows(engine, ExceptionItem)] == ["快到期 · 77 · 2026-03-22"]
    assert "供应商证照到期" in browser("manager").see("/manage/exceptions")


def deliver(session, actor, supplier, food, day, order_id, rejected):
    delivery = receiving.begin(session, actor, supplier, key=str(day), day=day, order_id=order_id)
    line = new_id()
    values = Arrived(quantity=10_000, measure=Measure.MASS, unit_price=400)
    receiving.put_line(session, actor, delivery.id, line, food, values)
    if rejected:
        receiving.reject(session, actor, delivery.id, line, rejected, why="烂叶")
    for role in Role:
        receiving.sign(session, actor, delivery.id, role, f"签字人{role.value}")
    receiving.post(session, actor, delivery.id, day=day)


def test_late_and_rejected_deliveries_cost_points(browser, engine, actor):
    supplier = add(engine, actor, "绿源", paper())
    buyer, path = browser("kitchen_manager"), f"/manage/suppliers/{supplier}"
    assert "还没有验收过" in buyer.see(path)
    with db.writing(engine) as session:
        greens = ingredients.create(session, actor, IngredientValues(name="青菜")).id
        line = LineValues(ingredient_id=greens, quantity=10_000, price=400)
        values = OrderValues(supplier_id=supplier, deliver_on=DAY, lines=(line,))
        order = purchasing.draft(session, actor, values, DAY, key="o").id
        deliver(session, actor, supplier, greens, DAY, None, 0)
        deliver(session, actor, supplier, greens, DAY + timedelta(days=1), order, 500)
        receiving.begin(session, actor, supplier, key="open", day=DAY)
        score = appraisals.of_supplier(session, actor.site_id, supplier, DAY)
    assert (score.deliveries, score.on_time_permille, score.rejected_permille) == (2, 500, 25)
    assert score.score == 50
    assert "50<small> / 100" in buyer.see(path)

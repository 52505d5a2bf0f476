"""收货 on the tablet: from an order that is due to lots, labels and an order that knows of them."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from devices.receipt_doc import ReceiptDoc
from kitchen import purchase_book, staff
from kitchen.deliveries import Receiving, ReceivingLine
from kitchen.lots import Lot
from kitchen.pictures import Picture
from kitchen.receiving_lines import line_id
from kitchen.supervision import SupervisionItem
from server.actor import Actor
from tests.server.conftest import NOON, TestSite
from tests.server.pages.conftest import Browser
from tests.server.pages.store_door import DAY, LIST, NEW, Door, main_of, picture


@pytest.fixture
def door(engine: Engine, site: TestSite, browser: Callable[[str], Browser]) -> Door:
    return Door(engine, site, browser)


def test_an_order_that_is_due_becomes_lots_labels_and_a_received_order(door: Door) -> None:
    door.tablet.see("/kitchen/")
    assert "鲜达" in door.tablet.see(LIST)
    delivery = door.open()
    page = door.tablet.see(f"{LIST}/{delivery}")
    assert page.count("去称重") == 3
    door.all_good(delivery)
    assert "已签字" in door.sign(delivery)
    assert "验收完成" in door.post(delivery)
    assert door.in_stock() == {door.pork: 10_000, door.leek: 5000, door.egg: 60}
    with db.reading(door.engine) as session:
        order = purchase_book.get(session, door.site.id, door.order)
        steps = purchase_book.steps_of(session, door.order)
        done = {
            row.code: row.done_by
            for row in session.scalars(select(SupervisionItem)).all() if row.done_at
        }  # fmt: skip
    assert (order.state, steps[-1].by) == ("received", "storekeeper")
    assert done == {"receiving": "storekeeper", "pesticide": "kitchen_manager"}
    page = door.tablet.see(f"{LIST}/{delivery}")
    labels = re.findall(r'data-label="([^"]+)"', page)
    assert len(labels) == 4
    for address in labels:
        answer = door.tablet.get(address)
        assert ReceiptDoc.model_validate(answer.json).lines
    assert "鲜达" not in door.tablet.see(LIST).partition("已完成的验收")[0]


def test_loads_add_up_without_their_crates_and_one_that_is_sent_again_counts_once(
    door: Door,
) -> None:
    delivery = door.open()
    load = {"gross": "6", "unit": "kg", "crates": "1", "crate": "850", "key": "a"}
    for _ in range(2):
        door.send(delivery, door.pork, "weigh", **load)
    door.send(delivery, door.pork, "weigh", gross="8", unit="斤", key="b")
    line = door.line(door.pork)
    assert line is not None
    assert (line.values.quantity, line.values.unit_price, line.values.ordered) == (
        5150 + 4000, 2890, 10_000
    )  # fmt: skip
    assert "不同" in door.send(delivery, door.pork, "weigh", **{**load, "gross": "7"})
    for _ in range(2):
        door.send(delivery, door.pork, "take-back", load="a")
    line = door.line(door.pork)
    assert line is not None
    assert [one.net for one in line.values.weighings] == [4000]
    door.send(delivery, door.pork, "take-back", load="b")
    assert door.line(door.pork) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"gross": "-5", "unit": "kg"}, "数量不对"),
        ({"gross": "0", "unit": "kg"}, "数量不对"),
        ({"gross": "1e9", "unit": "kg"}, "数量不对"),
        ({"gross": "9000", "unit": "kg"}, "一次称不了这么重"),
        ({"gross": "999999999999", "unit": "kg"}, "数量不对"),
        ({"gross": "5", "unit": "L"}, "按 kg / 斤 / g 计量"),
        ({"gross": "5", "unit": "磅"}, "按 kg / 斤 / g 计量"),
        ({"gross": "1.5", "unit": "pack"}, "数量不对"),
        ({"gross": "1", "unit": "kg", "crates": "2", "crate": "600"}, "毛重要大于筐的重量"),
        ({"gross": "1", "unit": "kg", "crates": "two"}, "筐数请填整数"),
        ({"gross": "1", "unit": "kg", "key": ""}, "页面过期"),
        ({}, "数量不对"),
    ],
)
def test_an_absurd_weight_or_a_wrong_unit_is_told_and_nothing_is_written(
    door: Door, fields: dict[str, str], said: str
) -> None:
    assert said in door.send(door.open(), door.pork, "weigh", **fields)
    assert door.all(ReceivingLine) == []


def test_a_supplier_whose_licence_has_ended_cannot_be_chosen(door: Door) -> None:
    with db.writing(door.engine) as session:
        old = door.add_supplier(session, Actor(door.site.id, "x", NOON), "旧证", DAY - timedelta(1))
    page = door.tablet.see(NEW)
    assert re.search(rf'value="{old}" required disabled', page)
    assert "2026-03-01 到期" in page
    assert "不能供货" in door.tablet.send(NEW, NEW, key="k", supplier=str(old)).text
    assert "请选择供应商" in door.tablet.send(NEW, NEW, key="k", supplier="x").text
    assert door.all(Receiving) == []


def test_what_has_no_order_is_received_too_and_opened_once(door: Door) -> None:
    for _ in range(2):
        answer = door.tablet.send(NEW, NEW, key="k", supplier=str(door.supplier))
    delivery = door.only(Receiving).id
    assert answer.request.path == f"{LIST}/{delivery}"
    assert "韭菜" in door.tablet.see(f"{LIST}/{delivery}/add?category=蔬菜")
    assert "韭菜" in door.tablet.see(f"{LIST}/{delivery}/add?search=韭")
    assert "韭菜" not in door.tablet.see(f"{LIST}/{delivery}/add?category=油")
    door.send(delivery, door.leek, "weigh", gross="3000", unit="g")
    assert "还没有单价" in door.tablet.see(f"{LIST}/{delivery}")
    door.send(delivery, door.leek, "seen", looks_good="yes", unit_price="5.80")
    door.send(delivery, door.leek, "test", inhibition="-1.5", item="有机磷", device="NC-8")
    door.sign(delivery)
    assert "验收完成" in door.post(delivery)
    assert door.in_stock() == {door.leek: 3000}


def test_an_order_is_opened_once_by_two_tablets_and_again_when_a_part_has_come(
    door: Door,
) -> None:
    delivery = door.open()
    assert door.open() == delivery
    door.send(delivery, door.egg, "weigh", gross="1", unit="pack")
    door.send(delivery, door.egg, "seen", looks_good="yes")
    door.sign(delivery)
    door.post(delivery)
    assert "已到一部分" in door.tablet.see(LIST)
    door.tablet.send(NEW, NEW, order=str(door.order))
    later = next(row.id for row in door.all(Receiving) if row.id != delivery)
    assert "30 个" in door.tablet.see(f"{LIST}/{later}")


def test_what_must_not_come_in_stops_the_posting_until_it_is_rejected(door: Door) -> None:
    delivery = door.open()
    door.all_good(delivery)
    door.send(delivery, door.pork, "seen", temperature="9.5")
    page = door.tablet.see(f"{LIST}/{delivery}")
    assert "表面温度太高 · 最高 8.0 °C" in page
    door.sign(delivery)
    assert "必须先解决" in door.post(delivery)
    assert door.in_stock() == {}
    assert "填写原因" in door.send(delivery, door.pork, "reject", how="all")
    assert "不能比送来的多" in door.send(
        delivery, door.pork, "reject", how="part", quantity="11", unit="kg", reason="超温"
    )
    door.send(delivery, door.pork, "reject", how="all", reason="温度超标")
    assert "三人都要签" in door.post(delivery), "what was signed has changed"
    door.sign(delivery)
    assert "验收完成" in door.post(delivery)
    assert door.in_stock() == {door.leek: 5000, door.egg: 60}
    note = str(door.tablet.get(f"{LIST}/{delivery}/note.json").json)
    assert "温度超标" in note
    with db.reading(door.engine) as session:
        assert purchase_book.get(session, door.site.id, door.order).state == "partly"


def test_a_part_goes_back_and_all_of_it_makes_a_return_note(door: Door) -> None:
    delivery = door.open()
    door.send(delivery, door.egg, "weigh", gross="60", unit="个")
    door.send(delivery, door.egg, "seen", looks_good="no")
    door.send(delivery, door.egg, "reject", how="all", reason="包装破损", disposal="destroy")
    door.sign(delivery)
    door.post(delivery)
    assert door.in_stock() == {}
    page = door.tablet.see(f"{LIST}/{delivery}")
    assert "打印退货单" in page
    note = ReceiptDoc.model_validate(door.tablet.get(f"{LIST}/{delivery}/note.json").json)
    assert "退货单" in str(note)
    assert "销毁" in str(note)
    with db.reading(door.engine) as session:
        assert purchase_book.get(session, door.site.id, door.order).state == "sent"


def test_a_positive_test_is_repeated_once_and_then_rejected(door: Door) -> None:
    delivery = door.open()
    door.send(delivery, door.leek, "weigh", gross="5", unit="kg")
    test = {"item": "有机磷", "device": "NC-8", "key": "t1", "inhibition": "50"}
    for _ in range(2):
        door.send(delivery, door.leek, "test", **test)
    assert "复检一次" in door.tablet.see(f"{LIST}/{delivery}")
    assert "百分数" in door.send(delivery, door.leek, "test", **{**test, "inhibition": "500"})
    door.send(delivery, door.leek, "test", **{**test, "key": "t2", "inhibition": "61.5"})
    assert "必须拒收" in door.tablet.see(f"{LIST}/{delivery}")
    said = door.send(delivery, door.leek, "test", **{**test, "key": "t3", "inhibition": "1"})
    assert "只复检一次" in said
    line = door.line(door.leek)
    assert line is not None
    assert [one.inhibition for one in line.pesticide_tests] == [500, 615]


def test_a_picture_that_is_none_and_values_that_do_not_fit_change_nothing(door: Door) -> None:
    delivery = door.open()
    door.send(delivery, door.pork, "weigh", gross="10", unit="kg")
    before = door.line(door.pork)
    assert before is not None
    bad = (io.BytesIO(b"GIF89a"), "p.png")
    kind = "animal_quarantine"
    for fields in ({"photo": bad, "kind": kind}, {"kind": kind}):
        assert "不是可用的照片" in door.send(delivery, door.pork, "papers", **fields)
    assert "什么票证" in door.send(delivery, door.pork, "papers", photo=(picture(), "p.png"))
    for fields, said in (
        ({"temperature": "cold"}, "不是数字"),
        ({"unit_price": "free"}, "单价请填数字"),
        ({"unit_price": "-1"}, "不能小于零"),
        ({"produced_on": "yesterday"}, "日期请像"),
        ({"produced_on": "2026-03-02", "expires_on": "2026-03-01"}, "不能早于生产日期"),
        ({"zone": "水产品"}, "换库区"),
    ):
        assert said in door.send(delivery, door.pork, "seen", **fields)
    after = door.line(door.pork)
    assert after is not None
    assert after.details == before.details
    assert door.all(Picture) == []
    for _ in range(2):
        door.send(delivery, door.pork, "papers", kind=kind, photo=(picture(), "p.png"))
    after = door.line(door.pork)
    assert after is not None
    assert len(after.values.papers) == len(door.all(Picture)) == 1


def test_three_people_sign_and_who_bought_it_does_not_receive_it(door: Door) -> None:
    delivery = door.open()
    path = f"{LIST}/{delivery}/sign"
    chef = {"key": "s", "role": "chef", "second": door.token("李库")}
    assert "还没有称重" in door.tablet.send(path, NEW, **chef).text
    door.all_good(delivery)
    assert "三人都要签" in door.post(delivery)
    door.tablet.send(path, NEW, **chef)
    assert "三个人签" in door.post(delivery), "he signed as the chef"
    nobody = door.tablet.send(path, NEW, key="n", role="chef", second="x").text
    assert "请用工号加密码" in nobody
    drawn = {"key": "d", "role": "supplier", "photo": (picture(), "s.png")}
    assert "姓名" in door.tablet.send(path, NEW, **drawn).text
    assert "手写签名" in door.tablet.send(path, NEW, key="d", role="supplier", name="赵").text
    door.sign(delivery)
    assert "不相容岗位" in door.post(delivery, "钱采")
    assert door.in_stock() == {}
    assert door.all(Lot) == []


def test_two_of_one_name_sign_both_and_a_delivery_opened_by_mistake_is_given_up(
    door: Door,
) -> None:
    mistake = door.open()
    page = door.tablet.see(f"{LIST}/{mistake}")
    assert "开错了" in page
    gone = {"key": "g", "reason": "开了两次", "signed_by": door.token("李库")}
    for _ in range(2):
        assert "已撤销" in door.tablet.send(f"{LIST}/{mistake}/give-up", NEW, **gone).text
    assert "btn-primary" not in main_of(door.tablet.see(f"{LIST}/{mistake}"))
    with db.writing(door.engine) as session:
        values = staff.WorkerValues(name="李库", post="厨师", login="cook2")
        buyer = Actor(door.site.id, "buyer", NOON)
        door.tokens["小李"] = staff.create(session, buyer, values)
    door.tablet.send(NEW, NEW, order=str(door.order))
    delivery = next(one.id for one in door.all(Receiving) if one.id != mistake)
    door.all_good(delivery)
    assert "开错了" not in door.tablet.see(f"{LIST}/{delivery}")
    door.sign(delivery, "小李")
    assert "验收完成" in door.post(delivery, "李库")
    page = door.tablet.see(f"{LIST}/{delivery}")
    assert page.count("<b>李库</b>") == 2
    note = door.tablet.get(f"{LIST}/{delivery}/note.json").text
    assert "cook2" not in note


def test_posted_twice_it_comes_in_once_and_nothing_changes_behind_it(door: Door) -> None:
    delivery = door.open()
    door.all_good(delivery)
    door.sign(delivery)
    for _ in range(2):
        assert "验收完成" in door.post(delivery)
    assert len(door.all(Lot)) == 3
    door.sign(delivery)
    page = door.send(delivery, door.pork, "weigh", gross="1", unit="kg")
    assert "已经入库" in page
    assert "btn-primary" not in main_of(page)
    assert door.in_stock() == {door.pork: 10_000, door.leek: 5000, door.egg: 60}


def test_who_only_looks_sees_no_form(door: Door, browser: Callable[[str], Browser]) -> None:
    delivery = door.open()
    door.all_good(delivery)
    looker = browser("auditor")
    place = f"{LIST}/{delivery}/items/{door.pork}/{line_id(delivery, door.pork)}"
    for path in (LIST, f"{LIST}/{delivery}", place):
        assert "btn-primary" not in main_of(looker.see(path))
    assert looker.get(NEW).status_code == 403


def test_a_delivery_a_line_or_a_lot_of_nobody_is_told_calmly(door: Door) -> None:
    delivery, nobody = door.open(), new_id()
    for path in (
        f"{nobody}", f"{nobody}/add", f"{nobody}/note.json", f"lots/{nobody}/label.json",
        f"{delivery}/items/{nobody}/{nobody}",
    ):  # fmt: skip
        assert door.tablet.get(f"{LIST}/{path}").status_code in {400, 404}
    assert "没有" in door.tablet.send(NEW, NEW, order=str(nobody)).text

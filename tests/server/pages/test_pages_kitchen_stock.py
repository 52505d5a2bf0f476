"""The store on the tablet: seen, taken, put back, counted, thrown away; twice sent, once done."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
import zxingcpp
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from kitchen import ingredients, labels, limits, production, staff, stock, suppliers
from kitchen.byproducts import BatchIssue
from kitchen.dishes import Dish
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.pictures import Picture
from kitchen.staff import WorkerValues
from kitchen.stock import NewLot
from kitchen.stock_book import Kind, StockEntry
from kitchen.stock_requests import StockRequest
from kitchen.stock_view import StockRules
from kitchen.stocktake import Stocktake
from kitchen.suppliers import SupplierValues
from server import people
from server.actor import Actor
from server.people import Diner
from tests.server.conftest import NOON, TestSite
from tests.server.pages.conftest import PASSWORD, Browser

DAY = date(2026, 3, 2)
STOCK = "/kitchen/stock"


@dataclass
class Store:
    """A store with pork in two lots, a cucumber lot that is expired, and a batch that cooks."""

    engine: Engine
    site: TestSite
    pork: UUID
    soon: UUID
    late: UUID
    cucumber: UUID
    expired: UUID
    supplier: UUID
    batch: UUID

    def left(self, lot_id: UUID) -> int:
        with db.reading(self.engine) as session:
            return stock.left_of(session, self.site.id, lot_id)

    def entries(self, kind: Kind) -> list[StockEntry]:
        with db.reading(self.engine) as session:
            query = select(StockEntry).where(StockEntry.kind == kind.value)
            return list(session.scalars(query.order_by(StockEntry.id)))

    def number(self, lot_id: UUID) -> str:
        with db.reading(self.engine) as session:
            return stock.lots.get(session, self.site.id, lot_id).number


@pytest.fixture
def store(engine: Engine, site: TestSite) -> Store:
    actor = Actor(site.id, "keeper", NOON, "")
    with db.writing(engine) as session:
        limits.decide(session, actor, StockRules, {"maximum_times": 3})
        seller = suppliers.create(session, actor, SupplierValues(name="王记肉铺")).id
        pork = ingredients.create(
            session, actor, IngredientValues(name="五花肉", category="畜肉", minimum=1000)
        ).id
        cucumber = ingredients.create(
            session, actor, IngredientValues(name="黄瓜", category="蔬菜", minimum=2000)
        ).id

        def came(what: UUID, grams: int, fen: int, until: date, day: date = DAY) -> UUID:
            new = NewLot(what, grams, Fen(fen), supplier_id=seller, expires_on=until)
            return stock.put_in(session, actor, new, key=str(new_id()), day=day).id

        late = came(pork, 5000, 15000, date(2026, 4, 1))
        soon = came(pork, 2000, 5000, date(2026, 3, 4))
        expired = came(cucumber, 3000, 900, date(2026, 2, 28), date(2026, 2, 26))
        dish = Dish(id=new_id(), site_id=site.id, name="红烧肉", unit=Unit.PIECE.value)
        session.add(dish)
        session.flush()
        meal = Meal(DAY, "lunch", site.venue_id)
        batch = production.plan(session, actor, meal, dish.id, 50, key="p").id
    return Store(engine, site, pork, soon, late, cucumber, expired, seller, batch)


@pytest.fixture
def keeper(app: APIFlask, make_user: Callable[..., Any]) -> Browser:
    make_user("storekeeper", "storekeeper")
    one = Browser(app.test_client())
    one.send("/login", login="storekeeper", password=PASSWORD)
    return one


def take(store: Store, who: Browser, key: str = "k1", **more: str) -> str:
    fields = {"quantity": "2.5", "ref": str(store.batch), "key": key, **more}
    return who.send(f"{STOCK}/ingredients/{store.pork}/issue", STOCK, **fields).text


def test_what_lies_there_is_seen_with_its_zone_its_amount_and_what_is_wrong(
    store: Store, keeper: Browser
) -> None:
    text = keeper.see(STOCK)
    assert text.index("五花肉") < text.index("黄瓜")  # by zone: animal food first
    for shown in ("7 kg", "3 kg", "已过期", "低于下限", "高于上限", "¥209.00", 'fill="#c62828"'):
        assert shown in text, shown
    assert "五花肉" not in keeper.see(f"{STOCK}?light=expired")
    assert "黄瓜" not in keeper.see(f"{STOCK}?zone=动物性食品")
    assert "没有食材" in keeper.see(f"{STOCK}?q=%25")
    page = keeper.see(f"{STOCK}/ingredients/{store.pork}")
    assert page.index(store.number(store.soon)) < page.index(store.number(store.late))


def test_an_issue_shows_its_lots_first_and_takes_what_expires_first_once(
    store: Store, keeper: Browser
) -> None:
    seen = keeper.see(f"{STOCK}/ingredients/{store.pork}/issue?quantity=2.5&ref={store.batch}")
    assert seen.index(store.number(store.soon)) < seen.index(store.number(store.late))
    assert "红烧肉" in seen
    assert store.left(store.soon) == 2000
    for _ in range(2):
        assert "已领料" in take(store, keeper)
    assert (store.left(store.soon), store.left(store.late)) == (0, 4500)
    assert [entry.quantity for entry in store.entries(Kind.OUT)] == [-2000, -500]
    with db.reading(store.engine) as session:
        noted = session.scalars(select(BatchIssue)).one()
    assert (noted.batch_id, noted.quantity) == (store.batch, 2500)
    assert "不同" in take(store, keeper, quantity="1")


def test_two_tablets_never_take_the_last_kilo_twice(
    store: Store, keeper: Browser, browser: Callable[[str], Browser]
) -> None:
    other = browser("kitchen_manager")
    page = f"{STOCK}/ingredients/{store.pork}/issue?quantity=7&ref={store.batch}"
    assert "领料出库" in keeper.see(page)
    assert "领料出库" in other.see(page)
    assert "已领料" in take(store, keeper, "one", quantity="7")
    assert "库存不够" in take(store, other, "two", quantity="7")
    assert store.left(store.soon) + store.left(store.late) == 0


def test_expired_and_held_lots_are_shown_and_never_taken(store: Store, keeper: Browser) -> None:
    path = f"{STOCK}/ingredients/{store.cucumber}/issue"
    seen = keeper.see(f"{path}?quantity=1&ref=staff_meal")
    assert "还差 1 kg" in seen
    assert store.number(store.expired) in seen
    answer = keeper.send(path, STOCK, quantity="1", ref="staff_meal", key="e")
    assert "库存不够" in answer.text
    keeper.send(f"{STOCK}/lots/{store.soon}/hold", STOCK, reason="温度异常", key="h")
    take(store, keeper)
    assert (store.left(store.soon), store.left(store.late)) == (2000, 2500)
    lot = keeper.see(f"{STOCK}/lots/{store.soon}")
    assert "温度异常" in lot
    own = keeper.send(f"{STOCK}/lots/{store.soon}/release", STOCK, reason="好了", key="r")
    assert 'class="note stop"' in own.text
    assert "温度异常" in keeper.see(f"{STOCK}/lots/{store.soon}")


@pytest.mark.parametrize("typed", ["", "-1", "1e3", "abc", "0", "99999999999", "1,2,3"])
def test_a_quantity_that_is_none_moves_nothing(store: Store, keeper: Browser, typed: str) -> None:
    answer = take(store, keeper, quantity=typed)
    assert 'class="note stop"' in answer
    assert store.entries(Kind.OUT) == []


def test_jin_and_grams_are_read_and_millilitres_are_refused(store: Store, keeper: Browser) -> None:
    take(store, keeper, "a", quantity="3", quantity_unit="斤")
    assert store.left(store.soon) == 500
    assert 'class="note stop"' in take(store, keeper, "b", quantity="500", quantity_unit="ml")
    assert store.left(store.soon) == 500


def test_a_taking_without_a_purpose_or_for_a_strange_batch_is_refused(
    store: Store, keeper: Browser
) -> None:
    assert "请先选用途" in take(store, keeper, ref="")
    assert 'class="note stop"' in take(store, keeper, "other", ref=str(new_id()))
    assert store.entries(Kind.OUT) == []


def test_what_was_not_used_goes_back_to_its_lot_at_its_cost(store: Store, keeper: Browser) -> None:
    take(store, keeper)
    path = f"{STOCK}/lots/{store.soon}/back"
    back = {"ref_kind": "batch", "ref_id": str(store.batch), "key": "b"}
    assert "红烧肉" in keeper.see(f"{path}?ref_kind=batch&ref_id={store.batch}")
    assert "不能退回" in keeper.send(path, STOCK, quantity="2.001", **back).text
    for _ in range(2):
        assert "已退库" in keeper.send(path, STOCK, quantity="0.5", **back).text
    (entry,) = store.entries(Kind.BACK)
    assert (entry.quantity, entry.cost, entry.lot_id) == (500, 1250, store.soon)
    with db.reading(store.engine) as session:
        assert sum(row.quantity for row in session.scalars(select(BatchIssue))) == 2000


def test_a_transfer_and_a_return_to_the_supplier_move_once(store: Store, keeper: Browser) -> None:
    lot = f"{STOCK}/lots/{store.late}"
    for _ in range(2):
        keeper.send(f"{lot}/transfer", STOCK, quantity="2", target="冷库", key="t")
        keeper.send(
            f"{lot}/return", STOCK, quantity="1", reason="有异味", key="r", place="冷库"
        )  # fmt: skip
    assert store.left(store.late) == 4000
    page = keeper.see(lot)
    for shown in ("冷库", "有异味", "调入", "退货", "王记肉铺"):
        assert shown in page, shown
    assert "冷库" in keeper.see(f"{STOCK}/ingredients/{store.pork}/issue")


def test_waste_waits_for_another_person_with_its_photograph(
    store: Store, keeper: Browser, browser: Callable[[str], Browser]
) -> None:
    picture = cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    path = f"{STOCK}/lots/{store.expired}/waste"
    told = {"quantity": "3", "why": "expiry", "key": "w", "note": "清库"}
    assert "请选报损的原因" in keeper.send(path, STOCK, **{**told, "why": "x"}).text
    for _ in range(2):
        photo = (io.BytesIO(picture), "a.png")
        assert "等另一人审批" in keeper.send(path, STOCK, photo=photo, **told).text
    assert store.left(store.expired) == 3000
    with db.reading(store.engine) as session:
        asked = session.scalars(select(StockRequest)).one().id
        assert session.scalars(select(Picture.id)).one() == asked
    yes = f"{STOCK}/requests/{asked}/yes"
    assert 'class="note stop"' in keeper.send(yes, STOCK).text
    assert store.left(store.expired) == 3000
    boss = browser("kitchen_manager")
    inbox = boss.see(f"{STOCK}/requests")
    assert "黄瓜 3 kg" in inbox
    assert f"/kitchen/pictures/{asked}" in inbox
    for _ in range(2):
        assert "已批准" in boss.send(yes, STOCK).text
    assert store.left(store.expired) == 0
    (entry,) = store.entries(Kind.WASTE)
    assert (entry.by, entry.approved_by, entry.reason) == (
        "storekeeper", "kitchen_manager", "expiry",
    )  # fmt: skip


def test_two_people_who_sign_at_one_tablet_write_it_off_at_once_and_one_does_not(
    store: Store, keeper: Browser, make_diner: Callable[..., UUID]
) -> None:
    admin = Actor(store.site.id, "admin", NOON, "")
    numbers, diners = [], [make_diner(cash=0), make_diner(cash=0)]
    with db.writing(store.engine) as session:
        for name, diner in zip(("甲", "乙"), diners, strict=True):
            people.set_pin(session, admin, diner, "305172")
            staff.create(session, admin, WorkerValues(name=name, post="仓管", diner_id=diner))
            numbers.append(session.get_one(Diner, diner).staff_no)

    def sign(number: str) -> str:
        told = keeper.send("/kitchen/who", STOCK, number=number, pin="305172").json
        assert told is not None
        return str(told["token"])

    path = f"{STOCK}/lots/{store.expired}/waste"
    told = {"quantity": "1", "why": "expiry", "signed_by": sign(numbers[0])}
    alone = keeper.send(path, STOCK, key="a", second=sign(numbers[0]), **told)
    assert 'class="note stop"' in alone.text
    assert store.left(store.expired) == 3000
    for _ in range(2):
        both = keeper.send(path, STOCK, key="b", second=sign(numbers[1]), **told)
        assert "已报损" in both.text
    assert store.left(store.expired) == 2000
    (entry,) = store.entries(Kind.WASTE)
    assert entry.approved_by not in {None, entry.by, "storekeeper"}


def test_a_dear_issue_is_asked_for_and_moves_with_the_yes(
    store: Store, keeper: Browser, browser: Callable[[str], Browser]
) -> None:
    boss = browser("kitchen_manager")
    boss.send(f"{STOCK}/limits", STOCK, issue="10.00", times="8")
    path = f"{STOCK}/ingredients/{store.pork}/issue?quantity=2.5&ref={store.batch}"
    assert "提交审批" in keeper.see(path)
    for _ in range(2):
        assert "已提交审批" in take(store, keeper)
    assert store.entries(Kind.OUT) == []
    with db.reading(store.engine) as session:
        asked = session.scalars(select(StockRequest)).one().id
    boss.send(f"{STOCK}/limits", STOCK, issue="", times="8")
    assert "已提交审批" in take(store, keeper)  # the limit is gone, the wish is the same one
    refused = boss.send(f"{STOCK}/requests/{asked}/no", STOCK, reason="")
    assert 'class="note stop"' in refused.text
    boss.send(f"{STOCK}/requests/{asked}/yes", STOCK)
    assert store.left(store.soon) == 0
    with db.reading(store.engine) as session:
        assert session.scalars(select(BatchIssue)).one().quantity == 2500


def test_a_place_is_counted_while_the_kitchen_takes_and_another_one_says_yes(
    store: Store, keeper: Browser, browser: Callable[[str], Browser]
) -> None:
    for _ in range(2):
        page = keeper.send(f"{STOCK}/counts", STOCK, key="c").text
    with db.reading(store.engine) as session:
        count = session.scalars(select(Stocktake)).one().id
    assert "还要数 3 批" in page
    path = f"{STOCK}/counts/{count}"
    form = keeper.see(f"{path}/lots/{store.soon}")
    assert "2 kg" not in form  # nobody writes down what the book says
    for _ in range(2):
        keeper.send(f"{path}/lots/{store.soon}", STOCK, quantity="1.9", seen="")
        take(store, keeper, quantity="0.5")
    keeper.send(f"{path}/done", STOCK)
    again = keeper.send(f"{path}/lots/{store.late}", STOCK, quantity="5", seen="")
    assert "盘点状态不对" in again.text
    assert 'class="note stop"' in keeper.send(f"{path}/yes", STOCK).text
    boss = browser("kitchen_manager")
    assert "盘点差异" in boss.see(f"{STOCK}/requests")
    assert "差异已入账" in boss.send(f"{path}/yes", STOCK).text
    assert store.left(store.soon) == 1400
    assert [entry.quantity for entry in store.entries(Kind.COUNT)] == [-100]


def test_the_minimum_is_set_by_who_runs_the_kitchen(
    store: Store, keeper: Browser, browser: Callable[[str], Browser]
) -> None:
    path = f"{STOCK}/ingredients/{store.pork}/minimum"
    assert keeper.send(path, STOCK, minimum="9").status_code == 403
    boss = browser("kitchen_manager")
    assert "24 kg" in boss.send(path, STOCK, minimum="8").text
    assert 'class="note stop"' in boss.send(path, STOCK, minimum="-8").text


def test_a_label_is_printed_scanned_typed_or_photographed(store: Store, keeper: Browser) -> None:
    number = store.number(store.late)
    label = keeper.get(f"{STOCK}/lots/{store.late}/label").json
    assert label is not None
    assert {"kind": "qr", "data": labels.qr_text(store.site.id, number)} in label["lines"]
    code = labels.qr_text(store.site.id, number)
    for typed in (number, code, f" {code} "):
        answer = keeper.get(f"{STOCK}/scan", query_string={"code": typed})
        assert answer.location == f"{STOCK}/lots/{store.late}"
    for strange in ("", "DAFAN:LOT:00000000:1", "nothing", code + "9"):
        answer = keeper.client.get(
            f"{STOCK}/scan", query_string={"code": strange}, follow_redirects=True
        )
        assert 'class="note stop"' in answer.text, strange
    image = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6)
    png = cv2.imencode(".png", np.pad(np.array(image), 40, constant_values=255))[1].tobytes()
    shot = keeper.send(f"{STOCK}/scan", STOCK, photo=(io.BytesIO(png), "a.png"))
    assert shot.request.path == f"{STOCK}/lots/{store.late}"
    blank = cv2.imencode(".png", np.full((90, 90), 255, np.uint8))[1].tobytes()
    assert "没有看到码" in keeper.send(
        f"{STOCK}/scan", STOCK, photo=(io.BytesIO(blank), "a.png")
    ).text  # fmt: skip
    assert 'class="note stop"' in keeper.send(
        f"{STOCK}/scan", STOCK, photo=(io.BytesIO(b"GIF89a"), "a.gif")
    ).text  # fmt: skip


def test_who_only_looks_finds_no_act(store: Store, browser: Callable[[str], Browser]) -> None:
    auditor = browser("auditor")
    for path in ("", f"/ingredients/{store.pork}", f"/lots/{store.soon}", "/requests"):
        main = auditor.see(f"{STOCK}{path}").partition("<main")[2]
        assert 'method="post"' not in main.replace('action="/kitchen/stock/scan"', ""), path
    assert auditor.get(f"{STOCK}/lots/{store.soon}/waste").status_code == 403


def test_a_lot_of_another_site_is_told_calmly(keeper: Browser) -> None:
    for path in (f"/lots/{new_id()}", f"/ingredients/{new_id()}", f"/counts/{new_id()}"):
        assert keeper.get(f"{STOCK}{path}").status_code in {400, 404}
    assert "这里没有食材" in keeper.see(STOCK)

"""The diner's phone: who gets in, what he finds, and that it is his own and nobody else's."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import CardStatus
from kitchen import limits
from server import audit, birthdays, cards, consents, leaving, online_orders, people, phone_codes
from server.actor import Actor
from server.phone_sessions import PhoneSession
from tests.server.pages.conftest import Browser

NUMBER = "1001"
OUT = "/me/login?next="
PRIVATE = ("/me/", "/me/menu", "/me/records", "/me/records/moves", "/me/mine", "/me/face",
           "/me/feedback", "/me/code", "/me/code.svg")  # fmt: skip


@pytest.fixture
def code_of(engine: Engine, actor: Actor, app: APIFlask, clock: ManualClock) -> Callable[..., str]:
    """A code from the desk."""

    def make(diner_id: UUID) -> str:
        at = Actor(actor.site_id, "desk", clock.now())
        with db.writing(engine) as session:
            return phone_codes.hand_out(session, at, app.secret_key, diner_id)  # type: ignore[arg-type]

    return make


class Phone(Browser):
    """A phone; forms take their token from the page of sign-in or from that of one's own."""

    def tap(self, path: str, **fields: Any) -> Any:
        signed_out = self.client.get("/me/offline").text.count("<nav") == 0
        return self.send(path, "/me/login" if signed_out else "/me/feedback", **fields)

    def sign_in(self, number: str, code: str) -> Any:
        self.tap("/me/login", staff_no=number)
        return self.tap("/me/login/code", code=code)


@pytest.fixture
def phone(app: APIFlask, code_of: Callable[..., str]) -> Callable[..., Phone]:
    """A phone on which a diner has signed in."""

    def make(diner_id: UUID, number: str = NUMBER) -> Phone:
        one = Phone(app.test_client())
        one.see("/me/menu")
        assert one.sign_in(number, code_of(diner_id)).request.path == "/me/menu"
        return one

    return make


def test_a_code_of_the_desk_opens_once_for_its_own_number_and_not_for_long(
    app: APIFlask, make_diner: Any, code_of: Any, clock: ManualClock, engine: Engine, site: Any
) -> None:
    diner, _other = make_diner(), make_diner()
    code = code_of(diner)
    one = Phone(app.test_client())
    assert all(one.client.get(path).location.startswith(OUT) for path in PRIVATE)
    assert "登录码不对" in one.sign_in("1002", code).text
    one.see("/me/login?next=//evil.example/")
    assert one.sign_in(NUMBER, f" {code} ").request.path == "/me/"
    assert "登录码不对" in Phone(app.test_client()).sign_in(NUMBER, code).text
    late = code_of(diner)
    clock.advance(phone_codes.LASTS.total_seconds() + 1)
    assert "登录码不对" in Phone(app.test_client()).sign_in(NUMBER, late).text
    with db.reading(engine) as session:
        acts = [(row.action, row.who) for row in audit.page(session, site.id)]
    assert ("phone.login", f"diner:{NUMBER}") in acts
    assert ("phone.code", "desk") in acts


def test_guessing_ends_the_code_and_the_right_one_does_not_open_any_more(
    app: APIFlask, make_diner: Any, code_of: Any
) -> None:
    code = code_of(make_diner())
    wrong = f"{(int(code) + 1) % 10**6:06}"
    one = Phone(app.test_client())
    one.tap("/me/login", staff_no=NUMBER)
    for _ in range(phone_codes.TRIES):
        assert "登录码不对" in one.tap("/me/login/code", code=wrong).text
    assert "登录码不对" in one.tap("/me/login/code", code=code).text


@contextmanager
def chat() -> Iterator[tuple[str, list[Any]]]:
    """An enterprise chat on loopback: its address, and what it was told."""
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.process
def test_a_code_goes_to_the_chat_and_a_number_that_is_not_there_is_answered_alike(
    app: APIFlask, make_diner: Any
) -> None:
    from dataclasses import replace
    from threading import enumerate as threads

    from dafan.config import WebhookSettings

    make_diner()
    with chat() as (url, told):
        parts = app.extensions["dafan"]
        settings = parts.settings.model_copy(update={"webhook": WebhookSettings(url=url)})
        app.extensions["dafan"] = replace(parts, settings=settings)
        here, nobody = Phone(app.test_client()), Phone(app.test_client())
        known = here.tap("/me/login", staff_no=NUMBER).text
        unknown = nobody.tap("/me/login", staff_no="9999").text
        for thread in threads():
            if "deliver" in thread.name:
                thread.join()
        hidden = re.compile(r'value="[^"]+"')
        assert hidden.sub("", known).replace(NUMBER, "") == hidden.sub("", unknown).replace(
            "9999", ""
        )
        (message,) = told
        assert message["to"] == NUMBER
        code = re.search(r"\d{6}", message["text"])
        assert code is not None
        assert here.tap("/me/login/code", code=code.group()).request.path == "/me/"
        for _ in range(phone_codes.ASKED_MOST):
            answer = nobody.tap("/me/login", staff_no="9999").text
        assert "请等 15 分钟" in answer


def test_one_finds_ones_money_meals_and_cards_and_a_lost_card_is_known_to_the_tills_at_once(
    phone: Any, make_diner: Any, make_sale: Any, terminal: Any, engine: Engine, actor: Actor,
    app: APIFlask,
) -> None:  # fmt: skip
    diner = make_diner(cash=10_000, subsidy=500)
    terminal.sell(make_sale(diner, 1200))
    terminal.push()
    with db.writing(engine) as session:
        cards.assign(session, actor, diner, "A1234567")
        people.set_pin(session, actor, diner, "738291")
    one = phone(diner)
    home = one.see("/me/")
    assert "¥93.00" in home
    assert "¥88.00" in home
    assert "上一餐怎么样" in home
    assert one.get("/me/code.svg").mimetype == "image/svg+xml"
    assert "套餐" in one.see("/me/records")
    assert "¥100.00" in one.see("/me/records/moves")
    sale_id = re.search(r"/me/records/([0-9a-f-]{36})", one.see("/me/records")).group(1)  # type: ignore[union-attr]
    assert "合计" in one.see(f"/me/records/{sale_id}")
    assert "这一笔不是我付的" not in one.see(f"/me/records/{sale_id}")
    assert "不是刷脸付款" in one.tap(f"/me/records/{sale_id}/dispute", reason="x").text
    for act, status in (("lost", CardStatus.LOST), ("found", CardStatus.ACTIVE)):
        one.tap(f"/me/cards/A1234567/{act}")
        known = [row for row in terminal.feed(limit=500)["items"] if row["kind"] == "card"]
        assert known[-1]["body"]["status"] == status.value
    large = Phone(app.test_client())
    assert "phone large" in large.tap("/me/large", on="1").text
    assert "phone large" in large.see("/me/login")
    assert "phone large" not in large.tap("/me/large").text


def test_nobody_sees_or_changes_what_is_another_diners(
    phone: Any, make_diner: Any, make_sale: Any, terminal: Any, engine: Engine, actor: Actor,
) -> None:  # fmt: skip
    mine, theirs = make_diner(), make_diner()
    sale = make_sale(theirs, 1300)
    terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        cards.assign(session, actor, theirs, "B7654321")
    other = phone(theirs, "1002")
    key = str(new_id())
    other.tap("/me/feedback", key=key, kind="complaint", text="汤太咸")
    one = phone(mine)
    with db.reading(engine) as session:
        their_phone = session.scalar(select(PhoneSession.id).where(PhoneSession.diner_id == theirs))
    assert one.get(f"/me/records/{sale.id}").status_code == 404
    assert one.get(f"/me/feedback/{key}.jpg").status_code == 404
    assert one.tap(f"/me/records/{sale.id}/stars", line="1", stars="1").status_code == 404
    assert one.tap(f"/me/records/{sale.id}/dispute", reason="x").status_code == 404
    assert one.tap("/me/cards/B7654321/lost").status_code == 404
    one.tap(f"/me/phones/{their_phone}/end")
    used = one.tap("/me/feedback", key=key, kind="complaint", text="别的话")
    assert "与之前的内容不同" in used.text
    for path in PRIVATE[:-1]:
        page = one.see(path)
        assert "汤太咸" not in page
        assert "1300" not in page
        assert "B7654321" not in page
    assert "汤太咸" in other.see("/me/feedback")
    assert "使用中" in other.see("/me/mine")
    assert one.client.get("/manage/").location.startswith("/login")


def test_a_phone_can_be_signed_out_from_another_and_who_has_left_is_out(
    phone: Any, make_diner: Any, engine: Engine, actor: Actor
) -> None:
    diner = make_diner(cash=0)
    first, second, third = phone(diner), phone(diner), phone(diner)
    assert first.see("/me/mine").count("/me/phones/") == 2
    other = re.findall(r"/me/phones/([0-9a-f-]{36})", first.see("/me/mine"))
    for one in other:
        first.tap(f"/me/phones/{one}/end")
    assert second.client.get("/me/").location.startswith(OUT)
    assert third.client.get("/me/").location.startswith(OUT)
    assert first.tap("/me/logout").request.path == "/me/login"
    assert first.client.get("/me/").location.startswith(OUT)
    last = phone(diner)
    with db.writing(engine) as session:
        leaving.leave(session, actor, diner)
        assert session.execute(select(people.Diner.status)).scalar() == "left"
    assert last.client.get("/me/").location.startswith(OUT)


def test_stars_are_given_once_a_line_and_changed_on_the_same_day(
    phone: Any, make_diner: Any, make_sale: Any, terminal: Any, clock: ManualClock
) -> None:
    diner = make_diner()
    sale = make_sale(diner)
    terminal.sell(sale)
    terminal.push()
    one = phone(diner)
    path = f"/me/records/{sale.id}/stars"
    assert "谢谢" in one.tap(path, line="1", stars="4", back="home").text
    assert one.see("/me/").count('class="on"') == 4
    one.tap(path, line="1", stars="2")
    assert one.see("/me/").count('class="on"') == 2
    for bad in ({"line": "2", "stars": "4"}, {"line": "1", "stars": "6"}, {"line": "x"}):
        assert "现在不能评价" in one.tap(path, **bad).text
    clock.advance(24 * 3600)
    assert "当天" in one.tap(path, line="1", stars="5").text
    assert one.see("/me/").count('class="on"') == 2


def test_a_complaint_has_an_owner_a_deadline_and_an_answer_that_the_diner_reads(
    phone: Any, make_diner: Any, browser: Any, clock: ManualClock, make_user: Any, app: APIFlask
) -> None:
    one = phone(make_diner())
    office = browser("manager")
    make_user("chef", "kitchen_manager")
    key = str(new_id())
    for _ in range(2):
        said = one.tap("/me/feedback", key=key, kind="complaint", text="鱼没有烧熟").text
    assert said.count("鱼没有烧熟") == 1
    assert "chef" in said
    waiting = office.see("/manage/feedback")
    assert "待答复" in waiting
    assert "超期" not in waiting
    clock.advance(3 * 86400 + 60)
    again = Browser(app.test_client())
    again.send("/login", login="manager", password="a good password")
    assert "超期" in again.see("/manage/feedback")
    assert "答复超期" in one.see("/me/feedback")
    again.send(f"/manage/feedback/{key}/owner", owner="manager")
    assert "请写 2 到 500 字" in again.send(f"/manage/feedback/{key}/answer", answer=" ").text
    again.send(f"/manage/feedback/{key}/answer", answer="已换供货商，抱歉")
    assert "已换供货商" in one.see("/me/feedback")
    assert "已换供货商" in again.see("/manage/feedback?answered=1")
    cashier = browser("cashier")
    assert cashier.get("/manage/feedback").status_code == 403


def test_the_desk_prints_a_code_and_who_may_not_set_a_pin_may_not(
    browser: Any, make_diner: Any, app: APIFlask
) -> None:
    diner = make_diner()
    page = browser("manager").send(f"/manage/people/{diner}/phone-code").text
    code = re.search(r'<dd class="num fs-3">(\d{6})</dd>', page)
    assert code is not None
    assert Phone(app.test_client()).sign_in(NUMBER, code.group(1)).request.path == "/me/"
    assert browser("cashier").send(f"/manage/people/{diner}/phone-code").status_code == 403


def test_the_phone_is_an_application_of_its_own(app: APIFlask) -> None:
    client = app.test_client()
    manifest = client.get("/me/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    assert (manifest.json["start_url"], manifest.json["scope"]) == ("/me/", "/me/")  # type: ignore[index]
    for path in ("/me/sw.js", "/me/offline"):
        answer = client.get(path)
        assert answer.status_code == 200
        answer.close()


def test_a_diner_agrees_on_his_phone_and_takes_it_back_with_a_receipt(
    phone: Any, make_diner: Any, engine: Engine
) -> None:
    diner = make_diner()
    one = phone(diner)
    page = one.see("/me/face")
    for said in ("保存什么", "保存在哪里", "保存多久", "怎样撤回", "价格相同、补贴相同"):
        assert said in page
    assert "拍照登记" not in page
    assert one.get("/me/face/receipt").status_code == 404
    photo = (io.BytesIO(b"\xff\xd8\xff no picture"), "me.jpg")
    assert "还没有同意" in one.tap("/me/face/photo", photo=photo).text
    version = re.search(r'name="version" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]
    assert "再勾选同意" in one.tap("/me/face/consent", version=version).text
    child = {"version": version, "agreed": "on", "under_14": "on"}
    assert "note stop" in one.tap("/me/face/consent", **child).text
    assert "拍照登记" in one.tap("/me/face/consent", version=version, agreed="on").text
    with db.reading(engine) as session:
        consent = consents.standing(session, diner)
        assert consent is not None
        assert (consent.channel, consent.given_by) == ("phone", f"diner:{NUMBER}")
    assert "消除回执" in one.tap("/me/face/withdraw").text
    assert "没有存过照片和人脸特征" in one.see("/me/face/receipt")
    with db.reading(engine) as session:
        assert consents.standing(session, diner) is None


def test_the_top_up_of_another_diner_is_not_found_and_without_a_gateway_there_is_none(
    phone: Any, make_diner: Any, engine: Engine, actor: Actor
) -> None:
    mine, theirs = make_diner(), make_diner()
    gateway: Any = SimpleNamespace(name="wechat")
    ids = {}
    for diner in (mine, theirs):
        with db.writing(engine) as session:
            made = online_orders.make(session, actor, gateway, new_id(), diner, Fen(5000))
            ids[diner] = made.id
    one = phone(mine)
    assert "¥50.00" in one.see(f"/me/top-up/{ids[mine]}")
    for path in (f"/me/top-up/{ids[theirs]}", f"/me/top-up/{ids[theirs]}/qr.svg", "/me/top-up"):
        assert one.get(path).status_code == 404
    assert one.tap(f"/me/top-up/{ids[theirs]}/look").status_code == 404
    assert "/me/top-up" not in one.see("/me/mine")


def test_a_birthday_voucher_is_told_on_the_phone_and_the_day_can_be_taken_away(
    phone: Callable[..., Phone], make_diner: Callable[..., UUID], engine: Engine, actor: Actor
) -> None:
    diner, other = make_diner(cash=0), make_diner(cash=0)
    with db.writing(engine) as session:
        limits.decide(session, actor, birthdays.GiftRules, {"fen": 2000})
        for one in (diner, other):
            birthdays.set_day(session, actor, one, f"{actor.at:%m-%d}")
        birthdays.give_due(session, actor.at)
    mine = phone(diner)
    assert "生日快乐！食堂送您 ¥20.00 生日礼券，2026-04-05 前用" in mine.see("/me/")
    assert "生日礼券 2026-W10" in mine.see("/me/records/moves")
    assert "03-02" in mine.see("/me/mine")
    assert "我的生日" not in mine.tap("/me/birthday/forget").text
    with db.reading(engine) as session:
        assert set(birthdays.days_of(session, actor.site_id)) == {other}

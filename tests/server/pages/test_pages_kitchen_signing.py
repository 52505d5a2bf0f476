"""Who signs at the shared tablet: work number and PIN, one person once, nobody by chance."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask_login import login_user
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from kitchen import staff
from kitchen.staff import Worker, WorkerValues
from kitchen.supervision import SupervisionItem
from server import people
from server.actor import Actor
from server.audit import Audit
from server.auth import find_user
from server.pages.kitchen import signing
from tests.server.pages.conftest import Browser

PIN = "305172"
WRONG = "工号或密码不对"


@pytest.fixture
def hire(engine: Engine, actor: Actor, make_diner: Callable[..., UUID]) -> Callable[..., Worker]:
    """A worker who eats here and has a PIN."""

    def add(name: str, post: str = "厨师", login: str | None = None) -> Worker:
        diner = make_diner(cash=0)
        values = WorkerValues(name=name, post=post, login=login, diner_id=diner)
        with db.writing(engine) as session:
            people.set_pin(session, actor, diner, PIN)
            return staff.create(session, actor, values)

    return add


@pytest.fixture
def tablet(browser: Callable[[str], Browser]) -> Browser:
    return browser("kitchen_manager")


def ask(tablet: Browser, **fields: Any) -> dict[str, Any]:
    headers = {"X-CSRFToken": tablet.token()}
    answer = tablet.client.post("/kitchen/who", data=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def act_row(tablet: Browser, engine: Engine, code: str) -> SupervisionItem:
    tablet.see("/kitchen/")
    with db.reading(engine) as session:
        return session.scalars(select(SupervisionItem).where(SupervisionItem.code == code)).one()


def test_number_and_pin_give_a_signature_that_names_its_person(
    tablet: Browser, engine: Engine, hire: Callable[..., Worker]
) -> None:
    wang = hire("王一")
    answer = ask(tablet, number="1001", pin=PIN)
    assert (answer["ok"], answer["name"], answer["post"]) == (True, "王一", "厨师")
    fridge = act_row(tablet, engine, "fridge_am")
    path = f"/kitchen/acts/{fridge.id}"
    assert "还没有签字" in tablet.send(path, "/kitchen/", number="4.0").text
    assert act_row(tablet, engine, "fridge_am").done_at is None
    tablet.send(path, "/kitchen/", number="4.0", signed_by=answer["token"])
    assert act_row(tablet, engine, "fridge_am").done_by == wang.journal_name
    assert "王一" in tablet.see(path)


def test_a_wrong_number_and_a_wrong_pin_sound_the_same_and_are_counted(
    tablet: Browser, engine: Engine, hire: Callable[..., Worker], clock: ManualClock
) -> None:
    hire("王一")
    assert ask(tablet, number="1001", pin="111222") == ask(tablet, number="9999", pin=PIN)
    for _turn in range(3):
        assert WRONG in ask(tablet, number="1001", pin="111222")["text"]
    assert ask(tablet, number="1001", pin=PIN)["ok"]  # the fifth is right: the slate is clean
    for _turn in range(5):
        assert WRONG in ask(tablet, number="1001", pin="111222")["text"]
    assert "失败次数太多" in ask(tablet, number="1001", pin=PIN)["text"]
    clock.advance(timedelta(minutes=16).total_seconds())
    assert ask(tablet, number="1001", pin=PIN)["ok"]
    with db.reading(engine) as session:
        actions = set(session.scalars(select(Audit.action)))
    assert not [action for action in actions if "who" in action or "sign" in action]


def test_guessing_numbers_locks_the_tablet_not_the_people(
    tablet: Browser, hire: Callable[..., Worker]
) -> None:
    hire("王一")
    for turn in range(20):
        assert WRONG in ask(tablet, number=f"x{turn}", pin=PIN)["text"]
    assert "失败次数太多" in ask(tablet, number="1001", pin=PIN)["text"]


def test_who_left_or_only_eats_here_or_has_no_pin_signs_nothing(
    tablet: Browser, engine: Engine, actor: Actor, hire: Callable[..., Worker],
    make_diner: Callable[..., UUID],
) -> None:  # fmt: skip
    left = hire("王一")
    eats = make_diner(cash=0)
    silent = hire("李二")
    token = ask(tablet, number="1001", pin=PIN)["token"]
    with db.writing(engine) as session:
        gone = staff.values_of(left).model_copy(update={"active": False})
        staff.update(session, actor, left.id, gone)
        people.set_pin(session, actor, eats, PIN)
        assert silent.diner_id is not None
        people.set_pin(session, actor, silent.diner_id, None)
    for number in ("1001", "1002", "1003", "", "' or 1=1"):
        assert WRONG in ask(tablet, number=number, pin=PIN)["text"]
    fridge = act_row(tablet, engine, "fridge_am")
    tablet.send(f"/kitchen/acts/{fridge.id}", "/kitchen/", number="4", signed_by=token)
    assert act_row(tablet, engine, "fridge_am").done_at is None


@pytest.mark.parametrize("damage", ["late", "altered", "elsewhere", "face"])
def test_a_signature_is_good_for_ten_minutes_at_its_own_tablet(
    tablet: Browser, browser: Callable[[str], Browser], engine: Engine, clock: ManualClock,
    hire: Callable[..., Worker], damage: str,
) -> None:  # fmt: skip
    hire("王一")
    by = browser("manager") if damage == "elsewhere" else tablet
    token = ask(by, number="1001", pin=PIN)["token"]
    fridge = act_row(tablet, engine, "fridge_am")
    if damage == "late":
        clock.advance(601)
    if damage == "altered":
        token = token[:-2] + ("aa" if token[-2:] != "aa" else "bb")
    if damage == "face":
        token = "e30.x"
    answer = tablet.send(f"/kitchen/acts/{fridge.id}", "/kitchen/", number="4", signed_by=token)
    assert "还没有签字，或签字已过期" in answer.text
    assert act_row(tablet, engine, "fridge_am").done_at is None


def test_a_personal_account_is_its_own_signature_but_never_the_second(
    tablet: Browser, app: APIFlask, engine: Engine, hire: Callable[..., Worker]
) -> None:
    wang = hire("王一", login="kitchen_manager")
    fridge = act_row(tablet, engine, "fridge_am")
    page = tablet.see(f"/kitchen/acts/{fridge.id}")
    assert re.search(r'data-sign="signed_by"[^>]*data-account>', page)
    tablet.send(f"/kitchen/acts/{fridge.id}", "/kitchen/", number="4")
    assert act_row(tablet, engine, "fridge_am").done_by == wang.journal_name == "kitchen_manager"
    with app.test_request_context("/kitchen/", method="POST", data={"second": ""}):
        with db.reading(engine) as session:
            login_user(find_user(session, "kitchen_manager"))
        assert signing.signer().worker_id == wang.id
        with pytest.raises(signing.NotSignedError):
            signing.signer("second")


def test_two_signatures_of_one_person_are_never_two_people(
    tablet: Browser, app: APIFlask, engine: Engine, hire: Callable[..., Worker]
) -> None:
    hire("王一")
    hire("李二")
    first, again = (ask(tablet, number="1001", pin=PIN)["token"] for _turn in range(2))
    other = ask(tablet, number="1002", pin=PIN)["token"]
    for second, same in ((again, True), (other, False)):
        sent = {"signed_by": first, "second": second}
        with app.test_request_context("/kitchen/", method="POST", data=sent):
            with db.reading(engine) as session:
                login_user(find_user(session, "kitchen_manager"))
            names = signing.acting().name, signing.acting("second").name
            assert (names[0] == names[1]) is same


def test_a_site_without_a_list_of_people_signs_by_its_accounts(
    tablet: Browser, engine: Engine
) -> None:
    fridge = act_row(tablet, engine, "fridge_am")
    tablet.send(f"/kitchen/acts/{fridge.id}", "/kitchen/", number="4")
    assert act_row(tablet, engine, "fridge_am").done_by == "kitchen_manager"


def test_only_who_works_in_the_kitchen_may_ask_who_it_is(
    browser: Callable[[str], Browser], hire: Callable[..., Worker]
) -> None:
    hire("王一")
    auditor = browser("auditor")
    answer = auditor.send("/kitchen/who", "/account/password", number="1001", pin=PIN)
    assert answer.status_code == 403


def test_the_camera_is_allowed_on_the_tablet_and_nowhere_else(tablet: Browser) -> None:
    assert "camera=(self)" in tablet.get("/kitchen/").headers["Permissions-Policy"]
    assert "camera=()" in tablet.get("/manage/").headers["Permissions-Policy"]
    assert "unsafe" not in tablet.get("/kitchen/").headers["Content-Security-Policy"]


def test_sources_are_chinese_on_the_chinese_page(tablet: Browser, engine: Engine) -> None:
    tablet.see("/kitchen/")
    with db.reading(engine) as session:
        rows = session.scalars(select(SupervisionItem)).all()
    for source, row in {row.source: row for row in rows}.items():
        shown = tablet.see(f"/kitchen/acts/{row.id}").partition("依据：")[2].partition("</p>")[0]
        assert shown, source
        assert not re.search(r"house|rule|confirm|clause|elsewhere", shown), shown

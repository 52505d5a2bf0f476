"""The tablet's forms in a Chromium whose network goes away: each counts once, none is lost."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from kitchen import staff
from kitchen.staff import Worker, WorkerValues
from kitchen.supervision import SupervisionItem
from server import people
from server.actor import Actor
from server.audit import Audit

pytestmark = [pytest.mark.browser, pytest.mark.process]
PIN = "305172"
KEPT = "text=已存在本机，网络恢复后自动上传"
BADGE = "#queue-badge"


@pytest.fixture
def tablet(
    address: str, page: Any, sign_in: Callable[[Any, str], None], make_user: Callable[..., Any]
) -> Iterator[Any]:
    """Signed in, on today's list, in the size of a tablet; ends without a fault of a script."""
    make_user("km", "kitchen_manager")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, "km")
    page.goto(f"{address}/kitchen/")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    yield page
    assert faults == []


def rows(engine: Engine, code: str) -> list[SupervisionItem]:
    with db.reading(engine) as session:
        query = select(SupervisionItem).where(SupervisionItem.code == code)
        return list(session.scalars(query))


def done(engine: Engine) -> int:
    """How often an act was written as done."""
    with db.reading(engine) as session:
        return len(session.scalars(select(Audit).where(Audit.action == "supervision.done")).all())


def wait_until(page: Any, script: str) -> None:
    """Ask the page until it says so; a promise is waited for, and a page that refreshes itself."""
    left = pytest.importorskip("playwright.sync_api").Error  # in the middle of a refresh
    for _turn in range(200):
        with suppress(left):
            if page.evaluate(script):
                return
        page.wait_for_timeout(100)
    raise AssertionError(script)


def wait_until_sent(tablet: Any) -> None:
    """Nothing is left in the tablet's own store."""
    wait_until(
        tablet,
        """() => new Promise((done) => {
            const asked = indexedDB.open("dafan-kitchen");
            asked.onsuccess = () => {
                const count = asked.result.transaction("queue").objectStore("queue").count();
                count.onsuccess = () => { asked.result.close(); done(count.result === 0); };
            };
        })""",
    )


def fridge(tablet: Any, address: str, engine: Engine) -> SupervisionItem:
    (row,) = rows(engine, "fridge_am")
    tablet.goto(f"{address}/kitchen/acts/{row.id}")
    return row


def test_a_form_filled_in_without_a_network_is_written_once_when_it_is_back(
    tablet: Any, address: str, engine: Engine
) -> None:
    fridge(tablet, address, engine)
    tablet.context.set_offline(True)
    for key in "4.1":
        tablet.click(f".pad button:text-is('{key}')")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(KEPT)
    assert tablet.inner_text(BADGE) == "1 条等待上传"
    assert tablet.input_value("[name=number]") == ""
    assert done(engine) == 0
    tablet.context.set_offline(False)
    tablet.wait_for_selector(BADGE, state="hidden")
    (row,) = rows(engine, "fridge_am")
    assert (row.number, done(engine)) == (41, 1)


def test_an_answer_that_is_lost_on_its_way_changes_nothing_twice(
    tablet: Any, address: str, engine: Engine
) -> None:
    row = fridge(tablet, address, engine)

    def lose(route: Any) -> None:
        route.fetch(max_redirects=0)
        route.abort()

    path = f"**/kitchen/acts/{row.id}"
    tablet.route(
        path, lambda route: lose(route) if route.request.method == "POST" else route.continue_()
    )
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(KEPT)
    assert done(engine) == 1
    tablet.unroute(path)
    tablet.reload()
    wait_until_sent(tablet)
    tablet.wait_for_selector(".figure:has-text('4.1')")  # the page shows by itself what came of it
    assert (rows(engine, "fridge_am")[0].number, done(engine)) == (41, 1)


def test_a_tablet_that_is_switched_off_in_the_middle_sends_when_it_comes_back(
    tablet: Any, address: str, engine: Engine
) -> None:
    row = fridge(tablet, address, engine)
    begun: list[int] = []
    tablet.route(f"**/kitchen/acts/{row.id}", lambda _route: begun.append(1))  # it hangs
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    while not begun:  # what is being sent is on the tablet's disk already
        tablet.wait_for_timeout(50)
    context = tablet.context
    other = context.new_page()
    tablet.close()
    assert done(engine) == 0
    other.goto(f"{address}/kitchen/")
    for _ in range(100):
        if done(engine):
            break
        other.wait_for_timeout(200)
    assert done(engine) == 1
    other.wait_for_selector("text=4.1 °C", state="attached")  # the page becomes new by itself


def test_photographs_wait_as_well_and_forms_go_in_their_order(
    tablet: Any, address: str, engine: Engine
) -> None:
    picture = cv2.imencode(".jpg", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    sent: list[str] = []
    tablet.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    order = [rows(engine, code)[0].id for code in ("dress", "fridge_am")]
    tablet.goto(f"{address}/kitchen/acts/{order[1]}")
    tablet.goto(f"{address}/kitchen/acts/{order[0]}")
    tablet.context.set_offline(True)
    tablet.set_input_files(
        "[name=photo]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture}
    )
    tablet.wait_for_selector(".shoot.taken img:not([hidden])")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(KEPT)
    assert tablet.locator(".shoot.taken").count() == 0
    tablet.goto(f"{address}/kitchen/acts/{order[1]}")
    tablet.wait_for_selector("text=离线：这是")
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(KEPT)
    assert tablet.inner_text(BADGE) == "2 条等待上传"
    sent.clear()
    tablet.context.set_offline(False)
    tablet.wait_for_selector(BADGE, state="hidden")
    assert [UUID(url.rpartition("/")[2]) for url in sent] == order
    assert rows(engine, "dress")[0].photo
    assert done(engine) == 2


def test_a_page_from_the_tablets_own_store_never_gives_the_same_key_twice(
    tablet: Any, address: str, engine: Engine
) -> None:
    fridge(tablet, address, engine)
    made = tablet.input_value("[name=key]")
    wait_until(tablet, "async () => Boolean(await caches.match(location.href, {ignoreVary: true}))")
    tablet.context.set_offline(True)
    keys = {made}
    for _turn in range(2):
        tablet.reload()
        tablet.wait_for_selector("#kept:visible")
        keys.add(tablet.input_value("[name=key]"))
    assert len(keys) == 3
    assert all(UUID(key).version == 7 for key in keys)


def test_what_the_server_refuses_stays_until_somebody_deletes_it(
    tablet: Any, address: str, engine: Engine
) -> None:
    row = fridge(tablet, address, engine)
    tablet.context.set_offline(True)
    for number in ("4.1", "5.0"):  # the same act twice: the second comes too late
        tablet.fill("[name=number]", number)
        tablet.click("button:text-is('完成')")
        tablet.wait_for_selector(f"{BADGE}:has-text('{1 if number == '4.1' else 2} 条等待上传')")
    tablet.context.set_offline(False)
    tablet.wait_for_selector(f"{BADGE}:has-text('1 条要处理')")
    tablet.goto(f"{address}/kitchen/")
    tablet.click(BADGE)
    tablet.wait_for_selector("dialog.waits >> text=这件事已经做过")
    tablet.click("dialog.waits >> text=删除")
    assert tablet.locator("dialog.waits article").count() == 1
    tablet.click("dialog.waits >> text=确定删除")
    tablet.wait_for_selector(BADGE, state="hidden")
    assert (rows(engine, "fridge_am")[0].number, row.code, done(engine)) == (41, "fridge_am", 1)


def test_what_is_refused_at_once_is_told_in_the_form_and_can_be_mended(
    tablet: Any, address: str, engine: Engine
) -> None:
    fridge(tablet, address, engine)
    tablet.fill("[name=number]", "4.15")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(".note.stop:has-text('这不是数字')")
    assert tablet.input_value("[name=number]") == "4.15"
    assert tablet.locator(BADGE).is_hidden()
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(".note.ok:has-text('已记录')")
    assert done(engine) == 1


def test_a_login_that_ended_keeps_the_form_for_its_own_account(
    tablet: Any, address: str, engine: Engine, sign_in: Callable[[Any, str], None],
    make_user: Callable[..., Any],
) -> None:  # fmt: skip
    fridge(tablet, address, engine)
    tablet.context.clear_cookies()
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(".note.warn:has-text('请登录，然后自动上传')")
    make_user("boss", "manager")
    sign_in(tablet, "boss")
    tablet.goto(f"{address}/kitchen/")
    tablet.click(BADGE)
    tablet.wait_for_selector("dialog.waits >> text=由账号 km 填写")
    assert done(engine) == 0
    tablet.context.clear_cookies()
    sign_in(tablet, "km")
    tablet.goto(f"{address}/kitchen/")
    wait_until_sent(tablet)
    assert (rows(engine, "fridge_am")[0].done_by, done(engine)) == ("km", 1)


def test_pages_seen_before_are_there_without_a_network_and_gone_after_signing_out(
    tablet: Any, address: str
) -> None:
    tablet.goto(f"{address}/kitchen/more")
    tablet.goto(f"{address}/kitchen/")
    tablet.context.set_offline(True)
    tablet.goto(f"{address}/kitchen/more")
    assert re.search(r"离线：这是 \d\d:\d\d 的内容", tablet.inner_text("#kept"))
    assert tablet.evaluate("getComputedStyle(document.querySelector('.tablet')).display") == "flex"
    tablet.goto(f"{address}/kitchen/receiving")
    tablet.wait_for_selector("text=这一页还没有在这台平板上打开过")
    tablet.context.set_offline(False)
    tablet.goto(f"{address}/manage/")
    kept = tablet.evaluate(
        "async () => (await (await caches.open('dafan-kitchen')).keys()).map((one) => one.url)"
    )
    assert any(url.endswith("/kitchen/more") for url in kept)
    allowed = ("/kitchen/", "/static/", "/tokens/", "/bootstrap/static/")
    assert [url for url in kept if not url.removeprefix(address).startswith(allowed)] == []
    tablet.click("button:has-text('退出')")
    tablet.wait_for_selector("[name=password]")
    tablet.goto(f"{address}/kitchen/")  # led on to the sign-in by the worker as without it
    tablet.wait_for_selector("[name=password]")
    wait_until(tablet, "() => caches.has('dafan-kitchen').then((there) => !there)")


@pytest.fixture
def hire(engine: Engine, actor: Actor, make_diner: Callable[..., UUID]) -> Callable[..., Worker]:
    """A worker who eats here and has a PIN."""

    def add(name: str) -> Worker:
        diner = make_diner(cash=0)
        with db.writing(engine) as session:
            people.set_pin(session, actor, diner, PIN)
            return staff.create(
                session, actor, WorkerValues(name=name, post="厨师", diner_id=diner)
            )

    return add


def type_in(tablet: Any, number: str, pin: str = PIN) -> None:
    fields = tablet.locator("dialog.who input")
    fields.nth(0).click()
    for key in number:
        tablet.click(f"dialog.who .pad button:text-is('{key}')")
    fields.nth(1).click()
    for key in pin:
        tablet.click(f"dialog.who .pad button:text-is('{key}')")


def test_a_person_signs_on_the_pad_and_another_one_takes_over(
    tablet: Any, address: str, engine: Engine, hire: Callable[..., Worker]
) -> None:
    hire("王一")
    second = hire("李二")
    fridge(tablet, address, engine)
    tablet.evaluate("addEventListener('signed', (event) => { window.heard = event.detail.name; })")
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")  # not signed: the dialog comes by itself
    type_in(tablet, "1001", "111222")
    tablet.wait_for_selector("dialog.who >> text=工号或密码不对")
    tablet.click("dialog.who >> text=返回")
    tablet.click(".sign button")
    type_in(tablet, "1001")
    tablet.wait_for_selector(".sign.signed:has-text('王一')")
    assert tablet.evaluate("window.heard") == "王一"
    tablet.click(".sign button:has-text('换人')")
    type_in(tablet, "1002")
    tablet.wait_for_selector(".sign.signed:has-text('李二')")
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(".note.ok:has-text('已记录')")
    assert rows(engine, "fridge_am")[0].done_by == second.journal_name


def test_a_signature_that_ran_out_while_waiting_is_given_anew(
    tablet: Any, address: str, engine: Engine, clock: ManualClock, hire: Callable[..., Worker]
) -> None:
    wang = hire("王一")
    fridge(tablet, address, engine)
    tablet.fill("[name=number]", "4.1")
    tablet.click(".sign button")
    type_in(tablet, "1001")
    tablet.wait_for_selector(".sign.signed")
    tablet.context.set_offline(True)
    tablet.click("button:text-is('完成')")
    tablet.wait_for_selector(KEPT)
    clock.advance(660)
    tablet.context.set_offline(False)
    tablet.wait_for_selector(f"{BADGE}:has-text('1 条要处理')")
    assert done(engine) == 0
    tablet.click(BADGE)
    tablet.click("dialog.waits >> text=签字并上传")
    type_in(tablet, "1001")
    tablet.wait_for_selector(BADGE, state="hidden")
    (row,) = rows(engine, "fridge_am")
    assert (row.number, row.done_by, done(engine)) == (41, wang.journal_name, 1)


def test_without_a_network_a_form_is_kept_and_signed_later(
    tablet: Any, address: str, engine: Engine, hire: Callable[..., Worker]
) -> None:
    wang = hire("王一")
    fridge(tablet, address, engine)
    tablet.context.set_offline(True)
    tablet.fill("[name=number]", "4.1")
    tablet.click("button:text-is('完成')")
    type_in(tablet, "1001")
    tablet.click("dialog.who >> text=先保存，联网后再签")
    tablet.wait_for_selector(KEPT)
    tablet.context.set_offline(False)
    tablet.wait_for_selector(f"{BADGE}:has-text('1 条要处理')")
    tablet.click(BADGE)
    tablet.click("dialog.waits >> text=签字并上传")
    type_in(tablet, "1001")
    tablet.wait_for_selector(BADGE, state="hidden")
    assert (rows(engine, "fridge_am")[0].done_by, done(engine)) == (wang.journal_name, 1)


def test_without_scripts_a_form_is_sent_as_any_other(
    address: str, chromium: Any, sign_in: Callable[[Any, str], None],
    make_user: Callable[..., Any], engine: Engine,
) -> None:  # fmt: skip
    make_user("km", "kitchen_manager")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "km")
    page.goto(f"{address}/kitchen/")
    fridge(page, address, engine)
    page.fill("[name=number]", "4.1")
    page.click("button:text-is('完成')")
    page.wait_for_selector("text=已记录")
    assert done(engine) == 1
    context.close()

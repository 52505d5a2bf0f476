"""Pages of keys, forks, till staff and the receipt of an erasure, as people with roles see them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dafan import db
from dafan.ids import new_id
from server import forks, resealing, rotation, terminals, till_staff
from tests.server.conftest import TestSite, Till, parts_of
from tests.server.test_forks import booked, diner, lunch, restored
from tests.server.test_retention import enrol

__all__ = ["diner", "lunch", "restored"]


@pytest.fixture
def forked(restored: Any) -> Any:
    """A till whose fork has come in."""
    restored[0].push(1)
    return restored


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found.group(1)


# --- forks --------------------------------------------------------------------------------------


def test_a_manager_finds_the_fork_looks_at_both_sides_and_takes_it_in(
    browser: Callable[..., Any], engine: Engine, forked: Any
) -> None:
    till, first, second = forked
    manager = browser("manager")
    path = f"/manage/forks/{till.id}"
    assert path in manager.see("/manage/exceptions")
    assert path in manager.see("/manage/terminals")
    page = manager.see(path)
    assert "¥7.00" in page
    assert page.count("只在结算台上") >= 3
    answer = manager.send(path, path, decision="taken_in", seen=seen(page), reason="旧硬盘")
    assert "已入账 3 条" in answer.text
    assert {sale.id for sale in (*first, *second)} <= booked(engine)
    assert "旧硬盘" in manager.see(path)
    assert path not in manager.see("/manage/exceptions")


def test_a_second_click_says_that_it_is_done(browser: Callable[..., Any], forked: Any) -> None:
    till, *_sales = forked
    manager = browser("manager")
    path = f"/manage/forks/{till.id}"
    told = {"decision": "taken_in", "seen": seen(manager.see(path)), "reason": ""}
    manager.send(path, path, **told)
    assert "已经处理过了" in manager.send(path, path, **told).text


def test_setting_aside_needs_a_reason(
    browser: Callable[..., Any], engine: Engine, forked: Any
) -> None:
    till, _first, second = forked
    manager = browser("manager")
    path = f"/manage/forks/{till.id}"
    told = {"decision": "set_aside", "seen": seen(manager.see(path))}
    assert "为什么搁置" in manager.send(path, path, **told, reason="  ").text
    assert "已搁置" in manager.send(path, path, **told, reason="重复").text
    assert not {sale.id for sale in second} & booked(engine)


def test_who_only_looks_decides_nothing(
    browser: Callable[..., Any], engine: Engine, forked: Any
) -> None:
    till, _first, second = forked
    auditor = browser("auditor")
    path = f"/manage/forks/{till.id}"
    page = auditor.see(path)
    assert "甲*" in page
    assert "甲子" not in page
    assert 'name="decision"' not in page
    answer = auditor.send(path, path, decision="taken_in", seen="")
    assert answer.status_code == 403
    assert second[0].id not in booked(engine)


def test_there_is_no_fork_of_a_terminal_that_there_is_not(browser: Callable[..., Any]) -> None:
    assert browser("admin").get(f"/manage/forks/{new_id()}").status_code == 404


def test_an_entry_that_cannot_be_read_is_shown_and_breaks_nothing(
    browser: Callable[..., Any], restored: Any
) -> None:
    till, *_sales = restored
    body = {"id": "x", "total": "much", "diner_id": 7, "tender": None}
    entry = till.journal.read(0)[-1].model_copy(update={"body": body})
    assert entry.seq == 4
    with till.journal.transaction():
        seq, prev = till.journal.head()
    from dafan import journal

    at = entry.model_dump(mode="json", include={"at"})["at"]
    made = new_id()
    digest = journal.hash_entry(till.id, seq + 1, made, at, "sale", body, prev)
    odd = entry.model_copy(
        update={"seq": seq + 1, "id": made, "prev_hash": prev, "hash": digest, "body": body}
    )
    batch = journal.sign_batch(till.identity, [*till.journal.read(1), odd])
    assert till.post(batch).json["status"] == "fork"
    page = browser("manager").see(f"/manage/forks/{till.id}")
    assert '<td class="num">5</td>' in page


# --- keys ---------------------------------------------------------------------------------------


def test_the_keys_page_shows_epochs_tills_behind_and_terms(
    app: Any, browser: Callable[..., Any], engine: Engine, actor: Any, clock: Any,
    terminal: Till, make_diner: Any,
) -> None:  # fmt: skip
    auditor = browser("auditor")
    enrol(engine, app, actor, make_diner())
    assert "每台结算台都有" in auditor.see("/manage/keys")
    ring = parts_of(app).ring
    rotation.advance(engine, ring, by="chen", now=clock.now())
    assert "更换未完成" in auditor.see("/manage/keys")
    rotation.give(engine, ring)
    list(resealing.reseal(engine, ring))
    page = auditor.see("/manage/keys")
    assert "还有 1 台结算台没有拿到" in page
    assert terminal.info.name in page
    assert ring.key(2).fingerprint in page
    assert ring.key(2).secret.hex() not in page
    assert "等待销毁" in page
    assert "30 天" in page
    ring.destroy(2)
    assert "文件不见了" in auditor.see("/manage/keys")


def test_a_manager_does_not_see_keys(browser: Callable[..., Any]) -> None:
    manager = browser("manager")
    assert manager.get("/manage/keys").status_code == 403
    assert "/manage/keys" not in manager.see("/manage/terminals")


def test_the_terminals_page_shows_what_each_till_runs_and_its_key(
    browser: Callable[..., Any], engine: Engine, site: TestSite, terminal: Till, clock: Any
) -> None:
    headers = terminal.headers() | {"User-Agent": "dafan/9.8.7"}
    assert terminal.client.get("/api/v1/feed", headers=headers).status_code == 200
    manager = browser("manager")
    page = manager.see("/manage/terminals")
    assert "9.8.7" in page
    assert "第 1 代" in page
    with db.writing(engine) as session:
        terminals.revoke(session, site.id, terminal.id, by="test", now=clock.now())
    assert "dafan keys rotate" in manager.see("/manage/terminals")


# --- till staff ---------------------------------------------------------------------------------


def test_an_administrator_lets_a_cashier_work_at_the_tills_and_takes_him_off(
    browser: Callable[..., Any], engine: Engine, site: TestSite, make_user: Any
) -> None:
    cashier = make_user("wang", "cashier")
    make_user("li", "auditor")
    admin = browser("admin")
    path = "/manage/settings/till-staff"
    page = admin.see(path)
    assert "wang" in page
    assert "li</option>" not in page
    told = {"user": str(cashier.id), "number": "301", "pin": "482915"}
    assert "已保存" in admin.send(path, path, **told).text
    with db.reading(engine) as session:
        rows = till_staff.staff_of(session, site.id)
    assert [(row.number, user.login) for row, user in rows] == [("301", "wang")]
    assert "482915" not in admin.see(path)
    assert "已取消" in admin.send(f"{path}/{cashier.id}/off", path).text


@pytest.mark.parametrize(
    ("number", "pin", "said"),
    [("3", "482915", "3 到 8 位数字"), ("301", "4829", "6 位数字"), ("301", "", "6 位数字"),
     ("301", "123456", "太容易"), ("", "482915", "请填写编号")],
)  # fmt: skip
def test_a_form_that_does_not_fit_says_what_to_do(
    browser: Callable[..., Any], make_user: Any, number: str, pin: str, said: str
) -> None:
    cashier = make_user("wang", "cashier")
    admin = browser("admin")
    path = "/manage/settings/till-staff"
    answer = admin.send(path, path, user=str(cashier.id), number=number, pin=pin)
    assert said in answer.text
    assert "还没有结算台人员" in answer.text


# --- the receipt of an erasure ------------------------------------------------------------------


def test_a_diner_gets_a_receipt_that_says_where_his_face_was_erased(
    app: Any, browser: Callable[..., Any], engine: Engine, actor: Any, terminal: Till,
    make_diner: Any,
) -> None:  # fmt: skip
    diner_id = make_diner()
    manager = browser("manager")
    path = f"/manage/people/{diner_id}/face"
    assert manager.get(f"{path}/receipt").status_code == 404
    enrol(engine, app, actor, diner_id)
    manager.send(f"{path}/withdraw", path)
    page = manager.see(f"{path}/receipt")
    assert "等待结算台联网" in page
    assert terminal.info.name in page
    with db.writing(engine) as session:
        session.get_one(terminals.Terminal, terminal.id).feed_version = 10**6
    page = manager.see(f"{path}/receipt")
    assert "每一台在用的结算台删除" in page
    assert f"{path}/receipt" in manager.see(path)


def test_the_receipt_is_for_those_who_see_faces(
    app: Any, browser: Callable[..., Any], engine: Engine, actor: Any, make_diner: Any
) -> None:
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    path = f"/manage/people/{diner_id}/face/receipt"
    assert browser("finance").get(path).status_code == 403
    assert browser("manager").get(f"/manage/people/{new_id()}/face/receipt").status_code == 404


def test_forks_of_another_site_are_not_there(
    browser: Callable[..., Any], engine: Engine, forked: Any, tmp_path: Path
) -> None:
    till, *_sales = forked
    from server import auth, sites
    from tests.server.conftest import PASSWORD
    from tests.server.pages.conftest import Browser

    with db.writing(engine) as session:
        other = sites.ensure_site(session, "另一单位")
        auth.create_user(session, other.id, "other", PASSWORD, ["manager"])
    stranger = Browser(browser("cashier").client.application.test_client())
    stranger.send("/login", login="other", password=PASSWORD)
    assert stranger.get(f"/manage/forks/{till.id}").status_code == 404
    assert tmp_path
    with db.reading(engine) as session:
        assert forks.cases(session, other.id) == []

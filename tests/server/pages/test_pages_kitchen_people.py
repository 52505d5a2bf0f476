"""The kitchen's people: accounts, certificates, and what ends soon."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen import staff
from kitchen.staff import Certificate, Worker
from server.actor import Actor
from server.audit import Audit
from tests.server.pages.hands import Hand, hire, shot

DAY = date(2026, 3, 2)
PEOPLE = "/kitchen/people"


@pytest.fixture
def chief(app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]) -> Hand:
    return hire(app, engine, actor, make_user, "chief", "kitchen_manager", "厨师长")


def worker(engine: Engine, name: str) -> Worker:
    with db.reading(engine) as session:
        return session.scalars(select(Worker).where(Worker.name == name)).one()


def test_a_person_is_added_with_his_work_number_and_changed_in_the_journal(
    chief: Hand, engine: Engine, make_diner: Callable[..., UUID]
) -> None:
    diner = make_diner()
    told = chief.send(f"{PEOPLE}/new", name="王一", post="切配", staff_no="1001", active="1")
    assert "王一" in told
    row = worker(engine, "王一")
    assert (row.diner_id, row.login, row.active) == (diner, None, True)
    chief.send(f"{PEOPLE}/{row.id}", name="王一", post="厨师", staff_no="1001")
    row = worker(engine, "王一")
    assert (row.post, row.active) == ("厨师", False)
    with db.reading(engine) as session:
        told = session.scalars(select(Audit).where(Audit.action == "worker.update")).one()
    assert (told.before["post"], told.after["post"]) == ("切配", "厨师")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "post": "切配"}, "请检查"),
        ({"name": "王一", "post": "切配", "staff_no": "77"}, "没有工号 77"),
        ({"name": "王一", "post": "切配", "login": "nobody"}, "没有这个账号"),
        ({"name": "王一", "post": "切配", "login": "chief"}, "已有同名"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    chief: Hand, engine: Engine, fields: dict[str, str], said: str
) -> None:
    assert said in chief.send(f"{PEOPLE}/new", **fields, active="1")
    with db.reading(engine) as session:
        assert len(session.scalars(select(Worker)).all()) == 1


def test_a_certificate_is_kept_with_its_photograph_and_warned_of_before_its_end(
    chief: Hand, engine: Engine
) -> None:
    path = f"{PEOPLE}/{chief.worker_id}/certificates"
    paper = {
        "kind": "health", "number": "JK-1",
        "issued": str(DAY - timedelta(days=350)), "expires": str(DAY + timedelta(days=10)),
    }  # fmt: skip
    for _time in range(2):
        chief.send(path, **paper, photo=shot())
    with db.reading(engine) as session:
        kept = session.scalars(select(Certificate)).one()
    assert kept.photo
    for page in ("/kitchen/", PEOPLE):
        assert "证书到期" in chief.see(page)
    assert "还有 10 天" in chief.see(PEOPLE)
    fresh = {**paper, "number": "JK-2", "issued": str(DAY), "expires": "2027-03-01"}
    chief.send(path, **fresh)
    assert "证书到期" not in chief.see(PEOPLE)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expires": "2025-01-01"}, "早于发证日期"),
        ({"expires": "2029-01-01"}, "最长一年"),
        ({"expires": "soon"}, "请检查：有效期至"),
        ({"kind": "driving"}, "请检查：种类"),
    ],
)
def test_a_certificate_whose_dates_do_not_fit_is_refused(
    chief: Hand, engine: Engine, changed: dict[str, str], said: str
) -> None:
    paper = {"kind": "health", "number": "JK-1", "issued": "2026-01-01", "expires": "2026-12-31"}
    told = chief.send(f"{PEOPLE}/{chief.worker_id}/certificates", **{**paper, **changed})
    assert said in told
    with db.reading(engine) as session:
        assert session.scalars(select(Certificate)).all() == []


def test_a_false_certificate_is_withdrawn_with_its_reason(chief: Hand, engine: Engine) -> None:
    path = f"{PEOPLE}/{chief.worker_id}/certificates"
    chief.send(path, kind="cook", number="C-1", issued="2020-01-01", expires="2030-01-01")
    with db.reading(engine) as session:
        kept = session.scalars(select(Certificate)).one()
    assert "请写一句说明" in chief.send(f"{path}/{kept.id}/withdraw", reason="")
    assert "已作废" in chief.send(f"{path}/{kept.id}/withdraw", reason="写错了人")
    with db.reading(engine) as session:
        found = staff.certificates(session, kept.site_id, [chief.worker_id])
    assert found[chief.worker_id] == []


def test_a_cook_does_not_see_the_papers_of_others(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> None:
    cook = hire(app, engine, actor, make_user, "cook", "cook")
    assert cook.browser.get(PEOPLE).status_code == 403
    assert "证书到期" not in cook.see("/kitchen/")

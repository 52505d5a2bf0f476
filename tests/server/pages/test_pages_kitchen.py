"""The tablet's day: what is due stands in the order of the work, and empties as it is done."""

import io
import re
from collections.abc import Callable
from datetime import date

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.errors import BadInputError
from kitchen import rectification
from kitchen.pictures import Picture
from kitchen.supervision import SupervisionItem
from server.audit import Audit
from server.pages.kitchen.today import read_number
from tests.server.conftest import TestSite
from tests.server.pages.conftest import Browser

TODAY = "/kitchen/"
DAY = date(2026, 3, 2)


@pytest.fixture
def cook(browser: Callable[[str], Browser], site: TestSite) -> Browser:
    assert site
    return browser("kitchen_manager")


def row_of(engine: Engine, code: str) -> SupervisionItem:
    with db.reading(engine) as session:
        return session.scalars(select(SupervisionItem).where(SupervisionItem.code == code)).one()


def test_the_list_comes_by_itself_and_once(cook: Browser, engine: Engine) -> None:
    first = cook.see(TODAY)
    assert "晨检：当班人员全部完成" in first
    with db.reading(engine) as session:
        count = len(session.scalars(select(SupervisionItem)).all())
    assert count > 30
    cook.see(TODAY)
    with db.reading(engine) as session:
        assert len(session.scalars(select(SupervisionItem)).all()) == count


def test_what_is_late_rises_and_what_is_done_folds_away(cook: Browser, engine: Engine) -> None:
    text = cook.see(TODAY)
    lights = re.findall(r'class="card act-card (\w*)"', text)
    assert lights.index("late") == 0
    assert lights == sorted(lights, key=lambda light: light != "late")
    gas = row_of(engine, "gas_check")
    answer = cook.send(f"/kitchen/acts/{gas.id}", TODAY)
    assert "已记录" in answer.text
    done = row_of(engine, "gas_check")
    assert done.done_by == "kitchen_manager"
    folded = answer.text.partition("<details")[2]
    assert gas.title in folded
    assert gas.title not in answer.text.partition("<details")[0]
    with db.reading(engine) as session:
        found = session.scalars(select(Audit).where(Audit.action == "supervision.done")).one()
    assert found.who == "kitchen_manager"


def test_a_temperature_is_typed_as_it_is_read_and_a_wrong_one_opens_a_finding(
    cook: Browser, engine: Engine, site: TestSite
) -> None:
    cook.see(TODAY)
    fridge = row_of(engine, "fridge_am")
    page = cook.see(f"/kitchen/acts/{fridge.id}")
    assert "0.0 – 8.0 °C" in page
    assert "这不是数字" in cook.send(f"/kitchen/acts/{fridge.id}", TODAY, number="abc").text
    assert row_of(engine, "fridge_am").done_at is None
    cook.send(f"/kitchen/acts/{fridge.id}", TODAY, number="9.5")
    row = row_of(engine, "fridge_am")
    assert (row.number, row.outside) == (95, True)
    assert "9.5" in cook.see(f"/kitchen/acts/{fridge.id}")
    with db.reading(engine) as session:
        findings = session.scalars(
            select(rectification.Finding).where(rectification.Finding.site_id == site.id)
        ).all()
    assert len(findings) == 1


def test_a_photograph_is_drawn_anew_and_what_is_none_proves_nothing(
    cook: Browser, engine: Engine
) -> None:
    cook.see(TODAY)
    dress = row_of(engine, "dress")
    path = f"/kitchen/acts/{dress.id}"
    cook.send(path, TODAY, photo=(io.BytesIO(b"GIF89a"), "a.jpg"))
    assert row_of(engine, "dress").done_at is None
    picture = cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    cook.send(path, TODAY, photo=(io.BytesIO(picture), "a.png"))
    row = row_of(engine, "dress")
    assert row.done_at is not None
    with db.reading(engine) as session:
        kept = session.scalars(select(Picture)).one()
    assert (str(kept.id), kept.jpeg[:3]) == (row.photo, b"\xff\xd8\xff")
    shown = cook.get(f"/kitchen/pictures/{row.photo}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert f"/kitchen/pictures/{row.photo}" in cook.see(path)


def test_what_is_too_early_or_closes_by_itself_has_no_button(
    cook: Browser, engine: Engine, clock: ManualClock
) -> None:
    cook.see(TODAY)
    linked = row_of(engine, "morning_check")
    forms = cook.see(f"/kitchen/acts/{linked.id}").partition("<main")[2].split("<form")[1:]
    assert [form.count(f'action="/kitchen/acts/{linked.id}/waiver"') for form in forms] == [1]
    assert row_of(engine, "morning_check").done_at is None
    cook.send(f"/kitchen/acts/{linked.id}", TODAY)
    assert row_of(engine, "morning_check").done_at is None
    with db.reading(engine) as session:
        early = session.scalars(
            select(SupervisionItem).where(SupervisionItem.opens_at > clock.now())
        ).first()
    assert early is not None
    cook.send(f"/kitchen/acts/{early.id}", TODAY)
    assert row_of(engine, early.code).done_at is None


def test_who_only_looks_sees_no_button(browser: Callable[[str], Browser], site: TestSite) -> None:
    assert site
    text = browser("auditor").see(TODAY)
    assert "act-card" in text
    assert "btn-primary" not in text.partition("<main")[2]


def test_an_act_or_a_picture_of_nobody_is_told_calmly(cook: Browser) -> None:
    for path in ("/kitchen/acts/", "/kitchen/pictures/"):
        answer = cook.get(f"{path}01a1fd84-57bc-7630-8055-6ce7b87f833f")
        assert answer.status_code in {400, 404}


@pytest.mark.parametrize(
    ("typed", "unit", "number"),
    [("4.1", "0.1 °C", 41), ("-18", "0.1 °C", -180), ("−18,5", "0.1 °C", -185), ("12", "次", 12),
     ("-0.5", "0.1 °C", -5)],
)  # fmt: skip
def test_a_number_is_read_in_the_unit_of_its_act(typed: str, unit: str, number: int) -> None:
    assert read_number(typed, unit) == number


@pytest.mark.parametrize(
    ("typed", "unit"), [("", "次"), ("1e9", "次"), ("4.15", "0.1 °C"), ("2.5", "次"), ("٤", "次")]
)
def test_what_is_no_such_number_is_refused(typed: str, unit: str) -> None:
    with pytest.raises(BadInputError):
        read_number(typed, unit)


def test_what_is_not_needed_today_is_asked_for_and_another_person_agrees(
    cook: Browser, browser: Callable[[str], Browser], engine: Engine
) -> None:
    cook.see(TODAY)
    gas = row_of(engine, "gas_check")
    page = f"/kitchen/acts/{gas.id}"
    assert "今天不用做" in cook.see(page)
    cook.send(f"{page}/waiver", reason=" ")
    assert row_of(engine, "gas_check").waiver_asked_by is None
    asked = cook.send(f"{page}/waiver", reason="停气检修").text
    assert "等负责人同意" in asked
    assert "停气检修" in asked
    assert gas.title not in cook.see("/manage/approvals")
    cook.send(f"{page}/waive")
    assert row_of(engine, "gas_check").waived_at is None
    manager = browser("manager")
    assert gas.title in manager.see("/manage/approvals")
    for _ in range(2):
        assert "已同意免做" in manager.send(f"{page}/waive").text
    assert row_of(engine, "gas_check").waived_by == "manager"
    assert gas.title not in manager.see("/manage/approvals")


def test_what_a_record_closes_need_not_be_done_either_where_another_person_agrees(
    cook: Browser, browser: Callable[[str], Browser], engine: Engine
) -> None:
    """On a day without vegetables nobody has anything to test, and the list is to end."""
    today = cook.see(TODAY)
    test = row_of(engine, "pesticide")
    page = f"/kitchen/acts/{test.id}"
    assert page in today
    assert "今天不用做" in cook.see(page)
    cook.send(f"{page}/waiver", reason="今天没有进蔬菜")
    manager = browser("manager")
    assert test.title in manager.see("/manage/approvals")
    manager.send(f"{page}/waive")
    assert row_of(engine, "pesticide").waived_by == "manager"

"""The auditor finds an act by anything about it, and sees what it changed."""

import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine

from dafan import db
from dafan.ids import new_id
from server import audit
from server.actor import Actor
from server.pages.manage.audit import differences
from tests.server.conftest import NOON
from tests.server.pages.conftest import Browser

AUDIT = "/manage/audit"
YESTERDAY = NOON.replace(day=1)


@pytest.fixture
def acts(engine: Engine, site: Any) -> dict[str, Any]:
    """Three acts of the site, and one of another."""
    ids = {}
    told = [
        ("boss", "dish.update", "米饭", {"price": 100, "name": "米饭"},
         {"price": 120, "name": "米饭"}, "10.0.0.1", NOON),
        ("clerk", "wallet.top_up", "=HYPERLINK(1)", None, {"fen": 5000}, "10.0.0.2", NOON),
        ("boss", "user.update", "clerk", {"roles": ["cashier"]}, {"roles": ["cashier", "cook"]},
         "192.168.1.9", YESTERDAY),
    ]  # fmt: skip
    with db.writing(engine) as session:
        for who, action, subject, before, after, ip, at in told:
            Actor(site.id, who, at, ip).record(session, action, subject, before, after)
        session.flush()
        Actor(new_id(), "stranger", NOON, "10.0.0.1").record(session, "dish.update", "away")
    with db.reading(engine) as session:
        for row in audit.page(session, site.id):
            ids[row.action] = row.id
    return ids


@pytest.fixture
def auditor(browser: Callable[[str], Browser]) -> Browser:
    return browser("auditor")


def found(person: Browser, **asked: str) -> set[str]:
    page = person.client.get(AUDIT, query_string=asked).text
    assert "stranger" not in page
    codes = {"修改菜品": "dish", "充值": "top_up", "修改管理账号": "user"}
    cells = re.findall(r'<td class="nw">([^<]+)</td>', page)
    return {code for text, code in codes.items() if text in cells}


@pytest.mark.usefixtures("acts")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"dish", "top_up", "user"}),
        ({"who": "boss"}, {"dish", "user"}),
        ({"who": "bo"}, {"dish", "user"}),
        ({"who": "%"}, set()),
        ({"action": "wallet.top_up"}, {"top_up"}),
        ({"subject": "米"}, {"dish"}),
        ({"subject": "_"}, set()),
        ({"ip": "10.0.0."}, {"dish", "top_up"}),
        ({"ip": "192.168.1.9"}, {"user"}),
        ({"since": "2026-03-02"}, {"dish", "top_up"}),
        ({"until": "2026-03-01"}, {"user"}),
        ({"since": "2026-03-01", "until": "2026-03-01"}, {"user"}),
        ({"who": "boss", "since": "2026-03-02", "ip": "10"}, {"dish"}),
        ({"since": "yesterday", "before": "x"}, {"dish", "top_up", "user"}),
        ({"since": "9999-12-31", "until": "9999-12-31"}, set()),
        ({"who": "' OR 1=1 --"}, set()),
    ],
)
def test_acts_are_found_by_person_act_subject_day_and_address(
    auditor: Browser, asked: dict[str, str], expected: set[str]
) -> None:
    assert found(auditor, **asked) == expected


def test_an_act_shows_what_was_before_beside_what_is_now(
    auditor: Browser, acts: dict[str, Any]
) -> None:
    page = auditor.see(f"{AUDIT}/{acts['dish.update']}")
    assert "<del>100</del>" in page
    assert "<ins>120</ins>" in page
    assert page.count('class="differs"') == 1
    assert auditor.get(f"{AUDIT}/{new_id()}").status_code == 404


def test_acts_of_another_site_are_not_shown(auditor: Browser, engine: Engine) -> None:
    away = new_id()
    with db.writing(engine) as session:
        Actor(away, "stranger", NOON).record(session, "dish.update", "x")
    with db.reading(engine) as session:
        act = audit.page(session, away)[0]
    assert auditor.get(f"{AUDIT}/{act.id}").status_code == 404


@pytest.mark.usefixtures("acts")
def test_the_spreadsheet_has_the_same_acts_and_no_formula(auditor: Browser) -> None:
    answer = auditor.client.get(f"{AUDIT}.xlsx", query_string={"who": "clerk"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    hostile = next(cell for cell in cells if "HYPERLINK" in str(cell.value))
    assert hostile.quotePrefix  # Excel and WPS show it as text, and it stays text when edited
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "boss" not in {cell.value for cell in cells}


def test_paging_keeps_the_search_and_shows_every_act_once(
    auditor: Browser, engine: Engine, site: Any
) -> None:
    with db.writing(engine) as session:
        for number in range(120):
            Actor(site.id, "robot", NOON).record(session, "dish.update", f"subject-{number:03}")
    address: str | None = f"{AUDIT}?who=robot"
    seen: list[str] = []
    while address:
        page = auditor.see(address)
        seen += re.findall(r"subject-\d{3}", page)
        following = re.search(r'class="pager">.*?href="([^"]+)"', page)
        address = following.group(1).replace("&amp;", "&") if following else None
    assert seen == [f"subject-{number:03}" for number in reversed(range(120))]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, None, []),
        ("a", "b", [("", "a", "b", True)]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": True}},
         [("a.b", "1", "1", False), ("a.c", "", "true", True)]),
        ({"x": [1, 2]}, {"x": [1]}, [("x.1", "1", "1", False), ("x.2", "2", "", True)]),
        (None, {"n": None, "e": []}, [("e", "", "[]", True)]),
    ],
)  # fmt: skip
def test_differences_go_into_nested_values(
    before: Any, after: Any, lines: list[tuple[str, str, str, bool]]
) -> None:
    assert differences(before, after) == lines

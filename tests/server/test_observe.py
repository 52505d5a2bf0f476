"""Every request has a number and one line in the log, in which nobody is named."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from dafan.logs import JsonLines
from server import people


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that is logged, in full detail."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_leaves_one_line_with_its_route_and_never_its_address(
    client: Any, lines: io.StringIO
) -> None:
    response = client.get("/login?next=/manage/people?search=张三&card=62220202")
    text = lines.getvalue()
    assert response.headers["X-Request-Id"] in text
    assert '"route": "/login"' in text
    assert "张三" not in text
    assert "62220202" not in text


def test_a_number_that_the_proxy_gave_is_kept_and_a_forged_one_is_not(client: Any) -> None:
    given = {"X-Request-Id": "proxy-0123456789"}
    assert client.get("/livez", headers=given).headers["X-Request-Id"] == "proxy-0123456789"
    forged = {"X-Request-Id": '"}\\n{"level": "forged'}
    assert "forged" not in client.get("/livez", headers=forged).headers["X-Request-Id"]


def test_a_fault_shows_the_number_under_which_the_log_has_it_and_no_name(
    client: Any, terminal: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("甲子 1001")

    monkeypatch.setattr("server.feed.latest", broken)
    response = client.get("/api/v1/feed", headers=terminal.headers())
    assert response.status_code == 500
    assert response.headers["X-Request-Id"] in response.json["message"]
    assert response.headers["X-Request-Id"] in lines.getvalue()
    assert str(terminal.id) in lines.getvalue()
    assert "甲子" not in lines.getvalue()


def test_what_the_database_refuses_is_logged_without_the_values(
    terminal: Any, make_diner: Any, make_sale: Any, lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def refused(session: Any, *_: Any) -> None:
        row = session.query(people.Diner).first()
        values = {"id": row.id, "staff_no": row.staff_no, "name": row.name}
        session.execute(insert(people.Diner).values(values))

    terminal.sell(make_sale(make_diner()))
    monkeypatch.setattr("server.bookkeeping.apply", refused)
    answer = terminal.push()
    assert answer.outcomes[0].outcome == "parked"
    assert "IntegrityError" in lines.getvalue() or "ProgrammingError" in lines.getvalue()
    assert "甲子" not in lines.getvalue()


def test_a_day_of_requests_names_nobody(
    client: Any, terminal: Any, make_diner: Any, make_sale: Any, lines: io.StringIO
) -> None:
    terminal.sell(make_sale(make_diner()))
    terminal.push()
    terminal.feed()
    client.get("/manage/people?search=甲子")
    client.post("/login", data={"login": "甲子", "password": "a secret word"})
    client.get("/api/v1/diners?search=1001", headers={"Authorization": "Basic Zm9vOmJhcg=="})
    text = lines.getvalue()
    assert text.count('"message": "request"') >= 5
    assert not any(secret in text for secret in ("甲子", "a secret word", "Zm9vOmJhcg", "foo"))


def test_requests_are_counted_by_route(client: Any) -> None:
    client.get("/livez")
    text = client.get("/metrics").text
    assert 'dafan_request_seconds_count{method="GET",route="/livez",status="2xx"}' in text
    assert "dafan_info" in text

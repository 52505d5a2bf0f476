"""Whatever is sent, the answer is a problem that says what to do, never a fault."""

import re
from typing import Any

import pytest

from server.access import public
from server.app import create_app


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"null", b"[]", b"[" * 100_000, b'{"entries": []}', b"\xff\xfe\x00",
        b'{"entries": [{"seq": 1e99}], "signature": 5}', b'{"a": ' * 2000 + b"1" + b"}" * 2000,
        b'"' + b"9" * 5000 + b'"', b"9" * 5000, b'{"entries":NaN}',
    ],
)  # fmt: skip
def test_malformed_bodies_are_400(terminal: Any, data: bytes) -> None:
    for path in ("/api/v1/journal", "/api/v1/terminals/enrol"):
        answer = terminal.client.post(path, data=data, headers=terminal.headers())
        assert answer.status_code == 400, answer.text
        assert set(answer.json) == {"code", "message"}


def test_bodies_of_entries_that_cannot_be_hashed_are_400(terminal: Any, make_sale: Any) -> None:
    terminal.sell(make_sale(None, 100))
    for poison in (1.5, "\ud800", [[]] * 3 + [{"a": 0.1}], {"nested": float("inf")}):
        batch = terminal.batch().to_body()
        batch["entries"][0]["body"]["name"] = poison
        answer = terminal.client.post("/api/v1/journal", json=batch, headers=terminal.headers())
        assert answer.status_code == 400, answer.text


def test_a_body_over_4_mb_is_413(terminal: Any) -> None:
    data = b'{"entries": "' + b"x" * (4 * 2**20) + b'"}'
    answer = terminal.client.post("/api/v1/journal", data=data, headers=terminal.headers())
    assert (answer.status_code, answer.json["code"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize(
    "asked", ["since=-1", "since=x", "wait=31", "limit=0", "limit=5000", "since=" + "9" * 30]
)
def test_impossible_questions_to_the_feed_are_400(terminal: Any, asked: str) -> None:
    answer = terminal.client.get(f"/api/v1/feed?{asked}", headers=terminal.headers())
    assert answer.status_code == 400, answer.text
    assert answer.json["message"]


def test_unknown_addresses_are_problems_at_the_api_and_pages_elsewhere(client: Any) -> None:
    api = client.get("/api/v1/nothing")
    assert (api.status_code, api.json["code"]) == (404, "not_found")
    page = client.get("/nothing")
    assert page.status_code == 404
    assert "没有这个页面" in page.text


def test_a_fault_shows_a_reference_and_no_traceback(own_app: Any) -> None:
    @own_app.get("/api/v1/broken")
    @public
    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    answer = own_app.test_client().get("/api/v1/broken")
    assert answer.status_code == 500
    assert "reference" in answer.json["message"]
    assert "secret" not in answer.text


def test_health_and_metrics_answer_without_a_person(terminal: Any, make_sale: Any) -> None:
    terminal.sell(make_sale(None, 100))
    terminal.push()
    assert terminal.client.get("/healthz").json == {"status": "ok"}
    text = terminal.client.get("/metrics").text
    assert "dafan_terminals_online 1.0" in text
    assert "dafan_entries_applied 1.0" in text


def test_the_api_is_documented_without_foreign_scripts(client: Any) -> None:
    spec = client.get("/openapi.json").json
    assert {"/api/v1/journal", "/api/v1/feed", "/api/v1/terminals/enrol"} <= set(spec["paths"])
    page = client.get("/docs")
    assert page.status_code == 200
    scripts = re.findall(r'<script\b[^>]*\bsrc="([^"]*)"', page.text)
    assert scripts
    assert all(one.startswith("/static/") for one in scripts)
    assert "//cdn" not in page.text


def test_two_workers_share_their_keys(app: Any, settings: Any) -> None:
    other = create_app(settings)
    assert other.config["SECRET_KEY"] == app.config["SECRET_KEY"]
    assert other.extensions["dafan"].ring.key(1) == app.extensions["dafan"].ring.key(1)
    for name in ("secret.key", "keys/1.key"):
        assert (settings.data_dir / name).stat().st_mode & 0o077 == 0


def test_session_cookies_are_hidden_from_scripts_and_from_plain_http(
    settings: Any, app: Any
) -> None:
    assert app.config["SESSION_COOKIE_HTTPONLY"]
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert not app.config["SESSION_COOKIE_SECURE"]
    behind_tls = settings.model_copy(
        update={"server": settings.server.model_copy(update={"https": True})}
    )
    assert create_app(behind_tls).config["SESSION_COOKIE_SECURE"]


@pytest.mark.parametrize("https", [True, False])
def test_a_proxy_is_believed_only_where_one_is_configured(
    settings: Any, app: Any, https: bool
) -> None:
    del app
    from flask import request

    server = settings.server.model_copy(update={"https": https})
    made = create_app(settings.model_copy(update={"server": server}))
    made.get("/who")(public(lambda: request.remote_addr))
    said = made.test_client().get("/who", headers={"X-Forwarded-For": "10.9.9.9"}).text
    assert (said == "10.9.9.9") is https

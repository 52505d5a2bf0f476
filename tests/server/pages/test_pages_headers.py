"""Every answer forbids what no page of ours needs, and no page needs what is forbidden."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask

import server
from server import auth, headers
from server.app import create_app
from tests.server.pages.conftest import PASSWORD, Browser

TEMPLATES = sorted((Path(server.__file__).parent / "templates").rglob("*.html"))
KINDS = {
    "a page": ("/manage/", 200),
    "a page of one's own": ("/account/password", 200),
    "the sign-in": ("/login", 302),
    "the API": ("/api/v1/groups", 200),
    "a terminal's route": ("/api/v1/feed", 401),
    "the API's description": ("/openapi.json", 200),
    "documents": ("/docs", 200),
    "health": ("/healthz", 200),
    "a style sheet": ("/static/server.css", 200),
    "tokens": ("/tokens/dafan.css", 200),
    "bootstrap": ("/bootstrap/static/css/bootstrap.min.css", 200),
    "nothing": ("/nothing", 404),
    "nothing of the API": ("/api/v1/nothing", 404),
    "the wrong method": ("/logout", 405),
    "forbidden": ("/manage/audit", 403),
    "a redirection": ("/", 302),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_carries_the_headers(
    browser: Callable[[str], Browser], kind: str
) -> None:
    path, status = KINDS[kind]
    answer = browser("cashier").get(path)
    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    kept = answer.headers["Cache-Control"]
    assert kept == "no-store" or "css" in path


def test_with_tls_the_browser_is_told_to_stay_with_it(
    settings: Any, app: APIFlask, make_user: Callable[..., auth.User]
) -> None:
    del app
    behind_tls = settings.server.model_copy(update={"https": True})
    made = create_app(settings.model_copy(update={"server": behind_tls}))
    made.config["WTF_CSRF_ENABLED"] = False
    make_user("clerk", "cashier")
    answer = made.test_client().post(
        "/login", data={"login": "clerk", "password": PASSWORD}, base_url="https://localhost"
    )
    assert answer.headers["Strict-Transport-Security"] == headers.HSTS
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"__Host-dafan", "__Host-dafan_device"}
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_what_the_policy_forbids(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert "|safe" not in text.replace(" ", "")
    text = re.sub(r"{{.*?}}|{%.*?%}", "", text, flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=[\"']|\son[a-z]+=[\"']|javascript:", text)
    assert not re.search(r"(?:src|href|action)=[\"'](?:https?:)?//", text)

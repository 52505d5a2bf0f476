"""Signed-in browsers on the seeded application of tests/server/conftest.py."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

PASSWORD = "a good password"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """A client that sends the CSRF token of the page it looks at, as a person's browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._looked_at: set[str] = set()

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        response = self.client.get(path, **kwargs)
        response.get_data()
        response.close()
        return response

    def see(self, path: str) -> str:
        """The text of a page that must be there."""
        response = self.client.get(path, follow_redirects=True)
        assert response.status_code == 200, (path, response.status_code, response.text)
        return response.text

    def send(self, path: str, page: str = "", **fields: Any) -> TestResponse:
        """Fill in a form; that the named page carries a token is looked at once."""
        if page and page not in self._looked_at:
            assert _TOKEN.search(self.client.get(page, follow_redirects=True).text), page
            self._looked_at.add(page)
        data = {"csrf_token": self.token(), **fields}
        return self.client.post(path, data=data, follow_redirects=True)

    def token(self) -> str:
        """What every form of this session carries, as Flask-WTF makes it."""
        with self.client.session_transaction() as session:
            raw = session.setdefault("csrf_token", "of a test")
        key = self.client.application.secret_key
        return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))

    def sign_in(self, login: str) -> None:
        """As with the form; the page behind it is not looked at."""
        data = {"csrf_token": self.token(), "login": login, "password": PASSWORD}
        answer = self.client.post("/login", data=data)
        assert answer.location == "/manage/", answer.text


@pytest.fixture
def browser(app: APIFlask, make_user: Callable[..., Any]) -> Callable[..., Browser]:
    """Sign in with a role."""

    def sign_in(role: str) -> Browser:
        make_user(role, role)
        one = Browser(app.test_client())
        one.sign_in(role)
        return one

    return sign_in


@pytest.fixture
def address(app: APIFlask) -> Iterator[str]:
    """The application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of a real browser that nobody has used before."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def sign_in(address: str) -> Callable[[Any, str], None]:
    """Sign in as a person does."""

    def do(page: Any, login: str) -> None:
        page.goto(f"{address}/login")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.click("button.btn-primary")
        page.wait_for_url("**/manage/")

    return do

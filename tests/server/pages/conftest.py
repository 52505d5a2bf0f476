"""Signed-in browsers on the seeded application of tests/server/conftest.py."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a good password"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """A client that sends the CSRF token of the page it looks at, as a person's browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

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

    def send(self, path: str, page: str = "/login", **fields: Any) -> TestResponse:
        """Fill in a form; the token comes from any page of the session."""
        token = _TOKEN.search(self.client.get(page, follow_redirects=True).text)
        assert token is not None
        data = {"csrf_token": token.group(1), **fields}
        return self.client.post(path, data=data, follow_redirects=True)


@pytest.fixture
def browser(app: APIFlask, make_user: Callable[..., Any]) -> Callable[..., Browser]:
    """Sign in with a role."""

    def sign_in(role: str) -> Browser:
        make_user(role, role)
        one = Browser(app.test_client())
        response = one.send("/login", login=role, password=PASSWORD)
        assert response.request.path == "/manage/", response.text
        return one

    return sign_in

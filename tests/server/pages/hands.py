"""People of the kitchen at their tablets: each signs by his own account."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import cv2
import numpy as np
from apiflask import APIFlask
from sqlalchemy import Engine

from dafan import db
from dafan.ids import new_id
from kitchen import staff
from kitchen.staff import WorkerValues
from server.actor import Actor
from tests.server.conftest import PASSWORD
from tests.server.pages.conftest import Browser

PLAIN = "/account/password"
"""A page with a form, for its token."""


class Hand:
    """Somebody who works in the kitchen, with his own account and browser."""

    def __init__(self, browser: Browser, worker_id: UUID) -> None:
        self.browser, self.worker_id = browser, worker_id

    def see(self, path: str) -> str:
        """A page that must be there."""
        return self.browser.see(path)

    def send(self, path: str, **fields: Any) -> str:
        """A form; its key is new unless it is given. The answer is the page behind it."""
        answer = self.browser.send(path, PLAIN, **{"key": str(new_id()), **fields})
        assert answer.status_code == 200, answer.text
        return str(answer.text)


def hire(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any], login: str,
    role: str, post: str = "厨师",
) -> Hand:  # fmt: skip
    """A worker with an account of this role, signed in."""
    make_user(login, role)
    with db.writing(engine) as session:
        values = WorkerValues(name=f"{login}先生", post=post, login=login)
        worker_id = staff.create(session, actor, values).id
    browser = Browser(app.test_client())
    browser.send("/login", login=login, password=PASSWORD)
    return Hand(browser, worker_id)


def shot(shade: int = 90) -> tuple[io.BytesIO, str]:
    """A photograph as a form sends it."""
    drawn = cv2.imencode(".png", np.full((60, 80, 3), shade, np.uint8))[1].tobytes()
    return io.BytesIO(drawn), "a.png"

"""Staff accounts: roles at one gate, guessing stopped, sessions that end."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import session as browser_session
from sqlalchemy import Engine

from dafan import db
from dafan.errors import DafanError
from server import audit, auth, sessions
from server.access import needs, public
from server.auth import LoginError, authenticate
from server.throttle import TooManyError

PASSWORD = "a good password"
MakeUser = Callable[..., auth.User]


def basic(login: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{login}:{password}".encode()).decode()}


@pytest.fixture
def app(own_app: Any) -> Any:
    """These tests add views."""
    return own_app


@pytest.fixture
def guarded(app: Any) -> Any:
    """An API view for finance and administrators, that changes something."""

    @app.post("/api/v1/guarded")
    @needs("close_days")
    def view() -> dict[str, str]:
        return {"done": "yes"}

    @app.post("/sign-in/<login>")
    @public
    def sign_in(login: str) -> str:
        from server.services import services

        with db.reading(services().engine) as session:
            user = auth.find_user(session, login)
        sessions.enter(user, "password")
        return str(dict(browser_session))

    return app.test_client()


def test_the_gate_asks_for_a_person_and_for_a_role(guarded: Any, make_user: MakeUser) -> None:
    make_user("boss", "admin")
    make_user("till", "cashier")
    assert guarded.post("/api/v1/guarded", headers=basic("boss")).json == {"done": "yes"}
    assert guarded.post("/api/v1/guarded", headers=basic("till")).status_code == 403
    assert guarded.post("/api/v1/guarded", headers=basic("boss", "wrong")).status_code == 401
    assert guarded.post("/api/v1/guarded", headers=basic("nobody")).status_code == 401


def test_a_change_by_cookie_needs_the_forms_token(
    guarded: Any, make_user: MakeUser, app: Any
) -> None:
    make_user("boss", "admin")
    assert guarded.post("/sign-in/boss").status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False
    assert guarded.post("/sign-in/boss").status_code == 200
    assert guarded.post("/api/v1/guarded").json == {"done": "yes"}
    app.config["WTF_CSRF_ENABLED"] = True
    assert guarded.post("/api/v1/guarded").json["code"] == "csrf"


def test_a_new_password_or_a_closed_account_ends_the_session(
    guarded: Any, make_user: MakeUser, app: Any, engine: Engine
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    boss = make_user("boss", "admin")
    guarded.post("/sign-in/boss")
    assert guarded.post("/api/v1/guarded").status_code == 200
    with db.writing(engine) as session:
        with pytest.raises(LoginError):
            auth.set_password(session, boss.id, "not the old one", "another good one")
        auth.set_password(session, boss.id, PASSWORD, "another good one")
    assert guarded.post("/api/v1/guarded").status_code == 401
    guarded.post("/sign-in/boss")
    with db.writing(engine) as session:
        session.get_one(auth.User, boss.id).active = False
    assert guarded.post("/api/v1/guarded").status_code == 401


def test_guessing_a_password_is_stopped_for_all_workers_and_ends_by_itself(
    engine: Engine, make_user: MakeUser, clock: Any
) -> None:
    make_user("boss", "admin")

    def attempt(password: str, login: str = "boss") -> auth.User:
        return authenticate(engine, login, password, "10.0.0.1", clock.now())

    for _ in range(auth.LOGIN_FAILURES):
        with pytest.raises(LoginError):
            attempt("wrong")
    with pytest.raises(TooManyError):
        attempt(PASSWORD)
    clock.advance(16 * 60)
    assert attempt(PASSWORD, " Boss ").login == "boss"


@pytest.mark.usefixtures("site")
def test_one_address_cannot_try_many_logins(
    engine: Engine, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "ADDRESS_FAILURES", 3)
    for number in range(3):
        with pytest.raises(LoginError):
            authenticate(engine, f"user{number}", "x", "10.0.0.1", clock.now())
    with pytest.raises(TooManyError):
        authenticate(engine, "user4", "x", "10.0.0.1", clock.now())


def test_a_closed_account_cannot_sign_in(engine: Engine, make_user: MakeUser, clock: Any) -> None:
    boss = make_user("boss", "admin")
    with db.writing(engine) as session:
        session.get_one(auth.User, boss.id).active = False
    with pytest.raises(LoginError):
        authenticate(engine, "boss", PASSWORD, "", clock.now())


def test_accounts_need_a_free_login_a_known_role_and_a_long_password(
    engine: Engine, site: Any, make_user: MakeUser
) -> None:
    make_user("boss", "admin")
    for login, password, roles in (
        ("boss", PASSWORD, ["admin"]), ("x", PASSWORD, ["admin"]), ("other", "short", ["admin"]),
        ("other", PASSWORD, ["king"]), ("other", PASSWORD, []),
    ):  # fmt: skip
        with pytest.raises(DafanError), db.writing(engine) as session:
            auth.create_user(session, site.id, login, password, roles)


def test_passwords_are_not_kept_in_clear_and_acts_are_in_the_log(
    engine: Engine, site: Any, make_user: MakeUser
) -> None:
    make_user("boss", "admin")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM user_account").all()
    assert PASSWORD not in str(rows)
    assert "$argon2id$" in str(rows)
    with db.reading(engine) as session:
        assert "user.create" in [row.action for row in audit.page(session, site.id)]

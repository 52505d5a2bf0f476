"""Sessions that can be seen and ended, tokens of programs, and guessing that locks nobody out."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask

from dafan import db
from dafan.clock import ManualClock
from server import auth, sessions, sites
from tests.server.pages.conftest import PASSWORD, Browser

SESSIONS, TOKENS = "/account/sessions", "/account/tokens"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture
def signed_in(app: APIFlask, make_user: Callable[..., auth.User]) -> Callable[..., Browser]:
    """A person at one more browser."""

    def sign_in(login: str, *roles: str) -> Browser:
        if roles:
            make_user(login, *roles)
        person = Browser(app.test_client())
        person.client.environ_base["HTTP_USER_AGENT"] = WINDOWS
        person.send("/login", login=login, password=PASSWORD)
        return person

    return sign_in


def is_in(person: Browser) -> bool:
    return person.get(SESSIONS).status_code == 200


def test_one_sees_where_one_is_signed_in_and_ends_the_others(
    signed_in: Callable[..., Browser], clock: ManualClock
) -> None:
    here = signed_in("clerk", "cashier")
    clock.advance(60)
    there, third = signed_in("clerk"), signed_in("clerk")
    page = here.see(SESSIONS)
    assert page.count("Chrome · Windows") == 3
    assert page.count("</svg>这里") == 1
    chosen = re.findall(r'name="session" value="([^"]+)"', page)
    assert len(chosen) == 2
    assert "已退出" in here.send(f"{SESSIONS}/end", SESSIONS, session=chosen[0]).text
    assert [is_in(there), is_in(third)].count(True) == 1
    here.send(f"{SESSIONS}/end", SESSIONS)
    assert [is_in(here), is_in(there), is_in(third)] == [True, False, False]


def test_nobody_ends_the_session_of_another_person(signed_in: Callable[..., Browser]) -> None:
    mine, other = signed_in("mine", "cashier"), signed_in("other", "cashier")
    third = signed_in("other")
    chosen = re.findall(r'name="session" value="([^"]+)"', other.see(SESSIONS))
    assert "没有这个登录" in mine.send(f"{SESSIONS}/end", SESSIONS, session=chosen[0]).text
    assert is_in(third)


def test_a_cookie_that_was_copied_is_worth_nothing_after_the_sign_out(
    signed_in: Callable[..., Browser], app: APIFlask
) -> None:
    person = signed_in("clerk", "cashier")
    stolen = person.client.get_cookie("dafan").value
    thief = Browser(app.test_client())
    thief.client.set_cookie("dafan", stolen)
    assert is_in(thief)
    person.send("/logout", SESSIONS)
    thief.client.set_cookie("dafan", stolen)
    assert not is_in(thief)


def test_a_session_planted_before_the_sign_in_is_not_the_one_after_it(
    app: APIFlask, make_user: Callable[..., auth.User]
) -> None:
    make_user("clerk", "cashier")
    person = Browser(app.test_client())
    person.see("/login")
    planted = person.client.get_cookie("dafan").value
    person.send("/login", login="clerk", password=PASSWORD)
    attacker = Browser(app.test_client())
    attacker.client.set_cookie("dafan", planted)
    assert is_in(person)
    assert not is_in(attacker)


def test_a_session_ends_twelve_hours_after_the_sign_in_however_busy(
    signed_in: Callable[..., Browser], clock: ManualClock
) -> None:
    person = signed_in("clerk", "cashier")
    for _ in range(23):
        clock.advance(30 * 60)
        assert is_in(person)
    clock.advance(30 * 60)
    assert not is_in(person)


@pytest.mark.parametrize(("role", "stays"), [("finance", False), ("admin", False), ("cook", True)])
def test_who_moves_money_or_rights_is_signed_out_after_an_idle_hour(
    signed_in: Callable[..., Browser], clock: ManualClock, role: str, stays: bool
) -> None:
    person = signed_in("person", role)
    clock.advance(50 * 60)
    assert is_in(person)
    clock.advance(50 * 60)
    assert is_in(person)
    clock.advance(61 * 60)
    assert is_in(person) is stays


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    signed_in: Callable[..., Browser], clock: ManualClock
) -> None:
    person = signed_in("boss", "admin")
    for _ in range(6):
        clock.advance(10 * 60 - 1)
        live = person.get("/manage/live", headers={sessions.BY_ITSELF: "1"})
        assert live.status_code == 200
    clock.advance(60)
    assert not is_in(person)


def test_an_own_new_password_ends_the_other_sessions_and_changes_this_one(
    signed_in: Callable[..., Browser],
) -> None:
    here = signed_in("clerk", "cashier")
    there = signed_in("clerk")
    before = here.client.get_cookie("dafan").value
    new = {"old": PASSWORD, "new": "another good one", "again": "another good one"}
    here.send("/account/password", "/account/password", **new)
    assert is_in(here)
    assert not is_in(there)
    there.client.set_cookie("dafan", before)
    assert not is_in(there)


def test_an_administrator_ends_all_sessions_of_a_person(
    signed_in: Callable[..., Browser], engine: Any
) -> None:
    boss, clerk = signed_in("boss", "admin"), signed_in("clerk", "cashier")
    with db.reading(engine) as session:
        user = auth.find_user(session, "clerk")
    assert user is not None
    path = f"/manage/settings/accounts/{user.id}"
    assert "Chrome · Windows" in boss.see(path)
    assert "已退出" in boss.send(f"{path}/sessions", path).text
    assert not is_in(clerk)
    assert is_in(boss)


def make_token(person: Browser, days: str = "30") -> str:
    page = person.send(TOKENS, TOKENS, name="人事系统", days=days).text
    found = re.search(r'id="token">(dafan_[\w-]+)<', page)
    assert found is not None
    return found.group(1)


def test_a_token_has_the_rights_of_its_account_until_it_expires_or_is_revoked(
    signed_in: Callable[..., Browser], app: APIFlask, clock: ManualClock, engine: Any
) -> None:
    person = signed_in("chief", "manager")
    client, token = app.test_client(), make_token(person)
    assert token not in person.see(TOKENS)
    with engine.connect() as connection:
        assert token not in str(connection.exec_driver_sql("SELECT * FROM api_token").all())

    def asks(path: str = "/api/v1/diners", who: str = "chief") -> int:
        return client.get(path, auth=(who, token)).status_code

    assert asks() == 200
    assert asks(who="other") == 401
    assert client.get("/manage/", auth=("chief", token)).status_code == 302
    clock.advance(29 * 86400)
    assert asks() == 200
    clock.advance(86400)
    assert asks() == 401
    token = make_token(signed_in("chief"))
    again = signed_in("chief")
    assert asks() == 200
    revoke = re.search(r'action="(/account/tokens/[^"]+/revoke)"', again.see(TOKENS))
    assert revoke is not None
    again.send(revoke.group(1), TOKENS)
    assert asks() == 401


def test_a_token_of_a_cashier_opens_no_more_than_a_cashier_may(
    signed_in: Callable[..., Browser], app: APIFlask
) -> None:
    token = make_token(signed_in("clerk", "cashier"))
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/diners", headers=headers).status_code == 200
    assert app.test_client().get("/api/v1/dishes", headers=headers).status_code == 403


def test_a_closed_account_or_a_reset_password_ends_its_tokens(
    signed_in: Callable[..., Browser], app: APIFlask, engine: Any
) -> None:
    boss = signed_in("boss", "admin")
    token = make_token(signed_in("clerk", "cashier"))
    with db.reading(engine) as session:
        user = auth.find_user(session, "clerk")
    assert user is not None
    path = f"/manage/settings/accounts/{user.id}"

    def asks() -> int:
        return app.test_client().get("/api/v1/diners", auth=("clerk", token)).status_code

    boss.send(f"{path}/active", path, active="no")
    assert asks() == 401
    boss.send(f"{path}/active", path, active="yes")
    assert asks() == 200
    boss.send(f"{path}/password", path)
    assert asks() == 401


def test_guessing_locks_nobody_out_of_the_browser_that_he_always_uses(
    signed_in: Callable[..., Browser], app: APIFlask
) -> None:
    own = signed_in("clerk", "cashier")
    own.send("/logout", SESSIONS)
    stranger = Browser(app.test_client())
    for _ in range(auth.LOGIN_FAILURES):
        stranger.send("/login", login="clerk", password="guess")
    assert "失败次数太多" in stranger.send("/login", login="clerk", password=PASSWORD).text
    own.send("/login", login="clerk", password=PASSWORD)
    assert is_in(own)


def test_a_known_browser_cannot_guess_without_end_nor_for_others(
    signed_in: Callable[..., Browser], make_user: Callable[..., auth.User]
) -> None:
    make_user("other", "admin")
    own = signed_in("clerk", "cashier")
    own.send("/logout", SESSIONS)
    for _ in range(auth.DEVICE_FAILURES):
        own.send("/login", login="clerk", password="guess")
    assert "失败次数太多" in own.send("/login", login="clerk", password=PASSWORD).text
    for _ in range(auth.LOGIN_FAILURES):
        own.send("/login", login="other", password="guess")
    assert "失败次数太多" in own.send("/login", login="other", password=PASSWORD).text


def test_who_has_roles_at_two_sites_changes_between_them_and_sees_only_one(
    signed_in: Callable[..., Browser], app: APIFlask, engine: Any, make_diner: Callable[..., Any]
) -> None:
    diner = make_diner()
    person = signed_in("chief", "manager")
    assert "切换单位" not in person.see("/manage/")
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
        user = auth.find_user(session, "chief")
        assert user is not None
        auth.grant(user, away.id, ["auditor"])
    assert "切换单位" in person.see("/manage/")
    assert person.get(f"/manage/people/{diner}").status_code == 200
    person.send("/site", "/manage/", site=str(away.id))
    assert person.get(f"/manage/people/{diner}").status_code == 404
    assert person.get("/manage/people/new").status_code == 403
    assert person.get("/manage/audit").status_code == 200
    assert "甲子" not in person.see("/manage/people")
    client = app.test_client()
    here = client.get("/api/v1/diners", auth=("chief", PASSWORD))
    there = client.get(
        "/api/v1/diners", auth=("chief", PASSWORD), headers={"X-Dafan-Site": str(away.id)}
    )
    assert [len(here.json["diners"]), len(there.json["diners"])] == [1, 0]
    with db.writing(engine) as session:
        auth.grant(session.get_one(auth.User, user.id), away.id, [])
    assert person.get(f"/manage/people/{diner}").status_code == 200


@pytest.mark.parametrize("header", ["x", "0190b1f0-0000-7000-8000-000000000000", ""])
def test_a_site_without_a_role_is_refused_at_the_api(
    app: APIFlask, make_user: Callable[..., auth.User], header: str
) -> None:
    make_user("chief", "admin")
    answer = app.test_client().get(
        "/api/v1/diners", auth=("chief", PASSWORD), headers={"X-Dafan-Site": header}
    )
    assert answer.status_code == 403


def test_nobody_changes_to_a_site_where_he_has_no_role(
    signed_in: Callable[..., Browser], engine: Any
) -> None:
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
    person = signed_in("boss", "admin")
    assert person.send("/site", "/manage/", site=str(away.id)).status_code == 404
    assert "示范单位" in person.see("/manage/")

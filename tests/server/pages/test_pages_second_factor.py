"""The second factor as people meet it: demanded, set up, asked for, lost, reset."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest
from apiflask import APIFlask

from dafan import db
from dafan.clock import ManualClock
from server import audit, auth, totp
from tests.server.pages.conftest import PASSWORD, Browser

OWN = "/account/second-factor"


@pytest.fixture
def settings(settings: Any) -> Any:
    """As the server comes: the second factor is demanded."""
    server = settings.server.model_copy(update={"second_factor": "required"})
    return settings.model_copy(update={"server": server})


@pytest.fixture
def boss(app: APIFlask, make_user: Callable[..., auth.User]) -> Browser:
    """An administrator at his first sign-in."""
    make_user("boss", "admin")
    person = Browser(app.test_client())
    landed = person.send("/login", login="boss", password=PASSWORD)
    assert landed.request.path == OWN
    return person


@pytest.fixture
def other(app: APIFlask) -> Iterator[Browser]:
    """Another browser."""
    return Browser(app.test_client())


def secret_of(person: Browser) -> str:
    shown = re.search(r'class="mono secret">([A-Z2-7 ]+)<', person.see(OWN))
    assert shown is not None
    return shown.group(1).replace(" ", "")


def code_of(secret: str, clock: ManualClock) -> str:
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()))


def enrol(person: Browser, clock: ManualClock) -> tuple[str, list[str]]:
    secret = secret_of(person)
    page = person.send(OWN, OWN, code=code_of(secret, clock)).text
    return secret, re.findall(r"<li>([a-z0-9]{4}(?:-[a-z0-9]{4}){2})</li>", page)


def password_step(person: Browser) -> Any:
    return person.send("/login", login="boss", password=PASSWORD)


def test_the_server_demands_it_unless_told_otherwise() -> None:
    from dafan.config import ServerSettings

    assert ServerSettings().second_factor == "required"


def test_administrators_get_nowhere_before_it_is_set_up(boss: Browser, clock: ManualClock) -> None:
    for path in ("/manage/", "/manage/people", "/account/tokens", "/account/password"):
        assert boss.get(path).location == OWN
    qr = boss.get(f"{OWN}/qr.svg")
    assert qr.mimetype == "image/svg+xml"
    assert "两步验证" in boss.send(OWN, OWN, code="000000").text
    assert boss.get("/manage/").location == OWN
    _, codes = enrol(boss, clock)
    assert len(set(codes)) == totp.RECOVERY_CODES
    assert boss.get("/manage/").status_code == 200
    assert boss.get(f"{OWN}/qr.svg").status_code == 404
    assert codes[0] not in boss.see(OWN)


@pytest.mark.parametrize("role", ["manager", "cashier", "auditor", "cook"])
def test_roles_that_move_no_money_and_no_rights_need_none(
    app: APIFlask, make_user: Callable[..., auth.User], role: str
) -> None:
    make_user("person", role)
    landed = Browser(app.test_client()).send("/login", login="person", password=PASSWORD)
    assert landed.request.path.startswith(("/manage/", "/kitchen/"))


def test_a_password_alone_opens_nothing_any_more(
    boss: Browser, other: Browser, clock: ManualClock
) -> None:
    secret, _ = enrol(boss, clock)
    assert password_step(other).request.path == "/login/code"
    assert other.get("/manage/").location.startswith("/login")
    assert "验证码不对" in other.send("/login/code", "/login/code", code="123456").text
    clock.advance(30)
    right = code_of(secret, clock)
    landed = other.send("/login/code", "/login/code", code=f"{right[:3]} {right[3:]}")
    assert landed.request.path == "/manage/"


def test_a_code_opens_once_though_its_time_is_not_over(
    boss: Browser, other: Browser, app: APIFlask, clock: ManualClock
) -> None:
    secret, _ = enrol(boss, clock)
    spent = code_of(secret, clock)
    password_step(other)
    assert "验证码不对" in other.send("/login/code", "/login/code", code=spent).text
    clock.advance(30)
    fresh = code_of(secret, clock)
    third = Browser(app.test_client())
    password_step(third)
    assert other.send("/login/code", "/login/code", code=fresh).request.path == "/manage/"
    assert "验证码不对" in third.send("/login/code", "/login/code", code=fresh).text


def test_an_old_code_or_one_of_the_far_future_is_refused(
    boss: Browser, other: Browser, clock: ManualClock
) -> None:
    secret, _ = enrol(boss, clock)
    clock.advance(600)
    password_step(other)
    for away in (-120, -60, 60, 120):
        given = pyotp.TOTP(secret).at(int(clock.now().timestamp()) + away)
        assert "验证码不对" in other.send("/login/code", "/login/code", code=given).text


def test_codes_cannot_be_guessed(boss: Browser, other: Browser, clock: ManualClock) -> None:
    secret, _ = enrol(boss, clock)
    clock.advance(60)
    password_step(other)
    for _ in range(totp.FAILURES):
        other.send("/login/code", "/login/code", code="000000")
    right = other.send("/login/code", "/login/code", code=code_of(secret, clock))
    assert "失败次数太多" in right.text
    assert other.get("/manage/").location.startswith("/login")


def test_the_password_step_is_forgotten_after_five_minutes(
    boss: Browser, other: Browser, clock: ManualClock
) -> None:
    secret, _ = enrol(boss, clock)
    password_step(other)
    clock.advance(301)
    late = other.client.get("/login/code")
    assert late.location == "/login"
    sent = other.send("/login/code", "/login", code=code_of(secret, clock))
    assert "请先输入账号和密码" in sent.text


def test_a_recovery_code_opens_once(
    boss: Browser, app: APIFlask, clock: ManualClock, engine: Any
) -> None:
    _, codes = enrol(boss, clock)
    for expected in ("/manage/", "/login/code"):
        person = Browser(app.test_client())
        password_step(person)
        landed = person.send("/login/code", "/login/code", code=codes[3].upper())
        assert landed.request.path == expected
    with engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM recovery_code").all())
    assert codes[3] not in kept
    assert codes[3].replace("-", "") not in kept


def test_fresh_recovery_codes_need_a_code_and_end_the_old_ones(
    boss: Browser, other: Browser, clock: ManualClock
) -> None:
    secret, old = enrol(boss, clock)
    assert "验证码不对" in boss.send(f"{OWN}/codes", OWN, code="000000").text
    clock.advance(30)
    page = boss.send(f"{OWN}/codes", OWN, code=code_of(secret, clock)).text
    assert old[0] not in page
    password_step(other)
    assert "验证码不对" in other.send("/login/code", "/login/code", code=old[0]).text


def test_the_telephone_changes_only_for_a_code_of_the_old_one(
    boss: Browser, clock: ManualClock
) -> None:
    secret, codes = enrol(boss, clock)
    assert "验证码不对" in boss.send(f"{OWN}/change", OWN, code="000000").text
    assert "请用新手机扫码" in boss.send(f"{OWN}/change", OWN, code=codes[0]).text
    assert secret_of(boss) != secret


def test_an_administrator_resets_it_for_another_and_it_is_written_down(
    boss: Browser, other: Browser, clock: ManualClock, make_user: Any, engine: Any, site: Any
) -> None:
    enrol(boss, clock)
    second = make_user("second", "finance")
    other.send("/login", login="second", password=PASSWORD)
    enrol(other, clock)
    path = f"/manage/settings/accounts/{second.id}"
    assert "两步验证" in boss.see(path)
    assert "已重设" in boss.send(f"{path}/second-factor", path).text
    assert other.get("/manage/").location.startswith("/login")
    assert other.send("/login", login="second", password=PASSWORD).request.path == OWN
    with db.reading(engine) as session:
        acts = [row for row in audit.page(session, site.id) if row.action.startswith("second")]
    assert [(row.action, row.who, row.subject) for row in acts] == [
        ("second_factor.reset", "boss", "second"), ("second_factor.on", "second", "second"),
        ("second_factor.on", "boss", "boss"),
    ]  # fmt: skip


def test_the_secret_is_kept_sealed(boss: Browser, clock: ManualClock, engine: Any) -> None:
    secret, _ = enrol(boss, clock)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM second_factor").all()
    assert secret not in str(kept)
    assert secret.encode() not in bytes(kept[0].sealed)


def test_programs_need_a_token_where_a_person_needs_a_code(
    boss: Browser, app: APIFlask, clock: ManualClock
) -> None:
    bare = app.test_client().get("/api/v1/diners", auth=("boss", PASSWORD))
    assert bare.status_code == 401
    assert "API token" in bare.json["message"]
    enrol(boss, clock)
    bare = app.test_client().get("/api/v1/diners", auth=("boss", PASSWORD))
    assert bare.status_code == 401
    page = boss.send("/account/tokens", "/account/tokens", name="人事系统", days="30").text
    found = re.search(r'id="token">(dafan_[\w-]+)<', page)
    assert found is not None
    token = found.group(1)
    for auth_of in (
        {"auth": ("boss", token)},
        {"headers": {"Authorization": f"Bearer {token}"}},
    ):
        assert app.test_client().get("/api/v1/diners", **auth_of).status_code == 200

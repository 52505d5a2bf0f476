"""Single sign-on against a real provider: who it names gets in, and no forged answer does."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from dafan import db
from dafan.config import OidcSettings, Settings
from server import audit, auth
from tests.security.provider import CLIENT, SECRET, Provider, running

pytestmark = pytest.mark.process

BEGIN = "/login/sso"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
def settings(settings: Settings, provider: Provider, tmp_path: Any) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    oidc = OidcSettings(issuer=provider.issuer, client_id=CLIENT, client_secret_file=secret)
    server = settings.server.model_copy(update={"second_factor": "required"})
    return settings.model_copy(update={"oidc": oidc, "server": server})


@pytest.fixture
def boss(make_user: Callable[..., auth.User]) -> auth.User:
    return make_user("boss", "admin")


def to_provider(client: FlaskClient, begin: str = BEGIN) -> str:
    """Go to the provider and be sent back; the address at which one comes back."""
    gone = client.get(begin)
    assert gone.status_code == 302, gone.text
    back = httpx.get(str(gone.location)).headers["location"]
    assert back.startswith("http://localhost/login/sso/done?")
    return str(back)


def sign_on(client: FlaskClient, begin: str = BEGIN) -> TestResponse:
    return client.get(to_provider(client, begin))


def is_in(client: FlaskClient) -> bool:
    return client.get("/account/sessions").status_code == 200


@pytest.mark.usefixtures("boss")
def test_whom_the_provider_names_is_in_without_a_second_code_of_ours(
    client: FlaskClient, provider: Provider, engine: Engine, site: Any
) -> None:
    assert "统一身份认证" in client.get("/login").text
    answer = sign_on(client, f"{BEGIN}?next=/manage/people")
    assert answer.location == "/manage/people"
    assert client.get("/manage/people").status_code == 200
    assert "单点登录" in client.get("/account/sessions").text
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["scope"].split()[0] == "openid"
    with db.reading(engine) as session:
        login = next(row for row in audit.page(session, site.id) if row.action == "login")
    assert (login.who, login.after) == ("boss", {"by": "sso"})


@pytest.mark.usefixtures("boss")
@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another server"}, {"aud": None},
        {"aud": ["another server", "a third"], "azp": CLIENT}, {"iss": "https://evil.example"},
        {"iss": None}, {"exp": 1}, {"exp": None}, {"exp": 1_700_000_000},
        {"sub": None}, {"preferred_username": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_that_is_not_for_this_sign_in_opens_nothing(
    client: FlaskClient, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    answer = sign_on(client)
    assert answer.location == "/login"
    assert "单点登录没有成功" in client.get("/login").text
    assert not is_in(client)


@pytest.mark.usefixtures("boss")
def test_an_answer_signed_by_somebody_else_opens_nothing(
    client: FlaskClient, provider: Provider
) -> None:
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "one"})
    sign_on(client)
    assert not is_in(client)


@pytest.mark.usefixtures("boss")
@pytest.mark.parametrize("login", ["nobody", "", "boss' --", "x" * 500])
def test_who_has_no_account_here_gets_none(
    client: FlaskClient, provider: Provider, engine: Engine, site: Any, login: str
) -> None:
    provider.claims = {"preferred_username": login}
    sign_on(client)
    assert "还没有账号" in client.get("/login").text
    assert not is_in(client)
    with db.reading(engine) as session:
        assert [user.login for user in auth.users(session, site.id)] == ["boss"]


def test_a_closed_account_stays_closed(
    client: FlaskClient, provider: Provider, boss: auth.User, engine: Engine
) -> None:
    del provider
    with db.writing(engine) as session:
        session.get_one(auth.User, boss.id).active = False
    sign_on(client)
    assert not is_in(client)


@pytest.mark.usefixtures("boss")
def test_the_way_back_works_once_and_in_the_browser_that_went(
    app: APIFlask, client: FlaskClient, provider: Provider
) -> None:
    del provider
    back = to_provider(client)
    stranger = app.test_client()
    stranger.get(back)
    assert not is_in(stranger)
    client.get(back)
    assert is_in(client)
    cookie = client.get_cookie("dafan")
    client.get(back)
    assert client.get_cookie("dafan") is not None
    assert cookie is not None
    again = app.test_client()
    again.get(BEGIN)
    again.get(back)
    assert not is_in(again)


@pytest.mark.usefixtures("boss")
@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied&state=x"]
)
def test_an_invented_way_back_is_refused_in_words(client: FlaskClient, query: str) -> None:
    assert client.get(f"/login/sso/done{query}").location == "/login"
    assert "单点登录没有成功" in client.get("/login").text


@pytest.mark.usefixtures("boss")
def test_a_strength_that_is_demanded_must_have_been_used(
    app: APIFlask, settings: Settings, provider: Provider
) -> None:
    from dataclasses import replace

    oidc = settings.oidc.model_copy(update={"acr": "two-factors"})
    parts = app.extensions["dafan"]
    strict = settings.model_copy(update={"oidc": oidc})
    app.extensions["dafan"] = replace(parts, settings=strict)
    weak = app.test_client()
    sign_on(weak)
    assert provider.asked["acr_values"] == "two-factors"
    assert not is_in(weak)
    provider.claims = {"acr": "two-factors"}
    strong = app.test_client()
    sign_on(strong)
    assert is_in(strong)


@pytest.mark.usefixtures("boss", "site")
def test_a_provider_that_does_not_answer_is_said_in_words(
    client: FlaskClient, provider: Provider
) -> None:
    provider.issuer = "http://127.0.0.1:1"  # what it now says of itself leads nowhere
    gone = client.get(BEGIN)
    assert gone.status_code == 302
    provider.codes["code-0"] = {"nonce": "x", "code_challenge": "x"}
    state = str(gone.location).split("state=")[1].split("&", maxsplit=1)[0]
    answer = client.get(f"/login/sso/done?code=code-0&state={state}")
    assert answer.location == "/login"


def test_without_the_setting_there_is_no_button_and_no_way(
    app: APIFlask, settings: Settings
) -> None:
    from dataclasses import replace

    off = settings.model_copy(update={"oidc": OidcSettings()})
    app.extensions["dafan"] = replace(app.extensions["dafan"], settings=off)
    client = app.test_client()
    assert "统一身份认证" not in client.get("/login").text
    assert client.get(BEGIN).location == "/login"


def test_a_provider_without_tls_is_refused_in_the_settings() -> None:
    with pytest.raises(ValueError, match="https"):
        OidcSettings(issuer="http://sso.example.org")

"""Single sign-on on the phone: the provider names a staff number, and opens nothing else."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from dafan import db
from dafan.config import OidcSettings, Settings
from server import groups, people, sites
from server.actor import Actor
from tests.security.provider import CLIENT, SECRET, Provider, running
from tests.server.conftest import NOON

pytestmark = pytest.mark.process


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
def settings(settings: Settings, provider: Provider, tmp_path: Any) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    oidc = OidcSettings(
        issuer=provider.issuer, client_id=CLIENT, client_secret_file=secret, diner_claim="number"
    )
    return settings.model_copy(update={"oidc": oidc})


def sign_on(client: FlaskClient) -> str:
    back = httpx.get(str(client.get("/me/login/sso").location)).headers["location"]
    return str(client.get(back).location)


def test_the_number_that_the_provider_names_is_in_unless_two_sites_have_it(
    client: FlaskClient, provider: Provider, make_diner: Any, engine: Engine
) -> None:
    make_diner()
    for claims in ({}, {"number": "9999"}, {"number": "1001", "aud": "another"}):
        provider.claims = claims
        assert sign_on(client) == "/me/login", claims
        assert client.get("/me/").status_code == 302
    provider.claims = {"number": "1001"}
    assert sign_on(client) == "/me/"
    assert client.get("/me/mine").status_code == 200
    assert client.get("/manage/").location.startswith("/login")
    client.post("/me/logout", headers={"Authorization": "-"})
    with db.writing(engine) as session:
        away = Actor(sites.ensure_site(session, "别的单位").id, "test", NOON)
        group = groups.create(session, away, groups.GroupValues(name="职工"))
        values = people.DinerValues(staff_no="1001", name="乙丑", group_id=group.id)
        people.create_diner(session, away, values)
    assert sign_on(client) == "/me/login"

"""Every address of the application, for everybody: who gets in is what the table says."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from dafan import db
from dafan.config import Settings
from dafan.db import Base
from server import access, auth, gate, sites
from server.app import create_app
from tests.server.conftest import PASSWORD, Till

PHONE = "/me/login?next="
"""Where a diner signs in: the phone's pages are for no account."""
_UNKNOWN = UUID("0190b1f0-0000-7000-8000-000000000000")


@pytest.fixture
def no_tokens(app: APIFlask) -> Iterator[None]:
    """Forms without their token, so that what is tested is who gets in."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    app.config["WTF_CSRF_ENABLED"] = True


def sign_in(app: APIFlask, login: str) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/login", data={"login": login, "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    return client


def requests_of(app: APIFlask, ids: dict[str, Any] | None = None) -> list[tuple[Rule, str, str]]:
    """Rule, method and address of everything that can be asked."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {name: _value(rule, name, ids or {}) for name in rule.arguments}
            _, path = rule.build(values) or ("", "")
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found += [(rule, method, path) for method in sorted(methods)]
    return found


def _value(rule: Rule, name: str, ids: dict[str, Any]) -> Any:
    if name in ids:
        return ids[name]
    if name in (rule.defaults or {}):
        return rule.defaults[name]  # type: ignore[index]  # it is there
    kind = type(rule._converters[name]).__name__
    if kind == "AnyConverter":
        return min(rule._converters[name].items)  # type: ignore[attr-defined]
    return {"UUIDConverter": _UNKNOWN, "IntegerConverter": 1}.get(kind, "x")


def ask(client: FlaskClient, method: str, path: str, **more: Any) -> TestResponse:
    answer = client.open(path, method=method, **more)
    answer.get_data()
    answer.close()
    return answer


def outcome(answer: TestResponse) -> str:
    """How the gate decided: ``sign in``, ``no`` or ``yes``, whatever the view then said."""
    if answer.status_code == 401 or (answer.location or "").startswith(("/login?next=", PHONE)):
        return "sign in"
    return "no" if answer.status_code == 403 else "yes"


def test_every_view_declares_who_gets_in(app: APIFlask) -> None:
    silent = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if gate.needed(app, rule.endpoint) is None
    }
    assert silent == set()


def test_a_view_that_declares_nothing_is_closed_to_the_administrator_too(
    settings: Settings, database: str, make_user: Callable[..., auth.User]
) -> None:
    del database  # asked for, so that the file is there
    make_user("boss", "admin")
    app = create_app(settings)
    app.get("/api/v1/forgotten")(lambda: "open")
    answer = app.test_client().get("/api/v1/forgotten", auth=("boss", PASSWORD))
    assert answer.status_code == 403
    assert "open" not in answer.text


@pytest.fixture
def empty_views(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the gate stands nothing but what each view declares: who gets in is what is asked."""
    for endpoint, view in app.view_functions.items():
        if endpoint != "session.login":
            monkeypatch.setitem(app.view_functions, endpoint, _empty(access.declared(view)))


def _empty(need: str | None) -> Callable[..., str]:
    def view(**_values: Any) -> str:
        return ""

    if need is not None:
        setattr(view, access._DECLARED, need)
    return view


@pytest.mark.usefixtures("no_tokens", "empty_views")
@pytest.mark.parametrize("role", access.ROLES)
def test_a_role_gets_where_the_table_says_and_nowhere_else(
    app: APIFlask, make_user: Callable[..., auth.User], role: str
) -> None:
    hold_to_the_table(app, make_user, role)


@pytest.mark.usefixtures("no_tokens")
def test_whoever_may_open_everything_is_answered_everywhere(
    app: APIFlask, make_user: Callable[..., auth.User]
) -> None:
    hold_to_the_table(app, make_user, "admin")


def hold_to_the_table(app: APIFlask, make_user: Callable[..., auth.User], role: str) -> None:
    """Ask every address in a role; none fails, and who gets in is what the table says."""
    make_user("person", role)
    client = sign_in(app, "person")
    wrong = []
    for rule, method, path in requests_of(app):
        need = gate.needed(app, rule.endpoint)
        if need == access.MACHINE or rule.endpoint == "session.logout":
            continue
        free = need in {access.PUBLIC, access.SIGNED_IN} or role in access.RIGHTS.get(str(need), ())
        expected = "sign in" if need == access.DINER else "yes" if free else "no"
        answer = ask(client, method, path)
        if outcome(answer) != expected or answer.status_code >= 500:
            wrong.append((method, path, need, expected, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_nobody_gets_anywhere_but_to_the_public_views(app: APIFlask, client: FlaskClient) -> None:
    wrong = []
    for rule, method, path in requests_of(app):
        need = gate.needed(app, rule.endpoint)
        answer = ask(client, method, path)
        if need == access.MACHINE:
            fits = answer.status_code >= 400 and answer.status_code != 500
        else:
            fits = outcome(answer) == ("yes" if need == access.PUBLIC else "sign in")
        if not fits:
            wrong.append((method, path, need, answer.status_code))
    assert wrong == []


def test_a_terminals_token_opens_nothing_that_is_made_for_people(
    app: APIFlask, terminal: Till
) -> None:
    wrong = []
    for rule, method, path in requests_of(app):
        need = gate.needed(app, rule.endpoint)
        if need in {access.MACHINE, access.PUBLIC}:
            continue
        answer = ask(terminal.client, method, path, headers=terminal.headers())
        if outcome(answer) != "sign in":
            wrong.append((method, path, need, answer.status_code))
    assert wrong == []


@pytest.fixture
def things(
    terminal: Till, make_diner: Callable[..., UUID], make_sale: Callable[..., Any],
    make_user: Callable[..., auth.User], site: Any, engine: Engine,
) -> dict[str, Any]:  # fmt: skip
    """Something real of the site for every kind of identifier in an address."""
    from server import cards, dishes
    from server.actor import Actor
    from tests.server.conftest import NOON

    diner = make_diner()
    sale = make_sale(diner)
    terminal.sell(sale)
    terminal.push()
    actor = Actor(site.id, "test", NOON)
    with db.writing(engine) as session:
        from kitchen import dishes as kitchen_dishes

        values = {"name": "米饭", "category": "主食", "unit": "piece", "price": 100, "sort": 1}
        dish = dishes.create(session, actor, kitchen_dishes.read_values(values))
        cards.assign(session, actor, diner, "A1234567")
    return {
        "diner_id": diner, "group_id": site.group_id, "dish_id": dish.id, "number": "A1234567",
        "terminal_id": terminal.id, "venue_id": site.venue_id, "sale_id": sale.id,
        "user_id": make_user("local", "admin").id,
    }  # fmt: skip


def everything(engine: Engine, site_id: UUID) -> dict[str, list[Any]]:
    """All rows of a site."""
    rows = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if "site_id" in table.c:
                query = table.select().where(table.c.site_id == site_id)
                rows[table.name] = sorted(map(str, connection.execute(query)))
    return rows


@pytest.mark.usefixtures("no_tokens")
def test_another_sites_administrator_finds_nothing_here_and_changes_nothing(
    app: APIFlask, engine: Engine, site: Any, things: dict[str, Any]
) -> None:
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
        sites.ensure_venue(session, away.id, "别的食堂")
        auth.create_user(session, away.id, "stranger", PASSWORD, ["admin", "finance"])
    client = sign_in(app, "stranger")
    before = everything(engine, site.id)
    shown = []
    for rule, method, path in requests_of(app, things):
        if not set(rule.arguments) & set(things) or gate.needed(app, rule.endpoint) in {
            access.MACHINE, access.PUBLIC, access.DINER,
        }:  # fmt: skip
            continue
        answer = ask(client, method, path, data={"name": "x", "amount": "1", "key": "k"})
        page = not path.startswith("/api/") and method == "POST"
        if answer.status_code not in ({302, 400, 404} if page else {400, 404}):
            shown.append((method, path, answer.status_code))
    assert shown == []
    assert everything(engine, site.id) == before

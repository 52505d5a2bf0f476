"""Schemathesis reads our own OpenAPI document and asks whatever it can think of, as everybody.

Nothing that anybody sends makes the server fail, no answer is one that the document does not
describe, and nothing is answered to whom it is not meant for.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from dafan.db import reading, writing
from dafan.records import Unit
from kitchen.dishes import DishValues
from server import cards, dishes
from server.actor import Actor
from server.verify import Report, verify_server
from tests.server.conftest import PASSWORD, TestSite, Till

EXAMPLES = {"admin": 6, "terminal": 3, "nobody": 1}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPEN = {"POST /api/v1/terminals/enrol", "POST /api/v1/payments/wechat/notify"}
"""They are proved by a code or a signature in the body."""
OF_TERMINALS = {"POST /api/v1/journal", "GET /api/v1/feed", "PUT /api/v1/evidence/{sale_id}"}
NOTIFY = "POST /api/v1/payments/wechat/notify"
"""Answers 503 here, as it says: no gateway is set up. test_online_orders attacks one that is."""


@pytest.fixture
def document(app: APIFlask) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def operations(document: Any) -> Iterator[Any]:
    for found in document.get_all_operations():
        if found.ok().label != NOTIFY:
            yield found.ok()


@pytest.fixture
def known(engine: Engine, site: TestSite, actor: Actor, make_diner: Any) -> dict[str, str]:
    """What is really there, so that more than 404 is met."""
    diner_id = make_diner()
    with writing(engine) as session:
        dish = dishes.create(session, actor, DishValues(name="红烧肉", unit=Unit.KG, price=2800))
        cards.assign(session, actor, diner_id, "0000001001")
        return {
            "diner_id": str(diner_id), "dish_id": str(dish.id), "group_id": str(site.group_id),
            "number": "0000001001",
        }  # fmt: skip


NEVER_WRONG = {"GET /api/v1/line/trays/{tag}"}
"""Any text may be the chip of a tray that nobody has."""


def aim(case: Any, known: dict[str, str]) -> None:
    """Ask for what is really there."""
    for name in case.path_parameters:
        case.path_parameters[name] = known.get(name, case.path_parameters[name])
    if isinstance(case.body, dict) and isinstance(case.body.get("group_id"), str):
        case.body["group_id"] = known["group_id"]
    if case.headers:
        case.headers.pop("X-Dafan-Site", None)


def attack(operation: Any, mode: GenerationMode, examples: int, ask: Callable[[Any], Any]) -> None:
    @settings(
        max_examples=examples, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), aimed=st.booleans())
    def each(case: Any, aimed: bool) -> None:
        ask(case, aimed)

    each()


def basic(login: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("who", list(EXAMPLES))
def test_no_request_makes_the_server_fail_or_answer_what_it_does_not_document(
    document: Any, subtests: Any, make_user: Any, terminal: Till, engine: Engine,
    known: dict[str, str], who: str, mode: Any,
) -> None:  # fmt: skip
    make_user("admin", "admin")
    headers: dict[str, Callable[[], dict[str, str]]] = {
        "admin": lambda: basic("admin", PASSWORD),
        "terminal": lambda: {"Authorization": terminal.headers()["Authorization"]},
        "nobody": dict,
    }

    def ask(case: Any, aimed: bool) -> None:
        if aimed:
            aim(case, known)
        if case.operation.label == "GET /api/v1/feed" and "wait" in (case.query or {}):
            case.query["wait"] = 0  # nobody waits in a test
        case.call_and_validate(headers=headers[who](), checks=CHECKS)

    for operation in operations(document):
        if mode is GenerationMode.NEGATIVE and operation.label in NEVER_WRONG:
            continue
        with subtests.test(msg=operation.label):
            attack(operation, mode, EXAMPLES[who], ask)
    with reading(engine) as session:
        report = Report()
        verify_server(session, report)
    assert report.faults == []


WRONG = {
    "nothing": {},
    "a wrong password": basic("admin", "wrong"),
    "an unknown login": basic("nobody", PASSWORD),
    "an invented token": {"Authorization": "Bearer dafan_" + "a" * 40},
    "an empty token": {"Authorization": "Bearer "},
    "a token of no algorithm": {
        "Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJhZG1pbiJ9."
    },
    "another scheme": {"Authorization": "Digest username=admin"},
    "not even text": {"Authorization": "Basic \xff\xfe%%%"},
}


@pytest.mark.parametrize("what", WRONG.keys())
def test_every_operation_asks_who_is_there(
    app: APIFlask, client: FlaskClient, document: Any, make_user: Any, what: str
) -> None:
    make_user("admin", "admin")
    app.config["WTF_CSRF_ENABLED"] = False  # it would answer before the question who asks
    for operation in operations(document):
        if operation.label in OPEN:
            assert operation.definition.raw["security"] == []
            continue
        path = operation.path.replace("{", "").replace("}", "")
        for argument in ("diner_id", "dish_id", "group_id", "incident_id", "return_id", "sale_id"):
            path = path.replace(argument, "0190a8c0-0000-7000-8000-000000000000")
        answer = client.open(path, method=operation.method.upper(), json={}, headers=WRONG[what])
        assert answer.status_code in {401, 429}, (operation.label, answer.text)
        assert answer.json["code"]

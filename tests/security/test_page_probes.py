"""What attackers type into forms and addresses: on every page, in every field, every parameter.

No page fails, nothing typed is run as SQL, template or script, nothing gets into a header, nobody
is led to another host, no file but ours is given out, and the books are right afterwards.
"""

import io
import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import Engine
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import server
from dafan.db import reading, writing
from dafan.records import Unit
from kitchen.dishes import DishValues
from server import cards, dishes
from server.actor import Actor
from server.verify import Report, verify_server
from tests.server.conftest import PASSWORD, TestSite, Till

_SOURCES = Path(server.__file__).parent
_READ = re.compile(r'(?:args|form|files)\.get(?:list)?\("([a-z_]+)"')
_FIELD = re.compile(r"^    ([a-z_]+)(?:: .*)? = \w*Field\(", re.MULTILINE)
_NAMED = re.compile(r'\bname="([a-z_]+)"')
EVERYWHERE = int(os.environ.get("PROBES", "0"))
"""By hand: so many probes at every address; 25 are all."""
PROBES = {
    "sql": "x' OR '1'='1'; DROP TABLE sale; --",
    "sql number": "1 UNION SELECT 1,2,3",
    "template": "{{ 1337 * 1337 }}${1337*1337}<%= 1337*1337 %>{% raise %}",
    "script": "\"><script>alert('p13')</script><svg onload=alert(1)>",
    "header": "x\r\nX-Evil: yes\r\n\r\n<html>",
    "null byte": "a\0b",
    "path": "../../../../etc/passwd",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "huge": "9" * 5000,
    "beyond 64 bits": str(2**64),
    "below zero": "-1",
    "float": "1e309",
    "not a number": "nan",
    "digits of another script": "１２３",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "no day": "2026-02-30",
    "month": "0000-00",
    "bracket": "//[",
    "other host": "//evil.example/",
    "long": "猪" * 20_000,
    "bidi": "\u202e\ufeff\u2028",
    "surrogate": b"\xed\xa0\x80".decode("utf-8", "surrogatepass"),
    "empty": "",
}


@cache
def names() -> list[str]:
    """Every field and parameter that a page reads or a form sends."""
    found: set[str] = set()
    for path in (_SOURCES / "pages").rglob("*.py"):
        text = path.read_text()
        found |= {*_READ.findall(text), *_FIELD.findall(text)}
    for path in (_SOURCES / "templates").rglob("*.html"):
        found |= set(_NAMED.findall(path.read_text()))
    return sorted(found - {"csrf_token", "viewport"})


@pytest.fixture
def ids(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Any, terminal: Till, make_sale: Any
) -> dict[str, Any]:
    """What is really there, so that pages have something to show."""
    diner_id = make_diner()
    sale = make_sale(diner_id, 1200)
    terminal.sell(sale)
    terminal.push()
    with writing(engine) as session:
        dish = dishes.create(session, actor, DishValues(name="红烧肉", unit=Unit.KG, price=2800))
        cards.assign(session, actor, diner_id, "0000001001")
        return {
            "diner_id": diner_id, "dish_id": dish.id, "group_id": site.group_id,
            "terminal_id": terminal.id, "sale_id": sale.id, "venue_id": site.venue_id,
        }  # fmt: skip


@pytest.fixture
def admin(app: APIFlask, make_user: Any) -> FlaskClient:
    make_user("admin", "admin")
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post("/login", data={"login": "admin", "password": PASSWORD})
    assert answer.status_code == 302
    return client


SKIPPED = {"session.logout", "session.sessions_end", "session.password", "manage.account_active"}
"""They would end the attack: the attacker signs himself out."""


def rules(app: APIFlask, method: str) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ())
        and rule.endpoint not in SKIPPED
        and not rule.rule.startswith("/api/")
    ]


def address(app: APIFlask, rule: Rule, ids: dict[str, Any], text: str) -> str:
    """The address of a rule: what is there where there is such a thing, else the probe."""
    values: dict[str, Any] = {}
    for name in rule.arguments:
        converter = rule._converters[name]
        kind = type(converter).__name__
        if kind == "AnyConverter":
            values[name] = min(converter.items)  # type: ignore[attr-defined]
        elif kind == "UUIDConverter":
            values[name] = ids.get(name, "0190b1f0-0000-7000-8000-000000000000")
        elif kind == "IntegerConverter":
            values[name] = 1
        else:
            values[name] = text.replace("/", "%2F") or "x"
    with app.test_request_context():
        built = rule.build(values)
    assert built is not None
    return built[1]


def judge(answer: TestResponse, where: str) -> None:
    text = answer.get_data()
    answer.close()
    assert answer.status_code < 500, (where, answer.status_code, text[:300])
    assert b"1787569" not in text, (where, "a template was run")
    assert b"<script>alert('p13')" not in text, (where, "a script came back")
    assert b"<svg onload" not in text, (where, "a script came back")
    assert b"root:x:0" not in text, (where, "a file was given out")
    assert "X-Evil" not in answer.headers, where
    assert "evil.example" not in (answer.location or "").split("?")[0], (where, answer.location)
    assert not (answer.location or "").startswith("//"), (where, answer.location)


def in_turn(found: list[Rule], each: int) -> Iterator[tuple[Rule, str, bytes]]:
    """Each address with some of the probes, in turn: all of them everywhere takes ten minutes."""
    turn = cycle(PROBES.items())
    for rule in found:
        for what, text in islice(turn, EVERYWHERE or each):
            yield rule, what, text.encode("utf-8", "surrogatepass")


@pytest.mark.timeout(600)
def test_no_page_is_impressed_by_a_parameter(
    app: APIFlask, admin: FlaskClient, ids: dict[str, Any]
) -> None:
    for rule, what, text in in_turn(rules(app, "GET"), 1):
        if rule.endpoint not in {"session.sign_on_begin", "session.sign_on_done"}:
            path = address(app, rule, ids, text[:200].decode("utf-8", "ignore"))
            asked = dict.fromkeys(names(), text[:300])  # of hundreds of names
            judge(admin.get(path, query_string=asked), f"GET {rule} {what}")


@pytest.mark.timeout(600)
def test_no_form_is_impressed_by_what_is_typed(
    app: APIFlask, admin: FlaskClient, ids: dict[str, Any], engine: Engine
) -> None:
    fields = [name for name in names() if name not in {"file", "photo"}]
    for rule, what, text in in_turn(rules(app, "POST"), 1):
        path = address(app, rule, ids, text[:200].decode("utf-8", "ignore"))
        judge(admin.post(path, data=dict.fromkeys(fields, text)), f"POST {rule} {what}")
    for page in ("/manage/", "/manage/people", "/manage/dishes", "/manage/groups", "/manage/audit"):
        judge(admin.get(page), page)
    with reading(engine) as session:
        report = Report()
        verify_server(session, report)
    assert not report.faults, [fault.what for fault in report.faults]


HOSTS = ["evil.example", "evil.example:80", "a@evil.example", "[::1", "", "x y", "x/y"]
PAGES = ["/", "/manage/", "/login", "/docs", "/openapi.json", "/nowhere"]


def test_a_host_that_somebody_invented_gets_into_no_link(admin: FlaskClient) -> None:
    for host, path in product(HOSTS, PAGES):
        answer = admin.get(path, headers={"Host": host, "X-Forwarded-Host": "evil.example"})
        body = answer.get_data(as_text=True)
        answer.close()
        assert answer.status_code < 500, (path, answer.status_code)
        assert "evil.example" not in body, path
        assert "evil.example" not in (answer.location or ""), (path, answer.location)


ONWARD = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "https:evil.example", "http://evil.example", "/\t/evil.example", "/%09/evil.example",
    "javascript:alert(1)", "//[",
    " //evil.example", "\x00//evil.example", "/..//evil.example", "/x\r\nX-Evil: 1",
]  # fmt: skip


def test_signing_in_leads_to_no_other_host(app: APIFlask, admin: FlaskClient) -> None:
    del admin  # he is there, and forms need no token
    forms = (
        ("/login", {"login": "admin", "password": PASSWORD}),
        ("/language", {"language": "en"}),
    )
    for onward, (path, data) in product(ONWARD, forms):
        client = app.test_client()
        answer = client.post(path, query_string={"next": onward}, data=data | {"next": onward})
        assert answer.status_code == 302, (onward, answer.text)
        assert re.match(r"/(?![/\\])", answer.location), answer.location
        assert "X-Evil" not in answer.headers


TRAVERSALS = [
    "../server.css", "..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "....//app.py", "/etc/passwd",
    "..\\app.py", "%00", "server.css%00.png", "C:\\windows\\win.ini", "~root/.ssh/id_rsa",
    "../../../../../../../../etc/passwd", "..;/app.py", "\u2025/app.py",
]  # fmt: skip


def test_only_our_own_files_are_given_out(client: FlaskClient) -> None:
    for base, path in product(["/static/", "/tokens/", "/bootstrap/static/"], TRAVERSALS):
        answer = client.get(base + path)
        text = answer.get_data()
        answer.close()
        assert answer.status_code in {308, 400, 404}, (path, answer.status_code, text[:100])


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "=cmd|' /C calc'!A0", "＝1+1"]


def test_no_table_that_is_given_out_holds_a_formula(
    app: APIFlask, admin: FlaskClient, engine: Engine, actor: Actor
) -> None:
    for number, formula in enumerate(FORMULAS):
        admin.post("/login", data={"login": formula, "password": formula})
        with writing(engine) as session:
            values = DishValues(name=f"{formula} {number}", unit=Unit.KG, category=formula)
            dishes.create(session, actor, values)
    sheets = 0
    for rule in rules(app, "GET"):
        if "<uuid:" in rule.rule:  # written by the same sheets; their rows have tests of their own
            continue
        if rule.endpoint == "manage.across_sheet":  # only for who has several sites
            continue
        if rule.rule.endswith((".xlsx", "xlsx):kind>")):
            path = rule.rule.replace("<day>", "2026-03-02").replace("<month>", "2026-03")
            path = path.replace("<any(json, xlsx):kind>", "xlsx")
            answer = admin.get(path)
            assert answer.status_code == 200, (path, answer.text[:200])
            book = load_workbook(io.BytesIO(answer.get_data()))
            cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
            assert not [cell.value for cell in cells if cell.data_type == "f"], path
            sheets += 1
        elif rule.rule.endswith(".csv"):
            answer = admin.get(rule.rule)
            fields = re.split(r"[,\n]", answer.get_data(as_text=True).lstrip("\ufeff"))
            assert not [field for field in fields if field[:1] in "=+-@\t" and field[:1]], rule
            sheets += 1
        if rule.rule.endswith((".xlsx", ".csv", "xlsx):kind>")):
            answer.close()
    assert sheets >= 5

"""What attackers type into the phone's forms and addresses, signed in as a diner: no page fails."""

from itertools import cycle, islice
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from dafan.db import reading, writing
from server import cards, people, phone_codes
from server.actor import Actor
from server.verify import Report, verify_server
from tests.security.test_page_probes import PROBES, address, judge
from tests.server.conftest import Till

FIELDS = (
    "staff_no", "site", "code", "amount", "key", "line", "stars", "reason", "kind", "text",
    "version", "guardian", "allergen", "back", "day", "after", "before", "next", "week", "since",
)  # fmt: skip
ENDS = {"me.logout", "me.phone_end"}
EACH = 4


def test_no_page_of_the_phone_is_impressed_by_what_is_typed(
    app: APIFlask, client: FlaskClient, engine: Engine, actor: Actor, make_diner: Any,
    terminal: Till, make_sale: Any,
) -> None:  # fmt: skip
    diner = make_diner()
    sale = make_sale(diner)
    terminal.sell(sale)
    terminal.push()
    with writing(engine) as session:
        cards.assign(session, actor, diner, "A1234567")
        people.set_pin(session, actor, diner, "738291")
        code = phone_codes.hand_out(session, actor, app.secret_key, diner)  # type: ignore[arg-type]
    app.config["WTF_CSRF_ENABLED"] = False
    client.post("/me/login", data={"staff_no": "1001"})
    assert client.post("/me/login/code", data={"code": code}).location == "/me/"
    turn = cycle(PROBES.items())
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("me.") or rule.endpoint in ENDS:
            continue
        for what, text in islice(turn, EACH):
            typed = text.encode("utf-8", "surrogatepass")
            path = address(app, rule, {"sale_id": sale.id}, typed[:200].decode("utf-8", "ignore"))
            where = f"{rule} {what}"
            if "POST" in (rule.methods or ()):
                judge(client.post(path, data=dict.fromkeys(FIELDS, typed)), where)
            else:
                asked = dict.fromkeys(FIELDS, typed.decode("utf-8", "ignore")[:4000])
                judge(client.get(path, query_string=asked), where)
    assert client.get("/me/mine").status_code == 200
    with reading(engine) as session:
        report = Report()
        verify_server(session, report)
    assert not report.faults, [fault.what for fault in report.faults]

"""Who may void and close shifts at tills: the tills hear of it, and of its end."""

from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from server import audit, staff, till_staff
from server.actor import Actor
from server.till_staff import TillStaffValues
from tests.server.conftest import TestSite, Till

PIN = "482915"


@pytest.fixture
def cashier(make_user: Any) -> Any:
    """An account that may void sales."""
    make_user("boss", "admin")
    return make_user("wang", "cashier")


def put(engine: Engine, actor: Actor, user: Any, number: str = "301", pin: Any = PIN) -> None:
    with writing(engine) as session:
        till_staff.put(session, actor, user.id, TillStaffValues(number=number), pin)


def at_tills(till: Till) -> dict[str, Any]:
    items = till.feed()["items"]
    return {i["key"]: i["body"] for i in items if i["kind"] == "staff" and i["body"]}


def test_the_tills_know_number_and_hash_and_never_the_pin(
    engine: Engine, actor: Actor, terminal: Till, cashier: Any
) -> None:
    put(engine, actor, cashier)
    body = at_tills(terminal)[str(cashier.id)]
    assert (body["number"], body["name"]) == ("301", "wang")
    assert PasswordHasher().verify(body["pin_hash"], PIN)
    with reading(engine) as session:
        told = session.scalars(select(audit.Audit).where(audit.Audit.action == "till_staff.update"))
        assert PIN not in str([(row.before, row.after) for row in told])


def test_a_new_number_keeps_the_pin(
    engine: Engine, actor: Actor, terminal: Till, cashier: Any
) -> None:
    put(engine, actor, cashier)
    before = at_tills(terminal)[str(cashier.id)]["pin_hash"]
    put(engine, actor, cashier, "302", None)
    body = at_tills(terminal)[str(cashier.id)]
    assert (body["number"], body["pin_hash"]) == ("302", before)


@pytest.mark.parametrize("end", ["taken off", "closed", "other role"])
def test_who_may_no_longer_disappears_from_the_tills(
    engine: Engine, actor: Actor, terminal: Till, cashier: Any, end: str
) -> None:
    put(engine, actor, cashier)
    with writing(engine) as session:
        if end == "taken off":
            assert till_staff.take_off(session, actor, cashier.id)
            assert not till_staff.take_off(session, actor, cashier.id)
        elif end == "closed":
            staff.set_active(session, actor, cashier.id, active=False)
        else:
            staff.update(session, actor, cashier.id, "wang", ["auditor"])
    assert at_tills(terminal) == {}


def test_an_account_that_is_opened_again_is_back_at_the_tills(
    engine: Engine, actor: Actor, terminal: Till, cashier: Any
) -> None:
    put(engine, actor, cashier)
    for active in (False, True):
        with writing(engine) as session:
            staff.set_active(session, actor, cashier.id, active=active)
    assert list(at_tills(terminal)) == [str(cashier.id)]


def test_a_number_belongs_to_one_person_of_a_site(
    engine: Engine, actor: Actor, cashier: Any, make_user: Any
) -> None:
    put(engine, actor, cashier)
    with pytest.raises(BadInputError) as error:
        put(engine, actor, make_user("li", "manager"), "301")
    assert error.value.code == "taken"


@pytest.mark.parametrize(
    ("role", "number", "pin", "code"),
    [
        ("auditor", "301", PIN, "no_till_right"),
        ("cashier", "301", None, "bad_pin"),
        ("cashier", "301", "12345", "bad_pin"),
        ("cashier", "301", "111111", "easy_pin"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_told(
    engine: Engine, actor: Actor, terminal: Till, make_user: Any,
    role: str, number: str, pin: Any, code: str,
) -> None:  # fmt: skip
    with pytest.raises(BadInputError) as error:
        put(engine, actor, make_user("someone", role), number, pin)
    assert error.value.code == code
    assert at_tills(terminal) == {}


def test_another_sites_account_works_at_no_till_here(
    engine: Engine, site: TestSite, actor: Actor, cashier: Any
) -> None:
    from dataclasses import replace

    from server import sites

    with writing(engine) as session:
        other = sites.ensure_site(session, "另一单位").id
    with pytest.raises(till_staff.NoTillRightError):
        put(engine, replace(actor, site_id=other), cashier)
    assert other != site.id

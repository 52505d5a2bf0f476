"""Voids that tills report: behind their sales, once, and parked where they do not fit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, func, select

from dafan import db
from dafan.desk import Void
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Sale, Source
from server import audit, exceptions, ingest, reconciliation, refunds
from server.actor import Actor
from server.books import accounts, bodies, refunds_proof, sales
from server.books.accounts import Account
from server.books.refunds import Refund
from server.books.transfers import Transfer
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]


@pytest.fixture
def cashier(make_user: Any) -> UUID:
    """Who voids at the till."""
    return make_user("cashier", "cashier").id


@pytest.fixture
def void(cashier: UUID, clock: Any) -> Callable[..., Void]:
    """A void of a sale."""

    def make(sale: Sale, **changes: Any) -> Void:
        values = {
            "id": new_id(), "sale_id": sale.id, "business_date": sale.business_date,
            "total": sale.total, "reason": "打错了", "staff_id": cashier, "at": clock.now(),
        }  # fmt: skip
        return Void(**values | changes)

    return make


def cash(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def codes(engine: Engine, site: Any) -> list[str]:
    with db.reading(engine) as session:
        return sorted(item.code for item in exceptions.page(session, site.id))


def reasons(answer: Any) -> list[str]:
    return [row.reason.split(":")[0] for row in answer.outcomes]


def assert_right(engine: Engine) -> None:
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
        assert report.faults == []
        assert list(refunds_proof.faults(session)) == []
        assert session.scalar(select(func.sum(Account.balance))) == 0


def test_a_void_in_the_batch_of_its_sale_is_booked_behind_it(
    terminal: Any, make_diner: MakeDiner, make_sale: Any, void: Any, engine: Engine, site: Any
) -> None:
    diner = make_diner(cash=1200)
    first, second = (make_sale(diner, 1200, subsidised=True) for _ in range(2))
    terminal.sell(first)
    terminal.write("void", void(first))
    terminal.sell(second)
    assert reasons(terminal.push()) == ["", "", ""]
    assert cash(engine, diner) == 0
    # The second neither overdraws nor uses a second subsidy: the first was taken back before it.
    assert codes(engine, site) == []
    with db.reading(engine) as session:
        use = sales.day_use(session, diner, date(2026, 3, 2))
        assert (use.meals, use.subsidised, use.spent) == ({"lunch": 1}, {"lunch": 1}, 1200)
        refund = session.scalars(select(Refund)).one()
        assert (refund.asked_by, refund.seq, refund.state) == ("cashier", 2, "approved")
        assert [row.who for row in audit.page(session, site.id) if row.action == "sale.void"] == [
            "cashier"
        ]
    assert_right(engine)


def test_a_void_of_an_earlier_batch_covers_its_entry_so_that_the_till_adds_it_not_twice(
    terminal: Any, make_diner: MakeDiner, make_sale: Any, void: Any, engine: Engine
) -> None:
    diner = make_diner(cash=2000)
    sale = make_sale(diner, 1200)
    terminal.sell(sale)
    terminal.push()
    terminal.write("void", void(sale))
    assert reasons(terminal.push(after=1)) == [""]
    assert reasons(terminal.push(after=1)) == [""]  # a retry
    assert cash(engine, diner) == 2000
    body = next(item for item in terminal.feed()["items"] if item["key"] == str(diner))["body"]
    assert (body["cash"], body["applied"]) == (2000, {str(terminal.id): 2})
    assert_right(engine)


def test_a_void_of_coins_empties_the_drawer_again(
    terminal: Any, make_sale: Any, void: Any, engine: Engine
) -> None:
    sale = make_sale(None, 700)
    terminal.sell(sale)
    terminal.write("void", void(sale))
    terminal.push()
    with db.reading(engine) as session:
        kept = session.scalars(select(Account.balance).where(Account.kind == "drawer"))
        assert list(kept) == [0]
    assert_right(engine)


def test_a_void_that_does_not_fit_is_parked_and_those_behind_it_go_on(
    make_till: Any, make_diner: MakeDiner, make_sale: Any, void: Any, engine: Engine, clock: Any
) -> None:
    till, other = make_till(), make_till()
    diner = make_diner(cash=9000)
    foreign, own, again = (make_sale(diner, 1000) for _ in range(3))
    other.sell(foreign)
    other.push()
    till.write("void", void(own))
    till.sell(own)
    done = void(again)
    for body in (
        void(foreign), void(own, total=Fen(999)), void(own, business_date=date(2026, 3, 1)),
        void(own, at=clock.now() + timedelta(days=1)), void(make_sale(diner)),
    ):  # fmt: skip
        till.write("void", body)
    till.sell(again)
    till.write("void", done)
    till.write("void", void(again))
    till.write("void", void(own, id=done.id))
    till.sell(make_sale(diner, 500))
    assert reasons(till.push()) == [
        "unknown_sale", "", "other_terminal", "wrong_total", "wrong_date", "wrong_date",
        "unknown_sale", "", "", "refunded_before", "known_void", "",
    ]  # fmt: skip
    assert cash(engine, diner) == 9000 - 1000 - 1000 - 500
    assert_right(engine)


def test_a_till_that_voids_what_was_refunded_on_the_page_gives_nothing_back_twice(
    terminal: Any, make_diner: MakeDiner, make_sale: Any, void: Any, engine: Engine, actor: Actor
) -> None:
    diner = make_diner(cash=2000)
    sale = make_sale(diner, 1200)
    terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale.id, None, "x", key=new_id())
    terminal.write("void", void(sale))
    assert reasons(terminal.push(after=1)) == ["refunded_before"]
    with db.writing(engine) as session:
        refunds.refuse(session, replace(actor, name="boss"), asked.id, "x")
    with db.writing(engine) as session:
        assert ingest.apply_again(session, actor.site_id, terminal.id, 2, actor.at) == ""
    assert cash(engine, diner) == 2000
    assert_right(engine)


def test_a_late_void_of_a_closed_day_counts_for_the_first_open_one(
    terminal: Any, make_sale: Any, void: Any, engine: Engine, actor: Any
) -> None:
    sale = make_sale(None, 700)
    terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        reconciliation.close_days(session, actor, date(2026, 3, 2))
    terminal.write("void", void(sale))
    assert reasons(terminal.push(after=1)) == [""]
    with db.reading(engine) as session:
        query = select(Transfer.business_date).where(Transfer.kind == "void")
        assert session.scalars(query).all() == [date(2026, 3, 3)]
    assert_right(engine)


def test_a_void_by_somebody_unknown_is_booked_and_shown_to_a_manager(
    terminal: Any, make_sale: Any, void: Any, engine: Engine, site: Any
) -> None:
    sale = make_sale(None, 700)
    terminal.sell(sale)
    terminal.write("void", void(sale, staff_id=new_id()))
    terminal.push()
    assert codes(engine, site) == ["unknown_staff"]
    assert_right(engine)


def test_a_batch_without_voids_costs_not_one_statement_more_than_the_first_sale(
    terminal: Any, make_sale: Any, app: Any
) -> None:
    counts = []
    for number in (1, 60):
        for _ in range(number):
            terminal.sell(make_sale(None, 100))
        statements: list[str] = []

        def note(_c: Any, _u: Any, sql: str, *_: Any, into: list[str] = statements) -> None:
            into.append(sql)

        event.listen(app.extensions["dafan"].engine, "before_cursor_execute", note)
        terminal.journal.acknowledge(terminal.push(terminal.journal.acknowledged()).applied_seq)
        event.remove(app.extensions["dafan"].engine, "before_cursor_execute", note)
        assert not any("refund" in sql and "INSERT" not in sql for sql in statements)
        counts.append(len(statements))
    assert counts[1] <= counts[0]


def test_a_void_goes_back_between_bodies_with_its_sale_or_after_it(
    terminal: Any, make_diner: MakeDiner, make_sale: Any, void: Any, engine: Engine, actor: Actor,
    site: Any,
) -> None:  # fmt: skip
    diner = make_diner(cash=9000)
    with db.writing(engine) as session:
        bodies.assign_group(session, actor, site.group_id, bodies.add(session, actor, "二局").id)
    first, second, third = (make_sale(diner, 1000) for _ in range(3))
    for sale in (first, second, third):
        terminal.sell(sale)
    terminal.write("void", void(first))
    assert reasons(terminal.push()) == [""] * 4
    terminal.write("void", void(second))
    assert reasons(terminal.push(after=4)) == [""]
    with db.reading(engine) as session:
        owed = session.scalars(select(Account.balance).where(Account.kind == "clearing"))
        assert sorted(owed) == [-1000, 1000]
    assert_right(engine)

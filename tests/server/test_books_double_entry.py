"""Money moves by double entry, once for each key; a balance is a sum that can be proved."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import cashdesk
from server.actor import Actor
from server.books import accounts, sales, subsidies
from server.books.accounts import Account, AccountKind
from server.books.transfers import KeyUsedError, Leg, move, postings_of
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]


def balance(engine: Engine, diner: UUID, source: Source = Source.CASH) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[source]


def test_pressing_top_up_twice_pays_once(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    for _ in range(2):
        with db.writing(engine) as session:
            transfer = cashdesk.top_up(session, actor, diner, Fen(5000), key="form-1")
    assert balance(engine, diner) == 5000
    with db.reading(engine) as session:
        legs = [(account.kind, amount) for account, amount in postings_of(session, transfer.id)]
    assert legs == [("cash_desk", -5000), ("cash", 5000)]


def test_a_key_cannot_pay_another_amount(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    with db.writing(engine) as session:
        cashdesk.top_up(session, actor, diner, Fen(5000), key="form-1")
    with pytest.raises(KeyUsedError), db.writing(engine) as session:
        cashdesk.top_up(session, actor, diner, Fen(6000), key="form-1")
    assert balance(engine, diner) == 5000


@pytest.mark.parametrize("amount", [0, -1, 10**9 + 1])
def test_an_impossible_amount_is_refused(
    engine: Engine, actor: Actor, make_diner: MakeDiner, amount: int
) -> None:
    diner = make_diner(cash=0)
    with pytest.raises(BadInputError), db.writing(engine) as session:
        cashdesk.top_up(session, actor, diner, Fen(amount), key="x")


def test_a_subsidy_run_credits_each_member_once(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner
) -> None:
    diners = [make_diner(cash=0) for _ in range(3)]
    for _ in range(2):
        with db.writing(engine) as session:
            run = cashdesk.run_subsidy(session, actor, "三月", {site.group_id: Fen(800)}, key="m3")
    assert (run.diners, run.total) == (3, 2400)
    assert [balance(engine, diner, Source.SUBSIDY) for diner in diners] == [800] * 3
    with pytest.raises(KeyUsedError), db.writing(engine) as session:
        cashdesk.run_subsidy(session, actor, "三月", {site.group_id: Fen(900)}, key="m3")
    with pytest.raises(BadInputError), db.writing(engine) as session:
        cashdesk.run_subsidy(session, actor, "x", {new_id(): Fen(900)}, key="m4")
    with db.reading(engine) as session:
        assert [each.id for each in subsidies.runs(session, site.id)] == [run.id]


def test_a_transfer_that_does_not_balance_is_refused(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner()
    with db.writing(engine) as session:
        wallet = accounts.wallet(session, actor.site_id, diner, Source.CASH)
        for legs in ([Leg(wallet, Fen(5))], [Leg(wallet, Fen(0))]):
            with pytest.raises(ValueError, match="sum to zero"):
                move(
                    session, actor.site_id, "sale", "k", legs,
                    at=actor.at, business_date=date(2026, 3, 2), by="x",
                )  # fmt: skip


def test_money_stays_within_its_site(engine: Engine, actor: Actor, make_diner: MakeDiner) -> None:
    diner = make_diner()
    with db.writing(engine) as session:
        foreign = accounts.ensure(session, new_id(), AccountKind.CASH_DESK, new_id())
    with db.writing(engine) as session:
        wallet = accounts.wallet(session, actor.site_id, diner, Source.CASH)
        with pytest.raises(ValueError, match="within its site"):
            move(
                session, actor.site_id, "top_up", "k", [Leg(wallet, Fen(5)), Leg(foreign, Fen(-5))],
                at=actor.at, business_date=date(2026, 3, 2), by="x",
            )  # fmt: skip


def test_the_day_of_a_diner_is_counted_from_his_sales(
    terminal: Any, make_diner: MakeDiner, make_sale: Any, engine: Engine
) -> None:
    diner = make_diner(subsidy=5000)
    terminal.sell(make_sale(diner, 1000, subsidised=True, payments=(("subsidy", 1000),)))
    terminal.sell(make_sale(diner, 300, period="dinner"))
    terminal.sell(make_sale(diner, 500, business_date=date(2026, 3, 1)))
    terminal.sell(make_sale(diner, 700, business_date=date(2026, 2, 28)))
    terminal.push()
    with db.reading(engine) as session:
        use = sales.day_use(session, diner, date(2026, 3, 2))
        marks = sales.applied_marks(session, diner)
    assert (use.meals, use.subsidised) == ({"lunch": 1, "dinner": 1}, {"lunch": 1})
    assert (use.spent, use.month_meals, use.month_spent) == (1300, 3, 1800)
    assert marks == {terminal.id: 4}


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["top_up", "wallet", "drawer", "free"]), st.integers(1, 9999)),
        max_size=6,
    )
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_all_accounts_together_are_always_zero(
    acts: Any, terminal: Any, make_diner: MakeDiner, make_sale: Any, engine: Engine, actor: Actor
) -> None:
    diner = make_diner(cash=1)
    expected = 1
    for act, fen in acts:
        if act == "top_up":
            with db.writing(engine) as session:
                cashdesk.top_up(session, actor, diner, Fen(fen), key=str(new_id()))
            expected += fen
        else:
            terminal.sell(
                make_sale(None if act == "drawer" else diner, 0 if act == "free" else fen)
            )
            expected -= fen if act == "wallet" else 0
    while terminal.journal.acknowledged() < terminal.journal.head()[0]:
        terminal.journal.acknowledge(terminal.push(terminal.journal.acknowledged()).applied_seq)
    assert balance(engine, diner) == expected
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
        assert report.faults == []
        assert session.scalar(select(func.sum(Account.balance))) == 0

"""One who leaves gets his money back, the site its subsidy, and his accounts end at zero."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from dafan import db
from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import Source
from server import exceptions, leaving
from server.actor import Actor
from server.books import accounts, pay_outs
from server.books.accounts import AccountKind
from server.books.approvals import SamePersonError, State
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]


def held(engine: Engine, diner: UUID) -> tuple[int, int]:
    with db.reading(engine) as session:
        found = accounts.balances(session, diner)
    return found[Source.CASH], found[Source.SUBSIDY]


def site_holds(engine: Engine, actor: Actor, kind: AccountKind) -> int:
    with db.writing(engine) as session:
        return accounts.ensure(session, actor.site_id, kind, actor.site_id).balance


def leave(engine: Engine, actor: Actor, diner: UUID) -> None:
    with db.writing(engine) as session:
        leaving.leave(session, actor, diner)


def ask(
    engine: Engine, actor: Actor, diner: UUID, seen: tuple[int, int], key: str = "k",
    way: str = "cash",
) -> pay_outs.PayOut:  # fmt: skip
    with db.writing(engine) as session:
        return leaving.ask_pay_out(session, actor, diner, key=key, way=way, seen=seen)


@given(cash=st.integers(-5000, 100_000), subsidy=st.integers(-5000, 100_000))
def test_what_is_paid_and_what_goes_back_are_together_what_the_accounts_held(
    cash: int, subsidy: int
) -> None:
    settled = pay_outs.settle({Source.CASH: Fen(cash), Source.SUBSIDY: Fen(subsidy)})
    assert settled.paid + settled.returned == cash + subsidy
    assert 0 <= settled.returned <= max(subsidy, 0)
    assert settled.paid <= cash


@pytest.mark.parametrize(
    ("way", "kind"), [("cash", AccountKind.CASH_DESK), ("bank", AccountKind.BANK)]
)
def test_a_small_balance_is_paid_out_by_one_person_once(
    engine: Engine, actor: Actor, make_diner: MakeDiner, way: str, kind: AccountKind
) -> None:
    diner = make_diner(cash=50_000, subsidy=700)
    fund = site_holds(engine, actor, AccountKind.SUBSIDY_FUND)
    before = site_holds(engine, actor, kind)
    leave(engine, actor, diner)
    for _ in range(2):
        done = ask(engine, actor, diner, (50_000, 700), way=way)
        assert done.state == State.DONE.value
    assert held(engine, diner) == (0, 0)
    assert site_holds(engine, actor, kind) == before + 50_000
    assert site_holds(engine, actor, AccountKind.SUBSIDY_FUND) == fund + 700
    with pytest.raises(BadInputError) as caught:
        ask(engine, actor, diner, (0, 0), key="again")
    assert caught.value.code == "settled"
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
    assert report.faults == []


def test_a_large_balance_waits_for_a_second_person(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=50_001)
    leave(engine, actor, diner)
    asked = ask(engine, actor, diner, (50_001, 0))
    assert asked.state == State.ASKED.value
    assert held(engine, diner) == (50_001, 0)
    with pytest.raises(BadInputError) as caught:
        ask(engine, actor, diner, (50_001, 0), key="other form")
    assert caught.value.code == "waiting"
    with pytest.raises(SamePersonError), db.writing(engine) as session:
        leaving.judge_pay_out(session, actor, asked.id, approve=True)
    with db.writing(engine) as session:
        second = replace(actor, name="second")
        leaving.judge_pay_out(session, second, asked.id, approve=True)
    assert held(engine, diner) == (0, 0)


def test_a_refused_pay_out_moves_nothing_and_can_be_asked_for_again(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=60_000)
    leave(engine, actor, diner)
    second = replace(actor, name="second")
    asked = ask(engine, actor, diner, (60_000, 0))
    with db.writing(engine) as session:
        leaving.judge_pay_out(session, second, asked.id, approve=False)
    assert held(engine, diner) == (60_000, 0)
    assert ask(engine, actor, diner, (60_000, 0), key="new").state == State.ASKED.value


def test_nothing_is_paid_to_one_who_is_here_or_by_a_form_that_shows_other_balances(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=100)
    with pytest.raises(BadInputError) as caught:
        ask(engine, actor, diner, (100, 0))
    assert caught.value.code == "not_left"
    leave(engine, actor, diner)
    with pytest.raises(leaving.ChangedError):
        ask(engine, actor, diner, (99, 0))
    with pytest.raises(BadInputError):
        ask(engine, actor, diner, (100, 0), way="gold")
    assert held(engine, diner) == (100, 0)


def test_a_late_sale_after_closing_is_a_debt_on_the_list_that_can_be_settled(
    engine: Engine, actor: Actor, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diner = make_diner(cash=1000)
    terminal.sell(make_sale(diner, 300))
    leave(engine, actor, diner)
    ask(engine, actor, diner, (1000, 0))
    assert [each.outcome.value for each in terminal.push().outcomes] == ["applied"]
    assert held(engine, diner) == (-300, 0)
    with db.reading(engine) as session:
        codes = {item.code for item in exceptions.page(session, actor.site_id)}
    assert {"overdraft", "not_active"} <= codes
    desk = site_holds(engine, actor, AccountKind.CASH_DESK)
    assert ask(engine, actor, diner, (-300, 0), key="second").state == State.DONE.value
    assert held(engine, diner) == (0, 0)
    assert site_holds(engine, actor, AccountKind.CASH_DESK) == desk - 300


def test_a_sale_between_question_and_approval_stops_the_pay_out(
    engine: Engine, actor: Actor, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diner = make_diner(cash=60_000)
    terminal.sell(make_sale(diner, 300))
    leave(engine, actor, diner)
    asked = ask(engine, actor, diner, (60_000, 0))
    terminal.push()
    second = replace(actor, name="second")
    with pytest.raises(leaving.ChangedError), db.writing(engine) as session:
        leaving.judge_pay_out(session, second, asked.id, approve=True)
    assert held(engine, diner) == (59_700, 0)

"""Receipts, reversals, moves between a person's accounts: each happens once, and is audited."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import DinerStatus, Source
from server import audit, cashdesk, leaving, people
from server.actor import Actor
from server.books import accounts, receipts
from server.books.approvals import DecidedError, SamePersonError, State
from server.books.receipts import TopUpReceipt, UnknownReceiptError
from server.books.wallets import NotEnoughError
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]


def balance(engine: Engine, diner: UUID, source: Source = Source.CASH) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[source]


def pay_in(engine: Engine, actor: Actor, diner: UUID, fen: int, key: str) -> TopUpReceipt:
    with db.writing(engine) as session:
        transfer = cashdesk.top_up(session, actor, diner, Fen(fen), key=key)
        return receipts.get(session, actor.site_id, transfer.id)


def require_clean(engine: Engine) -> None:
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
    assert report.faults == []


def test_receipts_are_numbered_a_day_without_a_gap_and_say_the_balance(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    one, other = make_diner(cash=0), make_diner(cash=0)
    made = [
        pay_in(engine, actor, one, 5000, "a"), pay_in(engine, actor, other, 700, "b"),
        pay_in(engine, actor, one, 1, "c"), pay_in(engine, actor, one, 5000, "a"),
        pay_in(engine, replace(actor, at=actor.at + timedelta(days=1)), one, 9, "d"),
    ]  # fmt: skip
    assert [row.number for row in made] == [
        "20260302-0001", "20260302-0002", "20260302-0003", "20260302-0001", "20260303-0001",
    ]  # fmt: skip
    assert [row.balance for row in made] == [5000, 700, 5001, 5000, 5010]


def test_cashiers_at_the_same_moment_get_different_numbers(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diners = [make_diner(cash=0) for _ in range(4)]
    threads = [
        threading.Thread(target=pay_in, args=(engine, actor, diner, 100, str(diner)))
        for diner in diners
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading(engine) as session:
        numbers = sorted(session.scalars(select(TopUpReceipt.no)))
    assert numbers == [1, 2, 3, 4]


def test_the_second_print_is_a_copy_that_the_audit_log_knows(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    receipt = pay_in(engine, actor, make_diner(cash=0), 5000, "a")
    for prints in (1, 2, 3):
        with db.writing(engine) as session:
            done = cashdesk.print_receipt(session, actor, receipt.transfer_id)
            assert done.prints == prints
    with db.reading(engine) as session:
        copies = [row for row in audit.page(session, actor.site_id) if row.action == "receipt.copy"]
    assert [(row.before, row.after) for row in copies] == [(2, 3), (1, 2)]


def test_a_cashier_reverses_his_own_top_up_of_today_once(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=300)
    receipt = pay_in(engine, actor, diner, 5000, "a")
    with db.writing(engine) as session:
        done = cashdesk.ask_reversal(session, actor, receipt.transfer_id, "多按了一个零")
    assert done.state == State.DONE.value
    assert balance(engine, diner) == 300
    with pytest.raises(cashdesk.ReversedError), db.writing(engine) as session:
        cashdesk.ask_reversal(session, actor, receipt.transfer_id, "再来一次")
    assert balance(engine, diner) == 300
    require_clean(engine)


@pytest.mark.parametrize(("name", "days"), [("another", 0), ("test", 1)])
def test_anybody_else_and_any_later_day_needs_a_second_person(
    engine: Engine, actor: Actor, make_diner: MakeDiner, name: str, days: int
) -> None:
    diner = make_diner(cash=0)
    receipt = pay_in(engine, actor, diner, 5000, "a")
    asker = replace(actor, name=name, at=actor.at + timedelta(days=days))
    with db.writing(engine) as session:
        asked = cashdesk.ask_reversal(session, asker, receipt.transfer_id, "错人")
    assert asked.state == State.ASKED.value
    assert balance(engine, diner) == 5000
    with pytest.raises(SamePersonError), db.writing(engine) as session:
        cashdesk.judge_reversal(session, asker, asked.id, approve=True)
    second = replace(asker, name="finance")
    with db.writing(engine) as session:
        cashdesk.judge_reversal(session, second, asked.id, approve=True)
    assert balance(engine, diner) == 0
    with pytest.raises(DecidedError), db.writing(engine) as session:
        cashdesk.judge_reversal(session, replace(asker, name="third"), asked.id, approve=True)
    assert balance(engine, diner) == 0


def test_a_refused_reversal_moves_nothing_and_may_be_asked_for_again(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    receipt = pay_in(engine, actor, diner, 5000, "a")
    asker, second = replace(actor, name="asker"), replace(actor, name="second")
    with db.writing(engine) as session:
        asked = cashdesk.ask_reversal(session, asker, receipt.transfer_id, "错人")
        cashdesk.judge_reversal(session, second, asked.id, approve=False)
    assert balance(engine, diner) == 5000
    with db.writing(engine) as session:
        again = cashdesk.ask_reversal(session, asker, receipt.transfer_id, "真的错了")
        cashdesk.judge_reversal(session, second, again.id, approve=True)
    assert balance(engine, diner) == 0


def test_money_that_is_spent_cannot_be_reversed(
    engine: Engine, actor: Actor, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diner = make_diner(cash=0)
    receipt = pay_in(engine, actor, diner, 5000, "a")
    terminal.sell(make_sale(diner, 1))
    terminal.push()
    with pytest.raises(NotEnoughError), db.writing(engine) as session:
        cashdesk.ask_reversal(session, actor, receipt.transfer_id, "错人")
    assert balance(engine, diner) == 4999
    with db.reading(engine) as session:
        assert receipts.waiting(session, actor.site_id) == []


def test_a_reversal_says_why_and_belongs_to_its_site(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    receipt = pay_in(engine, actor, make_diner(cash=0), 5000, "a")
    with pytest.raises(BadInputError), db.writing(engine) as session:
        cashdesk.ask_reversal(session, actor, receipt.transfer_id, "  ")
    stranger = replace(actor, site_id=UUID(int=7))
    with pytest.raises(UnknownReceiptError), db.writing(engine) as session:
        cashdesk.ask_reversal(session, stranger, receipt.transfer_id, "错人")
    with pytest.raises(UnknownReceiptError), db.writing(engine) as session:
        cashdesk.judge_reversal(session, stranger, UUID(int=1), approve=True)


def move(engine: Engine, actor: Actor, one: UUID, other: UUID, fen: int, key: str = "m") -> None:
    with db.writing(engine) as session:
        cashdesk.move_between(session, actor, one, other, Fen(fen), key=key, reason="换卡")


def test_own_money_moves_between_two_accounts_of_one_person_once(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    one, other = make_diner(cash=1000, subsidy=500), make_diner(cash=0)
    for _ in range(2):
        move(engine, actor, one, other, 800)
    assert (balance(engine, one), balance(engine, other)) == (200, 800)
    assert balance(engine, one, Source.SUBSIDY) == 500
    with pytest.raises(NotEnoughError):
        move(engine, actor, one, other, 201, key="n")
    assert (balance(engine, one), balance(engine, other)) == (200, 800)
    with db.reading(engine) as session:
        told = [
            (row.action, row.subject)
            for row in audit.page(session, actor.site_id) if row.action.startswith("wallet.move")
        ]  # fmt: skip
    assert told == [("wallet.move_in", str(other)), ("wallet.move_out", str(one))]
    require_clean(engine)


def test_money_moves_to_nobody_else_and_to_no_closed_account(
    engine: Engine, actor: Actor, make_diner: MakeDiner, site: Any
) -> None:
    one, gone = make_diner(cash=1000), make_diner(cash=0)
    with db.writing(engine) as session:
        values = people.DinerValues(staff_no="9", name="乙丑", group_id=site.group_id)
        somebody = people.create_diner(session, actor, values).id
        leaving.leave(session, actor, gone)
        assert people.get_diner(session, site.id, gone).status == DinerStatus.LEFT.value
    codes = []
    for target in (somebody, gone, one):
        with pytest.raises(BadInputError) as caught:
            move(engine, actor, one, target, 100)
        codes.append(caught.value.code)
    assert codes == ["other_person", "left", "same_account"]
    assert balance(engine, one) == 1000

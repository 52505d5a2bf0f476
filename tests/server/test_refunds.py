"""Voids and refunds: the money goes back once, to where it came from, by two people."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import SaleLine, Source, Unit
from server import audit, leaving, refunds
from server.actor import Actor
from server.books import accounts, closing, refunds_proof, sales
from server.books import refunds as rules
from server.books.accounts import Account
from server.books.refunds import Refund
from server.books.transfers import KeyUsedError, Transfer
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]


@pytest.fixture
def boss(actor: Actor) -> Actor:
    """Somebody else than who asks."""
    return replace(actor, name="boss")


def line(amount: int, quantity: int = 1) -> SaleLine:
    return SaleLine(
        dish_id=new_id(), name="菜", unit=Unit.PIECE, quantity=quantity,
        unit_price=Fen(amount // quantity), amount=Fen(amount),
    )  # fmt: skip


def wallets(engine: Engine, diner: UUID) -> tuple[int, int]:
    with db.reading(engine) as session:
        found = accounts.balances(session, diner)
        return found[Source.SUBSIDY], found[Source.CASH]


def balance(engine: Engine, kind: str) -> int:
    with db.reading(engine) as session:
        return sum(session.scalars(select(Account.balance).where(Account.kind == kind)))


def assert_right(engine: Engine) -> None:
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
        assert report.faults == []
        assert list(refunds_proof.faults(session)) == []


@pytest.fixture
def sold(terminal: Any, make_sale: Any) -> Callable[..., UUID]:
    """Sell at the till and push; the sale's id."""

    def do(diner: UUID | None, total: int = 1200, **changes: Any) -> UUID:
        sale = make_sale(diner, total, **changes)
        terminal.sell(sale)
        acknowledged = terminal.journal.acknowledged()
        terminal.journal.acknowledge(terminal.push(acknowledged).applied_seq)
        return sale.id

    return do


def test_a_void_gives_everything_back_and_frees_the_meal(
    engine: Engine, actor: Actor, make_diner: MakeDiner, sold: Any, terminal: Any
) -> None:
    diner = make_diner(cash=2000, subsidy=800)
    paid = ((Source.SUBSIDY, 800), (Source.CASH, 400))
    sale_id = sold(diner, payments=paid, subsidised=True)
    assert wallets(engine, diner) == (0, 1600)
    key = new_id()
    for _ in range(2):
        with db.writing(engine) as session:
            refund = refunds.void(session, actor, sale_id, "打错了", key=key)
    assert wallets(engine, diner) == (800, 2000)
    assert balance(engine, "revenue") == 0
    with db.reading(engine) as session:
        use = sales.day_use(session, diner, date(2026, 3, 2))
        kinds = session.scalars(select(Transfer.kind).where(Transfer.id == refund.transfer_id))
        assert list(kinds) == ["void"]
        acts = [row.action for row in audit.page(session, actor.site_id)]
    assert (use.meals, use.subsidised, use.spent, use.month_meals) == ({}, {}, 0, 0)
    assert acts.count("sale.void") == 1
    body = next(item for item in terminal.feed()["items"] if item["key"] == str(diner))["body"]
    assert (body["subsidy"], body["cash"], body["today"]["subsidised"]) == (800, 2000, {})
    assert_right(engine)


def test_a_void_of_a_cash_sale_comes_out_of_the_tills_drawer(
    engine: Engine, actor: Actor, sold: Any
) -> None:
    sale_id = sold(None, 700)
    assert balance(engine, "drawer") == -700
    with db.writing(engine) as session:
        refunds.void(session, actor, sale_id, "打错了", key=new_id())
    assert (balance(engine, "drawer"), balance(engine, "cash_desk")) == (0, 0)
    assert_right(engine)


def test_a_refund_of_a_cash_sale_is_paid_at_the_cash_desk(
    engine: Engine, actor: Actor, boss: Actor, sold: Any
) -> None:
    sale_id = sold(None, 700)
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale_id, None, "有异物", key=new_id())
        refunds.approve(session, boss, asked.id)
    assert (balance(engine, "drawer"), balance(engine, "cash_desk")) == (-700, 700)
    assert_right(engine)


def test_a_basket_that_cost_nothing_can_be_voided_once_and_frees_its_meal(
    engine: Engine, actor: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner()
    sale_id = sold(diner, 0, subsidised=True)
    with pytest.raises(BadInputError), db.writing(engine) as session:
        refunds.ask(session, actor, sale_id, None, "x", key=new_id())
    with db.writing(engine) as session:
        assert refunds.void(session, actor, sale_id, "打错了", key=new_id()).transfer_id is None
    with pytest.raises(BadInputError), db.writing(engine) as session:
        refunds.void(session, actor, sale_id, "打错了", key=new_id())
    with db.reading(engine) as session:
        assert sales.day_use(session, diner, date(2026, 3, 2)).subsidised == {}
    assert_right(engine)


def test_nothing_moves_before_a_second_person_approves(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner(cash=2000)
    sale_id = sold(diner)
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale_id, None, "少打一份", key=new_id())
    assert wallets(engine, diner) == (0, 800)
    for judge in (refunds.approve, lambda *about: refunds.refuse(*about, "x")):
        with pytest.raises(rules.RefundError) as own, db.writing(engine) as session:
            judge(session, actor, asked.id)
        assert own.value.code == "own_refund"
    for _ in range(2):
        with db.writing(engine) as session:
            refunds.approve(session, boss, asked.id)
    assert wallets(engine, diner) == (0, 2000)
    with pytest.raises(rules.RefundError) as late, db.writing(engine) as session:
        refunds.refuse(session, boss, asked.id, "不同意")
    assert late.value.code == "judged_before"
    with db.reading(engine) as session:
        assert session.get_one(sales.Sale, _key(session, sale_id)).cancelled
    assert_right(engine)


def _key(session: Any, sale_id: UUID) -> Any:
    sale = sales.Sale
    return session.execute(
        select(sale.site_id, sale.business_date, sale.id).where(sale.id == sale_id)
    ).one()


def test_a_refused_refund_moves_nothing_and_can_be_asked_again(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner(cash=2000)
    sale_id = sold(diner)
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale_id, None, "x", key=new_id())
    with pytest.raises(rules.RefundError), db.writing(engine) as session:
        refunds.refuse(session, boss, asked.id, "  ")
    for _ in range(2):
        with db.writing(engine) as session:
            refunds.refuse(session, boss, asked.id, "没有理由")
    with pytest.raises(rules.RefundError), db.writing(engine) as session:
        refunds.approve(session, boss, asked.id)
    assert wallets(engine, diner) == (0, 800)
    with db.writing(engine) as session:
        again = refunds.ask(session, actor, sale_id, None, "x", key=new_id())
        assert (again.total, again.state) == (1200, "asked")
    assert_right(engine)


def test_lines_are_refunded_with_their_share_of_the_discount_to_the_last_fen(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner(cash=2000, subsidy=500)
    sale_id = sold(
        diner, lines=(line(600, 3), line(400)), list_total=Fen(1000), discount=Fen(101),
        total=Fen(899), payments=((Source.SUBSIDY, 500), (Source.CASH, 399)),
    )  # fmt: skip
    totals = []
    for wanted in ({1: 1}, {1: 2}, {2: 1}):
        with db.writing(engine) as session:
            asked = refunds.ask(session, actor, sale_id, wanted, "x", key=new_id())
            refunds.approve(session, boss, asked.id)
            totals.append((asked.total, asked.cash_back, asked.subsidy_back))
    assert totals == [(179, 179, 0), (360, 220, 140), (360, 0, 360)]
    assert wallets(engine, diner) == (500, 2000)
    with pytest.raises(rules.RefundError) as over, db.writing(engine) as session:
        refunds.ask(session, actor, sale_id, {2: 1}, "x", key=new_id())
    assert over.value.code == "over_line"
    assert_right(engine)


def test_what_is_asked_for_counts_and_stops_a_void(
    engine: Engine, actor: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    sale_id = sold(make_diner(), lines=(line(700), line(500)))
    with db.writing(engine) as session:
        refunds.ask(session, actor, sale_id, {1: 1}, "x", key=new_id())
    for attempt in (
        lambda session: refunds.ask(session, actor, sale_id, {1: 1}, "x", key=new_id()),
        lambda session: refunds.void(session, actor, sale_id, "x", key=new_id()),
    ):
        with pytest.raises(rules.RefundError), db.writing(engine) as session:
            attempt(session)
    with db.writing(engine) as session:
        rest = refunds.ask(session, actor, sale_id, None, "x", key=new_id())
    assert rest.total == 500


def test_a_void_is_for_the_sales_own_open_day(
    engine: Engine, actor: Actor, sold: Any, site: Any
) -> None:
    sale_id = sold(None)
    tomorrow = replace(actor, at=actor.at + timedelta(days=1))
    with pytest.raises(rules.RefundError) as late, db.writing(engine) as session:
        refunds.void(session, tomorrow, sale_id, "x", key=new_id())
    with db.writing(engine) as session:
        books = closing.lock(session, site.id)
        closing.close(session, books, date(2026, 3, 2), {}, by="test", at=actor.at)
    with pytest.raises(rules.RefundError) as closed, db.writing(engine) as session:
        refunds.void(session, actor, sale_id, "x", key=new_id())
    assert (late.value.code, closed.value.code) == ("not_today", "day_closed")


def test_a_refund_counts_for_the_day_of_its_approval_if_that_is_open(
    engine: Engine, actor: Actor, boss: Actor, sold: Any, site: Any
) -> None:
    one, other = sold(None), sold(None)
    later = replace(boss, at=boss.at + timedelta(days=2))
    with db.writing(engine) as session:
        first = refunds.ask(session, actor, one, None, "x", key=new_id())
        refunds.approve(session, later, first.id)
    with db.writing(engine) as session:
        books = closing.lock(session, site.id)
        closing.close(session, books, date(2026, 3, 2), {}, by="test", at=actor.at)
    with db.writing(engine) as session:
        second = refunds.ask(session, actor, other, None, "x", key=new_id())
        refunds.approve(session, boss, second.id)
    with db.reading(engine) as session:
        dates = [
            session.scalars(select(Transfer.business_date).where(Transfer.id == each.transfer_id))
            for each in (first, second)
        ]
        assert [found.one() for found in dates] == [date(2026, 3, 4), date(2026, 3, 3)]


def test_a_diner_who_has_left_is_still_refunded(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner(cash=1200)
    sale_id = sold(diner)
    with db.writing(engine) as session:
        leaving.leave(session, actor, diner)
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale_id, None, "x", key=new_id())
        refunds.approve(session, boss, asked.id)
    assert wallets(engine, diner) == (0, 1200)
    assert_right(engine)


def test_a_form_refunds_one_thing_only(
    engine: Engine, actor: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner, key = make_diner(), new_id()
    one, other = sold(diner, lines=(line(700), line(500))), sold(diner)
    for _ in range(2):
        with db.writing(engine) as session:
            refunds.ask(session, actor, one, {1: 1}, "x", key=key)
    for attempt in (
        lambda session: refunds.ask(session, actor, one, {2: 1}, "x", key=key),
        lambda session: refunds.ask(session, actor, other, None, "x", key=key),
        lambda session: refunds.void(session, actor, one, "x", key=key),
    ):
        with pytest.raises(KeyUsedError), db.writing(engine) as session:
            attempt(session)
    with db.reading(engine) as session:
        assert len(session.scalars(select(Refund)).all()) == 1


def test_another_site_neither_sees_nor_refunds_a_sale(
    engine: Engine, actor: Actor, boss: Actor, sold: Any
) -> None:
    sale_id = sold(None)
    stranger = replace(actor, site_id=new_id())
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale_id, None, "x", key=new_id())
    for attempt in (
        lambda session: refunds.ask(session, stranger, sale_id, None, "x", key=new_id()),
        lambda session: refunds.void(session, stranger, sale_id, "x", key=new_id()),
        lambda session: refunds.approve(session, replace(boss, site_id=new_id()), asked.id),
    ):
        with pytest.raises(rules.RefundError) as unknown, db.writing(engine) as session:
            attempt(session)
        assert unknown.value.code in {"unknown_sale", "unknown_refund"}


def at_once(*attempts: Callable[[], Any]) -> list[str]:
    """Run them in threads of their own; what each came to."""
    barrier = Barrier(len(attempts))

    def run(attempt: Callable[[], Any]) -> str:
        barrier.wait()
        try:
            attempt()
        except BadInputError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(attempts)) as pool:
        return sorted(pool.map(run, attempts))


def test_two_people_who_refund_the_same_sale_at_once_refund_it_once(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any
) -> None:
    diner = make_diner(cash=2000)
    for _ in range(4):
        sale_id = sold(diner)

        def ask(sale_id: UUID = sale_id) -> None:
            with db.writing(engine) as session:
                refunds.ask(session, actor, sale_id, None, "x", key=new_id())

        def void(sale_id: UUID = sale_id) -> None:
            with db.writing(engine) as session:
                refunds.void(session, actor, sale_id, "x", key=new_id())

        done = at_once(ask, void, ask, void)
        assert done.count("done") == 1, done
        with db.writing(engine) as session:
            (asked,) = rules.of_sale(session, actor.site_id, sale_id)
            waits = asked.state == "asked"

        def approve(refund_id: UUID = asked.id, who: Actor = boss) -> None:
            with db.writing(engine) as session:
                refunds.approve(session, who, refund_id)

        if waits:
            assert at_once(approve, approve) == ["done", "done"]
        assert wallets(engine, diner) == (0, 2000)
    assert_right(engine)


def test_the_database_itself_refuses_more_than_was_paid(engine: Engine, sold: Any) -> None:
    sale_id = sold(None, 700)
    for refunded in (701, -1):
        change = update(sales.Sale).where(sales.Sale.id == sale_id).values(refunded=refunded)
        with pytest.raises(IntegrityError), db.writing(engine) as session:
            session.execute(change)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prices=st.lists(st.tuples(st.integers(1, 900), st.integers(1, 3)), min_size=1, max_size=4),
    cuts=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    acts=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.booleans()), max_size=8),
)
def test_however_a_sale_is_refunded_the_books_balance_and_the_diner_has_his_money(
    engine: Engine, actor: Actor, boss: Actor, make_diner: MakeDiner, sold: Any,
    prices: list[tuple[int, int]], cuts: tuple[int, int], acts: list[tuple[int, int, bool]],
) -> None:  # fmt: skip
    lines = tuple(line(price * quantity, quantity) for price, quantity in prices)
    whole = sum(each.amount for each in lines)
    total = whole - whole * cuts[0] // 100
    subsidy = total * cuts[1] // 100
    diner = make_diner(cash=9000, subsidy=9000)
    paid = ((Source.SUBSIDY, subsidy), (Source.CASH, total - subsidy))
    sale_id = sold(
        diner, lines=lines, list_total=Fen(whole), discount=Fen(whole - total), total=Fen(total),
        payments=paid if total else ((Source.CASH, 0),),
    )  # fmt: skip
    back = 0
    for no, pieces, agreed in [*acts, (0, 0, True)]:
        wanted = {no: pieces} if no else None
        try:
            with db.writing(engine) as session:
                asked = refunds.ask(session, actor, sale_id, wanted, "x", key=new_id())
                if agreed:
                    refunds.approve(session, boss, asked.id)
                    back += asked.total
                else:
                    refunds.refuse(session, boss, asked.id, "x")
        except rules.RefundError:
            pass
        left = sum(wallets(engine, diner))
        assert left == 18_000 - total + back
    assert back == total
    assert wallets(engine, diner) == (9000, 9000)
    assert_right(engine)

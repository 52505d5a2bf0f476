"""Subsidies that expire: what expires soonest is spent first, and taken back once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import cashdesk, subsidy_expiry
from server.actor import Actor
from server.books import accounts, subsidies
from server.books.lots import Lot, unspent
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]
DAY = date(2026, 3, 2)


def days(number: int) -> date:
    return DAY + timedelta(days=number)


def lot(received: int, lasts: int, amount: int) -> Lot:
    return Lot(new_id(), days(received), days(received + lasts), Fen(amount))


LOTS = st.lists(
    st.builds(lot, st.integers(0, 20), st.integers(0, 20), st.integers(1, 500)), max_size=6
)
SPENT = st.dictionaries(st.integers(0, 45).map(days), st.integers(-50, 400), max_size=20)


@given(lots=LOTS, spent=SPENT, until=st.integers(0, 45).map(days))
def test_a_lot_holds_between_nothing_and_its_amount_and_pays_no_more_than_was_spent(
    lots: list[Lot], spent: dict[date, int], until: date
) -> None:
    left = unspent(lots, spent, until)
    used = {each.run_id: each.amount - left[each.run_id] for each in lots}
    assert all(0 <= left[each.run_id] <= each.amount for each in lots)
    assert sum(used.values()) <= sum(fen for day, fen in spent.items() if day <= until and fen > 0)
    for each in lots:
        window = [fen for day, fen in spent.items() if each.received <= day <= each.expires_on]
        assert used[each.run_id] <= sum(fen for fen in window if fen > 0)


@given(lots=LOTS, spent=SPENT)
def test_what_expires_later_is_touched_only_where_what_expires_sooner_is_empty(
    lots: list[Lot], spent: dict[date, int]
) -> None:
    end = days(60)
    left = unspent(lots, spent, end)
    for late in lots:
        if left[late.run_id] == late.amount:
            continue
        for soon in lots:
            always = soon.received <= late.received and soon.expires_on < late.expires_on
            covers = all(
                soon.received <= day <= soon.expires_on
                for day, fen in spent.items()
                if fen > 0 and late.received <= day <= late.expires_on
            )
            assert not (always and covers) or left[soon.run_id] == 0


@given(lots=LOTS, spent=SPENT, until=st.integers(0, 45).map(days))
def test_the_order_in_which_lots_are_named_changes_nothing(
    lots: list[Lot], spent: dict[date, int], until: date
) -> None:
    assert unspent(lots, spent, until) == unspent(lots[::-1], spent, until)


def test_spending_before_a_lot_came_and_after_it_expired_uses_none_of_it() -> None:
    one = lot(received=5, lasts=5, amount=100)
    spent = {days(4): 30, days(5): 10, days(10): 20, days(11): 40}
    assert unspent([one], spent, days(20)) == {one.run_id: 70}


def run(
    engine: Engine, actor: Actor, group: UUID, fen: int, expires_on: date | None, key: str
) -> subsidies.SubsidyRun:
    with db.writing(engine) as session:
        return cashdesk.run_subsidy(
            session, actor, key, {group: Fen(fen)}, key=key, expires_on=expires_on
        )


def subsidy(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.SUBSIDY]


def expire(engine: Engine, actor: Actor, after_days: int) -> list[subsidy_expiry.Expired]:
    with db.writing(engine) as session:
        return subsidy_expiry.expire_due(session, actor.at + timedelta(days=after_days))


def test_what_is_left_goes_back_after_the_last_day_and_only_once(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diners = [make_diner(cash=0) for _ in range(3)]
    run(engine, actor, site.group_id, 1000, None, "for good")
    run(engine, actor, site.group_id, 500, days(3), "for a time")
    for diner, fen in zip(diners, (0, 300, 900), strict=True):
        if fen:
            terminal.sell(make_sale(diner, fen, payments=(("subsidy", fen),)))
    terminal.push()
    assert expire(engine, actor, 3) == []
    with db.reading(engine) as session:
        assert list(subsidy_expiry.soon(session, site.id, actor.at).values()) == [500 + 200]
    (done,) = expire(engine, actor, 4)
    assert (done.diners, done.total) == (2, 700)
    assert [subsidy(engine, diner) for diner in diners] == [1000, 1000, 600]
    assert expire(engine, actor, 5) == []
    assert [subsidy(engine, diner) for diner in diners] == [1000, 1000, 600]
    with db.reading(engine) as session:
        report = Report()
        verify_server(session, report)
        assert report.faults == []
        assert subsidies.runs(session, site.id)[0].expired_total == 700
    balances = {
        item["body"]["id"]: item["body"]["subsidy"]
        for item in terminal.feed()["items"] if item["kind"] == "diner"
    }  # fmt: skip
    assert balances[str(diners[0])] == 1000


def test_two_runs_that_overlap_lose_each_what_was_not_spent_of_it(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diner = make_diner(cash=0)
    run(engine, actor, site.group_id, 500, days(9), "long")
    run(engine, actor, site.group_id, 300, days(3), "short")
    terminal.sell(make_sale(diner, 200, payments=(("subsidy", 200),)))
    terminal.push()
    assert [each.total for each in expire(engine, actor, 4)] == [100]
    assert subsidy(engine, diner) == 500
    later = make_sale(diner, 150, payments=(("subsidy", 150),), business_date=days(5))
    terminal.sell(later)
    terminal.push(after=1)
    assert [each.total for each in expire(engine, actor, 10)] == [350]
    assert subsidy(engine, diner) == 0


def test_a_job_that_comes_late_takes_no_more_than_the_wallet_holds(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    diner = make_diner(cash=0)
    run(engine, actor, site.group_id, 500, days(0), "today")
    sale = make_sale(diner, 400, payments=(("subsidy", 400),), business_date=days(2))
    terminal.sell(sale)
    terminal.push()
    assert [each.total for each in expire(engine, actor, 5)] == [100]
    assert subsidy(engine, diner) == 0


def test_a_sale_that_comes_after_the_expiry_is_a_debt_on_the_list(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    from server import exceptions

    diner = make_diner(cash=0)
    run(engine, actor, site.group_id, 500, days(0), "today")
    terminal.sell(make_sale(diner, 200, payments=(("subsidy", 200),)))
    expire(engine, actor, 1)
    terminal.push()
    assert subsidy(engine, diner) == -200
    with db.reading(engine) as session:
        assert "overdraft" in {item.code for item in exceptions.page(session, site.id)}


def test_a_last_day_that_is_over_is_refused(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner
) -> None:
    make_diner()
    with pytest.raises(BadInputError) as caught:
        run(engine, replace(actor), site.group_id, 500, days(-1), "x")
    assert caught.value.code == "past_day"


def test_the_commands_do_by_hand_what_the_jobs_do(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner
) -> None:
    from click.testing import CliRunner

    from dafan.cli import root

    diner = make_diner(cash=0)
    run(engine, actor, site.group_id, 500, days(0), "三月")
    first, second = (CliRunner().invoke(root, ["server", "expire-subsidies"]) for _ in range(2))
    assert "三月: 5.00 yuan of 1 diners taken back" in first.output
    assert "No subsidy has expired" in second.output
    assert subsidy(engine, diner) == 0
    refused = CliRunner().invoke(root, ["server", "reconcile-payments"])
    assert "no payment gateway is set up" in f"{refused.output}{refused.exception}"

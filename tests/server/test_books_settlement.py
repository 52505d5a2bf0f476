"""Clearing between bodies: every body's own books balance, and a statement sums to zero."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import groups, people, reconciliation, refunds, sites, verify
from server.actor import Actor
from server.books import bodies, settlement
from server.books.accounts import Account, AccountKind
from server.books.settlement import SettlementError
from server.books.transfers import Posting, Transfer

MARCH = date(2026, 3, 1)


class Town:
    """Three bodies, each with a venue and a group of one diner."""

    def __init__(self, engine, actor, site):
        self.engine, self.actor, self.site = engine, actor, site
        with db.writing(engine) as session:
            self.bodies = [sites.bodies(session, site.id)[0].id]
            self.bodies += [bodies.add(session, actor, name).id for name in ("二局", "三局")]
            self.venues = [site.venue_id]
            self.venues += [sites.ensure_venue(session, site.id, name).id for name in ("二", "三")]
            self.groups = [site.group_id]
            self.groups += [
                groups.create(session, actor, groups.GroupValues(name=name)).id
                for name in ("二局职工", "三局职工")
            ]
            for place in (1, 2):
                bodies.assign_venue(session, actor, self.venues[place], self.bodies[place])
                bodies.assign_group(session, actor, self.groups[place], self.bodies[place])
            self.diners = [
                people.create_diner(
                    session, actor,
                    people.DinerValues(staff_no=f"9{no}", name="乙", group_id=group_id),
                ).id
                for no, group_id in enumerate(self.groups)
            ]  # fmt: skip

    def meal(self, make_sale, whose, where, total, **more):
        return make_sale(
            self.diners[whose], total=total, group_id=self.groups[whose],
            venue_id=self.venues[where], **more,
        )  # fmt: skip

    def statement(self, month=MARCH):
        with db.reading(self.engine) as session:
            return settlement.statement(session, self.site.id, month)

    def clearing(self):
        with db.reading(self.engine) as session:
            query = select(func.sum(Account.balance), func.count()).where(
                Account.kind == AccountKind.CLEARING.value, Account.balance != 0
            )
            total, count = session.execute(query).one()
            return int(total or 0), count


@pytest.fixture
def town(engine, actor, site):
    """Bodies A, B, C."""
    return Town(engine, actor, site)


def close_month(engine, site, clock):
    clock.advance(31 * 86400)
    with db.writing(engine) as session:
        actor = Actor(site.id, "finance", clock.now())
        reconciliation.close_days(session, actor, date(2026, 3, 31))
        return actor


def test_a_meal_at_home_clears_nothing_and_one_at_anothers_venue_is_owed(town, terminal, make_sale):
    terminal.sell(town.meal(make_sale, 0, 0, 500))
    paid = ((Source.SUBSIDY, 300), (Source.CASH, 500))
    terminal.sell(town.meal(make_sale, 0, 1, 800, payments=paid))
    terminal.sell(make_sale(total=100, venue_id=town.venues[1]))
    terminal.push()
    told = town.statement()
    a, b, _ = town.bodies
    assert dict(told.owed) == {(a, b): settlement.Owed(Fen(800), Fen(0))}
    assert (told.net(a, b), told.net(b, a)) == (800, -800)
    assert town.clearing() == (0, 2)


def test_each_bodys_own_accounts_balance_after_meals_and_refunds_anywhere(
    town, terminal, make_sale, engine, site, actor, clock
):
    sale = town.meal(make_sale, 0, 1, 900)
    terminal.sell(sale)
    terminal.sell(town.meal(make_sale, 1, 0, 250))
    terminal.push()
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, sale.id, None, "凉了", key=new_id())
        refunds.approve(session, Actor(site.id, "second", clock.now()), asked.id)
    owners = {
        0: {town.diners[0], town.venues[0]}, 1: {town.diners[1], town.venues[1]},
    }  # fmt: skip
    for mine, other in ((0, 1), (1, 0)):
        own = owners[mine] | {settlement.pair(town.bodies[mine], town.bodies[other])}
        with db.reading(engine) as session:
            query = select(func.sum(Account.balance)).where(Account.owner_id.in_(own))
            assert session.scalar(query) == 0
    told = town.statement()
    a, b, _ = town.bodies
    assert told.gross(a, b) == settlement.Owed(Fen(900), Fen(900))
    assert told.net(a, b) == -250


def test_a_refund_goes_back_between_the_bodies_of_the_sale_though_the_group_has_moved(
    town, terminal, make_sale, engine, actor
):
    sale = town.meal(make_sale, 0, 1, 900)
    terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        bodies.assign_group(session, actor, town.groups[0], town.bodies[2])
        refunds.void(session, actor, sale.id, "打错了", key=new_id())
    assert town.clearing() == (0, 0)


MEALS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 5000), st.booleans()),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(meals=MEALS)
def test_whatever_is_eaten_where_and_given_back_a_statement_sums_to_zero(
    town, terminal, make_sale, engine, actor, meals
):
    mark = terminal.journal.read(0, 100_000)[-1].seq if terminal.journal.read(0, 1) else 0
    before = town.statement()
    sold = []
    for whose, where, total, back in meals:
        sale = town.meal(make_sale, whose, where, total)
        terminal.sell(sale)
        sold.append((sale, whose, where, total, back))
    terminal.push(after=mark)
    expected = {(a, b): before.net(a, b) for a in town.bodies for b in town.bodies if a != b}
    for sale, whose, where, total, back in sold:
        one, other = town.bodies[whose], town.bodies[where]
        if back:
            with db.writing(engine) as session:
                refunds.void(session, actor, sale.id, "撤", key=new_id())
        elif one != other:
            expected[one, other] += total
            expected[other, one] -= total
    told = town.statement()
    assert {pair: told.net(*pair) for pair in expected} == expected
    assert sum(told.net(*pair) for pair in expected) == 0
    assert sum(told.result(body) for body in town.bodies) == 0
    assert town.clearing()[0] == 0
    with db.reading(engine) as session:
        report = verify.Report()
        verify.verify_server(session, report)
        assert report.faults == []


def test_a_month_is_settled_once_and_only_when_all_its_days_are_closed(
    town, terminal, make_sale, engine, site, actor, clock
):
    terminal.sell(town.meal(make_sale, 0, 1, 900))
    terminal.sell(town.meal(make_sale, 1, 0, 200))
    terminal.sell(town.meal(make_sale, 2, 0, 50))
    terminal.push()
    a, b, c = town.bodies
    with db.writing(engine) as session:
        with pytest.raises(SettlementError) as caught:
            settlement.settle(session, actor, MARCH, a, b, "回单 1")
        assert caught.value.code == "month_open"
    finance = close_month(engine, site, clock)
    assert town.statement().closed
    for one, other, reference in ((b, a, "回单 1"), (a, b, "回单 2")):
        with db.writing(engine) as session:
            row = settlement.settle(session, finance, MARCH, one, other, reference)
            assert (row.amount, row.reference) == (700, "回单 1")
    assert town.clearing() == (0, 2)
    with db.writing(engine) as session:
        assert settlement.settle(session, finance, MARCH, c, a, "回单 3").amount == -50
    assert town.clearing() == (0, 0)
    told = town.statement()
    assert (told.net(a, b), set(told.settled)) == (700, {(a, b), (a, c)})
    with db.reading(engine) as session:
        moved = select(Transfer.kind, func.count()).join(
            Posting, Posting.transfer_id == Transfer.id
        ).where(Transfer.kind == "settlement").group_by(Transfer.kind)  # fmt: skip
        assert session.execute(moved).all() == [("settlement", 4)]


def test_what_is_no_pair_or_has_no_reference_settles_nothing(town, engine, site, clock):
    finance = close_month(engine, site, clock)
    a, b, _ = town.bodies
    wrong = ((a, a, "x"), (a, new_id(), "x"), (a, b, "  "), (a, b, "x" * 121))
    for one, other, reference in wrong:
        with db.writing(engine) as session, pytest.raises(BadInputError):
            settlement.settle(session, finance, MARCH, one, other, reference)
    with db.writing(engine) as session:
        assert settlement.settle(session, finance, MARCH, a, b, "x").transfer_id is None


def test_a_late_sale_belongs_to_the_statement_of_the_month_in_which_it_is_booked(
    town, terminal, make_sale, engine, site, clock
):
    sale = town.meal(make_sale, 0, 1, 900)
    close_month(engine, site, clock)
    terminal.sell(sale)
    terminal.push()
    assert town.statement().owed == {}
    assert town.statement(date(2026, 4, 1)).net(*town.bodies[:2]) == 900


def test_a_body_of_another_site_is_nobodys_here(town, engine, site, clock):
    with db.writing(engine) as session:
        other = sites.ensure_site(session, "别处").id
    stranger = Actor(other, "x", clock.now())
    for act in (
        lambda session: bodies.rename(session, stranger, town.bodies[1], "我的"),
        lambda session: bodies.assign_venue(session, stranger, site.venue_id, town.bodies[1]),
        lambda session: bodies.assign_group(session, stranger, site.group_id, town.bodies[1]),
        lambda session: bodies.add(session, stranger, ""),
    ):
        with db.writing(engine) as session, pytest.raises(BadInputError):
            act(session)


def test_months_end_where_the_calendar_says():
    assert settlement.month_end(date(2026, 12, 1)) == date(2026, 12, 31)
    assert settlement.month_end(date(2028, 2, 1)) == date(2028, 2, 29)
    assert settlement.month_end(MARCH) - MARCH == timedelta(days=30)

"""Sums of a day are what the sales say, whatever happens to them, and never an authority."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.desk import Void
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import SaleLine, Unit
from server import refunds
from server.actor import Actor
from server.books.refunds import Refund, RefundLine, shares
from server.books.sales import Sale, lines_of
from server.reports import day_sums, sums_proof
from server.reports.day_rows import DayMade, DaySales
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope
from tests.server.conftest import TestSite, Till
from tests.server.everything import Everything

DAY = date(2026, 3, 2)
ALL = Scope(date(2026, 1, 1), date(2026, 12, 31))
DISHES = [new_id() for _ in range(3)]
CODES = ("list_total", "income", "refunded", "net", "discount")

Line = tuple[int, int, int]
"""Which dish, pieces, fen of one."""
_line = st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 997))
_basket = st.tuples(st.lists(_line, min_size=1, max_size=4), st.integers(0, 100))
_fate = st.sampled_from(["stays", "void", "whole", "line", "late"])


def _whole(session: Session, site_id: UUID) -> dict[str, int]:
    """The figures by hand: from each sale, its lines and what went back for them."""
    found = dict.fromkeys(CODES, 0)
    for sale in session.scalars(select(Sale).where(Sale.site_id == site_id)):
        found["list_total"] += sale.list_total
        found["income"] += sale.total
        found["refunded"] += sale.refunded
        found["net"] += sale.total - sale.refunded
        found["discount"] += sale.discount
    return found


def _by_dish(session: Session, site_id: UUID) -> dict[tuple[UUID], dict[str, int]]:
    found: dict[tuple[UUID], dict[str, int]] = {}
    for sale in session.scalars(select(Sale).where(Sale.site_id == site_id)):
        lines = lines_of(session, sale)
        for line, share in zip(
            lines, shares([one.amount for one in lines], sale.total), strict=True
        ):
            row = found.setdefault((line.dish_id,), dict.fromkeys(("income", "refunded"), 0))
            row["income"] += share
            back = (
                select(RefundLine.amount)
                .join(Refund, Refund.id == RefundLine.refund_id)
                .where(Refund.sale_id == sale.id, Refund.state == "approved")
                .where(RefundLine.no == line.no)
            )
            row["refunded"] += sum(session.scalars(back))
    return found


@settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(baskets=st.lists(st.tuples(_basket, _fate), min_size=1, max_size=5), makes=st.booleans())
def test_sums_are_the_sales_after_any_mix_of_sales_voids_and_refunds(
    baskets: list[tuple[tuple[list[Line], int], str]],
    makes: bool,
    engine: Engine,
    actor: Actor,
    site: TestSite,
    terminal: Till,
    make_diner: Callable[..., UUID],
    make_sale: Callable[..., Any],
) -> None:
    """Every example goes on with the days of the examples before it."""
    diner = make_diner(cash=1_000_000)
    begin = terminal.journal.read(0, 10_000)[-1].seq if terminal.journal.read(0, 1) else 0
    sold = []
    for (lines, percent), fate in baskets:
        told = tuple(
            SaleLine(
                dish_id=DISHES[dish], name="菜", unit=Unit.PIECE, quantity=pieces,
                unit_price=Fen(fen), amount=Fen(fen * pieces),
            )
            for dish, pieces, fen in lines
        )  # fmt: skip
        listed = sum(line.amount for line in told)
        total = listed - listed * percent // 100
        day = DAY - timedelta(days=1) if fate == "late" else DAY
        sale = make_sale(
            diner, total, lines=told, list_total=Fen(listed), discount=Fen(listed - total),
            business_date=day,
        )  # fmt: skip
        terminal.sell(sale)
        sold.append((sale, fate))
        if fate == "void":
            void = Void(
                id=new_id(), sale_id=sale.id, business_date=DAY, total=sale.total, reason="错",
                staff_id=new_id(), at=terminal.clock.now(),
            )  # fmt: skip
            terminal.write("void", void)
    terminal.push(after=begin)
    if makes:
        with db.writing(engine) as session:
            day_sums.make(session, site.id, actor.at)
    for sale, fate in sold:
        if fate in {"whole", "line"}:
            _refund(engine, actor, sale.id, {1: 1} if fate == "line" else None)
    with db.reading(engine) as session:
        assert list(sums_proof.faults(session)) == []
        assert ask(session, site.id, CODES, ALL)[()] == _whole(session, site.id)
        told_now = ask(session, site.id, ("income", "refunded"), ALL, [Dimension.DISH])
        assert told_now == _by_dish(session, site.id)


def _refund(engine: Engine, actor: Actor, sale_id: UUID, lines: dict[int, int] | None) -> None:
    try:
        with db.writing(engine) as session:
            asked = refunds.ask(session, actor, sale_id, lines, "凉", key=new_id())
    except BadInputError:  # it cost nothing
        return
    with db.writing(engine) as session:
        refunds.approve(session, replace(actor, name="boss"), asked.id)


def test_a_day_to_which_something_happened_is_made_again_and_a_damaged_sum_is_found(
    engine: Engine,
    actor: Actor,
    site: TestSite,
    terminal: Till,
    make_diner: Any,
    make_sale: Any,
    tmp_path: Path,
) -> None:
    books = Everything(engine, actor, site, terminal, make_diner, make_sale)
    books.build(tmp_path)
    codes = ["sales", "covers", "income", "lines", "refunded"]
    cuts = [[], [Dimension.HOUR], [Dimension.VENUE], [Dimension.MEAL, Dimension.GROUP]]

    def told() -> list[Any]:
        with db.reading(engine) as session:
            good = [[code for code in codes if not cut or code in _of(cut)] for cut in cuts]
            return [
                ask(session, site.id, wanted, ALL, cut)
                for cut, wanted in zip(cuts, good, strict=True)
            ]

    from_sales = told()
    now = actor.at + timedelta(days=400)
    assert day_sums.drive(engine, now) != "sums of 0 days made"
    assert day_sums.drive(engine, now) == "sums of 0 days made"
    with db.reading(engine) as session:
        good = day_sums.fresh(session, site.id, ALL.since, ALL.until)
        assert good == set(session.scalars(select(Sale.business_date)))
    assert told() == from_sales

    with db.writing(engine) as session:
        session.execute(text("UPDATE day_sales SET income = income + 1"))
        session.execute(text("DELETE FROM day_dishes"))
    assert told() != from_sales
    with db.reading(engine) as session:
        faults = list(sums_proof.faults(session))
    assert [fault.where for fault in faults] == [f"{day} of site {site.id}" for day in sorted(good)]
    assert "day_sales" in faults[0].what

    with db.writing(engine) as session:
        waits = session.scalars(select(Refund).where(Refund.state == "asked")).one()
        refunds.approve(session, books.boss, waits.id)
    with db.reading(engine) as session:
        assert day_sums.old(session, site.id).keys() == {books.refunded.business_date}
    with db.writing(engine) as session:
        day_sums.throw_away(session, site.id)
        assert not session.scalars(select(DayMade)).all()
        assert not session.scalars(select(DaySales)).all()
    from_sales = told()
    day_sums.drive(engine, now)
    assert told() == from_sales


def _of(cut: list[Dimension]) -> set[str]:
    """What can be cut so."""
    every = {"sales", "income"}
    return every if Dimension.HOUR in cut else {*every, "covers", "refunded"}

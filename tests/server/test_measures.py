"""Figures are defined once, and reconcile with the books."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan import db
from server.actor import Actor
from server.books.accounts import Account, AccountKind
from server.books.transfers import Posting
from server.reports import measures
from server.reports import sales as report
from server.reports.measures import MEASURES, CutError, ask, can
from server.reports.scope import NARROWING, Dimension, Scope
from tests.server.conftest import TestSite, Till
from tests.server.everything import Everything

MONTH = Scope(date(2026, 3, 1), date(2026, 3, 31))
YEAR = Scope(date(2025, 4, 1), date(2026, 4, 30))


@pytest.fixture
def everything(
    engine: Engine,
    actor: Actor,
    site: TestSite,
    terminal: Till,
    make_diner: Callable[..., Any],
    make_sale: Callable[..., Any],
    tmp_path: Path,
) -> Everything:
    books = Everything(engine, actor, site, terminal, make_diner, make_sale)
    books.build(tmp_path)
    return books


def test_figures_reconcile_with_the_books_and_every_cut_with_the_whole(
    everything: Everything,
) -> None:
    with db.reading(everything.engine) as session:
        _are_the_postings(session, everything.site.id)
        _are_those_of_the_overview(session, everything.site.id)
        for dimension in Dimension:
            _sums_up(session, everything.site.id, dimension)


def _are_the_postings(session: Session, site_id: UUID) -> None:
    told = ask(session, site_id, ["income", "refunded", "net"], YEAR)[()]
    query = (
        select(func.sum(Posting.amount))
        .join(Account, Account.id == Posting.account_id)
        .where(Account.kind == AccountKind.REVENUE.value)
    )
    assert told["net"] == session.scalar(query) != 0
    assert told["refunded"] == (told["income"] or 0) - (told["net"] or 0) != 0


def _are_those_of_the_overview(session: Session, site_id: UUID) -> None:
    codes = ["sales", "covers", "income", "subsidy", "cash", "drawer", "discount", "refunded"]
    days = report.day_figures(session, site_id, YEAR.since, YEAR.until)
    told = ask(session, site_id, codes, YEAR, [Dimension.DAY])
    assert days.keys() == {day for (day,) in told}
    for (day,), row in told.items():
        assert {code: getattr(days[day], code) for code in codes} == row


def _sums_up(session: Session, site_id: UUID, dimension: Dimension) -> None:
    """What is cut by venue or group counts people once at each; all else sums up to the whole."""
    good = [code for code in MEASURES if can(code, [dimension])]
    bad = [code for code in MEASURES if code not in good]
    with pytest.raises(CutError) if bad else nullcontext():
        ask(session, site_id, bad, YEAR, [dimension])
    whole = ask(session, site_id, good, YEAR)[()]
    told = ask(session, site_id, good, YEAR, [dimension])
    for code in good:
        twice = code == "covers" and dimension in {Dimension.VENUE, Dimension.GROUP}
        if MEASURES[code].of is None and not twice:
            assert sum(row[code] or 0 for row in told.values()) == whole[code], (code, dimension)
    if dimension in NARROWING and told:
        (key,), row = next(iter(told.items()))
        only = Scope(YEAR.since, YEAR.until, {dimension: key})
        assert ask(session, site_id, good, only)[()] == row


def test_a_measure_is_summed_from_its_parts() -> None:
    assert measures.base(["per_cover"]) == {"income", "refunded", "covers"}

"""A made-up past is plausible, its books verify, and reports are timed on it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from dafan import db
from kitchen.lots import Lot
from server.bench_reports import bench_reports
from server.books.accounts import Account, AccountKind
from server.books.transfers import Posting
from server.history import plan
from server.history.fill import Wanted, fill
from server.pages.manage.reports import KINDS
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope
from server.verify import Report, verify_engine
from tests.server.engines import Databases

FIRST, DAYS, SALES = date(2025, 9, 26), 8, 300
"""Friday, a weekend that is half worked for the long holiday, and its first days."""


@pytest.fixture
def empty(all_databases: Databases, tmp_path: Path) -> Iterator[Engine]:
    made = db.make_engine(all_databases.make(tmp_path / "history.db"))
    yield made
    made.dispose()
    all_databases.remove()


def test_a_made_up_past_verifies_and_tells_a_story(empty: Engine) -> None:
    site_id = fill(empty, Wanted(DAYS, SALES, FIRST))
    report = Report()
    verify_engine(empty, report)
    assert report.faults == []
    assert report.checked["sales"] == report.checked["entries"] == SALES
    scope = Scope(FIRST, FIRST + timedelta(days=DAYS - 1))
    with db.reading(empty) as session:
        whole = ask(session, site_id, ["sales", "net", "refunded", "waste_grams"], scope)[()]
        revenue = (
            select(func.sum(Posting.amount))
            .join(Account, Account.id == Posting.account_id)
            .where(Account.kind == AccountKind.REVENUE.value)
        )
        assert whole["net"] == session.scalar(revenue)
        assert whole["sales"] == SALES
        assert whole["refunded"]
        assert whole["waste_grams"]
        days = ask(session, site_id, ["covers"], scope, [Dimension.DAY])
        worked, holiday = days[FIRST,]["covers"], days.get((date(2025, 10, 1),), {"covers": 0})
        assert (worked or 0) > 5 * (holiday["covers"] or 0)
        meals = ask(session, site_id, ["covers", "standard_cost"], scope, [Dimension.MEAL])
        assert [meal for (meal,) in meals] == ["breakfast", "dinner", "lunch"]
        assert all(row["standard_cost"] for row in meals.values())
        paid = select(Lot.ingredient_id, func.count((Lot.cost * 1000 / Lot.quantity).distinct()))
        moved = dict(session.execute(paid.group_by(Lot.ingredient_id)).all())
        assert max(moved.values()) > 1


def test_the_bench_tells_the_time_of_every_report_for_a_month_and_for_the_year(
    empty: Engine,
) -> None:
    told = bench_reports(empty, 40, 3, rounds=1)
    assert (told["sales"], told["days"]) == (40, 3)
    assert told["reports"].keys() == {kind.key for kind in KINDS}
    for key, each in told["reports"].items():
        # The made-up past has one body and no deliveries of suppliers, and nobody complains.
        assert each["month"]["rows"] > 0 or key in {"settlement", "suppliers", "satisfaction"}
        assert each["month"]["target_ms"] == 1000
        assert each["year"]["most_ms"] >= each["year"]["median_ms"] > 0


@given(
    total=st.integers(0, 10_000),
    weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=30),
)
def test_shares_sum_up_to_the_whole(total: int, weights: list[float]) -> None:
    found = plan.shared(total, weights)
    assert sum(found) == total
    assert all(
        abs(part - total * weight / sum(weights)) < 1.001
        for part, weight in zip(found, weights, strict=True)
    )


def test_a_year_has_working_days_and_holidays_and_the_same_seed_makes_the_same_one() -> None:
    year = plan.sales_of_days(date(2025, 1, 1), 365, 100_000, Random(1))
    assert sum(year.values()) == 100_000
    assert year == plan.sales_of_days(date(2025, 1, 1), 365, 100_000, Random(1))
    holiday, made_up, plain = (year[date(2025, *day)] for day in ((10, 1), (9, 28), (9, 16)))
    assert 5 * holiday < made_up < plain
    noon = plan.moments(date(2025, 9, 16), plan.PERIODS[1], 400, Random(1))
    busy = sum(1 for at in noon if (at.hour, at.minute // 30) in {(3, 1), (4, 0)})
    assert busy > 200
    assert noon == sorted(noon)

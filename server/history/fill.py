"""Fills an empty database with a canteen's past."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.ids import new_id
from dafan.journal import GENESIS
from dafan.money import divide_half_up
from dafan.records import Portion
from server import cashdesk, refunds
from server.actor import Actor
from server.books.accounts import Account
from server.books.day_changes import DayChange
from server.books.sales import Sale, SaleLine
from server.books.transfers import Posting
from server.history import basket, plan
from server.history.canteen import BY, Canteen, open_canteen
from server.history.kitchen import Kitchen
from server.history.plan import PERIODS, Period
from server.history.tills import BACK, Book, Rows
from server.reports import cost_sums
from server.terminals import Terminal

SALES_A_DINER = 380
"""In a year of one who eats there: fewer sales, fewer diners."""
_WRITTEN = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """The history that is made.

    Attributes:
        days: How many business dates.
        sales: How many of all of them together.
        first: The first date.
        seed: The same one makes the same history, but for the ids.
        bare: Sales without journals, transfers and postings: a third of the size and of the time,
            for benches of reports; ``dafan verify`` finds them wrong.
    """

    days: int
    sales: int
    first: date
    seed: int = 1
    bare: bool = False


def fill(engine: Engine, wanted: Wanted, progress: Callable[[date], None] = lambda _: None) -> UUID:
    """Make a canteen and its history, and the sums that reports read.

    Args:
        engine: All tables, up to date, and no rows.
        wanted: Which history.
        progress: Told each date that is begun.

    Returns:
        The site.
    """
    rng = Random(wanted.seed)  # noqa: S311 - a story, not secrets
    diners = max(20, wanted.sales * 365 // max(wanted.days, 1) // SALES_A_DINER)
    opened = datetime.combine(wanted.first, time(0), UTC)
    canteen = open_canteen(engine, opened, diners, rng)
    kitchen = Kitchen(canteen, rng, wanted.first, wanted.days)
    book = Book(canteen, rng, bare=wanted.bare)
    rows = Rows()
    per_day = plan.sales_of_days(wanted.first, wanted.days, wanted.sales, rng)
    for day, count in per_day.items():
        progress(day)
        if day.day == 1 or day == wanted.first:
            book.grant()
            if not wanted.bare:
                _grant(engine, canteen, day)
        _day(canteen, kitchen, book, rows, day, count, rng, late=_late(day, wanted))
        if len(rows.of.get(Sale, ())) >= _WRITTEN:
            _write(engine, rows)
    _write(engine, rows)
    with writing(engine) as session:
        kitchen.write(session)
        _settle(session, canteen)
    if not wanted.bare:
        _take_back(engine, canteen, wanted, rng)
    cost_sums.drive(engine, opened + timedelta(days=wanted.days + 2))
    _analyse(engine)
    return canteen.site_id


def _late(day: date, wanted: Wanted) -> bool:
    return (day - wanted.first).days * 2 > wanted.days


def _day(
    canteen: Canteen, kitchen: Kitchen, book: Book, rows: Rows, day: date, count: int,
    rng: Random, *, late: bool,
) -> None:  # fmt: skip
    meals = plan.shared(count, [period.share for period in PERIODS])
    venues = list(canteen.revenue)
    for period, sales in zip(PERIODS, meals, strict=True):
        before = len(rows.of.get(Sale, ())), len(rows.of.get(SaleLine, ()))
        chosen = {
            venue: basket.baskets(basket.menu(canteen, day, period, rng), rng, late=late)
            for venue in venues
        }
        book.sell(rows, day, period, plan.moments(day, period, sales, rng), chosen)
        _cook(kitchen, rows, before, day, period, venues)
    for venue in venues:
        kitchen.clean_up(day, venue)
    book.close_day(rows, datetime.combine(day, time(12), UTC))


def _cook(
    kitchen: Kitchen, rows: Rows, before: tuple[int, int], day: date, period: Period,
    venues: list[UUID],
) -> None:  # fmt: skip
    """What the kitchen cooked for the sales of a meal, which stand behind the rows before."""
    sales = rows.of.get(Sale, [])[before[0] :]
    venue_of = {sale["id"]: sale["venue_id"] for sale in sales}
    halves: dict[UUID, dict[UUID, int]] = {venue: {} for venue in venues}
    for line in rows.of.get(SaleLine, [])[before[1] :]:
        sold = halves[venue_of[line["sale_id"]]]
        weight = 2 if line["portion"] == Portion.FULL.value else 1
        sold[line["dish_id"]] = sold.get(line["dish_id"], 0) + weight * line["quantity"]
    for venue in venues:
        covers = sum(one == venue for one in venue_of.values())
        portions = {dish: divide_half_up(count, 2) for dish, count in halves[venue].items()}
        if portions:
            kitchen.cook(day, period.code, venue, covers, portions)


def _write(engine: Engine, rows: Rows) -> None:
    with writing(engine) as session:
        rows.write(session)


def _grant(engine: Engine, canteen: Canteen, day: date) -> None:
    actor = Actor(canteen.site_id, BY, datetime.combine(day, time(0), UTC))
    with writing(engine) as session:
        cashdesk.run_subsidy(session, actor, f"{day:%Y-%m}", canteen.budgets, key=f"{day:%Y-%m}")


def _settle(session: Session, canteen: Canteen) -> None:
    """Marks, balances and changed days as they are after all that."""
    for till in canteen.tills:
        if till.hash != GENESIS:
            row = session.get_one(Terminal, till.id)
            row.applied_seq, row.applied_hash = till.seq, till.hash
    session.flush()
    summed = (
        select(func.coalesce(func.sum(Posting.amount), 0))
        .where(Posting.account_id == Account.id)
        .scalar_subquery()
    )
    plain = {"synchronize_session": False}
    session.execute(update(Account).values(balance=summed), execution_options=plain)
    cut = (Sale.site_id, Sale.business_date, Sale.terminal_id)
    session.execute(
        insert(DayChange).from_select(
            ["site_id", "business_date", "terminal_id", "changes"],
            select(*cut, func.count()).group_by(*cut),
        )
    )


def _take_back(engine: Engine, canteen: Canteen, wanted: Wanted, rng: Random) -> None:
    """Some sales are refunded by two people, as they are every week."""
    count = max(1, round(wanted.sales * BACK))
    with reading(engine) as session:
        query = select(Sale.id, Sale.paid_at).where(Sale.total > 0).order_by(Sale.id)
        sold = rng.sample(session.execute(query).all(), k=min(count, wanted.sales // 2))
    for sale_id, at in sorted(sold, key=lambda one: (one.paid_at, one.id)):
        actor = Actor(canteen.site_id, BY, at + timedelta(hours=1))
        with writing(engine) as session:
            asked = refunds.ask(session, actor, sale_id, None, "打错了", key=new_id())
        with writing(engine) as session:
            refunds.approve(session, replace(actor, name="经理"), asked.id)


def _analyse(engine: Engine) -> None:
    """As PostgreSQL's autovacuum does by itself, a little later; SQLite plans better by it too."""
    statement = "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)

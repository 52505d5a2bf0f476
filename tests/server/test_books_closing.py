from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from server import reconciliation, schema, sites, verify
from server.books import closing
from server.books.closing import ClosingError
from server.books.sales import Sale
from server.books.transfers import Posting, Transfer
from server.exceptions import ExceptionItem
from tests.server.conftest import NOON


def close(engine, site, day, figures=None):
    with db.writing(engine) as session:
        books = closing.lock(session, site.id)
        return closing.close(session, books, day, figures or {"n": 1}, by="test", at=NOON)


def test_a_late_sale_keeps_its_day_and_is_booked_on_the_first_open_one(
    engine, actor, terminal, make_diner, make_sale, clock
):
    today = clock.now().date()
    diner = make_diner()
    terminal.sell(make_sale(diner, total=1000))
    terminal.push()
    with db.writing(engine) as session:
        reconciliation.close_days(session, actor, today)
    sale = make_sale(diner, total=700)
    terminal.sell(sale)
    free = make_sale(diner, total=0)
    terminal.sell(free)
    answer = terminal.push(after=1)
    assert [one.outcome.value for one in answer.outcomes] == ["applied"] * 2
    tomorrow = today + timedelta(days=1)
    with db.reading(engine) as session:
        late = session.scalars(select(Sale).where(Sale.rescued_on.is_not(None))).all()
        assert {row.id: (row.business_date, row.rescued_on) for row in late} == {
            sale.id: (today, tomorrow), free.id: (today, tomorrow)
        }  # fmt: skip
        booked = session.scalars(select(Transfer).where(Transfer.key == f"sale:{sale.id}")).one()
        assert booked.business_date == tomorrow
        assert session.scalars(select(ExceptionItem.code)).all() == ["late_sale"] * 2
        report = verify.Report()
        verify.verify_server(session, report)
        assert report.faults == []


def test_nothing_whatever_is_booked_into_a_closed_day(engine, site, make_diner, clock, actor):
    from server import cashdesk

    today = clock.now().date()
    close(engine, site, today)
    diner = make_diner(cash=500)
    with db.writing(engine) as session:
        cashdesk.top_up(session, actor, diner, Fen(300), key="again")
    with db.reading(engine) as session:
        for table in (Transfer, Posting):
            days = session.scalars(select(func.min(table.business_date))).all()
            assert days == [today + timedelta(days=1)]


def test_days_are_closed_in_order_and_once(engine, site, clock):
    today = clock.now().date()
    close(engine, site, today)
    for wrong in (today, today - timedelta(days=1)):
        with pytest.raises(ClosingError) as caught:
            close(engine, site, wrong)
        assert caught.value.code == "closed_before"
    close(engine, site, today + timedelta(days=1))
    with db.reading(engine) as session:
        assert closing.closed_until(session, site.id) == today + timedelta(days=1)
        assert [row.business_date for row in closing.page(session, site.id)] == [
            today + timedelta(days=1), today
        ]  # fmt: skip
        assert list(closing.faults(session)) == []


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE day_close SET figures = '{\"n\":2}' WHERE business_date = '2026-03-03'",
        "UPDATE day_close SET closed_by = 'nobody' WHERE business_date = '2026-03-02'",
        "DELETE FROM day_close WHERE business_date = '2026-03-03'",
        "DELETE FROM day_close WHERE business_date = '2026-03-04'",
        "UPDATE books SET closed_until = '2026-03-03'",
    ],
)
def test_a_closing_that_was_altered_or_deleted_is_found(engine, site, clock, harm):
    for days in range(3):
        close(engine, site, clock.now().date() + timedelta(days=days))
    with engine.begin() as connection:
        connection.exec_driver_sql(harm)
    with db.reading(engine) as session:
        assert list(closing.faults(session))


def test_sites_from_before_have_open_books_and_one_body_named_as_the_site(tmp_path):
    engine = db.make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    schema.upgrade(engine, "0006")
    known = new_id()
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO site (id, name) VALUES (:id, '老单位')"), {"id": known.hex}
        )
    schema.upgrade(engine)
    with db.writing(engine) as session:
        assert closing.closed_until(session, known) is None
        assert [body.name for body in sites.bodies(session, known)] == ["老单位"]
        day = date(2026, 3, 2)
        closing.close(session, closing.lock(session, known), day, {"n": 1}, by="x", at=NOON)
        assert closing.is_closed(session, known, day)
    engine.dispose()

"""The demo's kitchen: a day that it has had by the rules, and today's food on its way."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from dafan.db import reading
from kitchen import boards, menus, samples, stock_trace, supervision
from kitchen.dishes import Dish, sampled
from kitchen.lots import Lot
from kitchen.meals import Meal
from kitchen.production import Batch
from kitchen.purchase_book import PurchaseOrder
from server import boards as server_boards
from server import demo_seed, face_engine
from server.bookings import MealBooking
from server.demo import wall
from server.keys import KeyRing
from server.notices import Notice
from server.surveys import SurveyVoice
from server.verify import Report, verify_engine


@pytest.fixture
def made(engine, settings, clock, wrong_locks, monkeypatch):
    missing = face_engine.FaceEngine("no such pack")
    monkeypatch.setattr(demo_seed, "shared_engine", lambda _pack: missing)

    def seed():
        ring = KeyRing.open(settings.data_dir)
        done = demo_seed.seed_demo(engine, settings, ring, clock.now(), with_kitchen=True)
        wrong_locks.clear()  # a demo is made in one transaction, before anybody sells
        return done

    return seed


def test_the_demo_agrees_with_every_proof_and_seeding_again_changes_nothing(
    made, engine, clock, settings
):
    demo = made()  # it takes long: both days are looked at in the same canteen
    yesterdays_lunch_leads_to_the_suppliers(engine, clock, demo)
    todays_orders_wait_at_the_door(engine, clock, settings, demo)
    before, keys = counts(engine), (settings.data_dir / wall.FILE).read_text()
    assert before[-3:] == [1, 18, 24]
    again = made()
    assert again.kitchen_day == {}
    assert demo.kitchen_day["samples"] == 17
    assert counts(engine) == before
    assert (settings.data_dir / wall.FILE).read_text() == keys


def yesterdays_lunch_leads_to_the_suppliers(engine, clock, demo):
    yesterday = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    lunch = Meal(yesterday, "lunch", demo.venue_id)
    report = Report()
    verify_engine(engine, report)
    assert report.faults == []
    with reading(engine) as session:
        menu = menus.find(session, demo.site_id, lunch)
        wanted = sampled(session, demo.site_id, [item.dish_id for item in menu.items])
        kept = {row.dish_id: row for row in samples.of_meal(session, demo.site_id, lunch)}
        assert set(kept) == wanted
        assert len(wanted) == 7
        assert min(row.grams for row in kept.values()) >= 125
        meat = session.scalar(
            select(Batch).where(Batch.period == "lunch", Batch.core_tenths.is_not(None))
        )
        used = stock_trace.trace_ref(session, demo.site_id, "batch", meat.id)
        assert {one.origin.supplier for one in used} <= set(_suppliers())
        assert used
        list_of_day = supervision.day_list(session, demo.site_id, yesterday)
        late = [row.code for row in list_of_day if row.done_at and row.done_at > row.due_at]
        assert late == ["store_sweep"]


def counts(engine):
    with reading(engine) as session:
        tables = (Lot, Batch, PurchaseOrder, Dish, Notice, SurveyVoice, MealBooking)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def todays_orders_wait_at_the_door(engine, clock, settings, demo):
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    keys = (settings.data_dir / wall.FILE).read_text()
    with reading(engine) as session:
        rows = supervision.day_list(session, demo.site_id, today)
        by_hand = [row for row in rows if row.evidence != "link" and row.due_at <= clock.now()]
        assert by_hand
        assert {row.done_at is not None for row in by_hand} == {True}
        found = boards.find(session, json.loads(keys)["kitchen"])
        board = server_boards.kitchen_board(session, found, clock.now())
        assert (board.checked.done, board.samples.of, len(board.cameras)) == (12, 7, 2)
        assert board.score.percent >= 75
        coming = session.scalars(
            select(PurchaseOrder.state).where(PurchaseOrder.deliver_on == today)
        ).all()
    assert coming
    assert set(coming) == {"sent"}


def _suppliers():
    from server.demo.kitchen import SUPPLIERS

    return SUPPLIERS

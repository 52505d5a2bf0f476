"""Booked meals: until when, what they do to the forecast, and who stays away."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from dafan import db
from dafan.errors import BadInputError
from dafan.records import DinerStatus
from kitchen import limits
from kitchen.meals import Meal
from server import bookings, buying, leaving, people, sites
from server.actor import Actor
from server.booking_rules import OVERTIME, BookingRules, slots
from server.bookings import BookingError, UnknownBookingError
from tests.server.conftest import NOON, TestSite, Till

TODAY = NOON.date()
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def lunch(site: TestSite) -> Meal:
    """Tomorrow's."""
    return Meal(TOMORROW, "lunch", site.venue_id)


def decide(engine: Engine, actor: Actor, **decided: object) -> None:
    with db.writing(engine) as session:
        limits.decide(session, actor, BookingRules, decided)


def test_a_meal_is_booked_until_its_cut_off_and_the_forecast_is_never_below_it(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID], lunch: Meal
) -> None:
    one, two = make_diner(), make_diner()
    decide(engine, actor, most_covers=3, cut_offs={"lunch": 90})
    with db.writing(engine) as session:
        row = bookings.book(session, actor, one, lunch, 2)
        again = bookings.book(session, actor, one, lunch, 2)
        assert again.id == row.id
        bookings.book(session, actor, two, lunch, 1)
        with pytest.raises(BookingError, match="covers"):
            bookings.book(session, actor, two, lunch, 4)
        with pytest.raises(UnknownBookingError):
            bookings.cancel(session, actor, two, row.id)
        policy = sites.policy(session, site.id)
        own = limits.of(session, site.id, BookingRules)
        slot = next(
            each
            for each in slots(own, policy, NOON)
            if (each.day, each.period) == (TOMORROW, "lunch")
        )
        assert slot.starts - slot.closes == timedelta(minutes=90)
    with db.reading(engine) as session:
        periods = ("breakfast", "lunch")
        meals = buying.coming(session, site.id, site.venue_id, periods, TOMORROW, TOMORROW, TODAY)
        assert [each.covers for each in meals] == [0, 3]
    late = replace(actor, at=slot.closes)
    with db.writing(engine) as session:
        with pytest.raises(BookingError, match="too late"):
            bookings.cancel(session, late, one, row.id)
        bookings.cancel(session, replace(actor, at=slot.closes - timedelta(seconds=1)), one, row.id)
        with pytest.raises(BookingError, match="too late"):
            bookings.book(session, late, one, lunch, 1)
        assert bookings.counts(session, site.id, TODAY, TOMORROW) == {(TOMORROW, "lunch"): 1}
        again = bookings.book(session, actor, one, lunch, 1)
        assert again.id == row.id
        leaving.leave(session, actor, one)
        assert bookings.of_diner(session, site.id, one, TODAY) == []
        people.set_status(session, actor, two, DinerStatus.FROZEN)
        with pytest.raises(BookingError, match="frozen"):
            bookings.book(session, actor, two, Meal(TOMORROW, "dinner", site.venue_id), 1)
        with pytest.raises(BookingError, match="from the list"):
            bookings.book(
                session, actor, one, Meal(TODAY + timedelta(days=9), "lunch", site.venue_id), 1
            )


def test_an_overtime_meal_needs_a_reason_and_somebody_who_approves_it(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID]
) -> None:
    diner, meal = make_diner(), Meal(TODAY, OVERTIME, site.venue_id)
    with db.writing(engine) as session, pytest.raises(BookingError, match="from the list"):
        bookings.book(session, actor, diner, meal, 1, "年终决算")
    decide(engine, actor, overtime=True)
    boss = replace(actor, name="boss")
    with db.writing(engine) as session:
        with pytest.raises(BadInputError, match="say why"):
            bookings.book(session, actor, diner, meal, 1, "  ")
        row = bookings.book(session, actor, diner, meal, 1, "年终决算")
        assert bookings.counts(session, site.id, TODAY, TODAY) == {}
        assert [one.id for one in bookings.waiting(session, site.id, NOON)] == [row.id]
        bookings.judge(session, boss, row.id, approve=True)
        bookings.judge(session, boss, row.id, approve=True)
        assert bookings.counts(session, site.id, TODAY, TODAY) == {(TODAY, OVERTIME): 1}
        with pytest.raises(BookingError, match="wait"):
            bookings.judge(session, boss, row.id, approve=False)


def test_who_booked_and_did_not_eat_is_counted_and_who_ate_elsewhere_is_not(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID], terminal: Till,
    make_sale: Callable[..., Any], clock: Any,
) -> None:  # fmt: skip
    came, stayed_away = make_diner(), make_diner()
    early = replace(actor, at=NOON - timedelta(hours=5))
    meal = Meal(TODAY, "lunch", site.venue_id)
    with db.writing(engine) as session:
        ids = [bookings.book(session, early, each, meal, 1).id for each in (came, stayed_away)]
    terminal.sell(make_sale(came))
    terminal.push()
    clock.advance(3 * 3600)
    with db.reading(engine) as session:
        assert bookings.missed(session, ids, NOON) == set()
        assert bookings.missed(session, ids, clock.now()) == {ids[1]}
        counted = bookings.missed_by(session, site.id, [came, stayed_away], TODAY, clock.now())
        assert counted == {stayed_away: 1}

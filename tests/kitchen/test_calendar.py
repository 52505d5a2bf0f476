from datetime import date

import pytest

from kitchen import calendar
from kitchen.calendar import Beside, DayKind


@pytest.mark.parametrize(
    ("on", "kind", "holiday", "beside"),
    [
        (date(2026, 3, 4), DayKind.WORKDAY, "", Beside.NONE),
        (date(2026, 3, 7), DayKind.WEEKEND, "", Beside.NONE),
        (date(2026, 2, 17), DayKind.HOLIDAY, "春节", Beside.NONE),
        (date(2026, 2, 14), DayKind.MAKE_UP, "春节", Beside.BEFORE),
        (date(2026, 2, 24), DayKind.WORKDAY, "", Beside.AFTER),
        (date(2026, 9, 30), DayKind.WORKDAY, "", Beside.BEFORE),
    ],
)
def test_a_date_is_what_the_state_council_made_of_it(on, kind, holiday, beside):
    day = calendar.look_up(on)
    assert (day.kind, day.holiday, day.beside, day.known) == (kind, holiday, beside, True)
    assert day.works == (kind in {DayKind.WORKDAY, DayKind.MAKE_UP})


def test_the_friday_before_a_plain_weekend_is_beside_nothing():
    assert calendar.look_up(date(2026, 3, 6)).beside is Beside.NONE


def test_beside_a_year_that_nobody_published_yet_the_calendar_is_not_sure():
    assert not calendar.look_up(date(2003, 12, 31)).known
    assert not calendar.look_up(date(2004, 1, 1)).known
    assert calendar.look_up(date(2004, 1, 2)).known


@pytest.mark.parametrize("year", [2003, 2040])
def test_outside_its_years_only_the_weekday_counts_and_it_says_so(year):
    days = [calendar.look_up(date(year, 10, day)) for day in range(1, 8)]
    assert not any(day.known for day in days)
    assert [day.works for day in days] == [day.on.weekday() < 5 for day in days]

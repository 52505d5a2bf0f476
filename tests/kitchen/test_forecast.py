import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from dafan.cli import root
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import backtest, calendar, forecast
from kitchen.calendar import DayKind
from kitchen.forecast import METHODS, PortionRow, forecast_covers, forecast_portions
from kitchen.history import CoverRow

TODAY = date(2026, 3, 13)
BY_WEEKDAY = (980, 1040, 1030, 1000, 870)


def ordinary_weeks(first=date(2025, 11, 3), until=TODAY):
    """Each weekday always the same, no weekends, no days beside a holiday."""
    days = ((first + timedelta(days=step)) for step in range((until - first).days))
    return [
        CoverRow(on, "lunch", BY_WEEKDAY[on.weekday()])
        for on in days
        if calendar.look_up(on).kind is DayKind.WORKDAY
    ]


def lunch(rows, on, bookings=None, before=TODAY, **other):
    (found,) = forecast_covers(rows, [(on, "lunch")], bookings, before=before, **other)
    return found


def test_a_tuesday_is_forecast_from_tuesdays_and_names_them():
    found = lunch(ordinary_weeks(), date(2026, 3, 17))
    assert found.covers == 1040
    assert found.enough
    assert {day.weekday() for day in found.estimate.days} == {1}
    assert all(day.isoformat() in found.why for day in found.estimate.days)


def test_nothing_of_today_or_later_is_looked_at():
    rows = ordinary_weeks()
    later = [CoverRow(date(2026, 3, day), "lunch", 5000) for day in range(13, 32)]
    on = date(2026, 3, 18)
    assert lunch(rows + later, on) == lunch(rows, on)


def test_bookings_are_a_floor_and_the_reason_says_so():
    found = lunch(ordinary_weeks(), date(2026, 3, 17), {(date(2026, 3, 17), "lunch"): 1200})
    assert (found.covers, found.high) == (1200, 1200)
    assert "raised to 1200 bookings" in found.why


def test_a_make_up_saturday_is_cooked_for_as_a_working_day():
    on = date(2026, 5, 9)
    assert calendar.look_up(on).kind is DayKind.MAKE_UP
    rows = ordinary_weeks()
    known = [row for row in rows if row.on != date(2026, 2, 14)]
    found = lunch([*known, CoverRow(date(2026, 2, 14), "lunch", 800)], on)
    assert 800 <= found.covers <= 1000
    assert [factor.name for factor in found.estimate.factors] == ["make_up", "trend"]


def test_the_day_before_a_break_is_as_such_days_were():
    rows = ordinary_weeks()
    quiet = [
        CoverRow(row.on, row.period, round(row.covers * 0.6))
        if calendar.look_up(row.on).beside is calendar.Beside.BEFORE
        else row
        for row in rows
    ]
    eve = date(2026, 4, 3)
    assert calendar.look_up(eve).beside is calendar.Beside.BEFORE
    found = lunch(quiet, eve)
    assert found.covers == round(870 * (0.5 + 0.5 * 0.6)), "one such day is believed half way"
    assert found.estimate.factors[0].days == (date(2025, 12, 31),)


def test_on_days_on_which_the_canteen_never_opened_nothing_is_cooked():
    for on in (date(2026, 3, 21), date(2026, 5, 1)):
        found = lunch(ordinary_weeks(), on)
        assert (found.covers, found.enough) == (0, False)
        assert "never open" in found.why


def test_too_little_history_is_used_and_told():
    rows = ordinary_weeks(first=date(2026, 3, 9))
    found = lunch(rows, date(2026, 3, 17))
    assert found.covers == 1040
    assert not found.enough
    assert "too little history" in found.why


@pytest.mark.parametrize("method", METHODS)
def test_without_any_history_only_bookings_are_known(method):
    on = date(2026, 3, 17)
    found = lunch([], on, {(on, "lunch"): 30}, method=method)
    assert (found.covers, found.estimate, found.enough) == (30, None, False)
    assert "no history" in found.why


def test_one_conference_does_not_move_the_forecast():
    rows = ordinary_weeks()
    busy = date(2026, 3, 10)
    odd = [CoverRow(row.on, "lunch", 3000) if row.on == busy else row for row in rows]
    assert lunch(odd, date(2026, 3, 17)).covers == 1040


def test_a_canteen_that_grows_is_followed_half_way():
    rows = [
        CoverRow(row.on, row.period, round(row.covers * 1.1)) if row.on >= date(2026, 3, 2) else row
        for row in ordinary_weeks()
    ]
    assert 1040 < lunch(rows, date(2026, 3, 17)).covers <= 1144


def test_a_year_without_published_holidays_is_told():
    on = date(2040, 3, 13)
    assert "not published" in lunch(ordinary_weeks(), on).why


def test_portions_are_the_share_that_took_the_dish_times_the_covers():
    rows, pork, new = ordinary_weeks(), new_id(), new_id()
    days = [row.on for row in rows][-20::4]
    by_day = {row.on: row.covers for row in rows}
    served = [PortionRow(on, "lunch", pork, by_day[on] // 2) for on in days]
    meal = lunch(rows, date(2026, 3, 17))
    known, fresh = forecast_portions(served, rows, meal, [pork, new], before=TODAY)
    assert (known.portions, known.basis, known.days) == (520, "same_period", tuple(days))
    assert (fresh.portions, fresh.basis) == (520, "new_dish")
    (nothing,) = forecast_portions([], rows, meal, [new], before=TODAY)
    assert (nothing.portions, nothing.basis) == (1040, "nothing")
    assert "no meal on record" in nothing.why


def test_the_generated_canteen_is_the_same_for_the_same_seed_alone():
    assert backtest.generate(7) == backtest.generate(7) != backtest.generate(8)
    kinds = {calendar.look_up(row.on).kind for row in backtest.generate(7)}
    assert kinds == set(DayKind)


def test_the_method_in_use_is_the_least_wrong_over_many_canteens_by_far():
    results = [backtest.run(backtest.generate(seed)) for seed in range(6)]
    wrong = {name: sum(found.wape[name]["all"] for found in results) for name in METHODS}
    assert min(wrong, key=lambda name: wrong[name]) == forecast.CHOSEN
    assert wrong[forecast.CHOSEN] < 0.5 * wrong[backtest.NAIVE]
    assert all(found.wape[forecast.CHOSEN]["special"] < 0.2 for found in results)


def test_the_backtest_hides_the_week_and_the_day_on_which_it_is_planned():
    rows = ordinary_weeks(first=date(2025, 6, 2))
    monday = date(2026, 3, 9)
    shaken = [row for row in rows if row.on < monday] + [
        CoverRow(row.on, "lunch", row.covers * 2) for row in rows if row.on >= monday
    ]
    error = backtest.run(shaken).wape["seasonal_naive"]["all"]
    still = backtest.run(rows).wape["seasonal_naive"]["all"]
    assert error > still


def test_the_command_prints_every_method_and_the_chosen_one():
    done = CliRunner().invoke(root, ["forecast", "backtest", "--json", "--seed", "3"])
    found = json.loads(done.output)
    assert set(found["wape"]) == set(METHODS)
    groups = {"all", "special", "breakfast", "lunch", "dinner"}
    assert all(set(values) == groups for values in found["wape"].values())
    assert found["used_by_dafan"] == forecast.CHOSEN
    assert found["error_against_seasonal_naive"] < 0.5
    assert forecast.CHOSEN in CliRunner().invoke(root, ["forecast", "backtest"]).output


def test_a_canteen_can_be_judged_by_its_own_meals(tmp_path):
    file = tmp_path / "meals.csv"
    lines = [f"{row.on},{row.period},{row.covers}" for row in backtest.generate(2, days=300)]
    file.write_text("\n".join(["date,period,covers", *lines]), encoding="utf-8-sig")
    assert backtest.read_history(file) == backtest.generate(2, days=300)
    done = CliRunner().invoke(root, ["forecast", "backtest", "--json", "--history", str(file)])
    assert json.loads(done.output)["meals_on_record"] == len(lines)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "first line"), ("a,b\n1,2", "first line"),
        ("date,period,covers\n2026-03-02,lunch", "line 2"),
        ("date,period,covers\n2026-03-02,lunch,1\n2026-02-30,lunch,1", "line 3"),
        ("date,period,covers\n2026-03-02,lunch,-1", "line 2"),
        ("date,period,covers\n2026-03-02,,5", "line 2"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_history_is_refused_with_its_line(tmp_path, text, match):
    file = tmp_path / "meals.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=match):
        backtest.read_history(file)


def test_a_file_in_another_encoding_and_a_short_history_are_refused_in_words(tmp_path):
    file = tmp_path / "meals.csv"
    file.write_bytes("日期".encode("gb18030"))
    with pytest.raises(BadInputError, match="UTF-8"):
        backtest.read_history(file)
    with pytest.raises(BadInputError, match="too few"):
        backtest.run(ordinary_weeks(first=date(2026, 3, 2)))

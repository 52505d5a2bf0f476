"""A clean plate earns its points once, only with a meal, and in the time in which one eats."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.errors import BadInputError
from kitchen.clean_plate import Eaten, PlateRules, Verdict, allowed, judge

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
RULES = PlateRules(points=3)
TRAY = 500


def lunch(minutes: float = 30, **values: object) -> Eaten:
    return Eaten(NOON - timedelta(minutes=minutes), **{"grams": 400, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gross", "eaten", "verdict", "points"),
    [
        (TRAY, lunch(), Verdict.CLEAN, 3),
        (TRAY + 20, lunch(), Verdict.CLEAN, 3),
        (TRAY + 21, lunch(), Verdict.LEFT_OVER, 0),
        (TRAY + 11, lunch(grams=100), Verdict.LEFT_OVER, 0),
        (TRAY + 20, lunch(grams=None), Verdict.CLEAN, 3),
        (TRAY - 30, lunch(), Verdict.CLEAN, 3),
        (TRAY - 31, lunch(), Verdict.TOO_LIGHT, 0),
        (0, lunch(), Verdict.TOO_LIGHT, 0),
        (TRAY, None, Verdict.NO_MEAL, 0),
        (TRAY, lunch(rewarded=True), Verdict.AGAIN, 0),
        (TRAY, lunch(4.9), Verdict.TOO_SOON, 0),
        (TRAY, lunch(-60), Verdict.TOO_SOON, 0),
        (TRAY, lunch(5), Verdict.CLEAN, 3),
        (TRAY, lunch(120), Verdict.CLEAN, 3),
        (TRAY, lunch(120.1), Verdict.TOO_LATE, 0),
    ],
)
def test_a_tray_is_judged(gross: int, eaten: Eaten | None, verdict: Verdict, points: int) -> None:
    found = judge(gross, TRAY, eaten, NOON, RULES)
    assert (found.verdict, found.points) == (verdict, points)


@given(
    st.integers(-100, 5000), st.integers(0, 2000), st.none() | st.integers(1, 5000),
    st.integers(-10, 400), st.booleans(), st.integers(0, 3000),
)  # fmt: skip
def test_points_come_only_with_a_clean_plate_and_more_left_never_earns_more(
    gross: int, tray: int, grams: int | None, minutes: int, rewarded: bool, more: int
) -> None:
    eaten = lunch(minutes, grams=grams, rewarded=rewarded)
    found = judge(gross, tray, eaten, NOON, RULES)
    assert (found.points > 0) == (found.verdict is Verdict.CLEAN)
    if found.points:
        assert not rewarded
        assert found.left <= allowed(grams, RULES) <= RULES.left_grams
    elif found.verdict is Verdict.LEFT_OVER:
        assert judge(gross + more, tray, eaten, NOON, RULES).points == 0


@pytest.mark.parametrize(
    "values", [{"left_grams": -1}, {"points": -1}, {"soonest_minutes": 120}, {"latest_minutes": 5}]
)
def test_rules_by_which_nothing_could_be_right_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(BadInputError):
        PlateRules(**values)

"""When a weight rests, where the frames alone do not prove it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.units import Grams
from devices.scales.protocols import PROTOCOLS
from devices.scales.reading import Reading
from devices.scales.stability import StabilityFilter, TwiceAlike, filter_for


def feed(weights: list[int | None], step_s: float = 0.1) -> list[bool]:
    judge = StabilityFilter(division=Grams(5), window_s=0.5, samples=4)
    readings = [Reading(grams=None if grams is None else Grams(grams)) for grams in weights]
    return [judge.apply(reading, at * step_s).stable for at, reading in enumerate(readings)]


def test_a_weight_rests_only_after_the_whole_window_agrees() -> None:
    assert feed([1250] * 7) == [False] * 5 + [True] * 2


def test_one_reading_is_never_stable() -> None:
    assert feed([1250]) == [False]


def test_a_slow_climb_is_never_stable() -> None:
    assert not any(feed(list(range(0, 200, 2))))


def test_a_wobble_of_one_division_is_at_rest_and_of_two_is_not() -> None:
    assert feed([1250, 1255] * 5)[-1]
    assert not any(feed([1250, 1260] * 5))


def test_the_first_frame_of_a_lift_is_not_at_rest_though_it_lies_within_the_division() -> None:
    assert feed([650] * 8 + [652])[-2:] == [True, False]


def test_an_error_starts_the_window_again() -> None:
    assert feed([1250] * 6 + [None] + [1250] * 5)[-5:] == [False] * 5


def test_two_readings_far_apart_prove_nothing_between_them() -> None:
    assert not any(feed([1250] * 6, step_s=0.3)[:3])
    assert not any(feed([1250] * 6, step_s=5.0))


def test_time_running_backwards_starts_the_window_again() -> None:
    judge = StabilityFilter(window_s=0.5)
    for at in (10.0, 10.2, 10.4, 10.6):
        judge.apply(Reading(grams=Grams(1250)), at)
    assert not judge.apply(Reading(grams=Grams(1250)), 1.0).stable


@settings(deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=40))
def test_a_stable_weight_is_within_one_division_of_the_last_half_second(weights: list[int]) -> None:
    for at, stable in enumerate(feed(list(weights))):
        if stable:
            window = weights[at - 5 : at + 1]
            assert len(window) == 6
            assert max(window) - min(window) <= 5


def test_a_weight_without_a_checksum_counts_only_when_read_twice_alike() -> None:
    judge = TwiceAlike()
    lost_digit = [1250, 1250, 125, 1250, 1250]
    told = [
        judge.apply(Reading(grams=Grams(grams), stable=True), 0.0).stable for grams in lost_digit
    ]
    assert told == [False, True, False, False, True]


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_every_protocol_has_a_check_or_is_read_twice_or_is_watched_over_time(protocol: str) -> None:
    driver = PROTOCOLS[protocol]
    first = filter_for(driver).apply(Reading(grams=Grams(1250), stable=True), 0.0)
    assert first.stable == (driver.has_checksum and driver.says_stable)

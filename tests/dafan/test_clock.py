"""Time is aware UTC inside and the site's trading day outside."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dafan.clock import ManualClock, business_date, require_utc
from dafan.errors import BadInputError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_snack_at_one_in_the_night_belongs_to_the_evening_before() -> None:
    night = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)  # 01:00 on 2 March in Shanghai
    assert business_date(night, SHANGHAI) == date(2026, 3, 1)
    assert business_date(night, SHANGHAI, day_starts_hour=0) == date(2026, 3, 2)


def test_breakfast_is_of_its_own_day_though_utc_is_still_yesterday() -> None:
    assert business_date(datetime(2026, 2, 28, 23, 0, tzinfo=UTC), SHANGHAI) == date(2026, 3, 1)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInputError, match="zone"):
        require_utc(datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


def test_a_jump_of_the_wall_clock_does_not_touch_the_monotonic_one() -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    clock.jump(-3600)
    clock.advance(2)
    assert clock.monotonic() == 2
    assert clock.now() == datetime(2026, 2, 28, 23, 0, 2, tzinfo=UTC)

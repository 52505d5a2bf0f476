"""How many will come, on the page: from the canteen's own meals, and from who knows better."""

from datetime import date, timedelta

import pytest

from dafan import db
from dafan.ids import new_id
from kitchen import expected
from kitchen.meals import Meal

MONDAY = date(2026, 3, 2)


@pytest.fixture
def eaten(terminal, make_sale, clock):
    """The four Mondays before the Spring Festival, with 3, 4, 4 and 5 people at lunch."""
    for weeks, count in ((6, 3), (5, 4), (4, 4), (3, 5)):
        for _ in range(count):
            day = MONDAY - timedelta(weeks=weeks)
            terminal.sell(make_sale(business_date=day, paid_at=clock.now(), opened_at=clock.now()))
    terminal.push()


def fields(site, **changes):
    return {
        "day": "2026-03-02", "period": "lunch", "venue": str(site.venue_id), "covers": "9",
        "reason": "有会议", "from": "2026-03-02",
    } | changes  # fmt: skip


def told(engine, site):
    with db.reading(engine) as session:
        found = expected.of_site(session, site.id)
    return found.get(Meal(MONDAY, "lunch", site.venue_id))


@pytest.mark.usefixtures("eaten")
def test_a_figure_names_the_days_that_it_comes_from(browser):
    page = browser("kitchen_manager").see("/manage/forecast")
    assert "01-19、01-26、02-02、02-09（同一个星期几）的中位数 4" in page
    assert "× 1.07 近期趋势" in page
    assert "历史太少" in page  # dinner has none


@pytest.mark.usefixtures("eaten")
def test_a_day_that_is_over_shows_who_came_beside_what_was_forecast_then(browser):
    page = browser("kitchen_manager").see("/manage/forecast?from=2026-02-09")
    assert "01-19、01-26、02-02（同一个星期几）的中位数 4" in page
    assert "实到 5" in page
    assert "春节" in page


@pytest.mark.usefixtures("eaten")
def test_who_knows_better_says_why_and_may_take_it_back(browser, engine, site):
    person = browser("kitchen_manager")
    for _ in range(2):
        page = person.send("/manage/forecast", "/manage/forecast", **fields(site)).text
        assert "kitchen_manager 改为 9 人：有会议（预估 4）" in page
    assert told(engine, site).covers == 9
    page = person.send("/manage/forecast", "/manage/forecast", **fields(site, back="1")).text
    assert "已改回预估" in page
    assert told(engine, site) is None


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"reason": " "}, "请写一句说明"),
        ({"covers": "viele"}, "人次请写整数"),
        ({"day": "2026-03-01"}, "这一餐已经过去"),
        ({"day": "x"}, "没有这一餐"),
        ({"period": "tea"}, "没有这一餐"),
        ({"venue": str(new_id())}, "没有这个场所"),
    ],
)
def test_what_is_no_meal_or_no_number_changes_nothing(browser, engine, site, changes, advice):
    person = browser("kitchen_manager")
    page = person.send("/manage/forecast", "/manage/forecast", **fields(site, **changes)).text
    assert advice in page
    assert told(engine, site) is None


def test_without_history_it_is_said_plainly(browser):
    person = browser("kitchen_manager")
    assert "历史太少，只能粗估" in person.see("/manage/forecast")
    assert "数据还不够" in person.see("/manage/forecast/check")
    for path in ("?from=x", "?from=0001-01-01", "?from=9999-12-31", "?venue=x"):
        assert person.get(f"/manage/forecast{path}").status_code == 200


def test_only_who_plans_meals_may_know_better(browser, engine, site):
    person = browser("finance")
    sent = person.send("/manage/forecast", "/manage/forecast", **fields(site))
    assert sent.status_code == 403
    assert told(engine, site) is None

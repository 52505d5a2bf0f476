import json
import time
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen.plan import Item, MealNeed, Rules, Stock, purchase_plan

MONDAY = date(2026, 3, 2)
GREENS, RICE = new_id(), new_id()
NO_SAFETY = Rules(safety_permille=0)


def day(number):
    return MONDAY + timedelta(days=number)


def week(ingredient, *quantities):
    return [MealNeed(day(number), {ingredient: amount}) for number, amount in enumerate(quantities)]


def buys(lines):
    return [(line.deliver_on, line.buy) for line in lines if line.buy]


def test_what_is_needed_is_bought_less_stock_less_orders_in_whole_packs():
    meals = week(RICE, 30_000, 30_000)
    (line,) = purchase_plan(
        meals, [Item(RICE, pack=25_000)], [Stock(RICE, 10_000)], {RICE: 5_000}, Rules(100)
    )
    assert (line.need, line.safety) == (66_000, 6_000)
    assert (line.from_stock, line.from_order, line.fresh) == (10_000, 5_000, 51_000)
    assert (line.buy, line.packs, line.deliver_on) == (75_000, 3, day(0))
    assert "3 packs of 25000" in line.why
    assert "24000 over" in line.why


def test_greens_that_keep_two_days_are_bought_every_two_days():
    lines = purchase_plan(week(GREENS, *[10] * 5), [Item(GREENS, shelf_days=2)], rules=NO_SAFETY)
    assert buys(lines) == [(day(0), 20), (day(2), 20), (day(4), 10)]
    assert "for it spoils" in lines[0].why


def test_rice_keeps_but_is_bought_for_as_many_days_as_the_site_allows():
    rules = Rules(0, ahead_days=3)
    lines = purchase_plan(week(RICE, *[10] * 6), [Item(RICE)], rules=rules)
    assert buys(lines) == [(day(0), 30), (day(3), 30)]
    assert "small and frequent" in lines[0].why


def test_no_purchase_brings_more_than_the_store_holds_unless_a_day_or_a_pack_needs_it():
    item = Item(RICE, pack=20, maximum=50)
    lines = purchase_plan(week(RICE, 10, 10, 10, 10, 5, 70, 5), [item], rules=NO_SAFETY)
    assert buys(lines) == [(day(0), 40), (day(4), 20), (day(5), 60)]
    assert "the store holds no more" in lines[0].why
    assert purchase_plan(week(RICE, 10), [Item(RICE, pack=60, maximum=50)])[0].buy == 60


def test_stock_serves_only_while_it_is_good_and_the_first_to_end_goes_first():
    stock = [Stock(GREENS, 10, day(3)), Stock(GREENS, 10, day(0)), Stock(GREENS, 50, day(-1))]
    lines = purchase_plan(week(GREENS, 10, 10), [Item(GREENS, shelf_days=3)], stock, {}, NO_SAFETY)
    assert [(line.from_stock, line.buy) for line in lines] == [(20, 0)]
    assert "nothing to buy" in lines[0].why


def test_what_a_pack_left_over_is_used_while_it_is_good():
    item = Item(GREENS, pack=100, shelf_days=2)
    lines = purchase_plan(week(GREENS, 0, 30, 0, 30), [item], rules=NO_SAFETY)
    assert buys(lines) == [(day(1), 100), (day(3), 100)], "the rest of the first pack is spoilt"
    meals = [MealNeed(day(0), {RICE: 30}), MealNeed(day(5), {RICE: 30})]
    rules = Rules(0, ahead_days=2)
    lines = purchase_plan(meals, [Item(RICE, pack=50)], rules=rules)
    assert [(line.buy, line.carried) for line in lines] == [(50, 0), (50, 20)]


def test_three_meals_of_a_day_are_one_need():
    (line,) = purchase_plan([MealNeed(day(0), {GREENS: 300})] * 3, [Item(GREENS)], rules=NO_SAFETY)
    assert line.buy == 900


@pytest.mark.parametrize(
    ("meals", "items", "stock", "on_order"),
    [
        (week(RICE, -1), [Item(RICE)], [], {}),
        (week(RICE, 1), [], [], {}),
        (week(RICE, 1), [Item(RICE)], [Stock(RICE, -1)], {}),
        (week(RICE, 1), [Item(RICE)], [], {RICE: -1}),
    ],
)
def test_what_cannot_be_is_refused(meals, items, stock, on_order):
    with pytest.raises(BadInputError):
        purchase_plan(meals, items, stock, on_order)


def test_an_ingredient_that_cannot_be_bought_is_refused():
    for values in ({"pack": 0}, {"shelf_days": 0}):
        with pytest.raises(BadInputError, match="above zero"):
            Item(RICE, **values)


def test_rules_that_cannot_be_are_refused():
    for values in ({"safety_permille": -1}, {"safety_permille": 1001}, {"ahead_days": 0}):
        with pytest.raises(BadInputError, match="safety share"):
            Rules(**values)


needs_of_days = st.lists(st.integers(0, 5000), min_size=1, max_size=14)
lots = st.lists(
    st.tuples(st.integers(0, 3000), st.one_of(st.none(), st.integers(-2, 15))), max_size=4
)
items = st.builds(
    Item,
    st.just(GREENS),
    pack=st.integers(1, 800),
    shelf_days=st.one_of(st.none(), st.integers(1, 10)),
    maximum=st.one_of(st.none(), st.integers(1, 9000)),
)
site_rules = st.builds(Rules, safety_permille=st.integers(0, 300), ahead_days=st.integers(1, 9))


@given(needs_of_days, items, lots, st.integers(0, 3000), site_rules)
def test_the_plan_is_enough_whole_packs_never_negative_and_never_too_far_ahead(
    amounts, item, lots, ordered, rules
):
    stock = [Stock(GREENS, left, None if end is None else day(end)) for left, end in lots]
    lines = purchase_plan(week(GREENS, *amounts), [item], stock, {GREENS: ordered}, rules)
    for line in lines:
        parts = (line.from_stock, line.from_order, line.carried, line.fresh)
        assert min(parts) >= 0
        assert sum(parts) == line.need
        assert line.buy % item.pack == 0
        assert 0 <= line.buy - line.fresh < item.pack, (
            "more than fresh only where the pack forces it"
        )
        assert (line.deliver_on is None) == (line.buy == 0)
        if item.maximum is not None and line.buy > item.maximum:
            daily = amounts[(line.deliver_on - MONDAY).days]
            safe = -(-daily * (1000 + rules.safety_permille) // 1000)
            assert line.buy < safe + item.pack, "only where one day or one pack needs it"
        if line.deliver_on is not None:
            kept = (line.until - line.deliver_on).days + 1
            assert kept <= min(item.shelf_days or 99, rules.ahead_days)
    assert _every_day_is_served(amounts, item, stock, ordered, lines)


def _every_day_is_served(amounts, item, stock, ordered, lines):
    """Cook day by day from what is there, the first to end first, and count what is missing."""
    keeps = timedelta(days=(item.shelf_days or 10_000) - 1)
    first = next((day(number) for number, amount in enumerate(amounts) if amount), MONDAY)
    lots = [[lot.quantity, date.min, lot.last_day or date.max] for lot in stock]
    lots.append([ordered, first, first + keeps])
    lots += [[line.buy, line.deliver_on, line.deliver_on + keeps] for line in lines if line.buy]
    for number, amount in enumerate(amounts):
        missing = amount
        for lot in sorted(lots, key=lambda lot: lot[2]):
            if lot[1] <= day(number) <= lot[2]:
                taken = min(lot[0], missing)
                lot[0] -= taken
                missing -= taken
        if missing:
            return False
    return True


def test_a_week_of_sixty_dishes_for_three_thousand_is_planned_in_the_time_of_a_breath(capsys):
    ingredients = [new_id() for _ in range(200)]
    meals = [
        MealNeed(day(number), {ingredients[(dish * 7 + part) % 200]: 3000 * (20 + part) // 4})
        for number in range(7)
        for _ in range(3)
        for dish in range(60)
        for part in range(6)
    ]
    kept = [
        Item(one, pack=500, shelf_days=1 + number % 9) for number, one in enumerate(ingredients)
    ]
    began = time.perf_counter()
    lines = purchase_plan(meals, kept)
    taken = time.perf_counter() - began
    assert {line.ingredient for line in lines} == {
        one for meal in meals for one in meal.ingredients
    }
    with capsys.disabled():
        print(json.dumps({"plan_lines": len(lines), "plan_ms": round(taken * 1000, 1)}))

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan import records
from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import dishes

SITE = UUID(int=1)
OTHER_SITE = UUID(int=2)


def rice(**changes):
    given_values = {
        "name": "米饭", "category": "主食", "unit": "piece", "price": 100, "half_price": 50,
    }  # fmt: skip
    return dishes.read_values(given_values | changes)


def test_a_dish_comes_back_as_the_record_that_a_till_receives(engine, now):
    with writing(engine) as session:
        made = dishes.create(session, SITE, rice(), by="甲子", at=now)
    with reading(engine) as session:
        record = dishes.to_record(dishes.get(session, SITE, made.id))
    assert record == records.Dish(
        id=made.id, name="米饭", category="主食", unit=records.Unit.PIECE, price=100, half_price=50
    )


def test_every_price_ever_asked_is_kept_with_who_and_when(engine, now):
    with writing(engine) as session:
        dish = dishes.create(session, SITE, rice(), by="甲子", at=now)
    later = now + timedelta(days=1)
    with writing(engine) as session:
        dishes.update(session, SITE, dish.id, rice(price=150), by="乙丑", at=later)
    with reading(engine) as session:
        history = dishes.price_history(session, SITE, dish.id)
        assert [(row.price, row.set_by, row.set_at) for row in history] == [
            (150, "乙丑", later),
            (100, "甲子", now),
        ]


def test_a_change_without_another_price_adds_no_line_to_the_price_history(engine, now):
    with writing(engine) as session:
        dish = dishes.create(session, SITE, rice(), by="甲子", at=now)
        dishes.update(session, SITE, dish.id, rice(category="面点"), by="甲子", at=now)
        assert len(dishes.price_history(session, SITE, dish.id)) == 1


def test_a_dish_without_a_price_is_kept_but_is_no_free_dish(engine, now):
    with writing(engine) as session:
        dish = dishes.create(session, SITE, rice(price=None, half_price=None), by="甲子", at=now)
    assert dishes.to_record(dish).price is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "  "}, "name"),
        ({"name": "米" * 81}, "name"),
        ({"unit": "bowl"}, "unit"),
        ({"price": -1}, "price"),
        ({"price": 10**9 + 1}, "price"),
        ({"half_price": 101}, "portion"),
        ({"price": None}, "portion"),
        ({"unit": "kg"}, "weight"),
        ({"colour": "red"}, "colour"),
        ({"price": 1.5, "half_price": None}, "price"),
        ({"sort": "x"}, "sort"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(changes, word):
    with pytest.raises(BadInputError, match=word):
        rice(**changes)


@given(st.dictionaries(st.sampled_from(list(dishes.DishValues.model_fields)), st.text() | st.none()
                       | st.integers() | st.floats() | st.lists(st.integers())))  # fmt: skip
def test_whatever_a_form_says_is_a_dish_or_a_clear_refusal(values):
    try:
        read = dishes.read_values(values)
    except BadInputError:
        return
    dish = dishes.Dish(id=new_id(), site_id=SITE, **read.model_dump())
    assert dishes.to_record(dish).name == read.name


def test_two_dishes_of_a_site_never_share_a_name(engine, now):
    with writing(engine) as session:
        dishes.create(session, SITE, rice(), by="甲子", at=now)
        soup = dishes.create(session, SITE, rice(name="汤"), by="甲子", at=now)
        dishes.create(session, OTHER_SITE, rice(), by="甲子", at=now)
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        dishes.create(session, SITE, rice(), by="甲子", at=now)
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        dishes.update(session, SITE, soup.id, rice(), by="甲子", at=now)
    with reading(engine) as session:
        assert [dish.name for dish in dishes.page(session, SITE)] == ["米饭", "汤"]


def test_a_site_neither_sees_nor_changes_the_dishes_of_another(engine, now):
    with writing(engine) as session:
        dish = dishes.create(session, SITE, rice(), by="甲子", at=now)
        assert dishes.find_by_name(session, OTHER_SITE, "米饭") is None
        assert dishes.page(session, OTHER_SITE) == []
        assert dishes.price_history(session, OTHER_SITE, dish.id) == []
        for act in (
            lambda: dishes.get(session, OTHER_SITE, dish.id),
            lambda: dishes.update(session, OTHER_SITE, dish.id, rice(), by="甲子", at=now),
        ):
            with pytest.raises(dishes.UnknownDishError):
                act()


def test_pages_follow_one_another_without_gap_or_repeat(engine, now):
    with writing(engine) as session:
        for number in range(11):
            values = rice(name=f"菜{number}", sort=number % 3)
            dishes.create(session, SITE, values, by="甲子", at=now)
    seen: list[UUID] = []
    with reading(engine) as session:
        whole = [dish.id for dish in dishes.page(session, SITE)]
        while part := dishes.page(session, SITE, after=seen[-1] if seen else None, limit=4):
            seen += [dish.id for dish in part]
    assert seen == whole
    assert len(set(seen)) == 11

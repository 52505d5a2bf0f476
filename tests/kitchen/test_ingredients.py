import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen import ingredients
from kitchen.ingredients import IngredientValues, UnknownIngredientError

RICE = IngredientValues(name="大米", category="粮食", price=520, allergens=())
EGG = IngredientValues(name="鸡蛋", category="蛋", measure=Measure.COUNT, weighs=50)


@pytest.fixture
def rice(engine, actor):
    with writing(engine) as session:
        return ingredients.create(session, actor, RICE).id


def test_an_ingredient_is_kept_as_it_was_told_and_the_journal_says_who(engine, actor, rice):
    with reading(engine) as session:
        assert ingredients.values_of(ingredients.get(session, actor.site_id, rice)) == RICE
    assert [(line.by, line.action) for line in actor.recorded] == [("keeper", "ingredient.create")]


def test_a_change_is_recorded_before_and_after_and_no_change_is_not(engine, actor, rice):
    dearer = RICE.model_copy(update={"price": 560})
    for _ in range(2):
        with writing(engine) as session:
            ingredients.update(session, actor, rice, dearer)
    (changed,) = actor.recorded[1:]
    assert (changed.before["price"], changed.after["price"]) == (520, 560)


def test_two_of_one_name_and_a_change_of_measure_are_refused(engine, actor, rice):
    with pytest.raises(BadInputError, match="大米"), writing(engine) as session:
        ingredients.create(session, actor, RICE)
    litres = RICE.model_copy(update={"measure": Measure.VOLUME})
    with pytest.raises(BadInputError, match="measure"), writing(engine) as session:
        ingredients.update(session, actor, rice, litres)


def test_nobody_sees_the_ingredients_of_another_site(engine, rice):
    with reading(engine) as session, pytest.raises(UnknownIngredientError):
        ingredients.get(session, new_id(), rice)


@pytest.mark.usefixtures("rice")
def test_pages_follow_each_other_by_category_and_name(engine, actor):
    with writing(engine) as session:
        ingredients.create(session, actor, EGG)
        for name in ("青菜", "白菜"):
            values = IngredientValues(name=name, category="蔬菜")
            ingredients.create(session, actor, values)
    with reading(engine) as session:
        whole = ingredients.page(session, actor.site_id)
        first = ingredients.page(session, actor.site_id, limit=2)
        rest = ingredients.page(session, actor.site_id, after=first[-1].id)
    assert [row.id for row in (*first, *rest)] == [row.id for row in whole]
    assert len(whole) == 4


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""}, {"name": "a", "price": -1}, {"name": "a", "weighs": 50},
        {"name": "a", "measure": "斤"}, {"name": "a", "edible_permille": 0}, {"name": "a", "x": 1},
        {"name": "a", "nutrients": {"energy_kcal": -1}},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(values):
    with pytest.raises(BadInputError, match="cannot be kept"):
        ingredients.read_values(values)

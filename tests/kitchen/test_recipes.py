from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from threading import Barrier
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure
from dafan.records import Portion
from kitchen import cookbook, dishes, ingredients, recipes
from kitchen.dishes import UnknownDishError
from kitchen.ingredients import Allergen, IngredientValues, UnknownIngredientError
from kitchen.recipes import (
    Book,
    Line,
    NoRecipeError,
    RecipeCycleError,
    RecipeError,
    RecipeValues,
)

PORK = IngredientValues(name="猪肉", price=2600)
FLOUR = IngredientValues(name="面粉", price=420, allergens=(Allergen.GLUTEN,))
SOY = IngredientValues(
    name="酱油", measure=Measure.VOLUME, weighs=1150, price=900,
    allergens=(Allergen.SOY, Allergen.GLUTEN),
)  # fmt: skip
EGG = IngredientValues(
    name="鸡蛋", measure=Measure.COUNT, weighs=60, price=70, allergens=(Allergen.EGG,)
)


@pytest.fixture
def kitchen_of(engine, actor):
    """Ids of four ingredients and three dishes."""
    with writing(engine) as session:
        ids = {
            values.name: ingredients.create(session, actor, values).id
            for values in (PORK, FLOUR, SOY, EGG)
        }
        for name in ("肉馅", "面团", "包子"):
            values = dishes.read_values({"name": name, "unit": "piece", "active": name == "包子"})
            made = dishes.create(session, actor.site_id, values, by=actor.name, at=actor.at)
            ids[name] = made.id
    return ids


def recipe(lines: Mapping[UUID, int], parts: Mapping[UUID, int] | None = None, **changes):
    told = [Line(ingredient_id=key, quantity=quantity) for key, quantity in lines.items()]
    told += [Line(component_id=key, quantity=quantity) for key, quantity in (parts or {}).items()]
    return RecipeValues(**{"portions": 100, "yield_grams": 10_000, "lines": told} | changes)


@pytest.fixture
def buns(engine, actor, kitchen_of):
    ids = kitchen_of
    with writing(engine) as session:
        filling = recipe({ids["猪肉"]: 4000, ids["酱油"]: 300}, yield_grams=4000)
        cookbook.save(session, actor, ids["肉馅"], filling)
        dough = recipe({ids["面粉"]: 6000}, yield_grams=9000)
        cookbook.save(session, actor, ids["面团"], dough)
        bun = recipe({}, {ids["肉馅"]: 5000, ids["面团"]: 6000}, yield_grams=11_000)
        cookbook.save(session, actor, ids["包子"], bun)
    return ids


def read_book(engine, actor):
    with reading(engine) as session:
        return cookbook.load_book(session, actor.site_id)


def test_versions_are_added_the_newest_is_valid_and_the_journal_says_who(engine, actor, buns):
    with writing(engine) as session:
        filling = recipe({buns["猪肉"]: 3500, buns["酱油"]: 300}, yield_grams=4000)
        for _ in range(2):
            cookbook.save(session, actor, buns["肉馅"], filling)
    with reading(engine) as session:
        kept = cookbook.history(session, actor.site_id, buns["肉馅"])
        assert [row.version for row in kept] == [2, 1]
        assert cookbook.values_of(session, kept[1]).lines[0].quantity == 4000
        assert cookbook.load_book(session, actor.site_id).recipe(buns["肉馅"]) == filling
    last = actor.recorded[-1]
    assert (last.by, last.action) == ("keeper", "recipe.save")
    assert last.before["lines"][0]["quantity"] == 4000
    assert (last.after["version"], last.after["lines"][0]["quantity"]) == (2, 3500)


def test_portions_need_exact_quantities_through_all_components(engine, actor, buns):
    needs = recipes.explode(read_book(engine, actor), buns["包子"], 30)
    assert needs == {
        buns["猪肉"]: Fraction(4000 * 5000 * 30, 4000 * 100),
        buns["酱油"]: Fraction(300 * 5000 * 30, 4000 * 100),
        buns["面粉"]: Fraction(6000 * 6000 * 30, 9000 * 100),
    }


def test_whole_quantities_are_rounded_up_so_that_nothing_is_short():
    key, other = UUID(int=1), UUID(int=2)
    assert recipes.whole({key: Fraction(25, 2), other: Fraction(3)}) == {key: 13, other: 3}
    assert recipes.whole({key: Fraction(0)}) == {key: 0}


def test_half_portions_and_small_bowls_count_as_their_share():
    values = recipe({UUID(int=1): 100}, half_permille=550, small_permille=400)
    sold = {Portion.FULL: 10, Portion.HALF: 4, Portion.SMALL: 5}
    assert recipes.full_portions(values, sold) == Fraction("14.2")


def test_a_dish_sold_by_weight_is_counted_by_its_cooked_grams(engine, actor, buns):
    book = read_book(engine, actor)
    portions = recipes.portions_of_grams(book.recipe(buns["包子"]), 2200)
    assert portions == 20
    assert recipes.explode(book, buns["包子"], portions)[buns["面粉"]] == 800


def test_allergens_come_through_every_component(engine, actor, buns):
    book = read_book(engine, actor)
    assert recipes.allergens(book, buns["包子"]) == (Allergen.GLUTEN, Allergen.SOY)


def test_the_standard_cost_is_rounded_once_and_names_what_has_no_price(engine, actor, buns):
    book = read_book(engine, actor)
    needs = recipes.explode(book, buns["包子"], 1)
    exact = Fraction(50) * 2600 / 1000 + Fraction("3.75") * 900 / 1000 + Fraction(40) * 420 / 1000
    assert recipes.cost(book, needs) == recipes.Cost(int(exact + Fraction(1, 2)), ())
    with writing(engine) as session:
        free = PORK.model_copy(update={"price": None})
        ingredients.update(session, actor, buns["猪肉"], free)
    found = recipes.cost(read_book(engine, actor), needs)
    assert (found.fen, found.unpriced, found.complete) == (20, ("猪肉",), False)


def test_pieces_cost_by_the_piece():
    key = UUID(int=1)
    book = Book({}, {}, {key: EGG})
    assert recipes.cost(book, {key: Fraction(5, 2)}).fen == 175


def test_half_a_fen_is_a_fen_and_is_rounded_only_when_all_is_added_up():
    egg, pork = UUID(int=1), UUID(int=2)
    book = Book({}, {}, {egg: EGG, pork: PORK})
    half = {egg: Fraction(1, 140), pork: Fraction(1, 6)}
    assert recipes.cost(book, {egg: half[egg]}).fen == 1
    assert recipes.cost(book, {pork: half[pork]}).fen == 0
    assert recipes.cost(book, half).fen == 1


def test_a_cycle_is_refused_and_its_whole_way_is_named(engine, actor, buns):
    made = len(actor.recorded)
    looped = recipe({buns["猪肉"]: 100}, {buns["包子"]: 100})
    with pytest.raises(RecipeCycleError) as caught, writing(engine) as session:
        cookbook.save(session, actor, buns["肉馅"], looped)
    assert str(caught.value).endswith(("肉馅 → 包子 → 肉馅", "包子 → 肉馅 → 包子"))
    itself = recipe({}, {buns["面团"]: 100})
    with pytest.raises(RecipeCycleError, match="面团 → 面团"), writing(engine) as session:
        cookbook.save(session, actor, buns["面团"], itself)
    assert len(actor.recorded) == made


def test_two_who_save_at_once_never_make_a_cycle_together(engine, actor, kitchen_of):
    ids = kitchen_of
    with writing(engine) as session:
        for name in ("肉馅", "面团"):
            cookbook.save(session, actor, ids[name], recipe({ids["猪肉"]: 1}))
    ready = Barrier(2)

    def cross(name: str, part: str) -> bool:
        try:
            with writing(engine) as session:
                ready.wait()
                cookbook.save(session, actor, ids[name], recipe({}, {ids[part]: 100}))
        except RecipeCycleError:
            return False
        return True

    if engine.dialect.name == "sqlite":
        ready = Barrier(1)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(cross, ("肉馅", "面团"), ("面团", "肉馅")))
    assert sorted(done) == [False, True]
    book = read_book(engine, actor)
    recipes.explode(book, ids["肉馅"], 1)
    recipes.explode(book, ids["面团"], 1)


def test_a_component_without_a_recipe_and_parts_of_another_site_are_refused(
    engine, actor, kitchen_of
):
    ids = kitchen_of
    with pytest.raises(NoRecipeError, match="肉馅"), writing(engine) as session:
        cookbook.save(session, actor, ids["包子"], recipe({}, {ids["肉馅"]: 1}))
    with pytest.raises(UnknownIngredientError), writing(engine) as session:
        cookbook.save(session, actor, ids["包子"], recipe({new_id(): 1}))
    with pytest.raises(UnknownDishError), writing(engine) as session:
        cookbook.save(session, actor, ids["包子"], recipe({}, {new_id(): 1}))
    elsewhere = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownDishError), writing(engine) as session:
        cookbook.save(session, elsewhere, ids["包子"], recipe({ids["猪肉"]: 1}))
    assert read_book(engine, elsewhere).recipes == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"portions": 0},
        {"yield_grams": 0},
        {"lines": []},
        {"half_permille": 1001},
        {"lines": [{"quantity": 5}]},
        {"lines": [{"ingredient_id": str(UUID(int=1)), "quantity": -5}]},
        {"lines": [{"ingredient_id": str(UUID(int=1)), "quantity": 5}] * 2},
        {"steps": "煮" * 5000},
    ],
)
def test_absurd_recipes_are_refused_with_their_fields(changes):
    given_values = {
        "portions": 100, "yield_grams": 9000,
        "lines": [{"ingredient_id": str(UUID(int=1)), "quantity": 5}],
    }  # fmt: skip
    assert recipes.read_values(given_values).portions == 100
    with pytest.raises(RecipeError, match="cannot be kept"):
        recipes.read_values(given_values | changes)


def test_a_dish_without_a_recipe_and_fewer_than_no_portions_are_clear_faults():
    dish = UUID(int=9)
    with pytest.raises(NoRecipeError, match="米饭"):
        recipes.explode(Book({}, {dish: "米饭"}, {}), dish, 1)
    values = recipe({UUID(int=1): 5})
    with pytest.raises(BadInputError, match="portions"):
        recipes.explode(Book({dish: values}, {}, {}), dish, -1)


quantities = st.integers(1, 10**6)


@st.composite
def layered_books(draw):
    """Dishes of which each may use any of those below it."""
    found: dict[UUID, RecipeValues] = {}
    for place in range(draw(st.integers(1, 6))):
        below = draw(st.lists(st.sampled_from(list(found)), unique=True)) if found else []
        used = draw(st.lists(st.integers(1, 4), min_size=1, unique=True))
        found[UUID(int=100 + place)] = recipe(
            {UUID(int=key): draw(quantities) for key in used},
            {key: draw(quantities) for key in below},
            portions=draw(st.integers(1, 500)), yield_grams=draw(quantities),
        )  # fmt: skip
    return Book(found, {}, {})


@given(book=layered_books(), portions=st.integers(0, 5000))
def test_twice_as_many_portions_never_need_less(book, portions):
    top = max(book.recipes)
    once, twice = (recipes.explode(book, top, count) for count in (portions, 2 * portions))
    assert once.keys() == twice.keys()
    for key, quantity in recipes.whole(once).items():
        assert recipes.whole(twice)[key] >= quantity
        assert twice[key] == 2 * once[key]


@given(book=layered_books(), data=st.data())
def test_a_cycle_through_any_chain_is_refused(book, data):
    chain = [UUID(int=1000 + place) for place in range(data.draw(st.integers(1, 30)))]
    looped = dict(book.recipes)
    for step, following in zip(chain, chain[1:] + chain[:1], strict=True):
        looped[step] = recipe({UUID(int=1): 1}, {following: 1})
    start = data.draw(st.sampled_from(chain))
    with pytest.raises(RecipeCycleError) as caught:
        recipes.explode(Book(looped, {}, {}), start, 1)
    assert caught.value.way[0] == caught.value.way[-1]
    assert set(caught.value.way) == set(chain)


def test_sauces_within_sauces_sixty_deep_are_exploded_at_once():
    deep = {UUID(int=100): recipe({UUID(int=1): 10})}
    for place in range(101, 160):
        below = [UUID(int=place - 1), UUID(int=max(100, place - 2))]
        deep[UUID(int=place)] = recipe({UUID(int=1): 1}, dict.fromkeys(below, 100))
    assert recipes.explode(Book(deep, {}, {}), UUID(int=159), 1)[UUID(int=1)] > 0

"""配方: versions, live cost and nutrition, and what is refused."""

from uuid import UUID

import pytest

from dafan import db
from dafan.records import Unit
from kitchen import cookbook, ingredients
from kitchen.dishes import DishValues
from kitchen.ingredients import read_values
from server import dishes


@pytest.fixture
def pantry(engine, actor):
    """Rice at 4 yuan a kilogram with its energy, and eggs by the piece; a dish and a sauce."""
    with db.writing(engine) as session:
        for values in (
            {"name": "米", "category": "粮食", "price": 400, "nutrients": {"energy_kcal": 350}},
            {"name": "鸡蛋", "measure": "piece", "price": 80, "weighs": 50, "allergens": ["egg"]},
        ):
            ingredients.create(session, actor, read_values(values))
        return {
            name: dishes.create(
                session, actor, DishValues(name=name, unit=Unit.PIECE, price=1000, active=active)
            ).id
            for name, active in (("炒饭", True), ("酱", False))
        }


def fields(**changed):
    lines = {"part": ["米", "鸡蛋"], "quantity": ["10", "50"], "unit": ["kg", "个"]}
    rest = {"portions": "100", "yield_grams": "20000", "half": "50", "small": "40"}
    return {**rest, **lines, **changed}


def saved(engine, site, dish_id):
    with db.reading(engine) as session:
        row = cookbook.newest_of(session, site.id, dish_id)
        return row and cookbook.values_of(session, row)


def test_a_recipe_is_kept_in_the_measures_of_its_ingredients_and_saved_twice_is_one_version(
    browser, engine, site, pantry
):
    cook, dish = browser("manager"), pantry["炒饭"]
    for _ in range(2):
        assert (
            "已保存为新的版本" in cook.send(f"/manage/dishes/{dish}/recipe/save", **fields()).text
        )
    values = saved(engine, site, dish)
    assert [line.quantity for line in values.lines] == [10_000, 50]
    assert (values.half_permille, values.small_permille) == (500, 400)
    with db.reading(engine) as session:
        assert len(cookbook.history(session, site.id, dish)) == 1
    page = cook.see(f"/manage/dishes/{dish}/recipe")
    assert "¥0.80" in page  # 0.1 kg of rice and half an egg
    assert "8%" in page
    assert "200 g" in page
    assert "蛋" in page


def test_the_look_says_what_a_typed_recipe_costs_and_writes_nothing(browser, engine, site, pantry):
    cook, dish = browser("manager"), pantry["炒饭"]
    look = f"/manage/dishes/{dish}/recipe/look"
    part = cook.send(look, **fields(quantity=["20", "50"])).text
    assert "¥1.20" in part
    assert "≥ 700 kcal" in part
    assert "<html" not in part
    assert "没有叫“面”的食材" in cook.send(look, **fields(part=["面", "鸡蛋"])).text
    assert saved(engine, site, dish) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"unit": ["ml", "个"]}, "米按克计"),
        ({"unit": ["kg", "g"]}, "鸡蛋按个计"),
        ({"quantity": ["-1", "50"]}, "米按克计"),
        ({"quantity": ["99999999999", "50"]}, "米按克计"),
        ({"quantity": ["1", "2.5"]}, "鸡蛋按个计"),
        ({"portions": "0"}, "份数要填大于零的整数"),
        ({"portions": "1e3000"}, "份数要填大于零的整数"),
        ({"yield_grams": ""}, "出成要填大于零的整数"),
        ({"part": ["", ""], "quantity": ["", ""]}, "请至少写一种食材"),
        ({"part": ["米", "米"], "unit": ["g", "g"]}, "这份配方不能保存"),
    ],
)
def test_what_does_not_fit_is_said_and_shown_again_as_typed(
    browser, engine, site, pantry, wrong, said
):
    dish = pantry["炒饭"]
    answer = browser("manager").send(f"/manage/dishes/{dish}/recipe/save", **fields(**wrong))
    assert answer.status_code == 200
    assert said in answer.text
    assert saved(engine, site, dish) is None


def test_a_dish_that_would_be_a_part_of_itself_is_refused_with_the_whole_chain(
    browser, engine, site, pantry
):
    cook = browser("manager")
    sauce = fields(part=["米"], quantity=["1"], unit=["kg"])
    cook.send(f"/manage/dishes/{pantry['酱']}/recipe/save", **sauce)
    with_sauce = fields(part=["米", "酱（半成品）"], quantity=["1", "2"], unit=["kg", "kg"])
    cook.send(f"/manage/dishes/{pantry['炒饭']}/recipe/save", **with_sauce)
    assert "酱（半成品）" in cook.see(f"/manage/dishes/{pantry['炒饭']}/recipe")
    # The rice is not offered as a part, but whoever sends its name all the same gets no further.
    circle = fields(part=["炒饭（半成品）"], quantity=["1"], unit=["kg"])
    answer = cook.send(f"/manage/dishes/{pantry['酱']}/recipe/save", **circle)
    assert "没有叫“炒饭（半成品）”" in answer.text
    retire = {"name": "炒饭", "unit": "piece", "price": "10", "sort": "0"}
    cook.send(f"/manage/dishes/{pantry['炒饭']}", **retire)
    for path in ("save", "look"):
        answer = cook.send(f"/manage/dishes/{pantry['酱']}/recipe/{path}", **circle)
        assert "一道菜不能成为自己的一部分" in answer.text
        assert "→" in answer.text
    assert len(saved(engine, site, pantry["酱"]).lines) == 1


def test_a_dish_of_nobody_is_not_found_and_who_may_only_look_saves_nothing(
    browser, engine, site, pantry
):
    guest = browser("auditor")
    assert guest.get(f"/manage/dishes/{UUID(int=1)}/recipe").status_code == 404
    assert "保存为新版本" not in guest.see(f"/manage/dishes/{pantry['炒饭']}/recipe")
    path = f"/manage/dishes/{pantry['炒饭']}/recipe/save"
    assert guest.send(path, page="/manage/audit", **fields()).status_code == 403
    assert saved(engine, site, pantry["炒饭"]) is None

"""食谱: the week, a meal in the making, and what is refused."""

from datetime import date
from uuid import UUID

import pytest

from dafan import db
from dafan.records import Unit
from kitchen import cookbook, expected, ingredients, limits, menus
from kitchen.dishes import DishValues
from kitchen.ingredients import read_values
from kitchen.meals import Meal
from kitchen.menu_checks import Forbidden, MenuRules
from kitchen.menus import ItemValues, State
from kitchen.recipes import Line, RecipeValues
from server import dishes

MONDAY = date(2026, 3, 2)
COLUMNS = ("dish", "portions", "cook")


@pytest.fixture
def served(engine, actor):
    """Three dishes: two of pork with soy, one of cabbage; portions of 100 g for 2 yuan and 1."""
    ids = {}
    with db.writing(engine) as session:
        parts = {
            values["name"]: ingredients.create(session, actor, read_values(values)).id
            for values in (
                {"name": "猪肉", "category": "畜肉", "price": 2000, "allergens": ["soy"],
                 "nutrients": {"energy_kcal": 300, "sodium_mg": 60, "sugar_g": 0}},
                {"name": "白菜", "category": "蔬菜", "price": 1000,
                 "nutrients": {"energy_kcal": 20, "sodium_mg": 10, "sugar_g": 1}},
            )
        }  # fmt: skip
        for name, part in (("红烧肉", "猪肉"), ("回锅肉", "猪肉"), ("炒白菜", "白菜")):
            dish = dishes.create(session, actor, DishValues(name=name, unit=Unit.PIECE, price=900))
            line = Line(ingredient_id=parts[part], quantity=10_000)
            recipe = RecipeValues(portions=100, yield_grams=9000, lines=(line,))
            cookbook.save(session, actor, dish.id, recipe)
            ids[name] = dish.id
    return ids


@pytest.fixture
def lunch(site):
    return Meal(MONDAY, "lunch", site.venue_id)


def path(meal, more=""):
    return f"/manage/menus/{meal.venue_id}/{meal.day}/{meal.period}{more}"


def form(*lines, **more):
    columns = {name: [line[at] for line in lines] for at, name in enumerate(COLUMNS)}
    return {**columns, "covers": "100", **more}


def stored(engine, site, meal):
    with db.reading(engine) as session:
        return menus.find(session, site.id, meal)


@pytest.mark.usefixtures("served")
def test_a_meal_is_planned_published_and_read_by_the_kitchen(browser, engine, site, lunch):
    cook = browser("manager")
    told = form(("红烧肉", "50", "大厨"), ("炒白菜", "100", ""), wish="publish")
    for _ in range(2):
        assert "已发布" in cook.send(path(lunch), **told).text
    with db.reading(engine) as session:
        (menu,) = menus.published(session, site.id, MONDAY)
        assert expected.of_site(session, site.id)[lunch].covers == 100
    assert [(one.portions, one.cook) for one in menu.items] == [(50, "大厨"), (100, "")]
    week = cook.see(f"/manage/menus?day={MONDAY}")
    assert "红烧肉" in week
    assert "每人 ¥2.00" in week  # (50 × 2 + 100 × 1) yuan for 100 covers
    printed = cook.see(f"/manage/menus/print?day={MONDAY}")
    assert "大厨" in printed
    assert "含大豆" in printed
    cook.send(path(lunch), **form(("红烧肉", "50", "大厨"), wish="withdraw"))
    assert stored(engine, site, lunch).state is State.DRAFT
    assert "红烧肉" not in cook.see(f"/manage/menus/print?day={MONDAY}")


def test_the_look_judges_what_is_typed_and_writes_nothing(
    browser, engine, site, actor, served, lunch
):
    rules = {"forbidden": [{"one": "猪肉", "other": "白菜", "reason": "本单位不同餐"}]}
    breakfast = Meal(MONDAY, "breakfast", site.venue_id)
    with db.writing(engine) as session:
        limits.decide(session, actor, MenuRules, {**rules, "cost_target": 150})
        menus.save(session, actor, breakfast, [ItemValues(dish_id=served["回锅肉"], portions=9)])
    cook = browser("manager")
    typed = form(("红烧肉", "100", ""), ("炒白菜", "50", ""))
    part = cook.send(path(lunch, "/look"), **typed).text
    assert "¥2.50" in part
    assert "人均成本 ¥2.50，目标 ¥1.50" in part
    assert "主料重复：猪肉（回锅肉、红烧肉）" in part
    assert "本单位不同餐" in part
    assert "人均蔬菜 50 克，至少 100 克" in part
    assert "人均能量 310 kcal，至少 540" in part
    assert "<html" not in part
    assert stored(engine, site, lunch) is None
    assert Forbidden("猪肉", "白菜", "本单位不同餐") in rules_of(engine, site).forbidden


def rules_of(engine, site):
    with db.reading(engine) as session:
        return limits.of(session, site.id, MenuRules)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        ([("没有的菜", "1", "")], {}, "没有叫“没有的菜”的菜"),
        ([("红烧肉", "-1", "")], {}, "红烧肉的份数要填整数"),
        ([("红烧肉", "1.5", "")], {}, "红烧肉的份数要填整数"),
        ([("红烧肉", "1" * 30, "")], {}, "红烧肉的份数要填整数"),
        ([("红烧肉", "1", ""), ("红烧肉", "2", "")], {}, "同一道菜写了两行"),
        ([("红烧肉", "1", "")], {"covers": "many"}, "人次请写整数"),
        ([("红烧肉", "1", "")], {"covers": "999999"}, "请检查填写的内容"),
        ([], {"wish": "publish"}, "请检查填写的内容"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_kept(
    browser, engine, site, lunch, lines, more, said
):
    answer = browser("manager").send(path(lunch), **form(*lines, **more))
    assert answer.status_code == 200
    assert said in answer.text
    assert stored(engine, site, lunch) is None


def test_last_week_is_copied_once_and_what_is_planned_stays(
    browser, engine, site, actor, served, lunch
):
    cook = browser("manager")
    week = {"day": MONDAY.isoformat(), "venue": str(site.venue_id)}
    assert "没有可复制的" in cook.send("/manage/menus/copy", **week).text
    with db.writing(engine) as session:
        for day, name in ((date(2026, 2, 23), "红烧肉"), (date(2026, 2, 24), "炒白菜")):
            item = ItemValues(dish_id=served[name], portions=7)
            menus.save(session, actor, Meal(day, "lunch", site.venue_id), [item])
        menus.save(session, actor, lunch, [ItemValues(dish_id=served["回锅肉"])])
    assert "已从上周复制" in cook.send("/manage/menus/copy", **week).text
    assert "没有可复制的" in cook.send("/manage/menus/copy", **week).text
    assert stored(engine, site, lunch).items[0].dish_id == served["回锅肉"]
    tuesday = Meal(date(2026, 3, 3), "lunch", site.venue_id)
    assert stored(engine, site, tuesday).items[0].portions == 7
    assert "已发布" in cook.send("/manage/menus/publish", **week).text
    assert stored(engine, site, tuesday).state is State.PUBLISHED


@pytest.mark.usefixtures("served")
def test_a_meal_that_there_is_not_is_not_found_and_a_guest_plans_nothing(browser, site, lunch):
    guest = browser("auditor")
    for wrong in (
        f"/manage/menus/{UUID(int=3)}/{MONDAY}/lunch",
        f"/manage/menus/{site.venue_id}/{MONDAY}/tea",
        f"/manage/menus/{site.venue_id}/2026-13-01/lunch",
    ):
        assert guest.get(wrong).status_code == 404
    assert "保存并发布" not in guest.see(path(lunch))
    assert guest.get("/manage/menus?day=never&venue=none").status_code == 200
    told = form(("红烧肉", "1", ""))
    for address in (path(lunch), path(lunch, "/look"), "/manage/menus/copy"):
        assert guest.send(address, page="/manage/audit", **told).status_code == 403

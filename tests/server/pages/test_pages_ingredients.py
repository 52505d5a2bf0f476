"""食材 and 菜品库: what is bought, the library, and what canteens give each other."""

import io

import openpyxl
import pytest
from sqlalchemy import func, select

from dafan import db
from kitchen import ingredients
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient, read_values

FIELDS = {
    "name": "番茄", "category": "蔬菜", "measure": "g", "edible": "97", "keep": "chilled",
    "minimum": "0", "pack": "1", "price": "6.50", "n_energy_kcal": "18", "n_sodium_mg": "",
    "active": "y",
}  # fmt: skip


def count(engine, table):
    with db.reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def find(engine, site, name):
    with db.reading(engine) as session:
        return ingredients.values_of(ingredients.find_by_name(session, site.id, name))


def test_an_ingredient_is_kept_as_it_was_typed_and_lacking_nutrients_show_a_light(
    browser, engine, site
):
    cook = browser("manager")
    assert "已添加" in cook.send("/manage/ingredients/new", **FIELDS).text
    made = find(engine, site, "番茄")
    assert (made.edible_permille, made.price, made.keep.value) == (970, 650, "chilled")
    assert made.nutrients == {"energy_kcal": 18.0}
    listed = cook.see("/manage/ingredients?search=番")
    assert "¥6.50/公斤" in listed
    assert "缺蛋白质、脂肪、碳水化合物、钠" in listed
    assert "没有符合条件的食材" in cook.see("/manage/ingredients?search=茄番")


def test_a_maximum_stands_beside_the_minimum_and_never_below_it(browser, engine, site):
    cook = browser("manager")
    asked = {**FIELDS, "minimum": "500"}
    refused = cook.send("/manage/ingredients/new", **asked, maximum="499").text
    assert "不能低于最低库存" in refused
    assert count(engine, Ingredient) == 0
    assert "已添加" in cook.send("/manage/ingredients/new", **asked, maximum="500").text
    assert find(engine, site, "番茄").maximum == 500
    with db.reading(engine) as session:
        row = ingredients.find_by_name(session, site.id, "番茄").id
    stock = f"/kitchen/stock/ingredients/{row}"
    assert "上限请在食材页上改" in cook.send(f"{stock}/minimum", "/kitchen/", minimum="9").text
    assert find(engine, site, "番茄").minimum == 500
    assert "已保存" in cook.send(f"/manage/ingredients/{row}", **asked, maximum="").text
    assert find(engine, site, "番茄").maximum is None


def test_a_measure_cannot_be_changed_by_a_form_either(browser, engine, site, actor):
    with db.writing(engine) as session:
        row = ingredients.create(session, actor, read_values({"name": "鸡蛋", "measure": "piece"}))
        address = f"/manage/ingredients/{row.id}"
    answer = browser("manager").send(address, **{**FIELDS, "name": "鸡蛋", "measure": "g"})
    assert "已保存" in answer.text
    assert find(engine, site, "鸡蛋").measure.value == "piece"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"edible": "0"},
        {"edible": "101"},
        {"pack": "0"},
        {"n_energy_kcal": "-1"},
        {"n_energy_kcal": "many"},
        {"price": "six"},
        {"weighs": "50"},
        {"measure": "box"},
    ],
)
def test_what_does_not_fit_keeps_nothing(browser, engine, wrong):
    answer = browser("manager").send("/manage/ingredients/new", **{**FIELDS, **wrong})
    assert answer.status_code == 200
    assert answer.request.path == "/manage/ingredients/new"
    assert count(engine, Ingredient) == 0


def test_an_empty_site_gets_the_library_once_and_its_dishes_reach_the_tills(
    browser, engine, terminal
):
    cook = browser("manager")
    assert "食材 309 种" in cook.send("/manage/catalogue/seed").text
    assert "食材 0 种" in cook.send("/manage/catalogue/seed").text
    assert (count(engine, Ingredient), count(engine, Dish)) == (309, 80)
    published = terminal.feed(0, limit=1000)["items"]
    assert sum(item["kind"] == "dish" for item in published) == 80


def test_what_one_canteen_gives_another_takes_over_after_a_look(browser, engine, site, actor):
    cook = browser("manager")
    cook.send("/manage/catalogue/seed")
    for kind in ("json", "xlsx"):
        given = cook.client.get(f"/manage/catalogue/dafan-catalogue.{kind}").data
        with db.writing(engine) as session:
            row = ingredients.find_by_name(session, site.id, "大豆油")
            told = ingredients.values_of(row).model_copy(update={"price": 1})
            ingredients.update(session, actor, row.id, told)
        plan = cook.send(
            "/manage/catalogue/import", file=(io.BytesIO(given), f"dafan-catalogue.{kind}")
        )
        assert "导入 1 行" in plan.text
        assert find(engine, site, "大豆油").price == 1
        kept = cook.see(f"{plan.request.path}?keep_prices=1")
        assert "没有要改的" in kept
        assert "已导入" in cook.send(plan.request.path).text
        assert find(engine, site, "大豆油").price > 1


def dirty(rows):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("食材")
    sheet.append(["名称", "计量", "单价(元)", "可食部(‰)"])
    for number in range(rows):
        sheet.append([f"食材 {number}", "斤" if number % 2 else "克", "six", number])
    packed = io.BytesIO()
    book.save(packed)
    packed.seek(0)
    return packed


def test_hundreds_of_dirty_rows_are_told_by_row_and_nothing_is_written(browser, engine):
    cook = browser("manager")
    plan = cook.send("/manage/catalogue/import", file=(dirty(500), "dirty.xlsx")).text
    assert "表格里有 500 处要改" in plan
    assert "“单价(元)”的值不合适" in plan
    assert "导入 1" not in plan
    assert count(engine, Ingredient) == 0


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 broken", b'{"format": "x"}'])
def test_a_file_that_is_no_catalogue_is_refused_in_one_sentence(browser, data):
    answer = browser("manager").send("/manage/catalogue/import", file=(io.BytesIO(data), "a.json"))
    assert answer.status_code == 200
    assert answer.request.path == "/manage/catalogue"
    assert "请" in answer.text


def test_who_may_not_set_prices_neither_seeds_nor_imports(browser):
    cook = browser("auditor")
    assert cook.get("/manage/ingredients").status_code == 200
    assert cook.get("/manage/ingredients/new").status_code == 403
    assert cook.send("/manage/catalogue/seed", page="/manage/audit").status_code == 403

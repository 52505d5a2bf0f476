import io
import json
import zipfile

import openpyxl
import pytest
from sqlalchemy import func, select

from dafan.db import reading, writing
from dafan.ids import new_id
from kitchen import cookbook, dishes, exchange, ingredients, recipes
from kitchen.catalogue import SHOWN_FAULTS, ExchangeError
from kitchen.dishes import Dish
from kitchen.exchange_plan import State
from kitchen.ingredients import Ingredient, IngredientValues
from kitchen.recipes import Line, RecipeValues

BOTH = pytest.mark.parametrize("pack", [exchange.to_json, exchange.to_excel])


@pytest.fixture
def canteen(engine, actor):
    """A site with a stuffed bun: one ingredient of each measure, and a component."""
    parts = [
        IngredientValues(
            name="猪肉", category="畜肉", price=2600, quarantine=True, edible_permille=830,
            nutrients={"energy_kcal": 245, "protein_g": 17.43}, nutrients_from="USDA SR28 10008",
        ),
        IngredientValues(
            name="酱油", measure="ml", weighs=1150, price=900, allergens=("soy", "gluten")
        ),
        IngredientValues(name="=鸡蛋", measure="piece", weighs=57, allergens=("egg",)),
    ]  # fmt: skip
    with writing(engine) as session:
        ids = {part.name: ingredients.create(session, actor, part).id for part in parts}
        for told in (
            {"name": "肉馅", "unit": "piece", "active": False, "sort": 1},
            {"name": "包子", "unit": "piece", "price": 200, "half_price": 100, "sort": 2},
        ):
            values = dishes.read_values(told)
            made = dishes.create(session, actor.site_id, values, by=actor.name, at=actor.at)
            ids[made.name] = made.id
        filling = RecipeValues(
            portions=50, yield_grams=4000, steps="剁碎。\n拌匀。",
            lines=(
                Line(ingredient_id=ids["猪肉"], quantity=4000),
                Line(ingredient_id=ids["酱油"], quantity=300),
                Line(ingredient_id=ids["=鸡蛋"], quantity=12),
            ),
        )  # fmt: skip
        cookbook.save(session, actor, ids["肉馅"], filling)
        bun = RecipeValues(
            portions=100, yield_grams=6000, half_permille=450, hints="趁热",
            lines=(Line(component_id=ids["肉馅"], quantity=5000),),
        )  # fmt: skip
        cookbook.save(session, actor, ids["包子"], bun)
    return ids


@pytest.fixture
def neighbour(actor):
    return type(actor)(new_id(), "neighbour", actor.at)


def export(engine, actor):
    with reading(engine) as session:
        return exchange.export(session, actor.site_id)


def plan(engine, actor, data, **options):
    with reading(engine) as session:
        return exchange.plan(session, actor.site_id, exchange.read(data), **options)


def document(**lists):
    return json.dumps({"format": "dafan-catalogue", "version": 1} | lists).encode()


def workbook(**sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def rows_of(engine):
    with reading(engine) as session:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (Ingredient, Dish, cookbook.Recipe, cookbook.RecipeLine)
        ]


@BOTH
@pytest.mark.usefixtures("canteen")
def test_what_one_canteen_gives_another_has_whole(engine, actor, neighbour, pack):
    given = export(engine, actor)
    with writing(engine) as session:
        done = exchange.apply(session, neighbour, pack(given))
    assert done.plan.counts()["配方"] == {"new": 2, "changed": 0, "same": 0}
    assert [dish.name for dish in done.dishes] == ["肉馅", "包子"]
    assert export(engine, neighbour) == given
    with reading(engine) as session:
        book = cookbook.load_book(session, neighbour.site_id)
        bun = dishes.find_by_name(session, neighbour.site_id, "包子")
        assert bun is not None
        needs = recipes.explode(book, bun.id, 100)
        assert {book.ingredients[key].name: int(need) for key, need in needs.items()} == {
            "猪肉": 5000, "酱油": 375, "=鸡蛋": 15,
        }  # fmt: skip


@BOTH
@pytest.mark.usefixtures("canteen")
def test_the_same_file_again_changes_nothing_and_records_nothing(engine, actor, pack):
    made = len(actor.recorded)
    with writing(engine) as session:
        done = exchange.apply(session, actor, pack(export(engine, actor)))
    assert done.dishes == ()
    states = {
        row.state for rows in (done.plan.ingredients, done.plan.dishes, done.plan.recipes)
        for row in rows
    }  # fmt: skip
    assert states == {State.SAME}
    assert len(actor.recorded) == made


@pytest.mark.usefixtures("canteen")
def test_a_file_changes_only_what_it_says(engine, actor):
    data = document(
        ingredients=[{"name": "猪肉", "nutrients": {"fat_g": 18.9, "protein_g": None}}],
        dishes=[{"name": "包子", "price": 250}],
    )
    with writing(engine) as session:
        done = exchange.apply(session, actor, data)
        pork = ingredients.find_by_name(session, actor.site_id, "猪肉")
        assert pork is not None
        assert ingredients.values_of(pork).nutrients == {"energy_kcal": 245, "fat_g": 18.9}
        assert (pork.price, pork.quarantine) == (2600, True)
        (bun,) = done.dishes
        assert (bun.price, bun.half_price) == (250, 100)
    actions = [line.action for line in actor.recorded[-3:]]
    assert actions == ["ingredient.update", "dish.update", "catalogue.import"]


@pytest.mark.usefixtures("canteen")
def test_prices_of_another_canteen_can_be_left_where_they_are(engine, actor):
    data = document(
        ingredients=[{"name": "猪肉", "price": 1}, {"name": "盐", "price": 250}],
        dishes=[{"name": "包子", "price": 1, "half_price": 1, "category": "主食"}],
    )
    found = plan(engine, actor, data, prices=False)
    assert [(row.name, row.state, row.values.price) for row in found.ingredients] == [
        ("猪肉", State.SAME, 2600),
        ("盐", State.NEW, 250),
    ]
    assert (found.dishes[0].state, found.dishes[0].values.price) == (State.CHANGED, 200)


@pytest.mark.usefixtures("canteen")
def test_quantities_may_stand_in_any_unit_of_the_measure_and_in_no_other(engine, actor):
    head = ["菜品", "份数", "出成(克)", "食材", "数量", "单位"]
    good = workbook(
        配方=[head, ["包子", 100, 6000, "猪肉", 2.5, "斤"], ["包子", "", "", "酱油", 1, "升"]]
    )
    found = plan(engine, actor, good)
    assert found.fault_count == 0
    assert [line.quantity for line in found.recipes[0].values.lines] == [1250, 1000]
    bad = workbook(配方=[head, ["包子", 100, 6000, "酱油", 500, "克"]])
    (fault,) = plan(engine, actor, bad).faults
    assert (fault.sheet, fault.row) == ("配方", 2)
    assert "酱油" in fault.advice
    assert "counted in ml" in fault.advice


FAULTY = {
    "an unknown ingredient": ("recipes", {"lines": [("ingredient", "鱼", 5, "g")]}, "鱼"),
    "an unknown component": ("recipes", {"lines": [("component", "酱", 5, "g")]}, "酱"),
    "an unknown dish": ("recipes", {"dish": "饺子"}, "饺子"),
    "half an egg": ("recipes", {"lines": [("ingredient", "=鸡蛋", "0.5", "piece")]}, "piece"),
    "less than nothing": ("recipes", {"lines": [("ingredient", "猪肉", -5, "g")]}, "quantity"),
    "a number without end": ("recipes", {"lines": [("ingredient", "猪肉", 10**30, "g")]}, "猪肉"),
    "no portions": ("recipes", {"portions": 0}, "portions"),
    "no weight": ("recipes", {"yield_grams": 0}, "yield_grams"),
    "another measure": ("ingredients", {"name": "猪肉", "measure": "piece"}, "counted in g"),
    "a price below zero": ("ingredients", {"name": "盐", "price": -1}, "price"),
    "an unknown nutrient": ("ingredients", {"name": "盐", "nutrients": {"salt": 1}}, "salt"),
    "an unknown field": ("ingredients", {"name": "盐", "colour": "白"}, "colour"),
    "a hidden character": ("ingredients", {"name": "盐\u0000"}, "nobody can see"),
    "half a character": ("ingredients", {"name": "盐\ud800"}, "nobody can see"),
    "no name": ("ingredients", {"price": 5}, "name"),
    "no unit": ("dishes", {"name": "粥"}, "unit"),
    "a dear half": ("dishes", {"name": "包子", "half_price": 900}, "half"),
}


@pytest.mark.usefixtures("canteen")
@pytest.mark.parametrize("fault", FAULTY)
def test_a_fault_is_told_with_its_row_and_nothing_is_taken_over(engine, actor, fault):
    kind, told, word = FAULTY[fault]
    if kind == "recipes":
        lines = told.get("lines", [("ingredient", "猪肉", 5, "g")])
        named = [dict(zip((what, "quantity", "unit"), line, strict=True)) for what, *line in lines]
        told = {"dish": "包子", "portions": 10, "yield_grams": 900} | told | {"lines": named}
    good = {"name": "醋"}
    data = document(
        **{"ingredients": [good], kind: [good, told] if kind == "ingredients" else [told]}
    )
    before = rows_of(engine)
    found = plan(engine, actor, data)
    assert found.fault_count == 1
    assert word in found.faults[0].advice
    assert found.faults[0].row == (2 if kind == "ingredients" else 1)
    with pytest.raises(ExchangeError, match="1 faults"), writing(engine) as session:
        exchange.apply(session, actor, data)
    assert rows_of(engine) == before


@pytest.mark.usefixtures("canteen")
def test_cycles_and_holes_between_file_and_site_are_faults(engine, actor):
    def cooked(dish, component):
        line = {"component": component, "quantity": 5, "unit": "g"}
        return {"dish": dish, "portions": 1, "yield_grams": 9, "lines": [line]}

    looped = plan(engine, actor, document(recipes=[cooked("肉馅", "包子")]))
    assert [(fault.row, fault.advice.count("包子") > 0) for fault in looped.faults] == [(1, True)]
    assert "part of itself" in looped.faults[0].advice
    sauces = [{"name": name, "unit": "piece"} for name in ("酱", "卤")]
    holes = document(dishes=sauces, recipes=[cooked("包子", "酱"), cooked("酱", "卤")])
    advice = {fault.row: fault.advice for fault in plan(engine, actor, holes).faults}
    assert "卤 has no recipe" in advice[2]
    assert "酱 has no recipe" in advice[1]


@pytest.mark.usefixtures("canteen")
def test_the_same_name_twice_in_a_file_is_a_fault(engine, actor):
    data = document(ingredients=[{"name": "盐"}, {"name": " 盐 "}])
    (fault,) = plan(engine, actor, data).faults
    assert (fault.row, "row 1" in fault.advice) == (2, True)


@pytest.mark.usefixtures("canteen")
def test_three_thousand_dirty_rows_get_an_answer_and_change_nothing(engine, actor):
    head = ["名称", "类别", "计量", "单价(元)", "启用"]
    dirty = [[f"食材{number}", "蔬菜", "克", "很贵", "是"] for number in range(2_990)]
    data = workbook(食材=[head, *dirty, *[["好菜", "蔬菜", "克", "3.50", "是"]] * 10])
    before = rows_of(engine)
    found = plan(engine, actor, data)
    assert found.fault_count == 2_990 + 9
    assert len(found.faults) == SHOWN_FAULTS
    assert found.faults[0].row == 2
    assert "单价" in found.faults[0].advice
    with pytest.raises(ExchangeError, match="2999 faults"), writing(engine) as session:
        exchange.apply(session, actor, data)
    assert rows_of(engine) == before


@pytest.mark.usefixtures("canteen")
def test_thousands_of_dishes_that_are_parts_of_themselves_get_an_answer(engine, actor):
    names = [f"酱{number}" for number in range(1000)]
    cooked = [
        {"dish": name, "portions": 1, "yield_grams": 9,
         "lines": [{"component": name, "quantity": 5, "unit": "g"}]}
        for name in names
    ]  # fmt: skip
    made = [{"name": name, "unit": "piece"} for name in names]
    found = plan(engine, actor, document(dishes=made, recipes=cooked))
    assert 0 < found.fault_count <= 1000
    assert "part of itself" in found.faults[0].advice


def test_formulas_are_refused_and_a_name_like_a_formula_is_text(engine, actor, canteen):
    assert "=鸡蛋" in canteen
    book = openpyxl.load_workbook(io.BytesIO(exchange.to_excel(export(engine, actor))))
    cells = [cell for row in book["食材"] for cell in row if cell.value == "=鸡蛋"]
    assert [cell.data_type for cell in cells] == ["s"]
    data = workbook(食材=[["名称", "单价(元)"], ["盐", "=1+1"]])
    (fault,) = plan(engine, actor, data).faults
    assert (fault.sheet, fault.row) == ("食材", 2)
    assert "formula" in fault.advice


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", bytes(120 * 2**20))
    return packed.getvalue()


def laughing():
    """A cell whose text stands for ten others, nine times over."""
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "haha">{steps}]>
        <worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData></worksheet>"""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(食材=[["名称"], ["盐"]]))) as old,
        zipfile.ZipFile(packed, "w") as new,
    ):
        for part in old.namelist():
            new.writestr(part, sheet if "sheet1" in part else old.read(part))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "neither"),
        (b"\xff\xfe\x00", "neither"),
        (b"[" * 200_000, "neither"),
        (b"[]", "no catalogue"),
        (b'{"format": "other"}', "no catalogue"),
        (b'{"format": "dafan-catalogue", "version": 2}', "newer"),
        (document(dishes={}), "dishes"),
        (document(dishes=[{}] * 20_001), "20000"),
        (b"PK\x03\x04 nothing", "damaged"),
        (bytes(11 * 2**20), "MB"),
        (workbook(Sheet1=[["名称"]]), "none of the sheets"),
    ],
    ids=[
        "empty",
        "bytes",
        "deep",
        "a list",
        "another format",
        "a newer version",
        "no list",
        "a long list",
        "half a zip",
        "too many bytes",
        "other sheets",
    ],
)
def test_what_is_no_catalogue_is_refused_in_one_sentence(data, word):
    with pytest.raises(ExchangeError, match=word):
        exchange.read(data)


def test_bombs_are_refused():
    with pytest.raises(ExchangeError, match="unpacks to 120 MB"):
        exchange.read(bomb())
    with pytest.raises(ExchangeError, match="damaged"):
        exchange.read(laughing())


def test_a_list_entry_that_is_no_object_is_a_fault_of_its_place(engine, actor):
    found = plan(engine, actor, document(dishes=["粥", 5, None]))
    assert [fault.row for fault in found.faults] == [1, 2, 3]


@pytest.mark.usefixtures("canteen")
def test_a_canteen_gives_only_what_is_its_own(engine, neighbour):
    given = export(engine, neighbour)
    assert (given.ingredients, given.dishes, given.recipes) == ((), (), ())

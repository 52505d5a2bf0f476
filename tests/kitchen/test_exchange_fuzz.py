"""Whatever a file says: it becomes rows and faults, or one sentence, never anything else."""

import contextlib
import io
import json
from uuid import UUID

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from kitchen import exchange, library
from kitchen.catalogue import ExchangeError
from kitchen.exchange_plan import Known, make_plan
from kitchen.ingredients import IngredientValues
from kitchen.recipes import Line, RecipeValues

PORK = IngredientValues(name="猪肉", nutrients={"energy_kcal": 245})
KNOWN = Known(
    {"猪肉": (UUID(int=1), PORK)},
    {},
    {UUID(int=2): RecipeValues(
        portions=1, yield_grams=1, lines=(Line(ingredient_id=UUID(int=1), quantity=1),)
    )},
)  # fmt: skip

names = st.sampled_from(["猪肉", "盐", "", " 盐", "包子", "馅", "\u0000", "\ud800", "=1"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | names
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
line = st.fixed_dictionaries(
    {},
    optional={
        "ingredient": names, "component": names, "quantity": scalars,
        "unit": st.sampled_from(["g", "斤", "ml", "个", ""]),
    },
)  # fmt: skip
loose = st.dictionaries(
    st.sampled_from(
        [
            "name", "dish", "unit", "measure", "price", "nutrients", "allergens", "portions",
            "yield_grams", "lines", "steps", "weighs", "\ud800",
        ]
    ),
    anything,
)  # fmt: skip
recipe = st.fixed_dictionaries(
    {
        "dish": names,
        "portions": st.integers(-1, 9),
        "yield_grams": st.integers(0, 9),
        "lines": st.lists(line, max_size=3),
    }
)
dish = st.fixed_dictionaries({"name": names, "unit": st.sampled_from(["piece", "kg", "x"])})
row = loose | recipe | dish


@given(
    st.fixed_dictionaries(
        {key: st.lists(row | anything, max_size=4) for key in ("ingredients", "dishes", "recipes")}
    )
)
def test_any_json_becomes_a_plan_with_faults(lists):
    data = json.dumps({"format": "dafan-catalogue", "version": 1} | lists).encode()
    draft = exchange.read(data)
    plan = make_plan(draft, KNOWN)
    assert make_plan(draft, KNOWN).fault_count == plan.fault_count
    assert all(fault.advice.encode() for fault in plan.faults)
    planned = len(plan.ingredients) + len(plan.dishes) + len(plan.recipes)
    assert planned + plan.fault_count >= sum(map(len, lists.values()))


def small_workbook():
    book = openpyxl.load_workbook(io.BytesIO(exchange.to_excel(shared())))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def shared():
    whole = json.loads(library.catalogue())
    return exchange.Catalogue(
        ingredients=library.ingredient_values()[:3],
        dishes=tuple(whole["dishes"][:3]),
        recipes=tuple(whole["recipes"][:3]),
    )


BOOK = small_workbook()


@given(st.lists(st.tuples(st.integers(0, len(BOOK) - 1), st.integers(0, 255)), max_size=40))
def test_a_damaged_workbook_is_read_or_refused_in_one_sentence(flips):
    data = bytearray(BOOK)
    for place, value in flips:
        data[place] = value
    with contextlib.suppress(ExchangeError):
        make_plan(exchange.read(bytes(data)), KNOWN)


cells_of_a_row = st.lists(scalars.filter(lambda cell: str(cell).isprintable()), max_size=8)


@given(st.lists(cells_of_a_row, max_size=6))
def test_any_cells_under_the_headings_become_rows_or_faults(cells):
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "配方"
    sheet.append(["菜品", "食材", "半成品", "数量", "单位", "份数", "出成(克)", "做法"])
    for told in cells:
        sheet.append(told)
    packed = io.BytesIO()
    book.save(packed)
    make_plan(exchange.read(packed.getvalue()), KNOWN)

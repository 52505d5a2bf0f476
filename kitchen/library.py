"""A beginning for a new canteen: ingredients with nutrients, and everyday dishes with recipes.

``data/ingredients.csv`` holds values per 100 g of the edible part, copied from the USDA National
Nutrient Database for Standard Reference, Release 28 (a work of the United States government, in
the public domain), each with its NDB number; an empty cell is a value that is not known. The few
rows without a number have no values. ``data/dishes.json`` is a catalogue as :mod:`kitchen.exchange`
reads it. All prices are examples: a canteen writes its own.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy.orm import Session

from dafan.acting import Acting
from kitchen import cookbook, exchange
from kitchen.catalogue import Fault, RawRow
from kitchen.dishes import Dish
from kitchen.ingredients import IngredientValues, read_values
from kitchen.nutrition import Nutrient


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was added.

    Attributes:
        counts: Sheet → state → how many, as a plan counts.
        dishes: New ones; the caller publishes them to the tills.
        left_out: What does not fit to what the site has, such as a recipe that counts eggs where
            the site weighs them.
    """

    counts: dict[str, dict[str, int]]
    dishes: tuple[Dish, ...]
    left_out: tuple[Fault, ...]


def ingredient_values() -> tuple[IngredientValues, ...]:
    """The ingredients of the library."""
    text = files("kitchen").joinpath("data", "ingredients.csv").read_text(encoding="utf-8")
    return tuple(_read_row(row) for row in csv.DictReader(text.splitlines()))


def _read_row(row: dict[str, str]) -> IngredientValues:
    told: dict[str, Any] = {name: row[name] for name in ("name", "category", "measure", "zone")}
    for name in ("weighs", "shelf_days", "price"):
        told[name] = int(row[name]) if row[name] else None
    return read_values(
        {
            **told,
            "edible_permille": int(row["edible_permille"]),
            "keep": row["keep"],
            "pesticide_test": row["pesticide_test"] == "1",
            "quarantine": row["quarantine"] == "1",
            "allergens": row["allergens"].split(),
            "nutrients": {name: float(row[name]) for name in Nutrient if row[name]},
            "nutrients_from": f"USDA SR28 {row['ndb_no']}" if row["ndb_no"] else "",
        }
    )


def catalogue() -> bytes:
    """The dishes of the library with their recipes, as :func:`exchange.read` reads them."""
    return files("kitchen").joinpath("data", "dishes.json").read_bytes()


def seed(session: Session, actor: Acting) -> Seeded:
    """Add what the site does not have yet; what it has stays as it is.

    Doing so again adds nothing. What does not fit is left out, and told.
    """
    cookbook.lock(session, actor.site_id)
    draft = exchange.read(catalogue())
    draft.ingredients = [
        RawRow(number, values.model_dump())
        for number, values in enumerate(ingredient_values(), start=2)
    ]
    plan = exchange.plan(session, actor.site_id, draft, only_new=True)
    done = exchange.carry_out(session, actor, plan)
    return Seeded(plan.counts(), done.dishes, tuple(plan.faults))

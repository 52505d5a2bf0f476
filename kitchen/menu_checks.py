"""Whether a menu is varied, safe, affordable and healthy: what a cook should look at, in words.

Pure. Nothing here forbids a menu: the person who plans it decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from uuid import UUID

from dafan.errors import BadInputError
from dafan.food import KNOWN_ENOUGH
from dafan.money import Fen, format_yuan
from kitchen import nutrition, recipes
from kitchen.categories import CEREAL, FUNGUS, OIL, SEASONING, VEGETABLE
from kitchen.ingredients import Allergen
from kitchen.meals import Meal
from kitchen.nutrition import Nutrient, Range
from kitchen.recipes import Book

NEVER_MAIN = frozenset({SEASONING, OIL, CEREAL})
"""Categories of ingredients that make no dish alike: salt is in all of them."""
VEGETABLES = frozenset({VEGETABLE, FUNGUS})


@dataclass(frozen=True)
class DishFacts:
    """What the checks know of one full portion of a dish."""

    dish_id: UUID
    name: str
    main: str = ""
    """Name of the ingredient that there is most of, seasoning, oil and cereals aside."""
    ingredients: frozenset[str] = frozenset()
    allergens: tuple[Allergen, ...] = ()
    cost: Fen | None = None
    """None: some ingredient has no price."""
    nutrients: Mapping[Nutrient, Fraction] = field(default_factory=dict)
    """In each nutrient's unit; only those that are known of :data:`KNOWN_ENOUGH` of the weight."""
    vegetables: Fraction = Fraction(0)
    """Grams, as bought."""
    known: bool = True
    """False: the dish has no recipe."""


def facts_of(book: Book, dish_id: UUID, name: str) -> DishFacts:
    """The facts of a dish by its recipe; of one without a recipe only its name."""
    try:
        needs = recipes.explode(book, dish_id, 1)
    except recipes.NoRecipeError:
        return DishFacts(dish_id, name, known=False)
    grams: dict[str, Fraction] = {}
    vegetables = Fraction(0)
    for ingredient_id, quantity in needs.items():
        values = book.ingredients[ingredient_id]
        weight = nutrition.raw_grams(quantity, values.measure, values.weighs) or Fraction(0)
        if values.category not in NEVER_MAIN:
            grams[values.name] = weight
        if values.category in VEGETABLES:
            vegetables += weight
    cost = recipes.cost(book, needs)
    found = nutrition.content(nutrition.used_of(needs, book.ingredients))
    return DishFacts(
        dish_id,
        name,
        main=max(grams, key=lambda one: (grams[one], one), default=""),
        ingredients=frozenset(book.ingredients[one].name for one in needs),
        allergens=recipes.allergens(book, dish_id),
        cost=cost.fen if cost.complete else None,
        nutrients=MappingProxyType(
            {
                one: amount.value
                for one, amount in found.amounts.items()
                if amount.known_permille >= KNOWN_ENOUGH
            }
        ),
        vegetables=vegetables,
    )


@dataclass(frozen=True)
class PlannedMeal:
    """A meal as it is planned: full portions by dish, in the order of the menu."""

    meal: Meal
    covers: int
    dishes: tuple[tuple[DishFacts, int], ...]
    norm: Mapping[Nutrient, Range] = field(default_factory=dict)
    """What the meal should give per cover; :func:`norm_of` makes it of a day's norm."""

    @property
    def cost(self) -> Fen:
        """Ingredients of all portions, of those dishes whose cost is known."""
        return Fen(sum((dish.cost or 0) * portions for dish, portions in self.dishes))

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Dishes with a recipe whose cost is not known."""
        return tuple(dish.name for dish, _ in self.dishes if dish.known and dish.cost is None)

    def a_cover(self, nutrient: Nutrient) -> Fraction | None:
        """What one cover gets of a nutrient, of the dishes that tell it; nobody eats: none."""
        if self.covers <= 0:
            return None
        total = sum(
            (dish.nutrients.get(nutrient, Fraction(0)) * count for dish, count in self.dishes),
            Fraction(0),
        )
        return total / self.covers

    def silent(self, nutrient: Nutrient) -> tuple[str, ...]:
        """Dishes with a recipe that do not tell a nutrient."""
        return tuple(
            dish.name for dish, _ in self.dishes if dish.known and nutrient not in dish.nutrients
        )

    @property
    def vegetables(self) -> Fraction:
        """Grams per cover, as bought; 0 where nobody eats."""
        grams = sum((dish.vegetables * count for dish, count in self.dishes), Fraction(0))
        return grams / self.covers if self.covers > 0 else Fraction(0)


@dataclass(frozen=True)
class Forbidden:
    """Two things that the site does not serve at one meal (搭配禁忌)."""

    one: str
    """Name of a dish or of an ingredient."""
    other: str
    reason: str = ""


@dataclass(frozen=True)
class MenuRules:
    """What a site wants of its menus."""

    repeat_within: int = 3
    """The same main ingredient comes once in so many meals that follow each other."""
    forbidden: tuple[Forbidden, ...] = ()
    cost_target: Fen | None = None
    """Fen of ingredients per cover."""
    cost_tolerance_permille: int = 50
    nutrients: Mapping[Nutrient, Range] = field(default_factory=dict)
    """What every meal should give per cover, in place of the meal's own norm."""
    vegetables_low: int = 100
    """Grams per cover: a third of the Guidelines' 300 g a day."""
    covers: Mapping[str, int] = field(default_factory=dict)
    """Meal period → usual covers, where nothing better is known."""

    def __post_init__(self) -> None:
        if not 1 <= self.repeat_within <= 50 or any(count < 0 for count in self.covers.values()):
            raise BadInputError("a dish is looked for in 1 to 50 meals; covers are not negative")


_PERIODS = {"breakfast": "早餐", "lunch": "午餐", "dinner": "晚餐"}


def norm_of(period: str) -> Mapping[Nutrient, Range]:
    """What a meal should give per cover of a day's norm; empty for a period without a share."""
    share = nutrition.MEALS.get(_PERIODS.get(period, ""))
    if share is None:
        return {}
    return {one: nutrition.meal_range(day, share) for one, day in nutrition.DAY.items()}


class Fault(StrEnum):
    """What was found."""

    REPEATED_MAIN = "repeated_main"
    FORBIDDEN = "forbidden"
    ALLERGEN = "allergen"
    """A mark for the menu, no fault."""
    TOO_DEAR = "too_dear"
    NO_PRICE = "no_price"
    NUTRIENT_LOW = "nutrient_low"
    NUTRIENT_HIGH = "nutrient_high"
    NUTRIENT_UNKNOWN = "nutrient_unknown"
    FEW_VEGETABLES = "few_vegetables"
    NO_RECIPE = "no_recipe"


@dataclass(frozen=True)
class Finding:
    """One thing to look at, or to print on the menu."""

    fault: Fault
    meal: Meal
    text: str
    dishes: tuple[str, ...] = ()
    about: str = ""
    """The ingredient, allergen or nutrient; of what is forbidden, the site's reason."""
    amount: int = 0
    """What was found, per cover: fen, grams, or the nutrient's unit."""
    bound: int = 0
    """What is wanted, in the same unit."""

    @property
    def mark(self) -> bool:
        """It is printed beside the dish and wants no change."""
        return self.fault is Fault.ALLERGEN


def check(meals: Sequence[PlannedMeal], rules: MenuRules) -> tuple[Finding, ...]:
    """Everything to look at in meals that are given in the order in which they are served."""
    found: list[Finding] = []
    for number, meal in enumerate(meals):
        before = meals[max(0, number - rules.repeat_within + 1) : number]
        found += _repeated(meal, before)
        found += _forbidden(meal, rules.forbidden)
        found += _allergens(meal)
        found += _without_recipe(meal)
        if meal.covers > 0 and meal.dishes:
            found += _cost(meal, rules)
            found += _nutrients(meal, {**meal.norm, **rules.nutrients})
            found += _vegetables(meal, rules.vegetables_low)
    return tuple(found)


def _repeated(meal: PlannedMeal, before: Sequence[PlannedMeal]) -> Iterable[Finding]:
    mains: dict[str, list[str]] = {}
    for dish, _ in meal.dishes:
        if dish.main:
            mains.setdefault(dish.main, []).append(dish.name)
    for main, names in mains.items():
        earlier = [dish.name for past in before for dish, _ in past.dishes if dish.main == main]
        if len(names) > 1 or earlier:
            dishes = tuple(dict.fromkeys([*earlier, *names]))
            text = f"{main} again: {', '.join(dishes)}"
            yield Finding(Fault.REPEATED_MAIN, meal.meal, text, dishes, main)


def _forbidden(meal: PlannedMeal, pairs: Iterable[Forbidden]) -> Iterable[Finding]:
    for pair in pairs:
        one, other = (_with(meal, name) for name in (pair.one, pair.other))
        if one and other:
            dishes = tuple(dict.fromkeys([*one, *other]))
            why = f": {pair.reason}" if pair.reason else ""
            text = f"{pair.one} and {pair.other} at one meal{why}"
            yield Finding(Fault.FORBIDDEN, meal.meal, text, dishes, pair.reason)


def _with(meal: PlannedMeal, name: str) -> list[str]:
    return [dish.name for dish, _ in meal.dishes if name == dish.name or name in dish.ingredients]


def _allergens(meal: PlannedMeal) -> Iterable[Finding]:
    for dish, _ in meal.dishes:
        for one in dish.allergens:
            text = f"{dish.name} holds {one.value}"
            yield Finding(Fault.ALLERGEN, meal.meal, text, (dish.name,), one.value)


def _without_recipe(meal: PlannedMeal) -> Iterable[Finding]:
    names = tuple(dish.name for dish, _ in meal.dishes if not dish.known)
    if names:
        text = f"no recipe, so nothing is known of {', '.join(names)}"
        yield Finding(Fault.NO_RECIPE, meal.meal, text, names)


def _cost(meal: PlannedMeal, rules: MenuRules) -> Iterable[Finding]:
    if rules.cost_target is None:
        return
    unpriced = meal.unpriced
    if unpriced:
        text = f"ingredients without a price: {', '.join(unpriced)}"
        yield Finding(Fault.NO_PRICE, meal.meal, text, unpriced)
    total = meal.cost
    if total * 1000 > rules.cost_target * (1000 + rules.cost_tolerance_permille) * meal.covers:
        a_cover = Fen(-(-total // meal.covers))
        text = (
            f"{format_yuan(a_cover)} yuan of ingredients a cover, "
            f"{format_yuan(rules.cost_target)} are wanted"
        )
        yield Finding(Fault.TOO_DEAR, meal.meal, text, amount=a_cover, bound=rules.cost_target)


def _nutrients(meal: PlannedMeal, wanted: Mapping[Nutrient, Range]) -> Iterable[Finding]:
    for one, bounds in wanted.items():
        unknown, a_cover = meal.silent(one), meal.a_cover(one) or Fraction(0)
        judged = bounds.judge(a_cover)
        if judged > 0:
            text = f"{one.label} {float(a_cover):.0f} {bounds.unit} a cover, at most {bounds.high}"
            yield _bound(Fault.NUTRIENT_HIGH, meal, text, one, a_cover, bounds.high)
        elif unknown:
            text = f"{one.label} is not known of {', '.join(unknown)}"
            yield Finding(Fault.NUTRIENT_UNKNOWN, meal.meal, text, unknown, one.value)
        elif judged < 0:
            text = f"{one.label} {float(a_cover):.0f} {bounds.unit} a cover, at least {bounds.low}"
            yield _bound(Fault.NUTRIENT_LOW, meal, text, one, a_cover, bounds.low)


def _bound(
    fault: Fault, meal: PlannedMeal, text: str, about: Nutrient, found: Fraction, bound: int | None
) -> Finding:
    return Finding(fault, meal.meal, text, about=about.value, amount=round(found), bound=bound or 0)


def _vegetables(meal: PlannedMeal, low: int) -> Iterable[Finding]:
    found = meal.vegetables
    if found < low:
        text = f"{float(found):.0f} g of vegetables a cover, {low} g are wanted"
        yield Finding(Fault.FEW_VEGETABLES, meal.meal, text, amount=round(found), bound=low)

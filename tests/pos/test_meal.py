"""What the till says of a meal: about so much, at least so much, or nothing; and its warnings."""

import sqlite3
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from conftest_pos import NOON, Canteen, Hand

from dafan.clock import ManualClock
from dafan.food import Food, Held, Wish
from dafan.money import Fen
from dafan.records import Portion, SaleLine, Unit
from dafan.units import Grams
from pos import meal
from pos.snapshot import Account
from pos.store import TillStore
from pos.view import Energy, Level, NoticeCode, Screen

RICE, MEAT, WATER = (UUID(int=n) for n in range(1, 4))


def food(dish_id: UUID, kcal: int, known: int = 1000, *allergens: str) -> Food:
    held = {meal.ENERGY: Held(milli=kcal * 1000, known=known)}
    return Food(dish_id=dish_id, portions={"full": 200}, per_100g=held, allergens=allergens)


def portions(dish_id: UUID, count: int = 1) -> SaleLine:
    return SaleLine(
        dish_id=dish_id, name="米饭", unit=Unit.PIECE, portion=Portion.FULL, quantity=count,
        unit_price=Fen(100), amount=Fen(100 * count),
    )  # fmt: skip


def weighed(dish_id: UUID, grams: int) -> SaleLine:
    return SaleLine(
        dish_id=dish_id, name="肉", unit=Unit.KG, grams=Grams(grams), unit_price=Fen(1000),
        amount=Fen(grams),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        # 2 × 200 g × 1.16 = 464; 150 g × 2.5 = 375; a meal's share is 669 kcal
        ([portions(RICE, 2), weighed(MEAT, 150)], Energy(840, 1254, at_least=False)),
        ([portions(RICE, 2), weighed(uuid4(), 150)], Energy(460, 693, at_least=True)),
        ([weighed(uuid4(), 400)], None),
        ([portions(WATER)], Energy(0, 0, at_least=False)),
        ([portions(WATER), portions(uuid4())], None),
    ],
    ids=["all known", "a dish without recipe", "nothing known", "water", "water and what?"],
)
def test_a_meal_is_about_at_least_or_not_told(lines: list[SaleLine], shown: Energy | None) -> None:
    foods = {row.dish_id: row for row in (food(RICE, 116), food(MEAT, 250), food(WATER, 0))}
    assert meal.energy(lines, foods, None) == shown


def eater(canteen: Canteen, wish: Wish | None) -> Account:
    diner = canteen.diner()
    return Account(diner, canteen.group, Fen(0), Fen(5000), wish=wish)


def test_a_diner_who_does_not_wish_to_see_it_is_shown_nothing_and_is_warned_all_the_same() -> None:
    foods = {RICE: food(RICE, 116, 1000, "egg", "milk")}
    wish = Wish(diner_id=uuid4(), nutrition=False, allergens=("peanut", "milk"))
    account = eater(Canteen(), wish)
    assert meal.energy([portions(RICE)], foods, account) is None
    assert meal.energy([portions(RICE)], foods, eater(Canteen(), None)) is not None
    assert meal.warnings([portions(RICE)], foods, account) == ("milk",)
    assert meal.warnings([portions(RICE)], foods, eater(Canteen(), None)) == ()


def test_a_meal_is_held_against_the_diners_own_goal() -> None:
    foods = {RICE: food(RICE, 116)}
    account = eater(Canteen(), Wish(diner_id=uuid4(), goal_kcal=400))
    shown = meal.energy([portions(RICE, 2)], foods, account)
    assert shown == Energy(460, 1160, at_least=False, goal_kcal=400)


def test_the_paid_screen_tells_the_energy_and_the_one_before_warns_for_longer(
    canteen: Canteen, hand: Hand
) -> None:
    diner = hand.person()
    canteen.foods = {canteen.rice.id: food(canteen.rice.id, 116, 1000, "egg")}
    hand.wishes[diner.id] = Wish(diner_id=diner.id, allergens=("egg",))
    hand.publish().weigh(0)
    hand.press("add", dish=str(canteen.rice.id), portion="full").press("picked")
    hand.weigh(0).card(diner)
    shown = hand.view
    assert shown.screen is Screen.CONFIRM
    assert shown.notice is not None
    assert (shown.notice.code, shown.notice.level) == (NoticeCode.ALLERGENS, Level.STOP)
    assert shown.notice.params == {"found_labels": "allergen_egg"}
    assert shown.countdown_of_ms == canteen.policy.confirm_ms + 3000
    hand.wait(canteen.policy.confirm_ms / 1000 + 1, grams=0)
    assert hand.sales == []
    hand.wait(3, grams=0)
    assert hand.view.screen is Screen.PAID
    assert hand.view.energy == Energy(230, 347, at_least=False)


def test_the_till_keeps_what_dishes_give_and_what_diners_wish(
    canteen: Canteen, tmp_path: Path
) -> None:
    diner = canteen.diner()
    wish = Wish(diner_id=diner.id, nutrition=False)
    rice = food(canteen.rice.id, 116)
    told = ("diner", diner), ("wish", wish)
    items = [(kind, str(diner.id), body) for kind, body in told]
    page = canteen.page(*items, ("food", str(rice.dish_id), rice))
    path = tmp_path / "till.db"
    for _ in range(2):
        store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
        if store.feed_version() == 0:
            store.apply_feed_page(page)
        account = store.account(diner.id, NOON)
        store.close()
    assert account is not None
    assert account.wish == wish
    assert store.catalogue.foods == {rice.dish_id: rice}


def test_a_till_of_a_newer_version_asks_again_for_the_kinds_that_it_has_passed_over(
    canteen: Canteen, tmp_path: Path
) -> None:
    path = tmp_path / "till.db"
    store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
    store.apply_feed_page(canteen.page(version=50))
    store.close()
    with sqlite3.connect(path) as older:
        older.execute("DELETE FROM feed_kind WHERE kind = 'food'")
    older.close()
    for _ in range(2):
        store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
        assert (store.feed_version(), store.catalogue.ready) == (0, True)
        store.close()
    store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
    store.apply_feed_page(canteen.page(version=50))
    store.close()
    store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
    assert store.feed_version() == 50
    store.close()

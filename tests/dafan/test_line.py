"""What a tray owes: to the gram and to the fen, whatever is taken and put back."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.ids import new_id
from dafan.line import ScoopTaken, Tab, tab_of
from dafan.money import Fen, price_of_weight
from dafan.units import Grams

PAN, DISH = new_id(), new_id()
MOVES = st.lists(st.tuples(st.integers(1, 900), st.booleans(), st.integers(0, 9000)), max_size=12)


def scoop(grams: int, amount: int, price: int) -> ScoopTaken:
    return ScoopTaken(
        id=UUID(int=1), station=1, pan_id=PAN, tray="E28011", session_id=None, dish_id=DISH,
        name="土豆丝", unit_price=Fen(price), grams=Grams(grams), amount=Fen(amount),
        before=Grams(4000), after=Grams(4000 - grams), at=datetime(2026, 3, 2, 4, tzinfo=UTC),
    )  # fmt: skip


@given(moves=MOVES)
@settings(max_examples=60)
def test_a_tray_owes_what_lies_on_it_each_scoop_rounded_once(
    moves: list[tuple[int, bool, int]],
) -> None:
    tab, told = Tab(), []
    for grams, wanted, price in moves:
        before = tab
        back = wanted and grams <= tab.grams
        tab = tab.put_back(Grams(grams)) if back else tab.take(Grams(grams), Fen(price))
        told.append(scoop(-grams if back else grams, tab.amount - before.amount, price))
    assert tab.grams == sum(one.grams for one in told) >= 0
    assert tab.amount == sum(one.amount for one in told) >= 0
    assert tab.amount == sum(price_of_weight(one.grams, one.unit_price) for one in tab.scoops)
    assert (tab_of(told).grams, tab_of(told).amount) == (tab.grams, tab.amount)
    assert tab.put_back(tab.grams) == Tab()


def test_no_more_comes_back_than_was_taken() -> None:
    with pytest.raises(ValueError, match="cannot come back"):
        Tab().take(Grams(40), Fen(3000)).put_back(Grams(41))


def test_a_scoop_is_what_the_pan_lost_and_what_comes_back_is_never_charged() -> None:
    with pytest.raises(ValueError, match="before less after"):
        ScoopTaken.model_validate(scoop(40, 120, 3000).to_body() | {"after": 3950})
    with pytest.raises(ValueError, match="given back"):
        scoop(-40, 120, 3000)

"""What goes back is exact to the fen, however a sale is taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.money import Fen
from dafan.records import Source
from server.books import refunds
from server.books.refunds import Line, RefundError

amounts = st.lists(st.integers(0, 5000), min_size=1, max_size=12)


@st.composite
def baskets(draw: st.DrawFn) -> tuple[list[int], int]:
    lines = draw(amounts)
    return lines, draw(st.integers(0, sum(lines)))


@given(baskets())
def test_the_shares_of_the_lines_are_the_total_and_none_is_above_its_line(
    basket: tuple[list[int], int],
) -> None:
    lines, total = basket
    found = refunds.shares(lines, total)
    assert sum(found) == total
    assert all(0 <= share <= line for share, line in zip(found, lines, strict=True))
    whole = sum(lines)
    assert all(
        abs(share * whole - line * total) < max(whole, 1)
        for share, line in zip(found, lines, strict=True)
    )


def test_the_fen_that_rounding_leaves_goes_to_the_line_that_lost_most() -> None:
    assert refunds.shares([100, 100, 100], 200) == [67, 67, 66]
    assert refunds.shares([1, 999], 500) == [1, 499]
    assert refunds.shares([1, 3], 2) == [1, 1]
    assert refunds.shares([333, 667], 900) == [300, 600]
    assert refunds.shares([0, 0], 0) == [0, 0]


@pytest.mark.parametrize(("lines", "total"), [([100], 101), ([100], -1), ([-5, 10], 5)])
def test_a_total_that_the_lines_cannot_carry_is_a_fault(lines: list[int], total: int) -> None:
    with pytest.raises(ValueError, match="between zero"):
        refunds.shares(lines, total)


@given(baskets(), st.data())
def test_pieces_given_back_one_by_one_in_any_order_sum_to_what_was_paid(
    basket: tuple[list[int], int], data: st.DataObject
) -> None:
    lines, total = basket
    quantities = [data.draw(st.integers(1, 9)) for _ in lines]
    sold = [
        (no, quantity, amount)
        for no, (quantity, amount) in enumerate(zip(quantities, lines, strict=True), start=1)
    ]
    taken: dict[int, tuple[int, int]] = {}
    standing: list[refunds.Chosen] = []
    for _ in range(sum(quantities) * 2):
        left = [line for line in refunds.lines_left(sold, total, taken) if line.left]
        if not left:
            break
        line = data.draw(st.sampled_from(left))
        pieces = data.draw(st.integers(1, line.left))
        standing.append(refunds.Chosen(line.no, pieces, line.of(pieces)))
        if data.draw(st.integers(0, 5)) == 0:  # somebody refuses one of them
            standing.remove(data.draw(st.sampled_from(standing)))
        taken = {
            no: (
                sum(each.quantity for each in standing if each.no == no),
                sum(each.amount for each in standing if each.no == no),
            )
            for no in {each.no for each in standing}
        }
        assert sum(fen for _, fen in taken.values()) <= total
    rest = refunds.lines_left(sold, total, taken)
    assert all(line.left_fen >= 0 for line in rest)
    assert sum(line.left_fen for line in rest) + sum(fen for _, fen in taken.values()) == total
    assert all(line.left_fen == 0 for line in rest if not line.left)


@given(st.integers(0, 5000), st.integers(0, 5000), st.lists(st.integers(1, 4000), max_size=8))
def test_own_money_comes_back_before_subsidy_and_each_at_most_once(
    subsidy: int, cash: int, parts: list[int]
) -> None:
    left = {Source.SUBSIDY: subsidy, Source.CASH: cash, Source.DRAWER: 0}
    for part in parts:
        amount = min(part, sum(left.values()))
        back = refunds.split(amount, left)
        assert sum(back.values()) == amount
        assert back[Source.SUBSIDY] == 0 or back[Source.CASH] == left[Source.CASH]
        left = {source: left[source] - back[source] for source in Source}
        assert min(left.values()) >= 0


def test_more_than_was_paid_never_goes_back() -> None:
    with pytest.raises(ValueError, match="more goes back"):
        refunds.split(11, {Source.CASH: 10})


def test_what_is_not_left_cannot_be_chosen() -> None:
    lines = [Line(1, 2, Fen(300), 1, Fen(150)), Line(2, 1, Fen(0))]
    assert refunds.choose(lines, None) == [
        refunds.Chosen(1, 1, Fen(150)), refunds.Chosen(2, 1, Fen(0)),
    ]  # fmt: skip
    for wanted, code in (
        ({1: 2}, "over_line"), ({1: 0}, "over_line"), ({1: -1}, "over_line"), ({3: 1}, "over_line"),
        ({}, "nothing_left"), ({2: 1}, "nothing_left"),
    ):  # fmt: skip
        with pytest.raises(RefundError) as refused:
            refunds.choose(lines, wanted)
        assert refused.value.code == code

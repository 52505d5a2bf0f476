from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.errors import BadInputError
from dafan.quantity import LARGEST, Measure, MeasureError, read_quantity


@pytest.mark.parametrize(
    ("number", "unit", "measure", "whole"),
    [
        ("500", "g", Measure.MASS, 500),
        ("1", "斤", Measure.MASS, 500),
        ("2.5", "KG", Measure.MASS, 2500),
        ("3", "两", Measure.MASS, 150),
        ("0.0005", "kg", Measure.MASS, 1),
        ("1.5", "升", Measure.VOLUME, 1500),
        ("2", "打", Measure.COUNT, 24),
    ],
)
def test_a_quantity_is_read_in_the_unit_that_is_written(number, unit, measure, whole):
    assert read_quantity(number, unit, measure) == whole


@pytest.mark.parametrize(
    ("unit", "measure"),
    [("ml", Measure.MASS), ("斤", Measure.VOLUME), ("kg", Measure.COUNT), ("筐", Measure.MASS)],
)
def test_a_unit_of_another_measure_is_refused(unit, measure):
    with pytest.raises(MeasureError):
        read_quantity("500", unit, measure)


@pytest.mark.parametrize("number", ["", "-1", "abc", "1e30", "1/0", "nan", "1e999999999"])
def test_what_is_no_quantity_is_refused(number):
    with pytest.raises(BadInputError):
        read_quantity(number, "kg", Measure.MASS)


def test_a_part_of_an_egg_is_refused():
    with pytest.raises(BadInputError, match="part of a piece"):
        read_quantity("0.5", "个", Measure.COUNT)


@given(st.text(max_size=12), st.text(max_size=6), st.sampled_from(Measure))
def test_whatever_is_typed_is_a_quantity_or_refused(number, unit, measure):
    with suppress(BadInputError):
        assert 0 <= read_quantity(number, unit, measure) <= LARGEST

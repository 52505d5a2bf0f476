"""The contract between till and server refuses what does not add up."""

import json
from typing import Any

import pytest
from conftest_dafan import make_sale
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dafan.records import ENTRY_BODIES, FEED_BODIES, Sale, canonical

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_sale_survives_the_wire() -> None:
    sale = make_sale()
    assert Sale.model_validate_json(canonical(sale.to_body())) == sale


@pytest.mark.parametrize(
    "change",
    [
        {"total": 1153},
        {"list_total": 1},
        {"discount": -1},
        {"payments": []},
        {"payments": [{"source": "cash", "amount": 1155}]},
        {"lines": []},
        {"total": 1154.0},
        {"total": "1154"},
        {"tender": "cash"},
        {"diner_id": None},
        {"paid_at": "2026-03-02T04:00:00"},
        {"surprise": 1},
        {"total": 10**12},
    ],
)
def test_a_sale_that_does_not_add_up_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sale.model_validate({**make_sale().to_body(), **change})


def test_a_weighed_line_needs_grams_and_a_counted_line_has_none() -> None:
    body = make_sale().to_body()
    for wrong in ({"grams": None}, {"grams": 0}, {"grams": -5}, {"unit": "piece"}):
        with pytest.raises(ValidationError):
            Sale.model_validate({**body, "lines": [{**body["lines"][0], **wrong}]})


@given(_json)
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(value: Any) -> None:
    again = json.loads(canonical(value))
    assert canonical(again) == canonical(value)
    if isinstance(value, dict):
        assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_a_float_never_gets_into_a_record() -> None:
    with pytest.raises(ValueError, match="integers"):
        canonical({"grams": [1.0]})


def test_every_body_has_one_kind() -> None:
    for bodies in (ENTRY_BODIES, FEED_BODIES):
        assert len(set(bodies.values())) == len(bodies)

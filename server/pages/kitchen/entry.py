"""Weights, temperatures and choices of the tablet's forms, read."""

import re
from typing import Any, TypeVar
from uuid import UUID

from flask import request
from flask_babel import gettext as _
from pydantic import BaseModel

from dafan.errors import BadInputError
from dafan.quantity import Measure, read_quantity
from kitchen import rows
from server.pages.shared import as_uuid

V = TypeVar("V", bound=BaseModel)
_WHOLE = re.compile(r"[0-9]{1,9}")
_TENTHS = re.compile(r"([-−]?)([0-9]{1,4})(?:[.,]([0-9]))?")


def grams(name: str, unit: str = "g") -> int:
    """A weight of the form, in grams.

    Raises:
        BadInputError: no weight, or one that cannot be.
    """
    return read_quantity(_typed(name), unit, Measure.MASS)


def whole(name: str) -> int:
    """A whole number of the form; nothing typed is 0.

    Raises:
        BadInputError: no whole number.
    """
    typed = request.form.get(name, "").strip() or "0"
    if _WHOLE.fullmatch(typed) is None:
        raise BadInputError(f"'{typed[:20]}' is no whole number", code="bad_number")
    return int(typed)


def celsius(name: str) -> int | None:
    """A temperature of the form in tenths of a degree; ``None`` where nothing was typed.

    Raises:
        BadInputError: no number, or more than one decimal.
    """
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    found = _TENTHS.fullmatch(typed)
    if found is None:
        raise BadInputError(f"'{typed[:20]}' is no temperature", code="bad_number")
    sign, digits, part = found.groups()
    number = int(digits) * 10 + int(part or 0)
    return -number if sign else number


def one_of(name: str) -> UUID:
    """What was chosen from a list.

    Raises:
        BadInputError: nothing was.
    """
    found = as_uuid(request.values.get(name))
    if found is None:
        raise BadInputError(_("请从列表中选择一项"))
    return found


def read(kind: type[V], what: str, /, **values: object) -> V:
    """The values of a form, checked.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(kind, values, what)


def _typed(name: str) -> str:
    typed: Any = request.form.get(name, "").strip().replace(",", ".")
    if not typed:
        raise BadInputError(_("请先称重"))
    return str(typed)

"""What all records on the wire are made of: exact types, and the one way to write them as bytes."""

import base64
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from dafan.money import MAX_FEN, MAX_SUM, Fen
from dafan.units import Grams


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the moment is before year 1 or after year 9999 in UTC") from error


def iso(moment: datetime) -> str:
    """The moment on the wire, as ``2026-03-01T04:05:06.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _bytes_from_text(value: Any) -> Any:
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    return value


Utc = Annotated[
    AwareDatetime, AfterValidator(_utc), PlainSerializer(iso, return_type=str, when_used="json")
]
"""An aware time; always UTC with microseconds on the wire."""
Price = Annotated[Fen, Field(strict=True, ge=0, le=MAX_FEN)]
Balance = Annotated[Fen, Field(strict=True, ge=-MAX_SUM, le=MAX_SUM)]
Weight = Annotated[Grams, Field(strict=True, gt=0, le=1_000_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Version = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""Of the feed; a line of them begins at seconds since 1970 times a billion."""
Permille = Annotated[int, Field(strict=True, ge=-1000, le=1000)]
Binary = Annotated[
    bytes,
    BeforeValidator(_bytes_from_text),
    PlainSerializer(lambda b: base64.b64encode(b).decode(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes; base64 on the wire."""
_MANY_FIELDS = 64
Name = Annotated[str, Field(min_length=1, max_length=80)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _floods_are_one_fault(cls, values: Any) -> Any:
        """A hundred thousand unknown fields are not told one by one: that would take seconds."""
        if isinstance(values, dict) and len(values) > _MANY_FIELDS:
            raise ValueError(f"more than {_MANY_FIELDS} fields")
        return values

    def to_body(self) -> dict[str, Any]:
        """Plain JSON values, ready for :func:`canonical`."""
        return self.model_dump(mode="json")


def canonical(value: Any) -> bytes:
    """The one byte sequence of a JSON value: sorted keys, no blanks, UTF-8, no floats.

    Raises:
        ValueError: the value holds a float, whose text would not be certain.
    """
    _refuse_floats(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("records carry integers, not floats")  # noqa: TRY004 - pydantic reports ValueErrors
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for part in parts:
            if type(part) not in _LEAVES:  # most are: without a call for each this is half the work
                _refuse_floats(part)


_LEAVES = {str, int, bool, type(None)}

"""Scales before the law (计量): what a terminal must know of its scales, and when they may bill.

Pure. A scale that is used for trade is verified (检定) at intervals; JJG 539-2016 gives for class
III a minimum capacity of 20 e and these errors: 0.5 e up to 500 e, 1 e up to 2000 e, 1.5 e beyond;
in service twice as much.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.units import Grams
from dafan.wire import Record, Utc

MINIMUM_DIVISIONS = 20
TILL = 0
"""The station number of a till's own scale."""


class ScaleRecord(Record):
    """A scale of a terminal; key ``<terminal>:<station>``, station 0 for a till's own."""

    terminal_id: UUID
    station: Annotated[int, Field(strict=True, ge=0, le=32)]
    model: Annotated[str, Field(max_length=80)]
    serial: Annotated[str, Field(max_length=80)] = ""
    max_grams: Annotated[int, Field(strict=True, ge=100, le=1_000_000)]
    e_grams: Annotated[int, Field(strict=True, ge=1, le=1000)]
    """The verification division e."""
    certificate: Annotated[str, Field(max_length=80)] = ""
    verified_until: date | None = None
    """The last day of its certificate; ``None``: it was never verified."""
    failed: bool = False
    """A check with a test weight, or an inspector, found it wrong; a new verification heals it."""
    check_due: Utc | None = None
    """Until then the last check with a test weight holds; ``None``: the site asks for none."""

    @property
    def minimum(self) -> Grams:
        """The minimum capacity."""
        return Grams(MINIMUM_DIVISIONS * self.e_grams)


class ScaleRules(Record):
    """What a site asks of all its scales; key ``scale_rules``."""

    required: bool = False
    """A scale that was never verified, or has no record, may not bill."""
    small_free: bool = False
    """At a till food below the scale's minimum costs nothing; else it costs what it weighs."""


class Barred(StrEnum):
    """Why a scale may not bill."""

    UNVERIFIED = "unverified"
    EXPIRED = "expired"
    FAILED = "failed"
    CHECK_DUE = "check_due"


def barred(
    record: ScaleRecord | None, today: date, now: datetime, *, required: bool = True
) -> Barred | None:
    """Why a scale may not bill now; ``None``: it may.

    Args:
        record: What is known of it; ``None``: nothing.
        today: The site's calendar date.
        now: Aware.
        required: As :class:`ScaleRules` says; an expired or a failed scale is barred all the same.
    """
    if record is None:
        return Barred.UNVERIFIED if required else None
    if record.failed:
        return Barred.FAILED
    if record.verified_until is None and required:
        return Barred.UNVERIFIED
    if record.verified_until is not None and record.verified_until < today:
        return Barred.EXPIRED
    if record.check_due is not None and record.check_due <= now:
        return Barred.CHECK_DUE
    return None


def permitted_error(grams: Grams, e_grams: int, *, in_service: bool = True) -> float:
    """The largest error in grams that a class III scale may show at a load (JJG 539-2016)."""
    divisions = abs(grams) / e_grams
    share = 0.5 if divisions <= 500 else 1.0 if divisions <= 2000 else 1.5
    return share * e_grams * (2 if in_service else 1)


METROLOGY_BODIES: dict[str, type[Record]] = {"scale": ScaleRecord, "scale_rules": ScaleRules}
"""Kinds of the feed that a till of an earlier version passes over."""

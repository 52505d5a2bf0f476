"""How often a face is mistaken or refused, for the size of this site's gallery.

Read from what ``dafan vision calibrate --json`` measured and somebody kept beside the server's
data; nothing is measured in a request.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dafan.errors import BadInputError

FILE = "face_figures.json"
"""In the server's data folder."""
MAX_BYTES = 2 * 2**20
OF = 10_000
"""Figures are told of so many payments."""
_RULE_OF_THREE = 3.0
"""None of n trials means less than 3 / n with 95 % confidence (Hanley and Lippman-Hand 1983)."""


class FiguresError(BadInputError):
    """The kept file is not what the command printed."""

    code = "face_figures_damaged"


class At(BaseModel):
    """Rates of pairs at one threshold."""

    model_config = ConfigDict(extra="ignore")

    threshold: float = Field(ge=-1, le=1)
    tar: float = Field(ge=0, le=1)
    far: float = Field(ge=0, le=1)


class Measured(BaseModel):
    """What ``dafan vision calibrate --json`` printed."""

    model_config = ConfigDict(extra="ignore")

    pack: str = Field(max_length=80)
    people: int = Field(ge=2)
    genuine_pairs: int = Field(ge=1)
    impostor_pairs: int = Field(ge=1)
    thresholds: list[At] = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class Point:
    """At one threshold, of 10,000 attempts.

    Attributes:
        threshold: Least similarity.
        refused: Enrolled people who are not recognised (FNIR).
        mistaken: Strangers who are taken for somebody (FPIR), before margin, vote and liveness.
        bound: No mistake was seen at all: ``mistaken`` is the most that this allows.
    """

    threshold: float
    refused: int
    mistaken: int
    bound: bool


def read(data_dir: Path) -> Measured | None:
    """The kept figures; ``None``: nobody has measured yet.

    Raises:
        FiguresError: the file is something else.
    """
    path = data_dir / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FiguresError(f"{FILE} is far larger than what calibrate prints: make it again")
        return Measured.model_validate(json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise FiguresError(
            f"{FILE} cannot be read: write it again with `dafan vision calibrate --json`"
        ) from error


def points(measured: Measured, gallery: int) -> list[Point]:
    """The curve for a gallery of so many people.

    A stranger is compared with everybody: 1 - (1 - FMR)^N (design, Faces).
    """
    least = _RULE_OF_THREE / measured.impostor_pairs
    found = []
    for at in measured.thresholds:
        rate = max(at.far, least)
        found.append(
            Point(
                threshold=at.threshold,
                refused=round((1 - at.tar) * OF),
                mistaken=round((1 - (1 - rate) ** gallery) * OF),
                bound=at.far < least,
            )
        )
    return found


def nearest(curve: list[Point], threshold: float) -> Point:
    """The point of the curve at a threshold; it has at least one."""
    return min(curve, key=lambda point: abs(point.threshold - threshold))

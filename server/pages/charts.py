"""Geometry of the small charts; the templates draw it as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass


def sparkline(values: Sequence[float | None], width: int = 84, height: int = 26) -> str:
    """Points of a polyline through the known values, the last one at the right edge.

    Fewer than two known values make no line: the answer is then empty.
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low = min(value for _, value in known)
    span = (max(value for _, value in known) - low) or 1
    step = (width - 4) / (len(values) - 1)
    return " ".join(
        f"{2 + place * step:.1f},{height - 3 - (value - low) / span * (height - 6):.1f}"
        for place, value in known
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a chart with an upright axis, in the units of its view box."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    value: int
    label: str
    show_label: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """A bar chart that starts at zero, with the former period as a line."""

    width: int
    base: int
    bars: list[Column]
    then: str
    """Points of the line; empty without a former period."""
    show_values: bool


def columns(
    labels: Sequence[str],
    values: Sequence[int],
    then: Sequence[int | None] | None = None,
    *,
    width: int = 720,
    base: int = 180,
    top: int = 24,
    max_labels: int = 8,
) -> Columns:
    """Lay out bars of ``values``; ``then`` is the former period at the same places.

    Where the former period knows nothing (None), its line has no point.
    """
    former = [(place, value) for place, value in enumerate(then or ()) if value is not None]
    highest = max([*values, *(value for _, value in former), 1])
    slot = (width - 20) / max(len(values), 1)
    bar = min(slot * 0.68, 34)
    every = -(-len(labels) // max_labels) or 1

    def y(value: int) -> float:
        return round(base - value / highest * (base - top), 1)

    def middle(place: int) -> float:
        return round(10 + slot * (place + 0.5), 1)

    bars = [
        Column(
            round(middle(place) - bar / 2, 1), y(value), round(bar, 1), round(base - y(value), 1),
            middle(place), value, labels[place], place % every == 0,
        )
        for place, value in enumerate(values)
    ]  # fmt: skip
    line = " ".join(f"{middle(place)},{y(value)}" for place, value in former)
    return Columns(width, base, bars, line, slot >= 22)

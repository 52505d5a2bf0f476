"""The settings of a scale: ``[till.scale]``, ``[tablet.scale]`` and their ``frame``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST = 64
"""Bytes of the longest frame that is read."""

Span = tuple[int, int]
"""Where a field begins, counted from 0, and how many bytes it has."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CheckSettings(_Section):
    """The block check of a frame; see docs/scales.md."""

    kind: Literal["none", "xor", "sum", "complement"] = "none"
    """``complement``: what makes the sum nothing (two's complement)."""
    first: int = Field(default=0, ge=0, lt=LONGEST)
    """The first byte that it covers, counted from 0."""
    last: int = Field(default=0, ge=-LONGEST, lt=LONGEST)
    """The last byte that it covers; below zero: counted from the frame's end, -1 the last."""
    at: int = Field(default=-1, ge=-LONGEST, lt=LONGEST)
    """Where it stands."""
    spelled: Literal["binary", "hex"] = "binary"
    """One byte, or two hexadecimal letters."""
    bits: Literal[7, 8] = 8
    """How many bits of the result count."""


class FrameSettings(_Section):
    r"""How a scale that no driver knows spells a weight: ``protocol = "custom"``.

    Bytes are written as text, others than letters as ``\x02``, ``\r``, ``\n``; in single quotes,
    so that TOML leaves them alone.
    """

    start: str = ""
    """The bytes with which a frame begins."""
    end: str = ""
    """The bytes with which it ends."""
    length: int = Field(default=0, ge=0, le=LONGEST)
    """Bytes of a frame with start and end; 0: it reaches to the end's bytes."""
    pattern: str = ""
    """A regular expression for the whole frame, with the groups ``weight`` and, where there are
    such, ``sign``, ``unit``, ``state``; empty: the fields stand in fixed places."""
    weight_at: Span | None = None
    """Where the digits stand: ``[4, 6]`` is six bytes from the fifth on."""
    sign_at: Span | None = None
    """Where the sign stands, if not with the digits."""
    unit_at: Span | None = None
    """Where the unit stands."""
    state_at: Span | None = None
    """Where the frame tells whether the weight rests."""
    minus: tuple[str, ...] = ("-",)
    """What the sign says below zero; anything else but ``plus`` is refused."""
    plus: tuple[str, ...] = ("+", " ", "")
    """What the sign says from zero up."""
    stable: tuple[str, ...] = ()
    """What the state says at rest; empty: that is not known, and Dafan watches the weight."""
    over: tuple[str, ...] = ()
    """What the state says above the range."""
    under: tuple[str, ...] = ()
    """What the state says below the range."""
    decimals: int = Field(default=0, ge=0, le=5)
    """Decimals of digits that are sent without a point."""
    unit: str = "kg"
    """The unit where the frame names none."""
    check: CheckSettings = CheckSettings()
    poll: str = ""
    """What asks for a weight; empty: the scale talks by itself."""
    every_ms: int = Field(default=200, ge=50, le=5000)
    """How often to ask."""


class ScaleSettings(_Section):
    """A till's or a tablet's scale."""

    device: str = ""
    """``/dev/ttyUSB0``; empty: no scale, dishes are counted."""
    protocol: str = "cas-soh"
    """A name that ``dafan devices protocols`` lists, or ``custom``: then ``frame`` says how."""
    line: str = ""
    """Speed, data bits, parity, stop bits: ``2400 7E1``; empty: the protocol's usual ones."""
    division_grams: int = Field(default=2, ge=1, le=100)
    """The verification division e: what counts as standing still on scales that do not say."""
    frame: FrameSettings = FrameSettings()

"""A receipt as a small document: what stands on the paper, free of any printer's commands.

The document is a pydantic model, so a spool keeps it as JSON and prints it later, elsewhere or
again. ``devices.escpos_render`` turns it into bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

COPY_MARK = "补打 COPY"


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Item):
    """A paragraph; it wraps at the width of the paper. ``size`` 2 is double width and height."""

    kind: Literal["text"] = "text"
    text: str
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False
    size: Literal[1, 2] = 1


class Columns(_Item):
    """A name on the left and a figure on the right of the same line; a long name wraps."""

    kind: Literal["columns"] = "columns"
    left: str
    right: str
    bold: bool = False


class Rule(_Item):
    """A dashed line across the paper."""

    kind: Literal["rule"] = "rule"


class Feed(_Item):
    """Blank lines."""

    kind: Literal["feed"] = "feed"
    lines: Annotated[int, Field(ge=1, le=20)] = 1


class QR(_Item):
    """A QR code in the middle of the paper; 300 bytes stay readable on 58 mm."""

    kind: Literal["qr"] = "qr"
    data: Annotated[str, Field(min_length=1, max_length=300)]


class Cut(_Item):
    """The end of a receipt: feed to the knife and cut."""

    kind: Literal["cut"] = "cut"


class Drawer(_Item):
    """Open the cash drawer on this pin of the drawer socket."""

    kind: Literal["drawer"] = "drawer"
    pin: Literal[2, 5] = 2


Item = Annotated[Text | Columns | Rule | Feed | QR | Cut | Drawer, Field(discriminator="kind")]


class ReceiptDoc(BaseModel):
    """A receipt from top to bottom. ``model_dump_json`` and ``model_validate_json`` round-trip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: tuple[Item, ...]

    def as_copy(self) -> ReceiptDoc:
        """The same receipt marked 补打 (COPY), which never opens the drawer again."""
        kept = tuple(item for item in self.lines if not isinstance(item, Drawer))
        return ReceiptDoc(lines=(Text(text=COPY_MARK, align="center", bold=True, size=2), *kept))

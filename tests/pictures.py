"""Pictures of the documents: what the tests saw of the pages, made small for the repository.

``make pictures`` runs the tests with ``PICTURES=1`` and then this module.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[1]
SHOTS = CHECKOUT / "build" / "screenshots"
SHOWN = CHECKOUT / "docs" / "img"
WANTED = bool(os.environ.get("PICTURES"))
"""Whether pages are opened for their picture alone."""
MOST_BYTES = 80_000
_COLOURS = (256, 128, 64, 32, 16)
_TILL, _PHONE, _TABLET, _DESK = 432, 480, 840, 960
WIDTHS: Mapping[str, int] = {
    **dict.fromkeys(("till-place", "till-paid", "till-desk"), _TILL),
    "plate-station": _TABLET,
    **dict.fromkeys(("phone-home", "phone-menu", "phone-book", "phone-face"), _PHONE),
    **dict.fromkeys(("line-scooping", "line-gate"), _TABLET),
    "line-phone": _PHONE,
    **dict.fromkeys(("kitchen-today", "kitchen-weighing", "kitchen-stock"), _TABLET),
    **dict.fromkeys(("kitchen-production", "kitchen-sample", "kitchen-waste"), _TABLET),
    **dict.fromkeys(("kitchen-trace", "board-kitchen"), _TABLET),
    **dict.fromkeys(("manager-overview", "manager-sale", "manager-menus"), _DESK),
    **dict.fromkeys(("manager-plan", "manager-approvals", "manager-closing"), _DESK),
    **dict.fromkeys(("manager-waste", "manager-cost", "manager-tills", "manager-across"), _DESK),
}
"""Width in pixels by name; every one of them stands in a document."""


def shot(page: Any, name: str) -> None:
    """Keep what a browser shows."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def small(source: Path, target: Path, width: int) -> int:
    """Write a picture in few colours, as wide as is wanted, and say how many bytes it has.

    Raises:
        ValueError: so much stands in it that it stays too large.
    """
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    if picture.width > width:
        height = round(picture.height * width / picture.width)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    for colours in _COLOURS:
        few = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return target.stat().st_size
    raise ValueError(f"{source.name} has more than {MOST_BYTES} bytes in {_COLOURS[-1]} colours")


def main() -> int:
    """Make all pictures of the documents anew; 1 where a test has not taken one."""
    missing = [name for name in WIDTHS if not (SHOTS / f"{name}.png").exists()]
    for name, width in WIDTHS.items():
        if name not in missing:
            size = small(SHOTS / f"{name}.png", SHOWN / f"{name}.png", width)
            sys.stdout.write(f"{name} {size // 1000} kB\n")
    if missing:
        sys.stderr.write(f"no picture of: {', '.join(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

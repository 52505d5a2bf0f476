"""The diner's phone: his money, his meals, the menu, his face, and what he has to say."""

from server.pages.me import (
    book,
    face,
    feedback,
    home,
    installed,
    menu,
    money,
    notices,
    nutrition,
    own,
    plates,
    records,
    sign_in,
    tray,
)
from server.pages.me.blueprint import me

__all__ = [
    "book", "face", "feedback", "home", "installed", "me", "menu", "money", "notices", "nutrition",
    "own", "plates", "records", "sign_in", "tray",
]  # fmt: skip

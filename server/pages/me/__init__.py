"""The diner's phone: his money, his meals, the menu, his face, and what he has to say."""

from server.pages.me import (
    face,
    feedback,
    home,
    installed,
    menu,
    money,
    nutrition,
    own,
    records,
    sign_in,
)
from server.pages.me.blueprint import me

__all__ = [
    "face", "feedback", "home", "installed", "me", "menu", "money", "nutrition", "own", "records",
    "sign_in",
]  # fmt: skip

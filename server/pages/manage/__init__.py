"""The manager's pages; importing this package fills the blueprint ``manage``."""

from server.pages.manage import (
    accounts,
    audit,
    dishes,
    exceptions,
    faces,
    groups,
    imports,
    money,
    overview,
    people,
    sales,
    settings,
    terminals,
    venues,
)
from server.pages.manage.blueprint import manage

__all__ = [
    "accounts", "audit", "dishes", "exceptions", "faces", "groups", "imports", "manage", "money",
    "overview", "people", "sales", "settings", "terminals", "venues",
]  # fmt: skip

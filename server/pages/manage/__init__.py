"""The manager's pages; importing this package fills the blueprint ``manage``."""

from server.pages.manage import (
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
)
from server.pages.manage.blueprint import manage

__all__ = [
    "audit", "dishes", "exceptions", "faces", "groups", "imports", "manage", "money", "overview",
    "people", "sales", "settings", "terminals",
]  # fmt: skip

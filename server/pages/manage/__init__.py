"""The manager's pages; importing this package fills the blueprint ``manage``."""

from server.pages.manage import (
    accounts,
    audit,
    bank,
    bodies,
    closing,
    dishes,
    disputes,
    exceptions,
    faces,
    groups,
    imports,
    money,
    moves,
    online,
    overview,
    pay_outs,
    people,
    refunds,
    sales,
    settings,
    settlement,
    terminals,
    top_ups,
    venues,
)
from server.pages.manage.blueprint import manage

__all__ = [
    "accounts", "audit", "bank", "bodies", "closing", "dishes", "disputes", "exceptions", "faces",
    "groups", "imports", "manage", "money", "moves", "online", "overview", "pay_outs", "people",
    "refunds", "sales", "settings", "settlement", "terminals", "top_ups", "venues",
]  # fmt: skip

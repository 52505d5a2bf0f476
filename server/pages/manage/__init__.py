"""The manager's pages; importing this package fills the blueprint ``manage``."""

from server.pages.manage import (
    accounts,
    audit,
    bank,
    bodies,
    closing,
    dishes,
    disputes,
    erasures,
    exceptions,
    faces,
    forks,
    groups,
    imports,
    keys,
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
    till_staff,
    top_ups,
    venues,
)
from server.pages.manage.blueprint import manage

__all__ = [
    "accounts", "audit", "bank", "bodies", "closing", "dishes", "disputes", "erasures",
    "exceptions", "faces", "forks", "groups", "imports", "keys", "manage", "money", "moves",
    "online", "overview", "pay_outs", "people", "refunds", "sales", "settings", "settlement",
    "terminals", "till_staff", "top_ups", "venues",
]  # fmt: skip

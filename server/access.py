"""Who may do what: one table of rights and roles, and the one gate that every page and route uses.

A view names its right by :func:`needs`; what stands in no role's column of :data:`RIGHTS` is done
by nobody.
"""

from collections.abc import Callable
from typing import Any

from flask_login import current_user

from server.auth import requires

STAFF = ("admin", "manager", "finance", "cashier", "auditor")
RIGHTS: dict[str, tuple[str, ...]] = {
    "see_overview": STAFF,
    "see_sales": STAFF,
    "see_names": ("admin", "manager", "finance"),
    "see_people": STAFF,
    "edit_people": ("admin", "manager"),
    "see_faces": ("admin", "manager"),
    "top_up": ("admin", "finance", "cashier"),
    "import_bank": ("admin", "finance"),
    "move_wallets": ("admin", "finance"),
    "pay_out": ("admin", "finance"),
    "see_gateway": ("admin", "finance", "auditor"),
    "run_subsidies": ("admin", "finance"),
    "void_sales": ("admin", "manager", "cashier"),
    "ask_refunds": ("admin", "manager", "finance", "cashier"),
    "approve_refunds": ("admin", "finance"),
    "see_disputes": ("admin", "manager", "finance", "auditor"),
    "judge_disputes": ("admin", "manager"),
    "see_evidence": ("admin", "manager"),
    "see_closing": ("admin", "manager", "finance", "cashier", "auditor"),
    "explain_closing": ("admin", "manager", "finance", "cashier"),
    "close_days": ("admin", "finance"),
    "see_settlement": ("admin", "manager", "finance", "auditor"),
    "settle_bodies": ("admin", "finance"),
    "see_dishes": ("admin", "manager", "finance", "auditor"),
    "edit_dishes": ("admin", "manager"),
    "see_terminals": ("admin", "manager", "auditor"),
    "edit_terminals": ("admin",),
    "see_exceptions": ("admin", "manager", "finance", "auditor"),
    "settle_exceptions": ("admin", "manager"),
    "see_settings": ("admin", "manager"),
    "edit_accounts": ("admin",),
    "see_keys": ("admin", "auditor"),
    "see_audit": ("admin", "auditor"),
}
"""Right → roles that have it."""


def may(right: str) -> bool:
    """Whether the signed-in person has this right."""
    roles = getattr(current_user, "roles", ())
    return any(role in roles for role in RIGHTS[right])


def needs(right: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only those through whose role has the right."""
    return requires(*RIGHTS[right])

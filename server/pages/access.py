"""Who may see and do what on the manager's pages: one table."""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user

EVERYONE = ("admin", "manager", "finance", "cashier", "auditor")
RIGHTS: dict[str, tuple[str, ...]] = {
    "see_overview": EVERYONE,
    "see_sales": EVERYONE,
    "see_names": ("admin", "manager", "finance"),
    "see_people": EVERYONE,
    "edit_people": ("admin", "manager"),
    "see_faces": ("admin", "manager"),
    "top_up": ("admin", "finance", "cashier"),
    "run_subsidies": ("admin", "finance"),
    "see_dishes": ("admin", "manager", "finance", "auditor"),
    "edit_dishes": ("admin", "manager"),
    "see_terminals": ("admin", "manager", "auditor"),
    "edit_terminals": ("admin",),
    "see_exceptions": ("admin", "manager", "finance", "auditor"),
    "settle_exceptions": ("admin", "manager"),
    "see_settings": ("admin", "manager"),
    "edit_accounts": ("admin",),
    "see_audit": ("admin", "auditor"),
}
"""Right → roles that have it."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the left navigation."""

    endpoint: str
    label: LazyString
    right: str


_MENU = (
    Item("manage.overview", _l("总览"), "see_overview"),
    Item("manage.sales", _l("销售"), "see_sales"),
    Item("manage.people_list", _l("人员"), "see_people"),
    Item("manage.subsidies", _l("补贴"), "run_subsidies"),
    Item("manage.dishes_list", _l("菜品"), "see_dishes"),
    Item("manage.terminals_list", _l("结算台"), "see_terminals"),
    Item("manage.exceptions_list", _l("例外"), "see_exceptions"),
    Item("manage.settings", _l("设置"), "see_settings"),
    Item("manage.audit", _l("审计"), "see_audit"),
)


def may(right: str) -> bool:
    """Whether the signed-in person has this right."""
    roles = getattr(current_user, "roles", ())
    return any(role in roles for role in RIGHTS[right])


def menu() -> list[Item]:
    """What the signed-in person finds in the left navigation."""
    return [item for item in _MENU if may(item.right)]

"""Who may do what: one table of rights and roles, and the words by which a view says who gets in.

A person has roles at sites (:class:`server.auth.RoleGrant`). What he may do at a site follows from
:data:`TABLE` and from nothing else. Each view is declared by exactly one of :func:`needs`,
:func:`signed_in`, :func:`public`, :func:`diner` and :func:`machine`; :mod:`server.gate` holds
every request to it and refuses a view that says nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_login import current_user

ROLES = (
    "admin", "manager", "finance", "cashier", "auditor", "kitchen_manager", "cook", "storekeeper",
    "inspector", "bureau", "diner",
)  # fmt: skip
SECOND_FACTOR_ROLES = frozenset({"admin", "finance"})
"""Who holds one of them, at any site, signs in with a one-time code as well."""

TABLE = """
                   admin manager finance cashier auditor k_mngr cook store inspct bureau diner
see_overview         x      x       x       x       x       x    .     .      x      x     .
see_sales            x      x       x       x       x       x    .     .      .      x     .
see_names            x      x       x       .       .       .    .     .      .      .     .
see_people           x      x       x       x       x       .    .     .      .      .     .
edit_people          x      x       .       .       .       .    .     .      .      .     .
see_faces            x      x       .       .       .       .    .     .      .      .     .
top_up               x      .       x       x       .       .    .     .      .      .     .
import_bank          x      .       x       .       .       .    .     .      .      .     .
move_wallets         x      .       x       .       .       .    .     .      .      .     .
pay_out              x      .       x       .       .       .    .     .      .      .     .
see_gateway          x      .       x       .       x       .    .     .      .      .     .
run_subsidies        x      .       x       .       .       .    .     .      .      .     .
void_sales           x      x       .       x       .       .    .     .      .      .     .
ask_refunds          x      x       x       x       .       .    .     .      .      .     .
approve_refunds      x      .       x       .       .       .    .     .      .      .     .
see_disputes         x      x       x       .       x       .    .     .      .      .     .
judge_disputes       x      x       .       .       .       .    .     .      .      .     .
see_evidence         x      x       .       .       .       .    .     .      .      .     .
see_closing          x      x       x       x       x       .    .     .      .      x     .
explain_closing      x      x       x       x       .       .    .     .      .      .     .
close_days           x      .       x       .       .       .    .     .      .      .     .
see_settlement       x      x       x       .       x       .    .     .      .      x     .
settle_bodies        x      .       x       .       .       .    .     .      .      .     .
see_dishes           x      x       x       .       x       x    x     x      x      x     .
edit_dishes          x      x       .       .       .       .    .     .      .      .     .
see_kitchen          x      x       .       .       x       x    x     x      x      x     .
do_kitchen           x      x       .       .       .       x    x     x      .      .     .
run_kitchen          x      x       .       .       .       x    .     .      .      .     .
edit_catalogue       x      x       .       .       .       x    .     .      .      .     .
plan_meals           x      x       .       .       .       x    .     .      .      .     .
see_buying           x      x       x       .       x       x    .     x      x      x     .
buy                  x      x       .       .       .       x    .     x      .      .     .
approve_buying       x      x       x       .       .       .    .     .      .      .     .
approve_stock        x      x       .       .       .       x    .     .      .      .     .
see_trace            x      x       x       .       x       x    .     x      x      x     .
see_incidents        x      x       .       .       x       x    .     .      x      x     .
judge_incidents      x      x       .       .       .       x    .     .      .      .     .
see_terminals        x      x       .       .       x       .    .     .      .      x     .
edit_terminals       x      .       .       .       .       .    .     .      .      .     .
see_exceptions       x      x       x       .       x       .    .     .      x      x     .
settle_exceptions    x      x       .       .       .       .    .     .      .      .     .
see_settings         x      x       .       .       .       .    .     .      .      .     .
edit_accounts        x      .       .       .       .       .    .     .      .      .     .
see_keys             x      .       .       .       x       .    .     .      .      .     .
see_audit            x      .       .       .       x       .    .     .      .      .     .
"""
"""Right by role, in the order of :data:`ROLES`; ``docs/security.md`` says why."""

View = TypeVar("View", bound=Callable[..., Any])
_DECLARED = "dafan_access"
SIGNED_IN, PUBLIC, MACHINE = "(signed in)", "(public)", "(machine)"
DINER = "(diner)"


def _read(table: str) -> dict[str, tuple[str, ...]]:
    rights = {}
    for line in table.strip().splitlines()[1:]:
        right, *marks = line.split()
        if len(marks) != len(ROLES) or set(marks) - {"x", "."} or right in rights:
            raise ValueError(f"the table of rights is wrong at {right}")
        rights[right] = tuple(role for role, mark in zip(ROLES, marks, strict=True) if mark == "x")
    return rights


RIGHTS: dict[str, tuple[str, ...]] = _read(TABLE)
"""Right → roles that have it."""


def may(right: str) -> bool:
    """Whether the signed-in person has this right at the site that he works at now."""
    roles = getattr(current_user, "roles", ())
    return any(role in roles for role in RIGHTS[right])


def needs(right: str) -> Callable[[View], View]:
    """Declare a view: only for those whose role has the right.

    Raises:
        ValueError: there is no such right; a typing error opens nothing.
    """
    if right not in RIGHTS:
        raise ValueError(f"there is no right '{right}' in the table")
    return lambda view: _declare(view, right)


def signed_in(view: View) -> View:
    """Declare a view: for everybody who has signed in, about his own account only."""
    return _declare(view, SIGNED_IN)


def public(view: View) -> View:
    """Declare a view: for everybody; it shows nothing of the books or of people."""
    return _declare(view, PUBLIC)


def diner(view: View) -> View:
    """Declare a view of the phone: for a diner who has signed in there, about himself only."""
    return _declare(view, DINER)


def machine(view: View) -> View:
    """Declare a view that looks at no session: the request proves itself inside the view.

    By a terminal's token, a one-time code or a signature. No browser sends these by itself, so
    that no form's token is needed.
    """
    return _declare(view, MACHINE)


def declared(view: Callable[..., Any] | None) -> str | None:
    """What a view was declared to need: a right, or one of the words; else ``None``."""
    return getattr(view, _DECLARED, None)


def _declare(view: View, what: str) -> View:
    setattr(view, _DECLARED, what)
    return view

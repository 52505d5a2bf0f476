"""The table of rights says what the page about it says, and keeps incompatible duties apart."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from dafan import db
from server import access, auth, sites
from server.cli import server
from tests.server.conftest import PASSWORD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"


def told() -> dict[str, tuple[str, ...]]:
    """Right → roles, as the page has it."""
    first = PAGE.read_text(encoding="utf-8").split("\n| right |")[1].split("\n\n")[0]
    lines = f"| right |{first}".splitlines()
    roles = [cell.strip() for cell in lines[0].strip("|").split("|")][2:]
    rights = {}
    for line in lines[2:]:
        right, _what, *marks = (cell.strip() for cell in line.strip().strip("|").split("|"))
        rights[right.strip("`")] = tuple(
            role for role, mark in zip(roles, marks, strict=True) if mark
        )
    return rights


def test_the_page_about_security_shows_the_table_as_it_is() -> None:
    assert told() == access.RIGHTS


@pytest.mark.parametrize("role", ["auditor", "inspector", "bureau"])
def test_who_only_looks_changes_nothing(role: str) -> None:
    rights = {right for right, roles in access.RIGHTS.items() if role in roles}
    assert {right for right in rights if not right.startswith("see_")} == set()
    assert "see_names" not in rights


KITCHEN = {
    "do_kitchen", "run_kitchen", "edit_catalogue", "plan_meals", "buy", "approve_stock",
    "judge_incidents",
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        ("cook", {"do_kitchen"}),
        ("storekeeper", {"do_kitchen", "buy"}),
        ("kitchen_manager", KITCHEN),
    ],
)
def test_who_works_in_the_kitchen_changes_things_there_and_nowhere_else(
    role: str, changes: set[str]
) -> None:
    rights = {right for right, roles in access.RIGHTS.items() if role in roles}
    assert {right for right in rights if not right.startswith("see_")} == changes


def test_nobody_but_the_administrator_and_the_manager_both_buys_and_approves() -> None:
    both = set(access.RIGHTS["buy"]) & set(access.RIGHTS["approve_buying"])
    assert both == {"admin", "manager"}


def test_a_diner_has_no_right_at_all() -> None:
    assert [right for right, roles in access.RIGHTS.items() if "diner" in roles] == []


def test_who_sets_prices_moves_no_money_and_the_other_way_round() -> None:
    money = {"top_up", "pay_out", "move_wallets", "run_subsidies", "approve_refunds", "close_days"}
    for role in set(access.ROLES) - {"admin"}:
        rights = {right for right, roles in access.RIGHTS.items() if role in roles}
        assert not (rights & money and rights & {"edit_dishes", "edit_people", "edit_accounts"})


def test_whoever_moves_much_money_or_rights_needs_a_second_factor() -> None:
    strong = {"pay_out", "move_wallets", "run_subsidies", "approve_refunds", "edit_accounts"}
    for right in strong:
        assert set(access.RIGHTS[right]) <= access.SECOND_FACTOR_ROLES


@pytest.mark.parametrize("right", ["see_everything", "", "SEE_SALES"])
def test_a_right_that_is_not_in_the_table_cannot_be_declared(right: str) -> None:
    with pytest.raises(ValueError, match="no right"):
        access.needs(right)


@pytest.mark.parametrize(
    "line", ["see_sales x x", "see_sales " + "x " * 10 + "y", "see_overview " + "x " * 11]
)
def test_a_slip_in_the_table_stops_the_server(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line.split(maxsplit=1)[0])):
        access._read(access.TABLE + line)


def test_roles_are_given_and_taken_on_the_machine_itself(engine: Engine, site: Any) -> None:
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
        auth.create_user(session, site.id, "chief", PASSWORD, ["manager"])

    def held() -> dict[Any, list[str]]:
        with db.reading(engine) as session:
            user = auth.find_user(session, "chief")
            assert user is not None
            return {one: user.roles_at(one) for one in user.site_ids}

    def run(*arguments: str) -> int:
        return CliRunner().invoke(server, list(arguments)).exit_code

    assert run("grant", "chief", "auditor", "bureau", "--site", "别的单位") == 0
    assert held() == {site.id: ["manager"], away.id: ["auditor", "bureau"]}
    assert run("grant", "chief", "--site", "别的单位") == 0
    assert held() == {site.id: ["manager"]}
    for wrong in (("nobody", "cook", "--site", "别的单位"), ("chief", "cook", "--site", "x")):
        assert run("grant", *wrong) != 0
    assert run("grant", "chief", "king", "--site", "别的单位") == 2
    assert run("reset-second-factor", "chief") == 0
    assert run("reset-second-factor", "nobody") != 0

"""``dafan server``: set up, run and look after the server."""

import click

from dafan.commands import LazyGroup

COMMANDS = {
    "enrol-code": (
        "server.cli_setup:enrol_code",
        "Print a one-time code with which a new till enrols itself.",
    ),
    "expire-subsidies": (
        "server.cli_money:expire_subsidies",
        "Take back what is left of subsidies whose last day is over; again, it changes nothing.",
    ),
    "grant": (
        "server.cli_access:grant",
        "Give an account exactly these ROLES at a site; none named: take all away.",
    ),
    "import-journal": (
        "server.cli_journal:import_journal",
        "Bring in the FILE that `dafan till export-journal` wrote; again, it changes nothing.",
    ),
    "init": (
        "server.cli_setup:init",
        "Create database, site, venue and administrator; again, it changes nothing.",
    ),
    "make-sums": (
        "server.cli_sums:make_sums",
        "Make the sums of days that reports read; the server does so by itself every ten minutes.",
    ),
    "reconcile-payments": (
        "server.cli_money:reconcile_payments",
        "Ask the payment gateway about orders of which nothing was heard; book or close them.",
    ),
    "reset-second-factor": (
        "server.cli_access:reset_second_factor",
        "For the last administrator whose phone and recovery codes are gone; his sessions end.",
    ),
    "retention": (
        "server.cli_keys:retention",
        "Erase what is kept no longer, as the table in docs/keys.md says; may be run again.",
    ),
    "run": ("server.cli_setup:run", "Bring the database up to date, then serve."),
    "seed-demo": (
        "server.cli_people:seed_demo",
        "Fill the database with a canteen to try out: not for real use.",
    ),
    "seed-history": (
        "server.cli_sums:seed_history",
        "Fill an empty database with a canteen's made-up past: not for real use.",
    ),
    "seed-line": (
        "server.cli_people:seed_line",
        "Set up the demo's weigh line on the terminal BOX: not for real use.",
    ),
    "seed-top-up": (
        "server.cli_people:seed_top_up",
        "Pay ¥100 into the wallet of a diner of the demo: not for real use.",
    ),
    "upgrade": ("server.cli_setup:upgrade", "Bring the database to this version."),
}
"""Name → where it is, and what it says of itself."""


@click.group(cls=LazyGroup, members=COMMANDS)
def server() -> None:
    """The server: pages, API, books."""

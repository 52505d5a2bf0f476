"""The database's tables: all of them, and the way from one version to the next."""

from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from dafan import db
from dafan.db import Base
from dafan.errors import ConfigError

_TABLES_IN = (
    "kitchen.additives", "kitchen.approvals", "kitchen.areas", "kitchen.attendance",
    "kitchen.boards", "kitchen.byproducts", "kitchen.cabinet", "kitchen.cameras",
    "kitchen.collectors", "kitchen.cookbook",
    "kitchen.deliveries", "kitchen.dishes", "kitchen.equipment", "kitchen.incidents",
    "kitchen.ingredients", "kitchen.inspections",
    "kitchen.inquiries", "kitchen.ledgers", "kitchen.limits", "kitchen.lots", "kitchen.menus",
    "kitchen.meters", "kitchen.morning", "kitchen.pictures", "kitchen.production",
    "kitchen.purchase_book", "kitchen.rectification", "kitchen.repairs", "kitchen.sample_alarms",
    "kitchen.samples", "kitchen.staff", "kitchen.stock_book", "kitchen.stock_requests",
    "kitchen.stocktake", "kitchen.supervision", "kitchen.supervision_templates",
    "kitchen.suppliers", "kitchen.teaching", "kitchen.training", "kitchen.waste", "kitchen.zones",
    "server.allergies", "server.api_tokens",
    "server.audit", "server.auth", "server.bank_files", "server.birthdays", "server.bookings",
    "server.books.accounts",
    "server.books.closing", "server.books.day_changes", "server.books.pay_outs",
    "server.books.receipts", "server.books.refunds", "server.books.sales",
    "server.books.settlement", "server.books.subsidies", "server.books.transfers",
    "server.cards", "server.consents", "server.daily_report",
    "server.disputes", "server.drafts", "server.entries", "server.evidence", "server.exceptions",
    "server.faces", "server.feed", "server.feedback", "server.groups", "server.jobs", "server.keys",
    "server.line_book",
    "server.notices", "server.online_orders", "server.opening", "server.people",
    "server.phone_codes", "server.phone_sessions", "server.plate_book", "server.preorder_rounds",
    "server.preorders", "server.ratings", "server.reconciliation", "server.scorecards",
    "server.reports.cost_rows", "server.reports.day_rows",
    "server.scale_book", "server.sessions", "server.shifts", "server.sites",
    "server.surveys", "server.terminals", "server.throttle",
    "server.till_staff", "server.totp", "server.wishes",
)  # fmt: skip


def load() -> None:
    """Import every module that brings a table, so that ``Base.metadata`` is complete."""
    for name in _TABLES_IN:
        import_module(name)


def create(engine: Engine) -> None:
    """Make all tables at once, without history: for tests."""
    load()
    Base.metadata.create_all(engine)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring a database, also an empty one, to this version or to an earlier revision.

    Of servers that start at once one migrates; the others wait, and find nothing left to do.
    """
    with db.migrating(engine) as connection:
        upgrade_connection(connection, revision)


def upgrade_connection(connection: Connection, revision: str = "head") -> None:
    """As :func:`upgrade`, within the transaction of a connection where it has one."""
    load()
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revision(engine: Engine) -> str:
    """The revision that the database is at; empty for a database without history."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def head() -> str:
    """The revision of this version."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def knows(revision: str) -> bool:
    """Whether this version can migrate from a revision."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return revision in known


def require(engine: Engine) -> None:
    """Make sure that the database is one of ours.

    Raises:
        ConfigError: it has no such tables.
    """
    if not inspect(engine).has_table("entry"):
        raise ConfigError(
            f"{engine.url.render_as_string()} is not a database of this server: "
            "run `dafan server init` first, or name another one"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config

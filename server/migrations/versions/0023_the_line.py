"""Trays, their sessions and scoops of the weigh line.

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _told()
    _scoops()
    _set_up()


def _told() -> None:
    op.create_table(
        "tray_session",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("tray", sa.String(length=32), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("begins", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("until", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("told_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_tray_session")),
        sa.UniqueConstraint("id", name=op.f("uq_tray_session_id")),
    )
    op.create_index("ix_tray_session_diner_id_begins", "tray_session", ["diner_id", "begins"])
    op.create_index("ix_tray_session_site_id_state", "tray_session", ["site_id", "state"])
    op.create_index(
        "ix_tray_session_site_id_tray_begins", "tray_session", ["site_id", "tray", "begins"]
    )
    op.create_table(
        "line_ending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("tray", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_ending")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_line_ending_terminal_id_seq")),
    )
    op.create_index(
        "ix_line_ending_site_id_tray_ended_at", "line_ending", ["site_id", "tray", "ended_at"]
    )
    op.create_table(
        "line_pan_change",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("station", sa.BigInteger(), nullable=False),
        sa.Column("pan_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("trays", sa.JSON(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=True),
        sa.Column("changed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_line_pan_change")),
        sa.UniqueConstraint("id", name=op.f("uq_line_pan_change_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_line_pan_change_terminal_id_seq")),
    )
    op.create_index(
        "ix_line_pan_change_site_id_alarm_id", "line_pan_change", ["site_id", "alarm", "id"]
    )


def _scoops() -> None:
    op.create_table(
        "line_scoop",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("tray", sa.String(length=32), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("taken_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_line_scoop")),
        sa.UniqueConstraint("id", name=op.f("uq_line_scoop_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_line_scoop_terminal_id_seq")),
    )
    op.create_index("ix_line_scoop_session_id", "line_scoop", ["session_id"])
    op.create_index("ix_line_scoop_settlement_id", "line_scoop", ["settlement_id"])
    op.create_index("ix_line_scoop_site_id_state", "line_scoop", ["site_id", "state"])
    op.create_index(
        "ix_line_scoop_site_id_tray_taken_at", "line_scoop", ["site_id", "tray", "taken_at"]
    )
    op.create_table(
        "line_settlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.Boolean(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_settlement")),
        sa.UniqueConstraint("session_id", "no", name=op.f("uq_line_settlement_session_id_no")),
    )
    op.create_index(op.f("ix_line_settlement_site_id"), "line_settlement", ["site_id"])


def _set_up() -> None:
    op.create_table(
        "line_station",
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=True),
        sa.Column("pan_id", sa.Uuid(), nullable=True),
        sa.Column("last_grams", sa.BigInteger(), nullable=True),
        sa.Column("last_at", dafan.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_line_station_site_id_site")
        ),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_line_station_terminal_id_terminal")
        ),
        sa.PrimaryKeyConstraint("terminal_id", "station", name=op.f("pk_line_station")),
    )
    op.create_index(op.f("ix_line_station_site_id"), "line_station", ["site_id"])
    op.create_table(
        "line_card",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_line_card_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "tag", name=op.f("pk_line_card")),
    )
    op.create_table(
        "line_rules",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_line_rules_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_line_rules")),
    )
    op.create_table(
        "line_tray",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("added_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_line_tray_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "tag", name=op.f("pk_line_tray")),
    )
    op.create_table(
        "line_journal",
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_line_journal_site_id_site")
        ),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_line_journal_terminal_id_terminal")
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_line_journal_venue_id_venue")
        ),
        sa.PrimaryKeyConstraint("terminal_id", name=op.f("pk_line_journal")),
    )
    op.create_index(op.f("ix_line_journal_venue_id"), "line_journal", ["venue_id"])


def downgrade() -> None:
    for table in (
        "line_journal",
        "line_tray",
        "line_rules",
        "line_card",
        "line_station",
        "line_settlement",
        "line_scoop",
        "line_pan_change",
        "line_ending",
        "tray_session",
    ):
        op.drop_table(table)

"""Inspections, the contractor's scorecard, the daily report that was sent.

Revision: 0021
Follows: 0020
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _daily_reports()
    _inspections()
    op.create_table(
        "scorecard",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("signed_by", sa.String(length=80), nullable=False),
        sa.Column("signed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "body_id", "month", name=op.f("pk_scorecard")),
    )


def _daily_reports() -> None:
    op.create_table(
        "daily_report",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", name=op.f("pk_daily_report")),
    )
    op.create_table(
        "daily_report_to",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("said", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "person", name=op.f("pk_daily_report_to")
        ),
    )
    op.create_index("ix_daily_report_to_state_next_at", "daily_report_to", ["state", "next_at"])


def _inspections() -> None:
    op.create_table(
        "inspection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("begun_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_inspection_site_id_key")),
    )
    op.create_index("ix_inspection_day", "inspection", ["site_id", "business_date", "id"])
    op.create_table(
        "inspection_mark",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=True),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"],
            ["inspection.id"],
            name=op.f("fk_inspection_mark_inspection_id_inspection"),
        ),
        sa.PrimaryKeyConstraint("inspection_id", "code", name=op.f("pk_inspection_mark")),
    )


def downgrade() -> None:
    for name in ("scorecard", "inspection_mark", "inspection", "daily_report_to", "daily_report"):
        op.drop_table(name)

"""Trays that come back, and the points of a clean plate.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plate_return",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=True),
        sa.Column("sale_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("left_grams", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_plate_return")),
        sa.UniqueConstraint("id", name=op.f("uq_plate_return_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_plate_return_terminal_id_seq")),
    )
    op.create_index("ix_plate_return_diner_id_at", "plate_return", ["diner_id", "at"])
    op.create_table(
        "plate_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_plate_point_diner_id_diner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_point")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_plate_point_site_id_key")),
    )
    op.create_index("ix_plate_point_diner_id_at", "plate_point", ["diner_id", "at"])
    op.create_table(
        "plate_shown",
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("agreed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_plate_shown_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_plate_shown_site_id_site")),
        sa.PrimaryKeyConstraint("diner_id", name=op.f("pk_plate_shown")),
    )
    op.create_index(op.f("ix_plate_shown_site_id"), "plate_shown", ["site_id"])


def downgrade() -> None:
    op.drop_table("plate_shown")
    op.drop_table("plate_point")
    op.drop_table("plate_return")

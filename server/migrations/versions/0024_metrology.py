"""Records and checks of scales.

Revision: 0024
Follows: 0023
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scale",
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("serial", sa.String(length=80), nullable=False),
        sa.Column("max_grams", sa.BigInteger(), nullable=False),
        sa.Column("e_grams", sa.BigInteger(), nullable=False),
        sa.Column("accuracy", sa.String(length=4), nullable=False),
        sa.Column("certificate", sa.String(length=80), nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=True),
        sa.Column("verified_until", sa.Date(), nullable=True),
        sa.Column("fault", sa.String(length=12), nullable=False),
        sa.Column("check_due", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_scale_terminal_id_terminal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale")),
        sa.UniqueConstraint("terminal_id", "station", name=op.f("uq_scale_terminal_id_station")),
    )
    op.create_index(op.f("ix_scale_site_id"), "scale", ["site_id"])
    op.create_table(
        "scale_verification",
        sa.Column("scale_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.String(length=80), nullable=False),
        sa.Column("certificate", sa.String(length=80), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=False),
        sa.Column("verified_until", sa.Date(), nullable=True),
        sa.Column("photo", sa.String(length=120), nullable=False),
        *_written_once(),
        sa.ForeignKeyConstraint(
            ["scale_id"], ["scale.id"], name=op.f("fk_scale_verification_scale_id_scale")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale_verification")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_scale_verification_site_id_key")),
    )
    op.create_index("ix_scale_verification_scale", "scale_verification", ["scale_id", "id"])
    op.create_table(
        "scale_check",
        sa.Column("scale_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.String(length=80), nullable=False),
        sa.Column("nominal_grams", sa.BigInteger(), nullable=False),
        sa.Column("shown_grams", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        *_written_once(),
        sa.ForeignKeyConstraint(
            ["scale_id"], ["scale.id"], name=op.f("fk_scale_check_scale_id_scale")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale_check")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_scale_check_site_id_key")),
    )
    op.create_index("ix_scale_check_scale", "scale_check", ["scale_id", "id"])


def _written_once() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
    )


def downgrade() -> None:
    for table in ("scale_check", "scale_verification", "scale"):
        op.drop_table(table)

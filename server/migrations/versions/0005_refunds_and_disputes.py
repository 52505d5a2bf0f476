"""Refunds and disputes; a sale says how much of it went back.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refund",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("sale_date", sa.Date(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_back", sa.BigInteger(), nullable=False),
        sa.Column("cash_back", sa.BigInteger(), nullable=False),
        sa.Column("drawer_back", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("judgement", sa.String(length=200), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_refund")),
        sa.UniqueConstraint("id", name=op.f("uq_refund_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_refund_terminal_id_seq")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index("ix_refund_sale_id", ["sale_id"])
        batch_op.create_index("ix_refund_site_id_state_id", ["site_id", "state", "id"])
        batch_op.create_index(
            "ix_refund_diner_id_terminal_id_seq", ["diner_id", "terminal_id", "seq"]
        )
    op.create_table(
        "refund_line",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "refund_id", "no", name=op.f("pk_refund_line")
        ),
    )
    with op.batch_alter_table("refund_line", schema=None) as batch_op:
        batch_op.create_index("ix_refund_line_refund_id", ["refund_id"])
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("opened_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("conclusion", sa.String(length=200), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("sale_id", name=op.f("uq_dispute_sale_id")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index("ix_dispute_site_id_state_id", ["site_id", "state", "id"])
        batch_op.create_index(batch_op.f("ix_dispute_refund_id"), ["refund_id"])
    with op.batch_alter_table("sale", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("refunded", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("cancelled", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_sale_refunded"), "refunded BETWEEN 0 AND total"
        )


def downgrade() -> None:
    with op.batch_alter_table("sale", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_sale_refunded"), type_="check")
        batch_op.drop_column("cancelled")
        batch_op.drop_column("refunded")
    op.drop_table("dispute")
    op.drop_table("refund_line")
    op.drop_table("refund")

"""Top-ups on the phone, through a payment gateway.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "online_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("gateway_id", sa.String(length=64), nullable=True),
        sa.Column("code_url", sa.String(length=512), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("paid_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("refund_asked_by", sa.String(length=80), nullable=True),
        sa.Column("refunded_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_online_order_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_online_order_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_online_order")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_online_order_gateway_id")),
    )
    with op.batch_alter_table("online_order", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_online_order_diner_id"), ["diner_id"])
        batch_op.create_index("ix_online_order_site_id_id", ["site_id", "id"])
        batch_op.create_index("ix_online_order_state_created_at", ["state", "created_at"])


def downgrade() -> None:
    op.drop_table("online_order")

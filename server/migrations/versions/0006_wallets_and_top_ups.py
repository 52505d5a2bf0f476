"""Receipts of top-ups and their reversal, bank payments, pay-outs, subsidies that expire.

Revision: 0006
Follows: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subsidy_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("business_date", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("expired_at", dafan.db.UtcDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("expired_total", sa.BigInteger(), nullable=False, server_default="0")
        )
    _receipts()
    _bank()
    _pay_outs()


def _request() -> list[sa.Column[Any]]:
    """What one person asks and another one approves."""
    return [
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
    ]


def _receipts() -> None:
    op.create_table(
        "top_up_receipt",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("memo", sa.String(length=200), nullable=False),
        sa.Column("prints", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_top_up_receipt_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_top_up_receipt_site_id_site")
        ),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_top_up_receipt")),
        sa.UniqueConstraint(
            "site_id", "business_date", "no",
            name=op.f("uq_top_up_receipt_site_id_business_date_no"),
        ),
    )  # fmt: skip
    with op.batch_alter_table("top_up_receipt", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_top_up_receipt_diner_id"), ["diner_id"])
        batch_op.create_index("ix_top_up_receipt_site_id_transfer_id", ["site_id", "transfer_id"])
    op.create_table(
        "top_up_reversal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        *_request(),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["top_up_receipt.transfer_id"],
            name=op.f("fk_top_up_reversal_receipt_id_top_up_receipt"),
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_top_up_reversal_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_top_up_reversal")),
    )  # fmt: skip
    with op.batch_alter_table("top_up_reversal", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_top_up_reversal_receipt_id"), ["receipt_id"])
        batch_op.create_index("ix_top_up_reversal_site_id_id", ["site_id", "id"])


def _bank() -> None:
    op.create_table(
        "bank_payment",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("booked_by", sa.String(length=80), nullable=False),
        sa.Column("booked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_bank_payment_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_bank_payment_site_id_site")
        ),
        sa.PrimaryKeyConstraint("site_id", "reference", name=op.f("pk_bank_payment")),
    )
    with op.batch_alter_table("bank_payment", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_bank_payment_diner_id"), ["diner_id"])
        batch_op.create_index("ix_bank_payment_site_id_id", ["site_id", "id"])


def _pay_outs() -> None:
    op.create_table(
        "pay_out",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("subsidy", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        *_request(),
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f("fk_pay_out_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_pay_out_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_out")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_pay_out_site_id_key")),
    )
    with op.batch_alter_table("pay_out", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_pay_out_diner_id"), ["diner_id"])
        batch_op.create_index("ix_pay_out_site_id_id", ["site_id", "id"])


def downgrade() -> None:
    for table in ("pay_out", "bank_payment", "top_up_reversal", "top_up_receipt"):
        op.drop_table(table)
    with op.batch_alter_table("subsidy_run", schema=None) as batch_op:
        for column in ("expired_total", "expired_at", "expires_on", "business_date"):
            batch_op.drop_column(column)

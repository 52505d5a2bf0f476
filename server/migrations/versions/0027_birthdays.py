"""Birthdays, and the vouchers that were given on them.

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _of_diner("birthday", ["diner_id"], sa.Column("day", sa.String(length=5), nullable=False))
    _of_diner(
        "birthday_gift",
        ["diner_id", "given_on"],
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
    )


def _of_diner(name: str, key: list[str], *more: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        *more,
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f(f"fk_{name}_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f(f"fk_{name}_site_id_site")),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
    )
    with op.batch_alter_table(name) as batch_op:
        batch_op.create_index(batch_op.f(f"ix_{name}_site_id"), ["site_id"])


def downgrade() -> None:
    op.drop_table("birthday_gift")
    op.drop_table("birthday")

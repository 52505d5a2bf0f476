"""What a diner wishes of the tills; the most that a store holds of an ingredient.

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "diner_wish",
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("nutrition", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("warn_at_till", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_diner_wish_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_diner_wish_site_id_site")),
        sa.PrimaryKeyConstraint("diner_id", name=op.f("pk_diner_wish")),
    )
    op.create_index(op.f("ix_diner_wish_site_id"), "diner_wish", ["site_id"])
    with op.batch_alter_table("ingredient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("maximum", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("ingredient", schema=None) as batch_op:
        batch_op.drop_column("maximum")
    op.drop_table("diner_wish")

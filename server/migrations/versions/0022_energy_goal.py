"""The energy that a diner wants of a meal at most.

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("diner_wish", schema=None) as batch_op:
        batch_op.add_column(sa.Column("goal_kcal", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("diner_wish", schema=None) as batch_op:
        batch_op.drop_column("goal_kcal")

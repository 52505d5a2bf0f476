"""Which dishes a sample is kept of: not of packaged food, nor of a price that is no dish.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dish", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("sampled", sa.Boolean(), nullable=False, server_default=sa.true())
        )


def downgrade() -> None:
    with op.batch_alter_table("dish", schema=None) as batch_op:
        batch_op.drop_column("sampled")

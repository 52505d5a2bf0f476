"""When a terminal had told all that it had written.

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told_at", dafan.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.drop_column("told_at")

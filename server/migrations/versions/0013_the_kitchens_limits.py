"""What a site's kitchen decides otherwise.

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kitchen_limits",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("decided", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "subject", name=op.f("pk_kitchen_limits")),
    )


def downgrade() -> None:
    op.drop_table("kitchen_limits")

"""Jobs that the server does by itself, each run once.

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("due_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("started_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("finished_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("name", "due_at", name=op.f("pk_job_run")),
    )


def downgrade() -> None:
    op.drop_table("job_run")

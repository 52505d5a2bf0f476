"""Inspections, the contractor's scorecard, the daily report that was sent.

Revision: 0021
Follows: 0020
"""

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

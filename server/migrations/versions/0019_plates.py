"""Trays that come back, and the points of a clean plate.

Revision: 0019
Follows: 0018
"""

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

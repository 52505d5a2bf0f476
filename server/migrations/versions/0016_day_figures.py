"""The sums of a day, which reports read, and which days something happened to.

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_change",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "terminal_id", name=op.f("pk_day_change")
        ),
    )
    op.create_table(
        "day_covers",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("covers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "period", "venue_id", "group_id", name=op.f("pk_day_covers")
        ),
    )
    op.create_table(
        "day_dishes",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("portion", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("list_total", sa.BigInteger(), nullable=False),
        sa.Column("income", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id",
            "business_date",
            "period",
            "venue_id",
            "dish_id",
            "unit",
            "portion",
            name=op.f("pk_day_dishes"),
        ),
    )
    op.create_table(
        "day_made",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", name=op.f("pk_day_made")),
    )
    op.create_table(
        "day_moments",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("sales", sa.BigInteger(), nullable=False),
        sa.Column("income", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "period", "venue_id", "slot", name=op.f("pk_day_moments")
        ),
    )
    op.create_table(
        "day_sales",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("tender", sa.String(length=8), nullable=False),
        sa.Column("sales", sa.BigInteger(), nullable=False),
        sa.Column("list_total", sa.BigInteger(), nullable=False),
        sa.Column("income", sa.BigInteger(), nullable=False),
        sa.Column("subsidy", sa.BigInteger(), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("drawer", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("pay_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id",
            "business_date",
            "period",
            "venue_id",
            "group_id",
            "tender",
            name=op.f("pk_day_sales"),
        ),
    )
    # every day that has sales is one whose sums are to be made
    op.execute(
        "INSERT INTO day_change (site_id, business_date, terminal_id, changes) "
        "SELECT DISTINCT site_id, business_date, terminal_id, 1 FROM sale"
    )


def downgrade() -> None:
    op.drop_table("day_sales")
    op.drop_table("day_moments")
    op.drop_table("day_made")
    op.drop_table("day_dishes")
    op.drop_table("day_covers")
    op.drop_table("day_change")

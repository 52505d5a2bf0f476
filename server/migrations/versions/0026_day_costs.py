"""What food cost on a day, which reports read; ingredients count what their costs follow from.

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COSTS = (
    "portions", "standard_cost", "uncosted_portions", "energy", "protein", "fat", "carbohydrate",
    "sodium", "told_portions",
)  # fmt: skip


def upgrade() -> None:
    _of_meal("day_costs", (), _COSTS)
    _of_meal(
        "day_waste",
        (sa.Column("category", sa.String(length=16), nullable=False),),
        ("waste_grams", "waste_fen", "waste_uncosted"),
    )
    _of_meal("day_issues", (), ("actual_cost",))
    op.create_table(
        "day_used",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "ingredient_id", name=op.f("pk_day_used")
        ),
    )
    op.create_table(
        "day_costed",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", name=op.f("pk_day_costed")),
    )
    with op.batch_alter_table("ingredient") as batch_op:
        batch_op.add_column(
            sa.Column("changes", sa.BigInteger(), nullable=False, server_default="0")
        )


def _of_meal(name: str, more: tuple["sa.Column[str]", ...], sums: tuple[str, ...]) -> None:
    keys = "site_id", "business_date", "period", "venue_id", "dish_id"
    op.create_table(
        name,
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        *more,
        *(sa.Column(column, sa.BigInteger(), nullable=False) for column in sums),
        sa.PrimaryKeyConstraint(*keys, *(column.name for column in more), name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    with op.batch_alter_table("ingredient") as batch_op:
        batch_op.drop_column("changes")
    for name in ("day_costed", "day_used", "day_issues", "day_waste", "day_costs"):
        op.drop_table(name)

"""Of which shipped acts a site has decided, so that those of a newer version are offered once.

Revision: 0028
Follows: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SHIPPED = [
    "open_premises",
    "gas_check",
    "morning_check",
    "dress",
    "certificates",
    "fridge_am",
    "freezer_am",
    "sample_cabinet_am",
    "receiving",
    "pesticide",
    "store_sweep",
    "water",
    "wash_zones",
    "thaw",
    "core_temperature",
    "additives",
    "serving_clean",
    "tableware",
    "samples",
    "leader_meal",
    "serving_heat",
    "hall",
    "clean_plate",
    "leftovers",
    "kitchen_clean",
    "hall_clean",
    "sample_disposal",
    "fridge_pm",
    "freezer_pm",
    "fryer_oil",
    "waste",
    "bins",
    "drains",
    "hood",
    "pests",
    "chemicals",
    "meters",
    "close_gas",
    "dc_people",
    "dc_goods",
    "dc_process",
    "dc_tableware",
    "dc_record",
    "wc_review",
    "wc_facilities",
    "wc_suppliers",
    "wc_report",
    "mm_report",
    "mm_minutes",
]
"""What every template saved before this was made from: what it lacks of these was taken out."""


def upgrade() -> None:
    with op.batch_alter_table("supervision_template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("decided", sa.JSON(), nullable=True))
    table = sa.table("supervision_template", sa.column("decided", sa.JSON))
    op.execute(sa.update(table).values(decided=SHIPPED))
    with op.batch_alter_table("supervision_template", schema=None) as batch_op:
        batch_op.alter_column("decided", existing_type=sa.JSON(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("supervision_template", schema=None) as batch_op:
        batch_op.drop_column("decided")

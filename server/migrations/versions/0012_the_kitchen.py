"""The kitchen: ingredients and recipes, stock, purchases, production, samples, people.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table
    op.create_table(
        "additive",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=80), nullable=False),
        sa.Column("foods", sa.String(length=200), nullable=False),
        sa.Column("limit_mg_per_kg", sa.BigInteger(), nullable=True),
        sa.Column("limit_from", sa.String(length=80), nullable=False),
        sa.Column("keeper", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_additive")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_additive_site_id_name")),
    )
    op.create_table(
        "approval",
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_approval_site_id_key")),
    )
    op.create_index("ix_approval_inbox", "approval", ["site_id", "state", "id"], unique=False)
    op.create_index(
        "ix_approval_subject", "approval", ["site_id", "subject", "subject_id"], unique=False
    )
    op.create_table(
        "approval_rule",
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_rule")),
        sa.UniqueConstraint(
            "site_id", "subject", "role", name=op.f("uq_approval_rule_site_id_subject_role")
        ),
    )
    op.create_table(
        "cabinet",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("probe", sa.String(length=40), nullable=False),
        sa.Column("slots", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinet")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_cabinet_site_id_name")),
    )
    op.create_table(
        "disinfection",
        sa.Column("items", sa.String(length=80), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("celsius", sa.BigInteger(), nullable=True),
        sa.Column("chlorine", sa.BigInteger(), nullable=True),
        sa.Column("started_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("rinsed", sa.Boolean(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disinfection")),
        sa.UniqueConstraint("site_id", "corrects", name=op.f("uq_disinfection_site_id_corrects")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_disinfection_site_id_key")),
    )
    op.create_index(
        "ix_disinfection_day", "disinfection", ["site_id", "business_date"], unique=False
    )
    op.create_table(
        "equipment",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("maker", sa.String(length=80), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("serial", sa.String(length=80), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("maintain_days", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_equipment_site_id_name")),
    )
    op.create_table(
        "frying_oil",
        sa.Column("fryer", sa.String(length=80), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("polar", sa.BigInteger(), nullable=True),
        sa.Column("discarded", sa.BigInteger(), nullable=False),
        sa.Column("collector", sa.String(length=80), nullable=False),
        sa.Column("change_due", sa.Boolean(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frying_oil")),
        sa.UniqueConstraint("site_id", "corrects", name=op.f("uq_frying_oil_site_id_corrects")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_frying_oil_site_id_key")),
    )
    op.create_index("ix_frying_oil_day", "frying_oil", ["site_id", "business_date"], unique=False)
    op.create_table(
        "ingredient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("measure", sa.String(length=8), nullable=False),
        sa.Column("weighs", sa.BigInteger(), nullable=True),
        sa.Column("edible_permille", sa.BigInteger(), nullable=False),
        sa.Column("keep", sa.String(length=8), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("shelf_days", sa.BigInteger(), nullable=True),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("pack", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("pesticide_test", sa.Boolean(), nullable=False),
        sa.Column("quarantine", sa.Boolean(), nullable=False),
        sa.Column("allergens", sa.JSON(), nullable=False),
        sa.Column("nutrients", sa.JSON(), nullable=False),
        sa.Column("nutrients_from", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingredient")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_ingredient_site_id_name")),
    )
    op.create_index(op.f("ix_ingredient_site_id"), "ingredient", ["site_id"], unique=False)
    op.create_table(
        "kitchen_picture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kitchen_picture")),
    )
    op.create_index(
        op.f("ix_kitchen_picture_site_id"), "kitchen_picture", ["site_id"], unique=False
    )
    op.create_table(
        "kitchen_worker",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("venue", sa.String(length=80), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=True),
        sa.Column("diner_id", sa.Uuid(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kitchen_worker")),
        sa.UniqueConstraint("site_id", "diner_id", name=op.f("uq_kitchen_worker_site_id_diner_id")),
        sa.UniqueConstraint("site_id", "login", name=op.f("uq_kitchen_worker_site_id_login")),
    )
    op.create_table(
        "lot_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", name=op.f("pk_lot_counter")),
    )
    op.create_table(
        "menu_day",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menu_day")),
        sa.UniqueConstraint(
            "site_id",
            "venue_id",
            "business_date",
            "period",
            name=op.f("uq_menu_day_site_id_venue_id_business_date_period"),
        ),
    )
    op.create_table(
        "meter",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("norm", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_meter_site_id_name")),
    )
    op.create_table(
        "pest_control",
        sa.Column("places", sa.String(length=200), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("company", sa.String(length=80), nullable=False),
        sa.Column("traces", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pest_control")),
        sa.UniqueConstraint("site_id", "corrects", name=op.f("uq_pest_control_site_id_corrects")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_pest_control_site_id_key")),
    )
    op.create_index(
        "ix_pest_control_day", "pest_control", ["site_id", "business_date"], unique=False
    )
    op.create_table(
        "purchase_inquiry",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("deliver_on", sa.Date(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("told", sa.String(length=64), nullable=False),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_inquiry")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_purchase_inquiry_site_id_key")),
    )
    op.create_table(
        "receiving",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("opened_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("posted_by", sa.String(length=80), nullable=True),
        sa.Column("posted_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receiving")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_receiving_site_id_key")),
    )
    op.create_index(
        "ix_receiving_day", "receiving", ["site_id", "business_date", "id"], unique=False
    )
    op.create_table(
        "sample_alarm",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("since", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("raised_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("answered_by", sa.String(length=80), nullable=True),
        sa.Column("answered_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_alarm")),
        sa.UniqueConstraint(
            "site_id",
            "business_date",
            "period",
            "venue_id",
            "kind",
            "subject",
            "since",
            name="uq_sample_alarm_once",
        ),
    )
    op.create_index(
        "ix_sample_alarm_open", "sample_alarm", ["site_id", "closed_at", "raised_at"], unique=False
    )
    op.create_table(
        "sample_hold",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("held_by", sa.String(length=80), nullable=False),
        sa.Column("held_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.Column("lifted_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("lift_reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_hold")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_sample_hold_site_id_key")),
    )
    op.create_index(
        "ix_sample_hold_meal",
        "sample_hold",
        ["site_id", "business_date", "period", "venue_id"],
        unique=False,
    )
    op.create_table(
        "stock_act",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "key", name=op.f("pk_stock_act")),
    )
    op.create_table(
        "stock_limit",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("issue_fen", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_stock_limit")),
    )
    op.create_table(
        "stock_request",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("ref_kind", sa.String(length=20), nullable=True),
        sa.Column("ref_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=True),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("judgement", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_request")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_stock_request_site_id_key")),
    )
    op.create_index(
        "ix_stock_request_state", "stock_request", ["site_id", "state", "id"], unique=False
    )
    op.create_table(
        "stocktake",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("opened_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=True),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("judgement", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktake")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_stocktake_site_id_key")),
    )
    op.create_table(
        "store_zone",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("shape", sa.String(length=10), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("sort", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "name", name=op.f("pk_store_zone")),
    )
    op.create_table(
        "supervision_item",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("meal", sa.String(length=40), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("listed", sa.String(length=16), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("evidence", sa.String(length=12), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("fulfilled_by", sa.String(length=40), nullable=True),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("opens_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("due_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("escalate_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("escalate_to", sa.String(length=40), nullable=False),
        sa.Column("done_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("signature", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("link", sa.String(length=80), nullable=False),
        sa.Column("escalated_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("waiver_reason", sa.String(length=200), nullable=True),
        sa.Column("waiver_asked_by", sa.String(length=80), nullable=True),
        sa.Column("waived_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("waived_by", sa.String(length=80), nullable=True),
        sa.Column("withdrawn_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_item")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_supervision_item_site_id_key")),
    )
    op.create_index(
        "ix_supervision_item_day",
        "supervision_item",
        ["site_id", "business_date", "opens_at"],
        unique=False,
    )
    op.create_index(
        "ix_supervision_item_escalate",
        "supervision_item",
        ["site_id", "done_at", "escalate_at"],
        unique=False,
    )
    op.create_table(
        "supervision_template",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_template")),
        sa.UniqueConstraint(
            "site_id", "version", name=op.f("uq_supervision_template_site_id_version")
        ),
    )
    op.create_table(
        "supplier",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("contact", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_supplier_site_id_name")),
    )
    op.create_table(
        "training_course",
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(length=20000), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("pass_percent", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_course")),
        sa.UniqueConstraint("site_id", "title", name=op.f("uq_training_course_site_id_title")),
    )
    op.create_table(
        "waste_collector",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.Column("licence", sa.String(length=80), nullable=False),
        sa.Column("licence_until", sa.Date(), nullable=False),
        sa.Column("contract", sa.String(length=80), nullable=False),
        sa.Column("contract_until", sa.Date(), nullable=False),
        sa.Column("contact", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("plant", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_collector")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_waste_collector_site_id_name")),
    )
    op.create_table(
        "waste_record",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("ingredient_id", sa.Uuid(), nullable=True),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("voids", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["voids"], ["waste_record.id"], name=op.f("fk_waste_record_voids_waste_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_record")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_waste_record_site_id_key")),
        sa.UniqueConstraint("voids", name=op.f("uq_waste_record_voids")),
    )
    op.create_index(
        "ix_waste_record_site_id_business_date",
        "waste_record",
        ["site_id", "business_date"],
        unique=False,
    )
    op.create_table(
        "additive_use",
        sa.Column("additive_id", sa.Uuid(), nullable=False),
        sa.Column("dish", sa.String(length=80), nullable=False),
        sa.Column("weighed_mg", sa.BigInteger(), nullable=False),
        sa.Column("food_g", sa.BigInteger(), nullable=False),
        sa.Column("limit_mg_per_kg", sa.BigInteger(), nullable=True),
        sa.Column("signed_by", sa.String(length=80), nullable=True),
        sa.Column("signed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["additive_id"], ["additive.id"], name=op.f("fk_additive_use_additive_id_additive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_additive_use")),
        sa.UniqueConstraint("site_id", "corrects", name=op.f("uq_additive_use_site_id_corrects")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_additive_use_site_id_key")),
    )
    op.create_index(
        "ix_additive_use_day", "additive_use", ["site_id", "business_date"], unique=False
    )
    op.create_table(
        "cabinet_reading",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("cabinet_id", sa.Uuid(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("tenths", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinet.id"], name=op.f("fk_cabinet_reading_cabinet_id_cabinet")
        ),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "cabinet_id", "at", name=op.f("pk_cabinet_reading")
        ),
    )
    op.create_table(
        "cleaning_area",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("every_days", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_cleaning_area_worker_id_kitchen_worker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cleaning_area")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_cleaning_area_site_id_name")),
    )
    op.create_table(
        "finding",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_ref", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["kitchen_worker.id"], name=op.f("fk_finding_worker_id_kitchen_worker")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_finding_site_id_key")),
    )
    op.create_index("ix_finding_state", "finding", ["site_id", "state", "due"], unique=False)
    op.create_table(
        "lot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=True),
        sa.Column("receiving_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=60), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("produced_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("held_by", sa.String(length=80), nullable=True),
        sa.Column("held_why", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingredient_id"], ["ingredient.id"], name=op.f("fk_lot_ingredient_id_ingredient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_lot_site_id_number")),
    )
    op.create_index("ix_lot_ingredient", "lot", ["site_id", "ingredient_id", "state"], unique=False)
    op.create_index("ix_lot_receiving", "lot", ["site_id", "receiving_id"], unique=False)
    op.create_index("ix_lot_state", "lot", ["site_id", "state"], unique=False)
    op.create_table(
        "maintenance",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_maintenance_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_maintenance_site_id_key")),
    )
    op.create_index(
        "ix_maintenance_equipment",
        "maintenance",
        ["site_id", "equipment_id", "business_date"],
        unique=False,
    )
    op.create_table(
        "menu_item",
        sa.Column("menu_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("portions", sa.BigInteger(), nullable=False),
        sa.Column("cook", sa.String(length=80), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["dish_id"], ["dish.id"], name=op.f("fk_menu_item_dish_id_dish")),
        sa.ForeignKeyConstraint(
            ["menu_id"], ["menu_day.id"], name=op.f("fk_menu_item_menu_id_menu_day")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menu_item")),
        sa.UniqueConstraint("menu_id", "dish_id", name=op.f("uq_menu_item_menu_id_dish_id")),
    )
    op.create_index("ix_menu_item_dish", "menu_item", ["site_id", "dish_id"], unique=False)
    op.create_table(
        "meter_reading",
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("restart", sa.BigInteger(), nullable=True),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("withdrawn_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter_id"], ["meter.id"], name=op.f("fk_meter_reading_meter_id_meter")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_reading")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_meter_reading_site_id_key")),
    )
    op.create_index(
        "ix_meter_reading_day",
        "meter_reading",
        ["site_id", "meter_id", "business_date"],
        unique=False,
    )
    op.create_table(
        "morning_check",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("checker_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("temperature", sa.BigInteger(), nullable=False),
        sa.Column("symptoms", sa.JSON(), nullable=False),
        sa.Column("hands", sa.Boolean(), nullable=False),
        sa.Column("nails", sa.Boolean(), nullable=False),
        sa.Column("jewellery", sa.Boolean(), nullable=False),
        sa.Column("uniform", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("face_verified", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("fever_limit", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("troubles", sa.JSON(), nullable=False),
        sa.Column("cleared_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("cleared_by", sa.String(length=80), nullable=True),
        sa.Column("cleared_reason", sa.String(length=200), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["checker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_morning_check_checker_id_kitchen_worker"),
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_morning_check_worker_id_kitchen_worker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_morning_check")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_morning_check_site_id_key")),
    )
    op.create_index(
        "ix_morning_check_day",
        "morning_check",
        ["site_id", "business_date", "worker_id"],
        unique=False,
    )
    op.create_index(
        "ix_morning_check_worker", "morning_check", ["site_id", "worker_id", "passed"], unique=False
    )
    op.create_table(
        "production_batch",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("planned_by", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("planned_portions", sa.BigInteger(), nullable=False),
        sa.Column("cold", sa.Boolean(), nullable=False),
        sa.Column("started_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("cook", sa.String(length=80), nullable=True),
        sa.Column("cooked_grams", sa.BigInteger(), nullable=True),
        sa.Column("cooked_portions", sa.BigInteger(), nullable=True),
        sa.Column("core_tenths", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("served_portions", sa.BigInteger(), nullable=True),
        sa.Column("left_grams", sa.BigInteger(), nullable=True),
        sa.Column("settled_grams", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dish_id"], ["dish.id"], name=op.f("fk_production_batch_dish_id_dish")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_batch")),
        sa.UniqueConstraint(
            "site_id",
            "business_date",
            "period",
            "venue_id",
            "dish_id",
            "number",
            name="uq_production_batch_number",
        ),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_production_batch_site_id_key")),
    )
    op.create_index(
        op.f("ix_production_batch_dish_id"), "production_batch", ["dish_id"], unique=False
    )
    op.create_table(
        "purchase_order",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("deliver_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("told", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name=op.f("fk_purchase_order_supplier_id_supplier")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_purchase_order_site_id_key")),
    )
    op.create_index(
        "ix_purchase_order_state", "purchase_order", ["site_id", "state", "id"], unique=False
    )
    op.create_table(
        "purchase_quote",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("quoted_by", sa.String(length=80), nullable=False),
        sa.Column("quoted_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_purchase_quote_ingredient_id_ingredient"),
        ),
        sa.ForeignKeyConstraint(
            ["inquiry_id"],
            ["purchase_inquiry.id"],
            name=op.f("fk_purchase_quote_inquiry_id_purchase_inquiry"),
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name=op.f("fk_purchase_quote_supplier_id_supplier")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_quote")),
        sa.UniqueConstraint(
            "inquiry_id",
            "supplier_id",
            "ingredient_id",
            name=op.f("uq_purchase_quote_inquiry_id_supplier_id_ingredient_id"),
        ),
    )
    op.create_index(
        "ix_purchase_quote_supplier", "purchase_quote", ["site_id", "supplier_id"], unique=False
    )
    op.create_table(
        "receiving_signature",
        sa.Column("receiving_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("picture", sa.String(length=200), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiving_id"],
            ["receiving.id"],
            name=op.f("fk_receiving_signature_receiving_id_receiving"),
        ),
        sa.PrimaryKeyConstraint("receiving_id", "role", name=op.f("pk_receiving_signature")),
    )
    op.create_table(
        "recipe",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("portions", sa.BigInteger(), nullable=False),
        sa.Column("yield_grams", sa.BigInteger(), nullable=False),
        sa.Column("half_permille", sa.BigInteger(), nullable=False),
        sa.Column("small_permille", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.String(length=4000), nullable=False),
        sa.Column("hints", sa.String(length=1000), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dish_id"], ["dish.id"], name=op.f("fk_recipe_dish_id_dish")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipe")),
        sa.UniqueConstraint(
            "site_id", "dish_id", "version", name=op.f("uq_recipe_site_id_dish_id_version")
        ),
    )
    op.create_index(op.f("ix_recipe_dish_id"), "recipe", ["dish_id"], unique=False)
    op.create_index(op.f("ix_recipe_site_id"), "recipe", ["site_id"], unique=False)
    op.create_table(
        "repair",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("down", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("assigned_to", sa.String(length=80), nullable=True),
        sa.Column("repaired_by", sa.String(length=80), nullable=True),
        sa.Column("repaired_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("repaired_note", sa.String(length=200), nullable=False),
        sa.Column("repaired_photo", sa.String(length=120), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_repair_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_repair_site_id_key")),
    )
    op.create_index(
        "ix_repair_equipment", "repair", ["site_id", "equipment_id", "asked_at"], unique=False
    )
    op.create_index("ix_repair_stage", "repair", ["site_id", "stage", "asked_at"], unique=False)
    op.create_table(
        "supplier_licence",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("file", sa.String(length=120), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name=op.f("fk_supplier_licence_supplier_id_supplier")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_licence")),
    )
    op.create_index(
        "ix_supplier_licence_supplier", "supplier_licence", ["site_id", "supplier_id"], unique=False
    )
    op.create_table(
        "training_attempt",
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("paper", sa.JSON(), nullable=False),
        sa.Column("pass_percent", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("started_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("answered_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("good_until", sa.Date(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["training_course.id"],
            name=op.f("fk_training_attempt_course_id_training_course"),
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_training_attempt_worker_id_kitchen_worker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_attempt")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_training_attempt_site_id_key")),
    )
    op.create_index(
        "ix_training_attempt_worker",
        "training_attempt",
        ["site_id", "worker_id", "course_id"],
        unique=False,
    )
    op.create_table(
        "training_question",
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("right", sa.JSON(), nullable=False),
        sa.Column("because", sa.String(length=400), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["training_course.id"],
            name=op.f("fk_training_question_course_id_training_course"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_question")),
    )
    op.create_index(
        "ix_training_question_course", "training_question", ["site_id", "course_id"], unique=False
    )
    op.create_table(
        "waste_handover",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("collector_id", sa.Uuid(), nullable=True),
        sa.Column("collector", sa.String(length=80), nullable=False),
        sa.Column("destination", sa.String(length=8), nullable=False),
        sa.Column("plant", sa.String(length=200), nullable=False),
        sa.Column("receiver", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("voids", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collector_id"],
            ["waste_collector.id"],
            name=op.f("fk_waste_handover_collector_id_waste_collector"),
        ),
        sa.ForeignKeyConstraint(
            ["voids"], ["waste_handover.id"], name=op.f("fk_waste_handover_voids_waste_handover")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waste_handover")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_waste_handover_site_id_key")),
        sa.UniqueConstraint("voids", name=op.f("uq_waste_handover_voids")),
    )
    op.create_index(
        "ix_waste_handover_site_id_business_date",
        "waste_handover",
        ["site_id", "business_date"],
        unique=False,
    )
    op.create_table(
        "worker_certificate",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("issued", sa.Date(), nullable=False),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_worker_certificate_worker_id_kitchen_worker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_certificate")),
    )
    op.create_index(
        "ix_worker_certificate_worker", "worker_certificate", ["site_id", "worker_id"], unique=False
    )
    op.create_table(
        "worker_sign",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("direction", sa.String(length=4), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["kitchen_worker.id"],
            name=op.f("fk_worker_sign_worker_id_kitchen_worker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_sign")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_worker_sign_site_id_key")),
    )
    op.create_index(
        "ix_worker_sign_day", "worker_sign", ["site_id", "business_date", "worker_id"], unique=False
    )
    op.create_table(
        "cleaning_check",
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_id"], ["cleaning_area.id"], name=op.f("fk_cleaning_check_area_id_cleaning_area")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cleaning_check")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_cleaning_check_site_id_key")),
    )
    op.create_index(
        "ix_cleaning_check_area",
        "cleaning_check",
        ["site_id", "area_id", "business_date"],
        unique=False,
    )
    op.create_table(
        "finding_step",
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("photo", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_finding_step_finding_id_finding")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_step")),
        sa.UniqueConstraint(
            "site_id",
            "finding_id",
            "number",
            name=op.f("uq_finding_step_site_id_finding_id_number"),
        ),
    )
    op.create_table(
        "production_byproduct",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("to_batch_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["production_batch.id"],
            name=op.f("fk_production_byproduct_batch_id_production_batch"),
        ),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_production_byproduct_ingredient_id_ingredient"),
        ),
        sa.ForeignKeyConstraint(
            ["to_batch_id"],
            ["production_batch.id"],
            name=op.f("fk_production_byproduct_to_batch_id_production_batch"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_byproduct")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_production_byproduct_site_id_key")),
    )
    op.create_index(
        op.f("ix_production_byproduct_batch_id"), "production_byproduct", ["batch_id"], unique=False
    )
    op.create_index(
        op.f("ix_production_byproduct_to_batch_id"),
        "production_byproduct",
        ["to_batch_id"],
        unique=False,
    )
    op.create_table(
        "production_issue",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["production_batch.id"],
            name=op.f("fk_production_issue_batch_id_production_batch"),
        ),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_production_issue_ingredient_id_ingredient"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_issue")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_production_issue_site_id_key")),
    )
    op.create_index(
        op.f("ix_production_issue_batch_id"), "production_issue", ["batch_id"], unique=False
    )
    op.create_table(
        "production_step",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("use_by", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["production_batch.id"],
            name=op.f("fk_production_step_batch_id_production_batch"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_step")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_production_step_site_id_key")),
    )
    op.create_index(
        op.f("ix_production_step_batch_id"), "production_step", ["batch_id"], unique=False
    )
    op.create_table(
        "purchase_line",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_purchase_line_ingredient_id_ingredient"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_order.id"],
            name=op.f("fk_purchase_line_order_id_purchase_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_line")),
        sa.UniqueConstraint(
            "order_id", "ingredient_id", name=op.f("uq_purchase_line_order_id_ingredient_id")
        ),
    )
    op.create_index(
        "ix_purchase_line_ingredient", "purchase_line", ["site_id", "ingredient_id"], unique=False
    )
    op.create_table(
        "purchase_step",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("told", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["purchase_order.id"],
            name=op.f("fk_purchase_step_order_id_purchase_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_step")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_purchase_step_site_id_key")),
    )
    op.create_index("ix_purchase_step_order", "purchase_step", ["order_id", "id"], unique=False)
    op.create_table(
        "receiving_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receiving_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("tests", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("reject_reason", sa.String(length=200), nullable=False),
        sa.Column("disposal", sa.String(length=8), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_receiving_line_ingredient_id_ingredient"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_receiving_line_lot_id_lot")),
        sa.ForeignKeyConstraint(
            ["receiving_id"],
            ["receiving.id"],
            name=op.f("fk_receiving_line_receiving_id_receiving"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receiving_line")),
    )
    op.create_index(op.f("ix_receiving_line_lot_id"), "receiving_line", ["lot_id"], unique=False)
    op.create_index(
        op.f("ix_receiving_line_receiving_id"), "receiving_line", ["receiving_id"], unique=False
    )
    op.create_table(
        "recipe_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("recipe_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("ingredient_id", sa.Uuid(), nullable=True),
        sa.Column("component_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["component_id"], ["dish.id"], name=op.f("fk_recipe_line_component_id_dish")
        ),
        sa.ForeignKeyConstraint(
            ["ingredient_id"],
            ["ingredient.id"],
            name=op.f("fk_recipe_line_ingredient_id_ingredient"),
        ),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipe.id"], name=op.f("fk_recipe_line_recipe_id_recipe")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipe_line")),
    )
    op.create_index(op.f("ix_recipe_line_recipe_id"), "recipe_line", ["recipe_id"], unique=False)
    op.create_index(op.f("ix_recipe_line_site_id"), "recipe_line", ["site_id"], unique=False)
    op.create_table(
        "retained_sample",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("dish", sa.String(length=80), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("container", sa.String(length=40), nullable=False),
        sa.Column("cabinet_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("photo", sa.String(length=200), nullable=False),
        sa.Column("cooked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("sampled_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("placed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("sampler", sa.String(length=80), nullable=False),
        sa.Column("due_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("reviewer", sa.String(length=80), nullable=True),
        sa.Column("reviewed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("disposed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("disposer", sa.String(length=80), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["production_batch.id"],
            name=op.f("fk_retained_sample_batch_id_production_batch"),
        ),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinet.id"], name=op.f("fk_retained_sample_cabinet_id_cabinet")
        ),
        sa.ForeignKeyConstraint(
            ["dish_id"], ["dish.id"], name=op.f("fk_retained_sample_dish_id_dish")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retained_sample")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_retained_sample_site_id_key")),
    )
    op.create_index(
        "ix_retained_sample_due",
        "retained_sample",
        ["site_id", "disposed_at", "due_at"],
        unique=False,
    )
    op.create_index(
        "ix_retained_sample_meal",
        "retained_sample",
        ["site_id", "business_date", "period", "venue_id", "dish_id"],
        unique=False,
    )
    op.create_index(
        "uq_retained_sample_slot",
        "retained_sample",
        ["cabinet_id", "slot"],
        unique=True,
        sqlite_where=sa.text("disposed_at IS NULL"),
        postgresql_where=sa.text("disposed_at IS NULL"),
    )
    op.create_table(
        "stock_entry",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("ref_kind", sa.String(length=20), nullable=True),
        sa.Column("ref_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_entry_lot_id_lot")),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_stock_entry")),
    )
    op.create_index("ix_stock_entry_key", "stock_entry", ["site_id", "key"], unique=False)
    op.create_index("ix_stock_entry_lot", "stock_entry", ["site_id", "lot_id"], unique=False)
    op.create_index(
        "ix_stock_entry_ref", "stock_entry", ["site_id", "ref_kind", "ref_id"], unique=False
    )
    op.create_table(
        "stock_level",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity > 0 OR cost = 0", name=op.f("ck_stock_level_empty_costs_nothing")
        ),
        sa.CheckConstraint(
            "quantity >= 0 AND cost >= 0", name=op.f("ck_stock_level_not_below_zero")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_level_lot_id_lot")),
        sa.PrimaryKeyConstraint("site_id", "lot_id", "place", name=op.f("pk_stock_level")),
    )
    op.create_index(
        "ix_stock_level_left",
        "stock_level",
        ["site_id", "lot_id"],
        unique=False,
        sqlite_where=sa.text("quantity > 0"),
        postgresql_where=sa.text("quantity > 0"),
    )
    op.create_index("ix_stock_level_lot", "stock_level", ["lot_id"], unique=False)
    op.create_table(
        "stocktake_line",
        sa.Column("stocktake_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stocktake_line_lot_id_lot")),
        sa.ForeignKeyConstraint(
            ["stocktake_id"],
            ["stocktake.id"],
            name=op.f("fk_stocktake_line_stocktake_id_stocktake"),
        ),
        sa.PrimaryKeyConstraint("stocktake_id", "lot_id", name=op.f("pk_stocktake_line")),
    )
    op.create_index("ix_stocktake_line_lot", "stocktake_line", ["site_id", "lot_id"], unique=False)


def downgrade() -> None:  # noqa: PLR0915 - as above
    op.drop_index("ix_stocktake_line_lot", table_name="stocktake_line")
    op.drop_table("stocktake_line")
    op.drop_index("ix_stock_level_lot", table_name="stock_level")
    op.drop_index(
        "ix_stock_level_left",
        table_name="stock_level",
        sqlite_where=sa.text("quantity > 0"),
        postgresql_where=sa.text("quantity > 0"),
    )
    op.drop_table("stock_level")
    op.drop_index("ix_stock_entry_ref", table_name="stock_entry")
    op.drop_index("ix_stock_entry_lot", table_name="stock_entry")
    op.drop_index("ix_stock_entry_key", table_name="stock_entry")
    op.drop_table("stock_entry")
    op.drop_index(
        "uq_retained_sample_slot",
        table_name="retained_sample",
        sqlite_where=sa.text("disposed_at IS NULL"),
        postgresql_where=sa.text("disposed_at IS NULL"),
    )
    op.drop_index("ix_retained_sample_meal", table_name="retained_sample")
    op.drop_index("ix_retained_sample_due", table_name="retained_sample")
    op.drop_table("retained_sample")
    op.drop_index(op.f("ix_recipe_line_site_id"), table_name="recipe_line")
    op.drop_index(op.f("ix_recipe_line_recipe_id"), table_name="recipe_line")
    op.drop_table("recipe_line")
    op.drop_index(op.f("ix_receiving_line_receiving_id"), table_name="receiving_line")
    op.drop_index(op.f("ix_receiving_line_lot_id"), table_name="receiving_line")
    op.drop_table("receiving_line")
    op.drop_index("ix_purchase_step_order", table_name="purchase_step")
    op.drop_table("purchase_step")
    op.drop_index("ix_purchase_line_ingredient", table_name="purchase_line")
    op.drop_table("purchase_line")
    op.drop_index(op.f("ix_production_step_batch_id"), table_name="production_step")
    op.drop_table("production_step")
    op.drop_index(op.f("ix_production_issue_batch_id"), table_name="production_issue")
    op.drop_table("production_issue")
    op.drop_index(op.f("ix_production_byproduct_to_batch_id"), table_name="production_byproduct")
    op.drop_index(op.f("ix_production_byproduct_batch_id"), table_name="production_byproduct")
    op.drop_table("production_byproduct")
    op.drop_table("finding_step")
    op.drop_index("ix_cleaning_check_area", table_name="cleaning_check")
    op.drop_table("cleaning_check")
    op.drop_index("ix_worker_sign_day", table_name="worker_sign")
    op.drop_table("worker_sign")
    op.drop_index("ix_worker_certificate_worker", table_name="worker_certificate")
    op.drop_table("worker_certificate")
    op.drop_index("ix_waste_handover_site_id_business_date", table_name="waste_handover")
    op.drop_table("waste_handover")
    op.drop_index("ix_training_question_course", table_name="training_question")
    op.drop_table("training_question")
    op.drop_index("ix_training_attempt_worker", table_name="training_attempt")
    op.drop_table("training_attempt")
    op.drop_index("ix_supplier_licence_supplier", table_name="supplier_licence")
    op.drop_table("supplier_licence")
    op.drop_index("ix_repair_stage", table_name="repair")
    op.drop_index("ix_repair_equipment", table_name="repair")
    op.drop_table("repair")
    op.drop_index(op.f("ix_recipe_site_id"), table_name="recipe")
    op.drop_index(op.f("ix_recipe_dish_id"), table_name="recipe")
    op.drop_table("recipe")
    op.drop_table("receiving_signature")
    op.drop_index("ix_purchase_quote_supplier", table_name="purchase_quote")
    op.drop_table("purchase_quote")
    op.drop_index("ix_purchase_order_state", table_name="purchase_order")
    op.drop_table("purchase_order")
    op.drop_index(op.f("ix_production_batch_dish_id"), table_name="production_batch")
    op.drop_table("production_batch")
    op.drop_index("ix_morning_check_worker", table_name="morning_check")
    op.drop_index("ix_morning_check_day", table_name="morning_check")
    op.drop_table("morning_check")
    op.drop_index("ix_meter_reading_day", table_name="meter_reading")
    op.drop_table("meter_reading")
    op.drop_index("ix_menu_item_dish", table_name="menu_item")
    op.drop_table("menu_item")
    op.drop_index("ix_maintenance_equipment", table_name="maintenance")
    op.drop_table("maintenance")
    op.drop_index("ix_lot_state", table_name="lot")
    op.drop_index("ix_lot_receiving", table_name="lot")
    op.drop_index("ix_lot_ingredient", table_name="lot")
    op.drop_table("lot")
    op.drop_index("ix_finding_state", table_name="finding")
    op.drop_table("finding")
    op.drop_table("cleaning_area")
    op.drop_table("cabinet_reading")
    op.drop_index("ix_additive_use_day", table_name="additive_use")
    op.drop_table("additive_use")
    op.drop_index("ix_waste_record_site_id_business_date", table_name="waste_record")
    op.drop_table("waste_record")
    op.drop_table("waste_collector")
    op.drop_table("training_course")
    op.drop_table("supplier")
    op.drop_table("supervision_template")
    op.drop_index("ix_supervision_item_escalate", table_name="supervision_item")
    op.drop_index("ix_supervision_item_day", table_name="supervision_item")
    op.drop_table("supervision_item")
    op.drop_table("store_zone")
    op.drop_table("stocktake")
    op.drop_index("ix_stock_request_state", table_name="stock_request")
    op.drop_table("stock_request")
    op.drop_table("stock_limit")
    op.drop_table("stock_act")
    op.drop_index("ix_sample_hold_meal", table_name="sample_hold")
    op.drop_table("sample_hold")
    op.drop_index("ix_sample_alarm_open", table_name="sample_alarm")
    op.drop_table("sample_alarm")
    op.drop_index("ix_receiving_day", table_name="receiving")
    op.drop_table("receiving")
    op.drop_table("purchase_inquiry")
    op.drop_index("ix_pest_control_day", table_name="pest_control")
    op.drop_table("pest_control")
    op.drop_table("meter")
    op.drop_table("menu_day")
    op.drop_table("lot_counter")
    op.drop_table("kitchen_worker")
    op.drop_index(op.f("ix_kitchen_picture_site_id"), table_name="kitchen_picture")
    op.drop_table("kitchen_picture")
    op.drop_index(op.f("ix_ingredient_site_id"), table_name="ingredient")
    op.drop_table("ingredient")
    op.drop_index("ix_frying_oil_day", table_name="frying_oil")
    op.drop_table("frying_oil")
    op.drop_table("equipment")
    op.drop_index("ix_disinfection_day", table_name="disinfection")
    op.drop_table("disinfection")
    op.drop_table("cabinet")
    op.drop_table("approval_rule")
    op.drop_index("ix_approval_subject", table_name="approval")
    op.drop_index("ix_approval_inbox", table_name="approval")
    op.drop_table("approval")
    op.drop_table("additive")

"""Booked meals, advance orders, notices, questionnaires.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = (
    "meal_booking", "preorder_line", "preorder", "preorder_item", "preorder_round", "notice_read",
    "notice", "survey_answer", "survey_voice", "survey",
)  # fmt: skip


def upgrade() -> None:
    _bookings()
    _preorders()
    _notices()
    _surveys()


def _bookings() -> None:
    op.create_table(
        "meal_booking",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("covers", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("closes_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("starts_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("ends_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("booked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("covers BETWEEN 1 AND 20", name=op.f("ck_meal_booking_covers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meal_booking")),
        sa.UniqueConstraint(
            "diner_id",
            "business_date",
            "period",
            name=op.f("uq_meal_booking_diner_id_business_date_period"),
        ),
    )
    op.create_index(
        "ix_meal_booking_site_id_business_date", "meal_booking", ["site_id", "business_date", "id"]
    )


def _preorders() -> None:
    op.create_table(
        "preorder_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=False),
        sa.Column("closes_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("pick_from", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("pick_until", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preorder_round")),
    )
    op.create_index(
        "ix_preorder_round_site_id_pick_until", "preorder_round", ["site_id", "pick_until"]
    )
    op.create_table(
        "preorder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ordered_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("ended_key", sa.String(length=96), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"], ["preorder_round.id"], name=op.f("fk_preorder_round_id_preorder_round")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preorder")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_preorder_site_id_code")),
    )
    op.create_index("ix_preorder_diner_id_id", "preorder", ["diner_id", "id"])
    op.create_index("ix_preorder_round_id_state", "preorder", ["round_id", "state"])
    op.create_table(
        "preorder_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("portions", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("most_each", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND portions", name=op.f("ck_preorder_item_taken")),
        sa.ForeignKeyConstraint(
            ["dish_id"], ["dish.id"], name=op.f("fk_preorder_item_dish_id_dish")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["preorder_round.id"],
            name=op.f("fk_preorder_item_round_id_preorder_round"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preorder_item")),
        sa.UniqueConstraint("round_id", "dish_id", name=op.f("uq_preorder_item_round_id_dish_id")),
    )
    op.create_table(
        "preorder_line",
        sa.Column("preorder_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["preorder_item.id"], name=op.f("fk_preorder_line_item_id_preorder_item")
        ),
        sa.ForeignKeyConstraint(
            ["preorder_id"], ["preorder.id"], name=op.f("fk_preorder_line_preorder_id_preorder")
        ),
        sa.PrimaryKeyConstraint("preorder_id", "item_id", name=op.f("pk_preorder_line")),
    )


def _notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("shown_from", sa.Date(), nullable=False),
        sa.Column("shown_until", sa.Date(), nullable=False),
        sa.Column("group_ids", sa.JSON(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_site_id_shown_until", "notice", ["site_id", "shown_until"])
    op.create_table(
        "notice_read",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("read_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_read_notice_id_notice")
        ),
        sa.PrimaryKeyConstraint("notice_id", "diner_id", name=op.f("pk_notice_read")),
    )


def _surveys() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
    )
    op.create_index("ix_survey_site_id_closes_on", "survey", ["site_id", "closes_on"])
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_survey_answer_survey_id_survey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
    )
    op.create_index("ix_survey_answer_survey_id", "survey_answer", ["survey_id"])
    op.create_table(
        "survey_voice",
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_survey_voice_survey_id_survey")
        ),
        sa.PrimaryKeyConstraint("survey_id", "diner_id", name=op.f("pk_survey_voice")),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)

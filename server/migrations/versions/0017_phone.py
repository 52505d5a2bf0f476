"""What the diner does by himself: codes, sessions, ratings, complaints, allergies.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sign_in()
    _said()
    op.create_table(
        "diner_allergies",
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("allergens", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_diner_allergies_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_diner_allergies_site_id_site")
        ),
        sa.PrimaryKeyConstraint("diner_id", name=op.f("pk_diner_allergies")),
    )
    op.create_index(op.f("ix_diner_allergies_site_id"), "diner_allergies", ["site_id"])


def _sign_in() -> None:
    op.create_table(
        "phone_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("used_at", dafan.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_phone_code_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_phone_code_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_code")),
    )
    op.create_index("ix_phone_code_diner_id_made_at", "phone_code", ["diner_id", "made_at"])
    op.create_table(
        "phone_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("began_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("seen_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_phone_session_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_phone_session_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_phone_session_digest")),
    )
    op.create_index("ix_phone_session_diner_id_began_at", "phone_session", ["diner_id", "began_at"])


def _said() -> None:
    op.create_table(
        "dish_rating",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("stars", sa.BigInteger(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("given_at", dafan.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_dish_rating_stars")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dish_rating")),
        sa.UniqueConstraint("sale_id", "line_no", name=op.f("uq_dish_rating_sale_id_line_no")),
    )
    op.create_index(
        "ix_dish_rating_site_id_dish_id_given_on",
        "dish_rating",
        ["site_id", "dish_id", "given_on"],
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("picture_id", sa.Uuid(), nullable=True),
        sa.Column("said_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("due_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("answered_by", sa.String(length=80), nullable=True),
        sa.Column("answered_at", dafan.db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(
        "ix_feedback_site_id_answered_at_due_at",
        "feedback",
        ["site_id", "answered_at", "due_at"],
    )
    op.create_index("ix_feedback_diner_id_id", "feedback", ["diner_id", "id"])


def downgrade() -> None:
    for table in ("feedback", "dish_rating", "phone_session", "phone_code", "diner_allergies"):
        op.drop_table(table)

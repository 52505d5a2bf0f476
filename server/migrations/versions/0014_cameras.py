"""What the kitchen's cameras see.

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kitchen_board",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("revoked_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kitchen_board")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_kitchen_board_token_hash")),
    )
    op.create_table(
        "kitchen_camera",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("on_board", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("still", sa.LargeBinary(), nullable=True),
        sa.Column("still_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kitchen_camera")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_kitchen_camera_site_id_name")),
    )
    op.create_table(
        "taught_rule",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("region", sa.JSON(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("taught_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("taught_by", sa.String(length=80), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["kitchen_camera.id"],
            name=op.f("fk_taught_rule_camera_id_kitchen_camera"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taught_rule")),
        sa.UniqueConstraint("camera_id", "rule", name=op.f("uq_taught_rule_camera_id_rule")),
    )
    op.create_table(
        "teaching_example",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("wrong", sa.Boolean(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["kitchen_camera.id"],
            name=op.f("fk_teaching_example_camera_id_kitchen_camera"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teaching_example")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_teaching_example_site_id_key")),
    )
    op.create_index(
        op.f("ix_teaching_example_camera_id"), "teaching_example", ["camera_id"], unique=False
    )
    op.create_index(op.f("ix_teaching_example_epoch"), "teaching_example", ["epoch"], unique=False)
    op.create_table(
        "kitchen_incident",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("since", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.Column("part", sa.JSON(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("erased_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=True),
        sa.Column("judged_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["kitchen_camera.id"],
            name=op.f("fk_kitchen_incident_camera_id_kitchen_camera"),
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_kitchen_incident_finding_id_finding")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kitchen_incident")),
    )
    op.create_index(
        "ix_kitchen_incident_at", "kitchen_incident", ["site_id", "at", "id"], unique=False
    )
    op.create_index(op.f("ix_kitchen_incident_epoch"), "kitchen_incident", ["epoch"], unique=False)
    op.create_index(
        "ix_kitchen_incident_state", "kitchen_incident", ["site_id", "state"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_kitchen_incident_state", table_name="kitchen_incident")
    op.drop_index(op.f("ix_kitchen_incident_epoch"), table_name="kitchen_incident")
    op.drop_index("ix_kitchen_incident_at", table_name="kitchen_incident")
    op.drop_table("kitchen_incident")
    op.drop_index(op.f("ix_teaching_example_epoch"), table_name="teaching_example")
    op.drop_index(op.f("ix_teaching_example_camera_id"), table_name="teaching_example")
    op.drop_table("teaching_example")
    op.drop_table("taught_rule")
    op.drop_table("kitchen_camera")
    op.drop_table("kitchen_board")

"""Site keys in epochs, evidence of disputed payments, staff at tills, forks that were judged.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_keys()
    _create_evidence()
    _create_till_staff()
    for table in ("photo", "template"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column("epoch", sa.BigInteger(), nullable=False, server_default="1")
            )
            batch_op.create_index(f"ix_{table}_epoch", ["epoch"])
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("key_epoch", sa.BigInteger(), nullable=False, server_default="1")
        )
        batch_op.add_column(
            sa.Column("software", sa.String(length=40), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("rescue_of", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("pulled_at", sa.DateTime(), nullable=True))
        batch_op.create_index("ix_terminal_rescue_of", ["rescue_of"])
    with op.batch_alter_table("forked_batch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("decision", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("decided_by", sa.String(length=80), nullable=True))
        batch_op.add_column(
            sa.Column("reason", sa.String(length=500), nullable=False, server_default="")
        )


def _create_keys() -> None:
    op.create_table(
        "key_state",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_state")),
    )
    op.create_table(
        "key_epoch",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=True),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("retired_at", sa.DateTime(), nullable=True),
        sa.Column("retired_by", sa.String(length=80), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_key_epoch")),
    )


def _create_evidence() -> None:
    op.create_table(
        "evidence_picture",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("missing", sa.String(length=40), nullable=True),
        sa.Column("received_at", sa.DateTime(), nullable=True),
        sa.Column("erased_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_evidence_picture_site_id_site")
        ),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_evidence_picture_terminal_id_terminal")
        ),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_evidence_picture")),
    )
    with op.batch_alter_table("evidence_picture", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_picture_site_id", ["site_id"])
        batch_op.create_index("ix_evidence_picture_epoch", ["epoch"])


def _create_till_staff() -> None:
    op.create_table(
        "till_staff",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_till_staff_site_id_site")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_till_staff_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("site_id", "user_id", name=op.f("pk_till_staff")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_till_staff_site_id_number")),
    )


def downgrade() -> None:
    for table in ("till_staff", "evidence_picture", "key_epoch", "key_state"):
        op.drop_table(table)
    with op.batch_alter_table("forked_batch", schema=None) as batch_op:
        for column in ("reason", "decided_by", "decided_at", "decision"):
            batch_op.drop_column(column)
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.drop_index("ix_terminal_rescue_of")
        for column in ("pulled_at", "rescue_of", "software", "key_epoch"):
            batch_op.drop_column(column)
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.drop_column("version")
    for table in ("template", "photo"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(f"ix_{table}_epoch")
            batch_op.drop_column("epoch")

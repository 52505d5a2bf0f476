"""Closing and bodies.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

import dafan.db
from dafan.ids import new_id
from dafan.journal import GENESIS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _bodies()
    _closing()
    _shifts()
    _settlements()
    _first_rows()


def _bodies() -> None:
    op.create_table(
        "body",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_body_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_body_site_id_name")),
    )
    op.create_index(op.f("ix_body_site_id"), "body", ["site_id"])
    for table in ("venue", "diner_group"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("body_id", sa.Uuid(), nullable=True))
            batch_op.create_foreign_key(
                op.f(f"fk_{table}_body_id_body"), "body", ["body_id"], ["id"]
            )


def _closing() -> None:
    op.create_table(
        "books",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("closed_until", sa.Date(), nullable=True),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_books_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_books")),
    )
    op.create_table(
        "day_close",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_day_close_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "business_date", name=op.f("pk_day_close")),
    )
    op.create_table(
        "closing_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("difference", sa.String(length=120), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_closing_note_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing_note")),
    )
    op.create_index(
        "ix_closing_note_site_id_business_date", "closing_note", ["site_id", "business_date"]
    )
    with op.batch_alter_table("sale") as batch_op:
        batch_op.add_column(sa.Column("rescued_on", sa.Date(), nullable=True))
        batch_op.create_index("ix_sale_site_id_rescued_on", ["site_id", "rescued_on"])


def _shifts() -> None:
    counts = ("seq", "first_seq", "last_seq", "sales", "voids", "subsidy", "cash", "drawer")
    op.create_table(
        "shift",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("counted", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_shift_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_shift")),
        sa.UniqueConstraint("id", name=op.f("uq_shift_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_shift_terminal_id_seq")),
    )
    op.create_index("ix_shift_terminal_id_last_seq", "shift", ["terminal_id", "last_seq"])


def _settlements() -> None:
    op.create_table(
        "settlement",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("settled_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_settlement_site_id_site")),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_settlement_body_id_body")),
        sa.ForeignKeyConstraint(
            ["other_id"], ["body.id"], name=op.f("fk_settlement_other_id_body")
        ),
        sa.PrimaryKeyConstraint(
            "site_id", "month", "body_id", "other_id", name=op.f("pk_settlement")
        ),
    )


def _first_rows() -> None:
    """Every site that is here has open books, and one body that is named as the site."""
    connection = op.get_bind()
    uuid = sa.Uuid()
    site = sa.table("site", sa.column("id", uuid), sa.column("name", sa.String()))
    books = sa.table("books", sa.column("site_id", uuid), sa.column("last_hash", sa.String()))
    body = sa.table(
        "body", sa.column("id", uuid), sa.column("site_id", uuid), sa.column("name", sa.String())
    )
    for site_id, name in connection.execute(sa.select(site.c.id, site.c.name)).all():
        connection.execute(books.insert().values(site_id=site_id, last_hash=GENESIS))
        connection.execute(body.insert().values(id=new_id(), site_id=site_id, name=name))


def downgrade() -> None:
    for table in ("settlement", "shift", "closing_note", "day_close", "books"):
        op.drop_table(table)
    with op.batch_alter_table("sale") as batch_op:
        batch_op.drop_index("ix_sale_site_id_rescued_on")
        batch_op.drop_column("rescued_on")
    for table in ("venue", "diner_group"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(f"fk_{table}_body_id_body", type_="foreignkey")
            batch_op.drop_column("body_id")
    op.drop_table("body")

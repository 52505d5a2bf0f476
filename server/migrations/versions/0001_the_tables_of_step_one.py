"""The tables of step one.

Revision: 0001
Follows:
"""

import sqlalchemy as sa
from alembic import op

import dafan.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "owner_id", "kind", "site_id", name=op.f("uq_account_owner_id_kind_site_id")
        ),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_site_id"), ["site_id"], unique=False)

    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_site_id_id", ["site_id", "id"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(
            "ix_batch_terminal_id_last_seq", ["terminal_id", "last_seq"], unique=False
        )

    op.create_table(
        "dish",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("half_price", sa.BigInteger(), nullable=True),
        sa.Column("small_price", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dish")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_dish_site_id_name")),
    )
    with op.batch_alter_table("dish", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dish_site_id"), ["site_id"], unique=False)

    op.create_table(
        "entry",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "terminal_id", "seq", name=op.f("pk_entry")
        ),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_entry_terminal_id_seq")),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_id"), ["id"], unique=False)
        batch_op.create_index(
            "ix_entry_site_id_received_at", ["site_id", "received_at"], unique=False
        )

    op.create_table(
        "exception_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("sale_id", sa.Uuid(), nullable=True),
        sa.Column("diner_id", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.String(length=80), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception_item")),
    )
    with op.batch_alter_table("exception_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_exception_item_site_id_resolved_at", ["site_id", "resolved_at"], unique=False
        )

    op.create_table(
        "failed_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_attempt")),
    )
    with op.batch_alter_table("failed_attempt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_failed_attempt_scope_subject_at", ["scope", "subject", "at"], unique=False
        )

    op.create_table(
        "feed",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "kind", "key", name=op.f("pk_feed")),
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index("uq_feed_site_id_version", ["site_id", "version"], unique=True)

    op.create_table(
        "feed_counter",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_feed_counter")),
    )
    op.create_table(
        "forked_batch",
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("push", sa.Text(), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("terminal_id", "last_hash", name=op.f("pk_forked_batch")),
    )
    op.create_table(
        "sale",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("tender", sa.String(length=8), nullable=False),
        sa.Column("second_factor", sa.String(length=8), nullable=True),
        sa.Column("list_total", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_paid", sa.BigInteger(), nullable=False),
        sa.Column("cash_paid", sa.BigInteger(), nullable=False),
        sa.Column("drawer_paid", sa.BigInteger(), nullable=False),
        sa.Column("subsidised", sa.Boolean(), nullable=False),
        sa.Column("opened_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("paid_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("received_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("snapshot_version", sa.BigInteger(), nullable=False),
        sa.Column("face", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_sale")),
        sa.UniqueConstraint("id", name=op.f("uq_sale_id")),
        sa.UniqueConstraint("terminal_id", "seq", name=op.f("uq_sale_terminal_id_seq")),
    )
    with op.batch_alter_table("sale", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sale_diner_id_business_date", ["diner_id", "business_date"], unique=False
        )
        batch_op.create_index("ix_sale_site_id_paid_at", ["site_id", "paid_at"], unique=False)

    op.create_table(
        "sale_line",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("portion", sa.String(length=8), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "sale_id", "no", name=op.f("pk_sale_line")
        ),
    )
    with op.batch_alter_table("sale_line", schema=None) as batch_op:
        batch_op.create_index("ix_sale_line_sale_id", ["sale_id"], unique=False)
        batch_op.create_index(
            "ix_sale_line_site_id_dish_id_business_date",
            ["site_id", "dish_id", "business_date"],
            unique=False,
        )

    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("name", name=op.f("uq_site_name")),
    )
    op.create_table(
        "subsidy_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("amounts", sa.JSON(), nullable=False),
        sa.Column("diners", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_run")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_subsidy_run_site_id_key")),
    )
    with op.batch_alter_table("subsidy_run", schema=None) as batch_op:
        batch_op.create_index("ix_subsidy_run_site_id_id", ["site_id", "id"], unique=False)

    op.create_table(
        "transfer",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("memo", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "business_date", "id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("id", name=op.f("uq_transfer_id")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_transfer_site_id_key")),
    )
    op.create_table(
        "diner_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("discount_percent", sa.BigInteger(), nullable=False),
        sa.Column("meals", sa.JSON(), nullable=False),
        sa.Column("meal_limit", sa.BigInteger(), nullable=True),
        sa.Column("daily_limit", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_diner_group_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diner_group")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_diner_group_site_id_name")),
    )
    with op.batch_alter_table("diner_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_diner_group_site_id"), ["site_id"], unique=False)

    op.create_table(
        "dish_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("dish_id", sa.Uuid(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("half_price", sa.BigInteger(), nullable=True),
        sa.Column("small_price", sa.BigInteger(), nullable=True),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dish_id"], ["dish.id"], name=op.f("fk_dish_price_dish_id_dish")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dish_price")),
    )
    with op.batch_alter_table("dish_price", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dish_price_dish_id"), ["dish_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dish_price_site_id"), ["site_id"], unique=False)

    op.create_table(
        "import_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("kept_by", sa.String(length=80), nullable=False),
        sa.Column("kept_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_import_draft_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_draft")),
    )
    with op.batch_alter_table("import_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_draft_site_id"), ["site_id"], unique=False)

    op.create_table(
        "policy",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_policy_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_policy")),
    )
    op.create_table(
        "posting",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_posting_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "business_date", "transfer_id"],
            ["transfer.site_id", "transfer.business_date", "transfer.id"],
            name=op.f("fk_posting_site_id_transfer"),
        ),
        sa.PrimaryKeyConstraint(
            "site_id", "business_date", "transfer_id", "account_id", name=op.f("pk_posting")
        ),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index(
            "ix_posting_account_id_transfer_id", ["account_id", "transfer_id"], unique=False
        )
        batch_op.create_index("ix_posting_transfer_id", ["transfer_id"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_user_account_site_id_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_account_site_id"), ["site_id"], unique=False)

    op.create_table(
        "venue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_venue_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_venue_site_id_name")),
    )
    with op.batch_alter_table("venue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_venue_site_id"), ["site_id"], unique=False)

    op.create_table(
        "diner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("staff_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["diner_group.id"], name=op.f("fk_diner_group_id_diner_group")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_diner_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diner")),
        sa.UniqueConstraint("site_id", "staff_no", name=op.f("uq_diner_site_id_staff_no")),
    )
    with op.batch_alter_table("diner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_diner_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_diner_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_diner_site_id"), ["site_id"], unique=False)

    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("expires_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_enrolment_code_site_id_site")
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_enrolment_code_venue_id_venue")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_code")),
    )
    with op.batch_alter_table("enrolment_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_code_site_id"), ["site_id"], unique=False)

    op.create_table(
        "terminal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("box_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("weigh_dish_id", sa.Uuid(), nullable=True),
        sa.Column("enrolled_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("last_seen", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("feed_version", sa.BigInteger(), nullable=False),
        sa.Column("applied_seq", sa.BigInteger(), nullable=False),
        sa.Column("applied_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_terminal_site_id_site")),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_terminal_venue_id_venue")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal")),
    )
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_terminal_site_id"), ["site_id"], unique=False)

    op.create_table(
        "card",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f("fk_card_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_card_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "number", name=op.f("pk_card")),
    )
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_diner_id"), ["diner_id"], unique=False)

    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("guardian", sa.String(length=80), nullable=False),
        sa.Column("given_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("given_by", sa.String(length=80), nullable=False),
        sa.Column("closed_at", dafan.db.UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("closed_because", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f("fk_consent_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_consent_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_diner_id"), ["diner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_site_id"), ["site_id"], unique=False)

    op.create_table(
        "erasure",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.Column("erased_at", dafan.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f("fk_erasure_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_erasure_site_id_site")),
        sa.PrimaryKeyConstraint("template_id", "terminal_id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_diner_id"), ["diner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_erasure_site_id"), ["site_id"], unique=False)

    op.create_table(
        "lookalike",
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_lookalike_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["diner.id"], name=op.f("fk_lookalike_other_id_diner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_lookalike_site_id_site")),
        sa.PrimaryKeyConstraint("diner_id", "other_id", name=op.f("pk_lookalike")),
    )
    with op.batch_alter_table("lookalike", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lookalike_site_id"), ["site_id"], unique=False)

    op.create_table(
        "opening_balance",
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("booked_by", sa.String(length=80), nullable=False),
        sa.Column("booked_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_opening_balance_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_opening_balance_site_id_site")
        ),
        sa.PrimaryKeyConstraint("diner_id", "source", name=op.f("pk_opening_balance")),
    )
    with op.batch_alter_table("opening_balance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opening_balance_site_id"), ["site_id"], unique=False)

    op.create_table(
        "template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diner_id"], ["diner.id"], name=op.f("fk_template_diner_id_diner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_template_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("diner_id", name=op.f("uq_template_diner_id")),
    )
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_site_id"), ["site_id"], unique=False)

    op.create_table(
        "photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("diner_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", dafan.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["consent.id"], name=op.f("fk_photo_consent_id_consent")
        ),
        sa.ForeignKeyConstraint(["diner_id"], ["diner.id"], name=op.f("fk_photo_diner_id_diner")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_photo_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
        sa.UniqueConstraint("diner_id", name=op.f("uq_photo_diner_id")),
    )
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_site_id"), ["site_id"], unique=False)


def downgrade() -> None:  # noqa: PLR0915 - one statement a table
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_site_id"))

    op.drop_table("photo")
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_site_id"))

    op.drop_table("template")
    with op.batch_alter_table("opening_balance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opening_balance_site_id"))

    op.drop_table("opening_balance")
    with op.batch_alter_table("lookalike", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lookalike_site_id"))

    op.drop_table("lookalike")
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_erasure_site_id"))
        batch_op.drop_index(batch_op.f("ix_erasure_diner_id"))

    op.drop_table("erasure")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_site_id"))
        batch_op.drop_index(batch_op.f("ix_consent_diner_id"))

    op.drop_table("consent")
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_diner_id"))

    op.drop_table("card")
    with op.batch_alter_table("terminal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_terminal_site_id"))

    op.drop_table("terminal")
    with op.batch_alter_table("enrolment_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrolment_code_site_id"))

    op.drop_table("enrolment_code")
    with op.batch_alter_table("diner", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_diner_site_id"))
        batch_op.drop_index(batch_op.f("ix_diner_name"))
        batch_op.drop_index(batch_op.f("ix_diner_group_id"))

    op.drop_table("diner")
    with op.batch_alter_table("venue", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_venue_site_id"))

    op.drop_table("venue")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_site_id"))

    op.drop_table("user_account")
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index("ix_posting_transfer_id")
        batch_op.drop_index("ix_posting_account_id_transfer_id")

    op.drop_table("posting")
    op.drop_table("policy")
    with op.batch_alter_table("import_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_draft_site_id"))

    op.drop_table("import_draft")
    with op.batch_alter_table("dish_price", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dish_price_site_id"))
        batch_op.drop_index(batch_op.f("ix_dish_price_dish_id"))

    op.drop_table("dish_price")
    with op.batch_alter_table("diner_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_diner_group_site_id"))

    op.drop_table("diner_group")
    op.drop_table("transfer")
    with op.batch_alter_table("subsidy_run", schema=None) as batch_op:
        batch_op.drop_index("ix_subsidy_run_site_id_id")

    op.drop_table("subsidy_run")
    op.drop_table("site")
    with op.batch_alter_table("sale_line", schema=None) as batch_op:
        batch_op.drop_index("ix_sale_line_site_id_dish_id_business_date")
        batch_op.drop_index("ix_sale_line_sale_id")

    op.drop_table("sale_line")
    with op.batch_alter_table("sale", schema=None) as batch_op:
        batch_op.drop_index("ix_sale_site_id_paid_at")
        batch_op.drop_index("ix_sale_diner_id_business_date")

    op.drop_table("sale")
    op.drop_table("forked_batch")
    op.drop_table("feed_counter")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index("uq_feed_site_id_version")

    op.drop_table("feed")
    with op.batch_alter_table("failed_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_failed_attempt_scope_subject_at")

    op.drop_table("failed_attempt")
    with op.batch_alter_table("exception_item", schema=None) as batch_op:
        batch_op.drop_index("ix_exception_item_site_id_resolved_at")

    op.drop_table("exception_item")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index("ix_entry_site_id_received_at")
        batch_op.drop_index(batch_op.f("ix_entry_id"))

    op.drop_table("entry")
    with op.batch_alter_table("dish", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dish_site_id"))

    op.drop_table("dish")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_terminal_id_last_seq")

    op.drop_table("batch")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_site_id_id")

    op.drop_table("audit")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_site_id"))

    op.drop_table("account")

"""People have roles at sites, prove themselves twice, and every session can be ended.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PEOPLE = sa.table(
    "user_account", sa.column("id", sa.Uuid), sa.column("site_id", sa.Uuid),
    sa.column("roles", sa.JSON),
)  # fmt: skip
_GRANTS = sa.table(
    "role_grant", sa.column("user_id", sa.Uuid), sa.column("site_id", sa.Uuid),
    sa.column("role", sa.String),
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    people = connection.execute(sa.select(_PEOPLE)).all()
    # SQLite makes the table anew, which nothing may refer to by then: the grants come after it.
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_column("roles")
        batch_op.add_column(sa.Column("second_factor_at", sa.DateTime(), nullable=True))
    _create_grants()
    rows = [
        {"user_id": person.id, "site_id": person.site_id, "role": role}
        for person in people
        for role in sorted(set(person.roles or []))
    ]
    if rows:
        connection.execute(sa.insert(_GRANTS), rows)
    _create_sessions()
    _create_second_factor()
    _create_tokens()
    _chain_the_audit()


def _create_grants() -> None:
    op.create_table(
        "role_grant",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        _of_user("role_grant"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_role_grant_site_id_site")),
        sa.PrimaryKeyConstraint("user_id", "site_id", "role", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index("ix_role_grant_site_id_role", ["site_id", "role"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id_user_account")
    return sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=name)


def _create_sessions() -> None:
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("mark", sa.String(length=16), nullable=False),
        _of_user("user_session"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index("ix_user_session_user_id_began_at", ["user_id", "began_at"])


def _create_second_factor() -> None:
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _of_user("second_factor"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        _of_user("recovery_code"),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_code")),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_code_user_id"), ["user_id"])


def _chain_the_audit() -> None:
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seq", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("hash", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_audit_site_id_seq", ["site_id", "seq"])
    op.create_table(
        "audit_head",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_audit_head")),
    )


def _create_tokens() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        _of_user("api_token"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_user_id"), ["user_id"])


def _split_roles() -> None:
    connection = op.get_bind()
    rows = [
        {"user_id": person.id, "site_id": person.site_id, "role": role}
        for person in connection.execute(sa.select(_PEOPLE))
        for role in sorted(set(person.roles or []))
    ]
    if rows:
        connection.execute(sa.insert(_GRANTS), rows)


def downgrade() -> None:
    connection = op.get_bind()
    roles: dict[object, list[str]] = {}
    at_home = sa.select(_GRANTS.c.user_id, _GRANTS.c.role).join(
        _PEOPLE, sa.and_(_PEOPLE.c.id == _GRANTS.c.user_id, _PEOPLE.c.site_id == _GRANTS.c.site_id)
    )
    for person, role in connection.execute(at_home).all():
        roles.setdefault(person, []).append(role)
    for table in (
        "audit_head", "api_token", "recovery_code", "second_factor", "user_session", "role_grant",
    ):  # fmt: skip
        op.drop_table(table)
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_site_id_seq")
        batch_op.drop_column("hash")
        batch_op.drop_column("seq")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_column("second_factor_at")
        batch_op.add_column(sa.Column("roles", sa.JSON(), nullable=False, server_default="[]"))
    for person, held in roles.items():
        connection.execute(
            sa.update(_PEOPLE).where(_PEOPLE.c.id == person).values(roles=sorted(held))
        )

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
    op.create_table(
        "role_grant",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_role_grant_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_role_grant_site_id_site")),
        sa.PrimaryKeyConstraint("user_id", "site_id", "role", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index("ix_role_grant_site_id_role", ["site_id", "role"])
    _split_roles()
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_column("roles")


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
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("roles", sa.JSON(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    for person in connection.execute(sa.select(_PEOPLE)).all():
        here = (_GRANTS.c.user_id == person.id, _GRANTS.c.site_id == person.site_id)
        roles = connection.scalars(sa.select(_GRANTS.c.role).where(*here)).all()
        connection.execute(
            sa.update(_PEOPLE).where(_PEOPLE.c.id == person.id).values(roles=sorted(roles))
        )
    op.drop_table("role_grant")

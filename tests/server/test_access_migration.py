"""Accounts of the first released schema keep their roles, at their own site."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import command

from dafan.db import make_engine
from server import schema

_SITE = sa.table("site", sa.column("id", sa.Uuid), sa.column("name", sa.String))
_PEOPLE = sa.table(
    "user_account", sa.column("id", sa.Uuid), sa.column("site_id", sa.Uuid),
    sa.column("login"), sa.column("name"), sa.column("password_hash"),
    sa.column("roles", sa.JSON), sa.column("active", sa.Boolean),
    sa.column("must_change", sa.Boolean),
)  # fmt: skip


def move(engine: sa.Engine, step: Any, revision: str) -> None:
    with engine.connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        step(config, revision)
        connection.commit()


def test_roles_become_grants_and_grants_become_roles_again(tmp_path: Path) -> None:
    schema.load()
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    move(engine, command.upgrade, "0003")
    site, boss, clerk = uuid4(), uuid4(), uuid4()
    with engine.begin() as connection:
        connection.execute(sa.insert(_SITE).values(id=site, name="示范单位"))
        for key, login, roles in ((boss, "boss", ["admin", "finance"]), (clerk, "clerk", [])):
            row = {"id": key, "site_id": site, "login": login, "name": login, "roles": roles}
            connection.execute(
                sa.insert(_PEOPLE).values(**row, password_hash="h", active=True, must_change=False)
            )
    move(engine, command.upgrade, "head")
    with engine.connect() as connection:
        grants = connection.exec_driver_sql("SELECT user_id, site_id, role FROM role_grant").all()
    assert {tuple(grant) for grant in grants} == {
        (boss.hex, site.hex, "admin"), (boss.hex, site.hex, "finance"),
    }  # fmt: skip
    move(engine, command.downgrade, "0003")
    with engine.connect() as connection:
        found = connection.execute(sa.select(_PEOPLE.c.login, _PEOPLE.c.roles)).all()
    assert {tuple(map(str, one)) for one in found} == {
        ("boss", "['admin', 'finance']"), ("clerk", "[]"),
    }  # fmt: skip
    engine.dispose()

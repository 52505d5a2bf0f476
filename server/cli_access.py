"""``dafan server grant`` and ``reset-second-factor``: rights for who holds the machine itself."""

from collections.abc import Callable

import click
from sqlalchemy.orm import Session

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine, writing
from dafan.errors import BadInputError
from server import auth, schema, sessions, sites, totp
from server.access import ROLES
from server.actor import Actor

BY = "cli"


@click.command("grant")
@click.argument("login")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES))
@click.option("--site", "site_name", required=True, help="Where the roles hold.")
def grant(login: str, roles: tuple[str, ...], site_name: str) -> None:
    """Give an account exactly these ROLES at a site; none named: take all away."""

    def work(session: Session) -> None:
        user = _user(session, login)
        site = next((one for one in sites.all_sites(session) if one.name == site_name), None)
        if site is None:
            raise BadInputError(f"there is no site {site_name}: see `dafan server init`")
        before = user.roles_at(site.id)
        auth.grant(user, site.id, roles)
        actor = Actor(site.id, BY, SystemClock().now())
        told = {"roles": user.roles_at(site.id)}
        actor.record(session, "user.update", user.login, {"roles": before}, told)

    _write(work)
    click.echo(f"{login} at {site_name}: {', '.join(roles) or 'no role'}.")


@click.command("reset-second-factor")
@click.argument("login")
def reset_second_factor(login: str) -> None:
    """For the last administrator whose phone and recovery codes are gone; his sessions end."""

    def work(session: Session) -> None:
        user = _user(session, login)
        actor = Actor(user.site_id, BY, SystemClock().now())
        totp.reset(session, actor, user)
        sessions.end_all(session, user.id, actor.at)

    _write(work)
    click.echo(f"{login} sets the second factor up anew at the next sign-in.")


def _user(session: Session, login: str) -> auth.User:
    user = auth.find_user(session, login)
    if user is None:
        raise BadInputError(f"there is no account {login}")
    return user


def _write(work: Callable[[Session], None]) -> None:
    engine = make_engine(load_settings().database)
    schema.load()
    schema.require(engine)
    with writing(engine) as session:
        work(session)
    engine.dispose()

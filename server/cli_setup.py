"""``dafan server init``, ``upgrade``, ``run`` and ``enrol-code``: from nothing to serving."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click
from sqlalchemy.orm import Session

from dafan.clock import SystemClock
from dafan.config import Settings, load_settings
from dafan.db import make_engine, reading, writing
from dafan.errors import BadInputError, ConfigError
from server import auth, schema, sites, terminals

_Named = TypeVar("_Named", sites.Site, sites.Venue)


@click.command()
@click.option("--site", "site_name", required=True, help="Name of the institution.")
@click.option("--venue", "venue_name", required=True, help="Name of its first canteen.")
@click.option("--admin", default="admin", show_default=True, help="Login of the administrator.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="First line: the password; else one is made and printed once.",
)
def init(site_name: str, venue_name: str, admin: str, password_file: Path | None) -> None:
    """Create database, site, venue and administrator; again, it changes nothing."""
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.database)
    schema.upgrade(engine)
    with writing(engine) as session:
        site = sites.ensure_site(session, _name(site_name))
        sites.ensure_venue(session, site.id, _name(venue_name))
        made = _ensure_admin(session, site.id, admin, password_file)
    engine.dispose()
    click.echo(f"Site {site_name} with {venue_name} is ready in {settings.database}.")
    if made:
        click.echo(f"Sign in as {admin} with the password {made} (shown only now).")


def _ensure_admin(session: Session, site_id: UUID, login: str, file: Path | None) -> str:
    """Add the administrator where there is none; the password that was made, if one was."""
    if auth.find_user(session, login):
        return ""
    if file is None:
        password = secrets.token_urlsafe(12)
    else:
        try:
            password = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: no password can be read from it: {error}") from error
    auth.create_user(
        session, site_id, login, password, ["admin"], name="管理员", must_change=file is None
    )
    return "" if file else password


@click.command()
def upgrade() -> None:
    """Bring the database to this version."""
    engine = make_engine(_prepared().database)
    schema.upgrade(engine)
    engine.dispose()
    click.echo("The database is up to date.")


@click.command()
@click.option("--host", help="Address to listen on, instead of the settings'.")
@click.option("--port", type=click.IntRange(1, 65535), help="TCP port, instead of the settings'.")
def run(host: str | None, port: int | None) -> None:
    """Bring the database up to date, then serve."""
    settings = _prepared()
    changes = {"host": host or settings.server.host, "port": port or settings.server.port}
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=changes)})
    engine = make_engine(settings.database)
    schema.upgrade(engine)
    with reading(engine) as session:
        empty = not sites.all_sites(session)
    engine.dispose()
    address = f"http://{settings.server.host}:{settings.server.port}"
    click.echo(f"Pages: {address}/manage   API: {address}/docs")
    if empty:
        click.echo("There is no site yet: stop, and run `dafan server init` first.", err=True)
    from server import running  # noqa: PLC0415 - gunicorn is heavy, and only needed here

    running.run(settings)


@click.command("enrol-code")
@click.option("--name", required=True, help="What the terminal will be called.")
@click.option("--venue", "venue_name", help="Needed where there is more than one.")
@click.option("--site", "site_name", help="Needed where there is more than one.")
def enrol_code(name: str, venue_name: str | None, site_name: str | None) -> None:
    """Print a one-time code with which a new till enrols itself."""
    engine = make_engine(_prepared().database)
    schema.load()
    schema.require(engine)
    with writing(engine) as session:
        site = _choose(sites.all_sites(session), site_name, "site")
        venue = _choose(sites.venues(session, site.id), venue_name, "venue")
        code = terminals.make_code(
            session, site.id, venue.id, name, by="cli", now=SystemClock().now()
        )
    engine.dispose()
    click.echo(code)


def _choose(rows: Sequence[_Named], name: str | None, what: str) -> _Named:
    found = [row for row in rows if name is None or row.name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(row.name for row in rows) or "none: run `dafan server init` first"
    raise BadInputError(f"name one {what} by --{what}; there are: {names}")


def _prepared() -> Settings:
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= 80:
        raise BadInputError("a name has 1 to 80 characters")
    return text.strip()

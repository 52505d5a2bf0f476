"""What ``dafan doctor`` looks at in the server."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from dafan.clock import SystemClock
from dafan.config import Settings
from dafan.db import make_engine, reading
from dafan.doctor import Finding, good, stop, warn
from dafan.errors import DafanError
from server import exceptions, scales, schema, sites, terminals

SILENT = timedelta(hours=24)
STALE_BACKUP = timedelta(days=2)
_LOCAL = ("127.0.0.1", "::1", "localhost")


def server(settings: Settings) -> Iterator[Finding]:
    """Database, its version, tills, backups and how the server is reached; nothing on a till."""
    if not settings.database_url and not Path(settings.data_dir / "dafan.db").exists():
        return
    engine = make_engine(settings.database)
    try:
        yield from _database(engine)
        yield from _sites(engine, SystemClock().now())
    except (DatabaseError, DafanError) as error:
        reason = error.orig if isinstance(error, DatabaseError) else error
        yield stop(
            f"the database does not answer: {reason}",
            "see that it runs, that its address and password in database_url are right, "
            "and that the disk is not full",
        )
    finally:
        engine.dispose()
    yield from _address(settings)
    yield _backups(settings, SystemClock().now())


def _database(engine: Engine) -> Iterator[Finding]:
    schema.load()
    schema.require(engine)
    revision, head = schema.revision(engine), schema.head()
    name = engine.url.render_as_string()
    if revision != head:
        yield stop(
            f"{name} is at revision {revision or 'none'}, this program wants {head}",
            "make a backup, then run `dafan server upgrade`",
        )
        return
    yield good(f"{name}, revision {revision}")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            answer = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
            if answer != "ok":
                yield stop(f"the database file is damaged: {answer}", "restore the last backup")
            return
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            value = connection.exec_driver_sql(f"SHOW {setting}").scalar()
            if value != "on":
                yield stop(
                    f"PostgreSQL runs with {setting}={value}: a power cut can lose paid sales",
                    f"set {setting} = on in postgresql.conf",
                )


def _sites(engine: Engine, now: datetime) -> Iterator[Finding]:
    with reading(engine) as session:
        found = sites.all_sites(session)
        if not found:
            yield stop("there is no site yet", "run `dafan server init`")
        for site in found:
            yield from _site(session, site, now)


def _site(session: Session, site: sites.Site, now: datetime) -> Iterator[Finding]:
    active = terminals.active(session, site.id)
    silent = [row for row in active if row.last_seen is None or now - row.last_seen > SILENT]
    yield good(f"{site.name}: {len(active)} terminals")
    for row in silent:
        last = "never" if row.last_seen is None else f"last at {row.last_seen:%Y-%m-%d %H:%M} UTC"
        yield warn(
            f"{row.name} has not been in contact for a day ({last})",
            "look whether it is switched on and reaches this server; revoke it if it is gone",
        )
    waiting = exceptions.count_open(session, site.id)
    if waiting:
        yield warn(f"{site.name}: {waiting} exceptions wait for a person", "open 例外 on the pages")
    yield from _scales(session, site, now)


def _scales(session: Session, site: sites.Site, now: datetime) -> Iterator[Finding]:
    found = scales.watch(session, site.id, sites.policy(session, site.id), now)
    if found.barred:
        yield stop(
            f"{site.name}: {found.barred} scales may not bill: nothing is weighed for money there",
            "open 秤和检定 on the pages: it says of each what it lacks; docs/scales-law.md",
        )
    if found.soon:
        yield warn(
            f"{site.name}: the certificates of {found.soon} scales end soon",
            "have them verified, and enter the new certificates on the page 秤和检定",
        )
    if found.loose:
        yield warn(
            f"{site.name}: {found.loose} scales bill without a verification on record",
            "enter them and their certificates on the page 秤和检定",
        )


def _address(settings: Settings) -> Iterator[Finding]:
    if settings.server.https or settings.server.host in _LOCAL:
        return
    yield stop(
        f"the server listens on {settings.server.host} without TLS",
        "put a reverse proxy with TLS in front and set server.https = true; docs/install.md",
    )


def _backups(settings: Settings, now: datetime) -> Finding:
    folder = settings.backup.folder or settings.data_dir / "backups"
    try:
        found = sorted(folder.glob("dafan-*Z.zip"), key=lambda path: path.stat().st_mtime)
    except OSError:
        found = []
    if not found:
        return warn(
            f"there is no backup in {folder}",
            "run `dafan backup`, and set backup.hour for one each night",
        )
    age = timedelta(seconds=now.timestamp() - found[-1].stat().st_mtime)
    what = f"the last backup is {age.total_seconds() / 3600:.0f} hours old: {found[-1].name}"
    return warn(what, "see why the nightly backup stopped") if age > STALE_BACKUP else good(what)

"""``dafan keys``: the site key's rotation, and terminals that must not have it any longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from rich.progress import Progress
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine, reading, writing
from dafan.errors import BadInputError
from server import resealing, rotation, schema, sites, terminals
from server.keys import KeyRing, current

_WHO = "cli"
_SHOWN = 20


@click.group()
def keys() -> None:
    """Keys of the server: rotate them, destroy old ones, shut out a terminal."""


@contextmanager
def _opened() -> Iterator[tuple[Engine, KeyRing, datetime]]:
    settings = load_settings()
    engine = make_engine(settings.database)
    try:
        schema.load()
        schema.require(engine)
        yield engine, KeyRing.open(settings.data_dir), SystemClock().now()
    finally:
        engine.dispose()


@keys.command("list")
def list_() -> None:
    """Show every epoch, what it seals, and the terminals that have not taken the newest."""
    with _opened() as (engine, ring, _now), reading(engine) as session:
        for one in rotation.epochs(session, ring):
            sealed = ", ".join(f"{number} {kind}" for kind, number in sorted(one.sealed.items()))
            click.echo(
                f"epoch {one.number}  {one.fingerprint or '-':16}  {_state(one)}  "
                f"seals {sealed or 'nothing'}"
            )
        behind = list(_behind(session))
    for line in behind:
        click.echo(line)


def _state(one: rotation.Epoch) -> str:
    if one.destroyed_at is not None:
        return f"destroyed {one.destroyed_at:%Y-%m-%d}"
    if one.retired_at is not None:
        return "retired, its file is still here: run `dafan keys retire` again"
    made = f"{one.made_at:%Y-%m-%d}" if one.made_at else "at the beginning"
    return f"made {made}" if one.here else f"made {made}, but ITS FILE IS MISSING"


def _behind(session: Session) -> Iterator[str]:
    for site in sites.all_sites(session):
        for holder in rotation.holders(session, site.id):
            newest = max(holder.given, current(session))
            if holder.epoch < newest:
                seen = holder.terminal.last_seen
                last = f"{seen:%Y-%m-%d %H:%M} UTC" if seen else "never"
                yield (
                    f"{site.name}, {holder.terminal.name}: still at epoch {holder.epoch} "
                    f"(last contact {last})"
                )


@keys.command()
def rotate() -> None:
    """Make a new site key, give it to every terminal, seal everything anew.

    It may be stopped and run again; it then goes on where it was.
    """
    with _opened() as (engine, ring, now):
        made = rotation.advance(engine, ring, by=_WHO, now=now)
        with reading(engine) as session:
            epoch = current(session)
            total = sum(
                number
                for old, kinds in resealing.counts(session).items()
                if old != epoch
                for number in kinds.values()
            )
        if made is None:
            click.echo(f"The rotation to epoch {epoch} was not finished: going on with it.")
        given = rotation.give(engine, ring)
        faults: list[str] = []
        with Progress(transient=True) as progress:
            task = progress.add_task(f"epoch {epoch}", total=total)
            for portion in resealing.reseal(engine, ring):
                faults += portion.faults
                progress.advance(task, portion.done)
    click.echo(f"Epoch {epoch} seals everything now; {given} terminals receive it when they sync.")
    if made is None:
        click.echo("Run it once more if you want a new key now.")
    for fault in faults[:_SHOWN]:
        click.echo(f"cannot be opened, enrol again: {fault}", err=True)
    click.echo(
        "QR codes that diners have printed are of the old key: print them anew.\n"
        "Later: `dafan keys list`, and `dafan keys retire` destroys the old key."
    )


@keys.command()
def retire() -> None:
    """Destroy the keys older than the newest, once nothing needs them; prints the receipt."""
    with _opened() as (engine, ring, now):
        gone = rotation.retire(engine, ring, by=_WHO, now=now)
    if not gone:
        click.echo("There is no older key.")
        return
    for row in gone:
        click.echo(
            f"Destroyed: site key epoch {row.epoch}, fingerprint {row.fingerprint}, "
            f"at {now:%Y-%m-%d %H:%M:%S} UTC, from {ring.folder}"
        )
    click.echo(
        "Copies of these keys in backups are not reached from here: destroy them as well, "
        "then what they sealed in old backups of the database can never be read again."
    )


@keys.command("revoke-terminal")
@click.argument("name")
@click.option("--site", "site_name", help="Needed where several sites have such a terminal.")
def revoke_terminal(name: str, site_name: str | None) -> None:
    """Refuse the terminal NAME from its next request on."""
    with _opened() as (engine, _ring, now):
        with reading(engine) as session:
            found = [
                one
                for site in sites.all_sites(session)
                if site_name in {None, site.name}
                for one in terminals.active(session, site.id)
                if one.name == name
            ]
        if len(found) != 1:
            raise BadInputError(
                f"{len(found)} terminals in use are called '{name}': name one, and its --site",
                code="unknown_terminal",
            )
        with writing(engine) as session:
            terminals.revoke(session, found[0].site_id, found[0].id, by=_WHO, now=now)
    click.echo(f"{name} is refused from now on. It still holds the site key and sealed templates:")
    click.echo("if it was stolen, run `dafan keys rotate` now, and `dafan keys retire` later.")


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and erase nothing.")
def retention(dry_run: bool) -> None:
    """Erase what is kept no longer, as the table in docs/keys.md says; may be run again."""
    from server import retention as job  # noqa: PLC0415 - loads the face engine

    with _opened() as (engine, _ring, now):
        if dry_run:
            with reading(engine) as session:
                report = job.due(session, now)
        else:
            report = job.run_all(engine, now)
    click.echo(f"{'Would erase' if dry_run else 'Erased'}: {report}")

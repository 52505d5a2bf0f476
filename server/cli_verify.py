"""``dafan verify``: proof that books and journals are right."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy.exc import DatabaseError

from dafan.config import load_settings
from dafan.db import make_engine, reading
from dafan.errors import ConfigError
from server import schema
from server.verify import Report, verify_engine
from server.verify_till import verify_till

_SHOWN = 20


@click.command()
@click.option("--database", help="URL of the server's database; else the one of the settings.")
@click.option("--till", type=click.Path(path_type=Path), help="A till's file; alone or with it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(database: str | None, till: Path | None, as_json: bool) -> None:
    """Check that nothing is lost, doubled or altered; exit 1 where something is."""
    report = Report()
    url = database or (None if till else load_settings().database)
    with ExitStack() as stack:
        session = None
        if url:
            engine = make_engine(url)
            stack.callback(engine.dispose)
            if (
                engine.url.database
                and url.startswith("sqlite")
                and not Path(engine.url.database).is_file()
            ):
                raise ConfigError(f"{engine.url.database}: there is no such database")
            try:
                schema.load()
                schema.require(engine)
                with _progress() as tell:
                    verify_engine(engine, report, tell)
            except DatabaseError as error:
                raise ConfigError(
                    f"{engine.url.render_as_string()} cannot be read ({error.orig}): "
                    "name the server's own database; `dafan server upgrade` brings it up to date"
                ) from error
            session = stack.enter_context(reading(engine)) if till else None
        if till:
            verify_till(till, report, session)
    _print(report, as_json)
    sys.exit(0 if report.ok else 1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Says what is looked at now where a person watches; a pipe or a log gets only the result."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading") as status:
        yield lambda name: status.update(f"checking {name}")


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        faults = [asdict(fault) for fault in report.faults]
        answer = {"ok": report.ok, "faults": faults, "checked": report.checked}
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for fault in report.faults[:_SHOWN]:
        click.echo(f"{fault.where}: {fault.what} [{fault.code}]")
    if len(report.faults) > _SHOWN:
        click.echo(f"… and {len(report.faults) - _SHOWN} more: --json lists them.")
    counted = ", ".join(f"{number} {what}" for what, number in report.checked.items())
    click.echo(f"Checked {counted or 'nothing'}.")
    if report.ok:
        click.echo("Everything agrees.")
        return
    click.echo("\nWhat to do:")
    for code, advice in {fault.code: fault.advice for fault in report.faults}.items():
        click.echo(f"{code}: {advice}")

"""``dafan server import-journal``: what a dead or revoked till had not sent."""

from pathlib import Path

import click

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine, reading
from dafan.errors import BadInputError
from server import forks, schema
from server.actor import Actor
from server.terminals import Terminal

MAX_FILE = 512 * 2**20


@click.command("import-journal")
@click.argument("file", type=click.Path(path_type=Path))
def import_journal(file: Path) -> None:
    """Bring in the FILE that `dafan till export-journal` wrote; again, it changes nothing."""
    try:
        if file.stat().st_size > MAX_FILE:
            raise BadInputError(f"{file} is larger than any till's journal: name another file")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{file} cannot be read: {error}") from error
    pushes = forks.read_pushes(lines)
    if not pushes:
        click.echo("The file holds no entries: the till had sent everything.")
        return
    terminal_id = pushes[0].entries[0].terminal_id
    engine = make_engine(load_settings().database)
    schema.load()
    schema.require(engine)
    with reading(engine) as session:
        terminal = session.get(Terminal, terminal_id)
    if terminal is None:
        raise BadInputError(f"{file} comes from a terminal that this server never enrolled")
    actor = Actor(terminal.site_id, "cli", SystemClock().now())
    taken = forks.take_in(engine, actor, terminal_id, pushes)
    engine.dispose()
    click.echo(
        f"{terminal.name}: {taken.applied + taken.rescued} entries booked, {taken.rescued} of them "
        f"from a fork, {taken.known} known before, {taken.parked} parked for a person to look at"
    )

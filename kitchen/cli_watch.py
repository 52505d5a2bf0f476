"""``dafan watch``: looks at cameras and tells incidents."""

import json
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import click

from dafan.clock import SystemClock
from dafan.config import first_line, load_settings
from dafan.errors import BadInputError, ConfigError, DafanError
from kitchen.watch import Eye, Found, Live, Setup, Watching, play, read_setup
from kitchen.watch_report import Reporter
from kitchen.watch_spool import Spool

START = "2026-01-01T00:00:00+00:00"
KEPT_DAYS = 90
ASK_S = 60.0
"""Seconds between two questions for what the server decided about the cameras."""
_path = click.Path(path_type=Path)


@click.command()
@click.option("--source", help="A folder of pictures, rtsp://…, http://…, 0 or /dev/video0.")
@click.option("--camera", default="camera", show_default=True, help="Its name, as at the server.")
@click.option("--cameras", "file", type=_path, help="A TOML file that names many cameras.")
@click.option("--fps", type=click.FloatRange(0.2, 30), default=2.0, show_default=True)
@click.option("--start", default=START, show_default=True, help="When a folder's first frame was.")
@click.option("--json-lines", is_flag=True, help="One JSON object a line.")
@click.option("--folder", type=_path, help="Where evidence lies, sealed; else DATA_DIR/watch.")
@click.option("--server", help="Report to this server.")
@click.option("--token-file", type=_path, help="First line: an API token for it.")
@click.option("--small", is_flag=True, help="The smaller mask detector, for many cameras.")
@click.option("--open", "opened", help="Write the picture of this incident to standard output.")
def watch(
    source: str | None,
    camera: str,
    file: Path | None,
    fps: float,
    start: str,
    json_lines: bool,
    folder: Path | None,
    server: str | None,
    token_file: Path | None,
    small: bool,
    opened: str | None,
) -> None:
    """Watch cameras for breaches of kitchen hygiene, and the cameras themselves.

    A folder is played once, in order of name, on a clock of its own; anything else is watched until
    it is stopped.
    """
    spool = Spool(folder or load_settings().data_dir / "watch")
    if opened:
        _open(spool, opened)
        return
    reporter = _reporter(server, token_file, spool)
    said = _cameras(source, camera, file)
    watching = Watching(small=small)
    for note in watching.notes:
        click.echo(note, err=True)
    printing = Lock()

    def tell(found: Found) -> None:
        kept = str(spool.folder / f"{found.id}.sealed") if found.picture else ""
        line = found.as_json(kept)
        spool.put(line, found.picture)
        with printing:
            click.echo(json.dumps(line, ensure_ascii=False) if json_lines else _line(found))

    played = [(one, where) for one, where in said if Path(where).is_dir()]
    for setup, where in played:
        for found in play(Path(where), Eye(setup, watching.at({}), played=True), _time(start), fps):
            tell(found)
    live = [(setup, where) for setup, where in said if not Path(where).is_dir()]
    if live:
        _watch_for_ever(live, watching, tell, fps, reporter, spool)
    elif reporter is not None:
        reporter.deliver()


def _watch_for_ever(
    cameras: list[tuple[Setup, str]],
    watching: Watching,
    tell: Any,
    fps: float,
    reporter: Reporter | None,
    spool: Spool,
) -> None:
    clock = SystemClock()
    with ExitStack() as stack:
        running = []
        for setup, where in cameras:
            eye = Eye(setup, watching.at({}))
            show = reporter.show if reporter else None
            one = Live(eye, where, clock, tell, show=show, fps=fps)
            stack.callback(one.stop)
            one.start()
            running.append(one)
        asked = next_try = 0.0
        try:
            while True:
                for one in running:
                    one.tick()
                now = clock.monotonic()
                if reporter is not None and now >= next_try:
                    reporter.deliver()
                    next_try = now + reporter.wait_s
                if now - asked >= ASK_S or not asked:
                    asked = now
                    spool.erase_old(clock.now(), KEPT_DAYS)
                    _follow(running, reporter, watching)
                time.sleep(1)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def _follow(running: list[Live], reporter: Reporter | None, watching: Watching) -> None:
    """Watch by what the server decided since; what cannot be read changes nothing."""
    for said in (reporter.cameras() if reporter else None) or ():
        for one in running:
            if one.eye.name == said.get("name"):
                try:
                    one.change(read_setup(said), watching.at(said.get("taught") or {}))
                except DafanError as error:
                    click.echo(f"{one.eye.name}: {error}", err=True)


def _cameras(source: str | None, camera: str, file: Path | None) -> list[tuple[Setup, str]]:
    found = list(_of_file(file)) if file else []
    if source:
        found.append((Setup(camera), source))
    if not found:
        raise ConfigError("name a camera: --source FOLDER or --source rtsp://…, or --cameras FILE")
    return found


def _of_file(file: Path) -> Iterator[tuple[Setup, str]]:
    try:
        said = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    rows = said.get("camera")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{file}: write a [[camera]] with name and source for each")
    for row in rows:
        where = row.get("source")
        if not isinstance(where, str) or not where:
            raise ConfigError(f"{file}: camera {row.get('name')} has no source")
        yield read_setup(row), where


def _reporter(server: str | None, token_file: Path | None, spool: Spool) -> Reporter | None:
    if server is None:
        return None
    if token_file is None:
        raise ConfigError("--server needs --token-file: an API token of an account there")
    token = first_line(token_file, "--token-file", "an API token")
    return Reporter(server, token, spool)


def _open(spool: Spool, name: str) -> None:
    picture = spool.picture(name)
    if picture is None:
        raise BadInputError(f"there is no picture of incident {name} in {spool.folder}")
    sys.stdout.buffer.write(picture)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"--start {text}: write a time such as {START}") from error
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _line(found: Found) -> str:
    score = "" if found.score is None else f" {found.score:.2f}"
    detail = f": {found.detail}" if found.detail else ""
    return f"{found.at:%Y-%m-%d %H:%M:%S} {found.camera} {found.kind}{score}{detail}"

"""``dafan devices tags`` and ``simulate-tags``: readers of trays."""

import sys
import threading
from pathlib import Path

import click

from dafan.clock import SystemClock
from dafan.errors import DafanError, DeviceError
from devices.tag_simulator import TagSimulator
from devices.tags import TAG_PROTOCOLS

_PROTOCOL = click.option(
    "--protocol",
    type=click.Choice(list(TAG_PROTOCOLS)),
    default="uhf-bb",
    show_default=True,
    help="How the reader speaks.",
)


@click.command("tags")
@click.argument("device")
@_PROTOCOL
@click.option("--reversed", "reverse", is_flag=True, help="Bytes come last first.")
@click.option("--seconds", type=float, default=None, help="Stop after so long (never).")
def tags(device: str, protocol: str, *, reverse: bool, seconds: float | None) -> None:
    """Print which tags the reader on DEVICE sees, when they change."""
    from devices.reader_port import ReaderState  # noqa: PLC0415 - loads OpenCV only here
    from devices.tag_port import TagPort  # noqa: PLC0415 - same

    last: list[frozenset[str]] = []

    def there(now: frozenset[str], _at: float) -> None:
        if last[-1:] != [now]:
            last[:] = [now]
            click.echo(" ".join(sorted(now)) or "-")

    def changed(state: ReaderState, reason: str) -> None:
        click.echo(f"{state} {reason}".strip(), err=True)

    port = TagPort(device, protocol, SystemClock(), there, changed, reverse=reverse)
    port.start()
    try:
        threading.Event().wait(seconds)
    except KeyboardInterrupt:
        pass
    finally:
        port.stop()


@click.command("simulate-tags")
@_PROTOCOL
@click.option("--link", type=click.Path(path_type=Path), help="Symbolic link to the device.")
def simulate_tags(protocol: str, link: Path | None) -> None:
    """Play a tag reader on a pseudo-terminal and print its path.

    Understands lines on standard input: `put E20030166613012115507401` (or several), `away`,
    `quit`.
    """
    try:
        with TagSimulator(protocol, link) as reader:
            click.echo(reader.path)
            _obey_lines(reader)
    except OSError as error:
        raise DeviceError(f"cannot make the pseudo-terminal or its link: {error}") from error


def _obey_lines(reader: TagSimulator) -> None:
    try:
        for line in sys.stdin:
            words = line.split()
            if words == ["quit"]:
                return
            try:
                _obey(reader, words)
            except (DafanError, ValueError) as error:
                click.echo(error, err=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def _obey(reader: TagSimulator, words: list[str]) -> None:
    match words:
        case []:
            return
        case ["put", *tags] if tags:
            reader.put(*tags)
        case ["away"]:
            reader.put()
        case _:
            raise DeviceError("say: put TAG [TAG …], away, quit")

"""Commands of the printer, the cameras and the readers; ``devices/cli.py`` hangs them up."""

import click


@click.group()
def printer() -> None:
    """Receipt printers: test, ask, simulate, render captured bytes."""


@click.group()
def camera() -> None:
    """Cameras: look through one."""


@click.group()
def reader() -> None:
    """Card readers and QR codes."""

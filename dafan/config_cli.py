"""``dafan config``: what is set, where it comes from, whether it can work."""

import json
from pathlib import Path

import click

from dafan.config import load_settings, setting_names
from dafan.db import make_engine

_FILE = click.option(
    "--file", "path", type=click.Path(path_type=Path), help="The TOML file to read."
)


@click.group()
def config() -> None:
    """Show and check the settings."""


@config.command()
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(path: Path | None, as_json: bool) -> None:
    """Print every setting with its value."""
    values = load_settings(path).model_dump(mode="json")
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    for name in setting_names():
        value = values
        for part in name.split("."):
            value = value[part]
        click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")


@config.command()
@_FILE
def check(path: Path | None) -> None:
    """Say whether the settings can be used; exit 2 and name the setting where not."""
    settings = load_settings(path)
    make_engine(settings.database).dispose()
    click.echo("The settings are in order.")

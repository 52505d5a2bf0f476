"""The command line: each room brings its own commands, loaded only when named."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import dafan
from dafan import __version__
from dafan.errors import ConfigError, DafanError

COMMANDS: dict[str, str] = {
    "backup": "server.cli_backup:backup",
    "bench": "dafan.cli:bench",
    "config": "dafan.config_cli:config",
    "demo": "pos.demo.cli:demo",
    "devices": "devices.cli:devices",
    "doctor": "dafan.doctor:doctor",
    "faces": "server.cli_people:faces",
    "forecast": "kitchen.cli:forecast",
    "keys": "server.cli_keys:keys",
    "models": "vision.cli:models",
    "plate": "pos.cli_plate:plate",
    "restore": "server.cli_backup:restore",
    "server": "server.cli:server",
    "simulate": "simulation.cli:simulate",
    "till": "pos.cli:till",
    "verify": "server.cli:verify",
    "vision": "vision.cli:vision",
    "watch": "kitchen.cli_watch:watch",
}
"""Command name → ``module:attribute`` of its click command."""

BENCHES: dict[str, str] = {
    "face": "pos.cli:bench_face_command",
    "gallery": "pos.cli:bench_gallery_command",
    "kitchen": "server.cli_bench:kitchen",
    "reports": "server.cli_bench:reports",
    "sync": "server.cli_bench:sync",
    "till": "pos.cli:bench_till_command",
    "verify": "server.cli_bench:bench",
}
"""As :data:`COMMANDS`, of what ``dafan bench`` measures."""


class _Rooms(click.Group):
    """A group whose members are imported when they are called, by name."""

    def __init__(self, *args: Any, members: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._members = members

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(self._members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        target = self._members.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        if module.startswith("simulation."):
            load_simulation()
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a click command")
        return command


def load_simulation() -> None:
    """Make ``simulation`` importable: it lies among the tests and is installed nowhere.

    Raises:
        ConfigError: there is no checkout beside this package.
    """
    if "simulation" in sys.modules:
        return
    folder = Path(dafan.__file__).parents[1] / "tests" / "simulation"
    init = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        "simulation", init, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not init.is_file():
        raise ConfigError(
            "the simulator is part of the tests: run it from a checkout of the repository"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulation"] = module
    spec.loader.exec_module(module)


_CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(cls=_Rooms, members=COMMANDS, context_settings=_CONTEXT)
@click.version_option(__version__)
def root() -> None:
    """Dafan (打饭) runs a canteen: tills, kitchen, books."""


@click.group(cls=_Rooms, members=BENCHES, context_settings=_CONTEXT)
def bench() -> None:
    """Measure this machine."""


def main() -> None:
    """Run a command; an error that a person can put right is one line, without a traceback."""
    try:
        root()
    except DafanError as error:
        click.echo(f"dafan: {error}", err=True)
        sys.exit(2)

"""The command line: each room brings its own commands, loaded only when named."""

import importlib.util
import sys
from pathlib import Path

import click

import dafan
from dafan import __version__
from dafan.commands import LazyGroup
from dafan.errors import ConfigError, DafanError

COMMANDS = {
    "backup": ("server.cli_backup:backup", "Save the whole server in one file, while it runs."),
    "bench": ("dafan.cli:bench", "Measure this machine."),
    "config": ("dafan.config_cli:config", "Show and check the settings."),
    "demo": (
        "pos.demo.cli:demo",
        "Run the demo canteen: server, till, simulated devices, real face models.",
    ),
    "devices": (
        "devices.cli:devices",
        "Scales, printers, cameras, readers, probes: try them, watch them, simulate them.",
    ),
    "doctor": (
        "dafan.doctor:doctor",
        "Look at this machine's server or till, and say what to do; exit 1 where something stops.",
    ),
    "faces": ("server.cli_people:faces", "Face templates of the server."),
    "forecast": ("kitchen.cli:forecast", "How many will eat."),
    "keys": (
        "server.cli_keys:keys",
        "Keys of the server: rotate them, destroy old ones, shut out a terminal.",
    ),
    "line": (
        "pos.cli_line:line",
        "The weigh line: boxes that drive scoop stations, and gates that bind trays (自选称重).",
    ),
    "models": ("vision.cli:models", "Fetch, list and check the model packs."),
    "plate": (
        "pos.cli_plate:plate",
        "The return station: a scale, a reader and a screen where trays come back (光盘).",
    ),
    "restore": (
        "server.cli_backup:restore",
        "Make a server again from a backup, and prove its books.",
    ),
    "server": ("server.cli:server", "The server: pages, API, books."),
    "simulate": (
        "simulation.cli:simulate",
        "Simulate tills, a server and a network under attack, and check that nothing is lost.",
    ),
    "till": ("pos.cli:till", "The payment station (结算台)."),
    "verify": (
        "server.cli_verify:verify",
        "Check that nothing is lost, doubled or altered; exit 1 where something is.",
    ),
    "vision": (
        "vision.cli:vision",
        "Measure face recognition on labelled photos; look at pictures of the kitchen.",
    ),
    "watch": (
        "kitchen.cli_watch:watch",
        "Watch cameras for breaches of kitchen hygiene, and the cameras themselves.",
    ),
}
"""Name → where it is, and what it says of itself."""

BENCHES = {
    "face": (
        "pos.cli:bench_face_command",
        "Milliseconds of each vision stage, beside the face_recognition way.",
    ),
    "gallery": (
        "pos.cli:bench_gallery_command",
        "Milliseconds of one exact search among 1,000, 50,000 and 500,000 templates.",
    ),
    "kitchen": (
        "server.cli_bench:kitchen",
        "Plan a week, trace a dish and a lot in a year of data, look at frames of cameras.",
    ),
    "line": (
        "pos.cli_line:bench_line_command",
        "Frames of scoop stations per second, how many a box carries, from tray out to charged.",
    ),
    "reports": (
        "server.cli_bench:reports",
        "Make a canteen's year, then time the figures of each report for a month and the year.",
    ),
    "sync": (
        "server.cli_bench:sync",
        "Push signed batches to a real server, on SQLite and PostgreSQL, beside pgbench.",
    ),
    "till": (
        "pos.cli:bench_till_command",
        "From a usable frame to a sale on the disk, through the real pipeline.",
    ),
    "verify": (
        "server.cli_bench:bench",
        "Fill a database with sales as tills would have sent them, then prove it.",
    ),
}
"""As :data:`COMMANDS`, of what ``dafan bench`` measures."""


class _Root(LazyGroup):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "simulate":
            load_simulation()
        return super().get_command(ctx, cmd_name)


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


@click.group(cls=_Root, members=COMMANDS, context_settings=_CONTEXT)
@click.version_option(__version__)
def root() -> None:
    """Dafan (打饭) runs a canteen: tills, kitchen, books."""


@click.group(cls=LazyGroup, members=BENCHES, context_settings=_CONTEXT)
def bench() -> None:
    """Measure this machine."""


def main() -> None:
    """Run a command; an error that a person can put right is one line, without a traceback."""
    try:
        root()
    except DafanError as error:
        click.echo(f"dafan: {error}", err=True)
        sys.exit(2)

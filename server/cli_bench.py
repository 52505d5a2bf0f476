"""``dafan bench verify``, ``sync``, ``kitchen`` and ``reports``: the server, on both engines."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from dafan.db import make_engine
from server import schema, throwaway
from server.bench_sync import bench_sync
from server.bench_verify import bench_verify

_ENGINE = click.option(
    "--engine",
    type=click.Choice(throwaway.ENGINES),
    default="sqlite",
    show_default=True,
    help="Of the database that is made, filled and thrown away.",
)


@contextmanager
def _empty(engine: str) -> Iterator[Engine]:
    """An empty database that is thrown away afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="dafan-bench-") as folder,
        throwaway.database(engine, Path(folder)) as url,
    ):
        made = make_engine(url)
        yield made
        made.dispose()


@click.command("verify")
@click.option(
    "--sales", type=click.IntRange(1), default=100_000, show_default=True, help="How large."
)
@_ENGINE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench(sales: int, engine: str, as_json: bool) -> None:
    """Fill a database with sales as tills would have sent them, then prove it."""
    with _empty(engine) as made:
        result = bench_verify(made, sales)
    click.echo(json.dumps(result, indent=None if as_json else 2))


@click.command("sync")
@click.option("--tills", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option(
    "--batches", type=click.IntRange(1), default=3, show_default=True, help="Of 200, from each."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def sync(tills: int, batches: int, as_json: bool) -> None:
    """Push signed batches to a real server, on SQLite and PostgreSQL, beside pgbench."""
    click.echo(json.dumps(bench_sync(tills, batches), indent=None if as_json else 2))


@click.command("kitchen")
@click.option(
    "--entries", type=click.IntRange(1000), default=1_000_000, show_default=True, help="Of stock."
)
@_ENGINE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def kitchen(entries: int, engine: str, as_json: bool) -> None:
    """Plan a week, trace a dish and a lot in a year of data, look at frames of cameras."""
    from server.bench_kitchen import bench_kitchen  # noqa: PLC0415 - loads the vision models

    with _empty(engine) as made:
        result = bench_kitchen(made, entries)
    click.echo(json.dumps(result, indent=None if as_json else 2, ensure_ascii=False))


@click.command("reports")
@click.option(
    "--sales", type=click.IntRange(100), default=3_160_000, show_default=True, help="In a year."
)
@_ENGINE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def reports(sales: int, engine: str, as_json: bool) -> None:
    """Make a canteen's year, then time the figures of each report for a month and the year."""
    from server.bench_reports import bench_reports  # noqa: PLC0415 - only needed here

    with _empty(engine) as made:
        schema.upgrade(made)
        result = bench_reports(made, sales)
    click.echo(json.dumps(result, indent=None if as_json else 2))

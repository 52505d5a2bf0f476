"""What every test may use: the folders of weights and photographs, and no sockets by default."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

CHECKOUT = Path(__file__).resolve().parents[1]
BESIDE = CHECKOUT.parent / "shared"


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


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no internet socket; those marked ``process`` or ``browser`` use loopback."""
    if request.node.get_closest_marker("process") or request.node.get_closest_marker("browser"):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()

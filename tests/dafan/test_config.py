"""Settings come from dafan.toml and DAFAN_* variables; a typing error is never silent."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from dafan.cli import root
from dafan.config import load_settings
from dafan.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dafan.toml"


def test_variables_win_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[server]\nport = 8081\nthreads = 4\n")
    monkeypatch.setenv("DAFAN_SERVER__PORT", "8082")
    settings = load_settings(file)
    assert (settings.server.port, settings.server.threads) == (8082, 4)


def test_a_misspelt_name_in_the_file_names_the_one_that_was_meant(file: Path) -> None:
    file.write_text("[till.scale]\nprotocoll = 'cas-soh'\n")
    with pytest.raises(ConfigError, match=r"did you mean till\.scale\.protocol"):
        load_settings(file)


def test_a_misspelt_variable_names_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAFAN_SERVER__PROT", "8082")
    with pytest.raises(ConfigError, match="DAFAN_SERVER__PORT"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nport = 99999\n", "server.port"),
        ("[till.printer]\npaper = 57\n", "till.printer.paper"),
        ("till = 3\n", "till"),
        ("[server\n", "TOML"),
        ("log_level = 'LOUD'\n", "log_level"),
    ],
)
def test_an_impossible_value_is_named(file: Path, text: str, named: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load_settings(file)


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="TOML"):
        load_settings(file)


def test_a_named_file_that_is_missing_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(file)


def test_a_database_that_is_neither_sqlite_nor_postgresql_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAFAN_DATABASE_URL", "mysql://root@localhost/x")
    result = CliRunner().invoke(root, ["config", "check"])
    assert isinstance(result.exception, ConfigError)
    assert "sqlite:///" in str(result.exception)


def test_show_prints_every_setting(file: Path) -> None:
    file.write_text("[till.printer]\npaper = 58\n")
    result = CliRunner().invoke(root, ["config", "show", "--file", str(file)])
    assert "till.printer.paper = 58" in result.output

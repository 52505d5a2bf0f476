"""What the files in deploy/ name is there: commands, settings, addresses."""

import configparser
import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from dafan.cli import root
from dafan.config import setting_names

CHECKOUT = Path(__file__).resolve().parents[2]
DEPLOY = CHECKOUT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
NOWHERE = click.Context(root)
DOCS = sorted((CHECKOUT / "docs").glob("*.md"))


class _Unit(configparser.RawConfigParser):
    """Keys keep their capitals and may come twice."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit_of(path: Path) -> _Unit:
    unit = _Unit(strict=False, delimiters=("=",))
    unit.read(path, encoding="utf-8")
    return unit


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is_and_starts_again_after_a_crash(path: Path) -> None:
    service = unit_of(path)["Service"]
    assert service["Restart"] == "always"
    assert service["User"] == "dafan"
    command = service["ExecStart"].split()
    if command[0].endswith("/dafan"):
        result = CliRunner().invoke(root, [*command[1:], "--help"])
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "path", [path for path in UNITS if "kiosk" not in path.name], ids=lambda path: path.name
)
def test_the_units_of_server_till_and_devices_may_do_no_more_than_they_need(path: Path) -> None:
    service = unit_of(path)["Service"]
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/var/lib/dafan"
    assert service["CapabilityBoundingSet"] == ""


def test_the_compose_file_names_settings_and_addresses_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    known = {"DAFAN_" + name.replace(".", "__").upper() for name in setting_names()}
    assert set(compose["services"]["server"]["environment"]) <= known
    assert "/healthz" in compose["services"]["server"]["healthcheck"]["test"][-1]
    assert set(compose["services"]) == {"database", "server", "tls"}


def test_the_container_reads_the_databases_password_from_its_secret() -> None:
    script = (DEPLOY / "start-server").read_text(encoding="utf-8")
    assert "/run/secrets/database_password" in script
    done = subprocess.run(["sh", "-n", DEPLOY / "start-server"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def commands_of(text: str) -> list[list[str]]:
    """Every ``dafan …`` of a page: words up to the first option, argument or sign."""
    found = []
    for line in re.findall(r"(?:^|[\s`/])dafan ([a-z][a-z0-9 -]*)", text, re.MULTILINE):
        words = []
        for word in line.split():
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                break
            words.append(word)
        found.append(words)
    return found


@pytest.mark.parametrize("path", [*DOCS, CHECKOUT / "README.md"], ids=lambda path: path.name)
def test_every_command_that_a_page_names_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"`(dafan [^`]*)`", text) + re.findall(r"^.*dafan .*$", text, re.MULTILINE)
    fenced = " \n".join(lines)
    for words in commands_of(fenced):
        here: click.Command | None = root
        for word in words if words[:1] and words[0] in root.list_commands(NOWHERE) else []:
            if not isinstance(here, click.Group):
                break
            here = here.get_command(NOWHERE, word)
            assert here is not None or word == "seed-demo", " ".join(words)

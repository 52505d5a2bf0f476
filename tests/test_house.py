"""The house is in order: commands load, rooms stay small, nothing heavy is imported for nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dafan.cli import COMMANDS, bench, root
from dafan.commands import LazyGroup
from server.cli import server

CHECKOUT = Path(__file__).resolve().parents[1]
ROOMS = ("dafan", "devices", "vision", "pos", "kitchen", "server")
SOURCES = [
    path
    for room in ROOMS
    for path in sorted((CHECKOUT / room).rglob("*.py"))
    if "migrations" not in path.parts
]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_answers_to_help(name: str) -> None:
    result = CliRunner().invoke(root, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


@pytest.mark.parametrize("group", [root, bench, server], ids=lambda group: group.name)
def test_the_help_says_of_each_command_what_the_command_says_of_itself(group: LazyGroup) -> None:
    context = click.Context(group)
    helped = CliRunner().invoke(group, ["--help"], terminal_width=200, max_content_width=200)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert re.search(rf"^  {name} +{re.escape(command.get_short_help_str(100))}$",
                         helped.output, re.MULTILINE), name  # fmt: skip


@pytest.mark.parametrize("names", [[], ["bench"], ["server"]], ids=" ".join)
def test_the_command_line_loads_no_room_before_it_is_named_not_even_for_its_help(
    names: list[str],
) -> None:
    program = (
        f"import sys; from dafan.cli import root; root({[*names, '--help']}, "
        "standalone_mode=False); print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    unwanted = {"cv2", "onnxruntime", "flask", "sqlalchemy", "serial", *ROOMS[1:]}
    assert not loaded & unwanted - set(names)


def test_an_unknown_command_is_one_line_and_exit_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dafan", "sell"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "No such command" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_function_is_longer_than_50_lines() -> None:
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                docstring = ast.get_docstring(node, clean=False) or ""
                lines = (node.end_lineno or 0) - node.lineno + 1 - docstring.count("\n")
                if lines > 50:
                    long.append(f"{path.relative_to(CHECKOUT)}:{node.lineno} {node.name} {lines}")
    assert not long, long


def test_every_dependency_says_why_it_is_there() -> None:
    lines = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("dependencies = [")
    wanted = lines[start + 1 : lines.index("]", start)]
    assert wanted
    assert [line for line in wanted if "# " not in line] == []


def test_commands_are_click_commands() -> None:
    context = click.Context(root)
    for name in root.list_commands(context):
        assert isinstance(root.get_command(context, name), click.Command)

"""``dafan simulate``, as a person calls it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from dafan.cli import root


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dafan", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_seeds_run_on_several_cores_and_are_counted() -> None:
    done = simulate("--seeds", "0:4", "--jobs", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["seeds"], told["failed"]) == (4, [])
    assert told["sales"] > 4
    assert told["steps"] > 100
    assert "4 of 4 seeds" in done.stderr


def test_a_bug_is_named_with_the_seed_that_found_it() -> None:
    done = CliRunner().invoke(root, ["simulate", "--seeds", "0:5", "--plant", "feed-by-a-sequence"])
    assert done.exit_code == 0, done.stderr
    assert "feed-by-a-sequence: found by seed 0 (1 tried" in done.stdout


def test_a_bug_that_is_not_found_is_a_failure() -> None:
    done = CliRunner().invoke(
        root, ["simulate", "--seeds", "0:1", "--plant", "version-before-its-page"]
    )
    assert done.exit_code == 1
    assert "not found in 1 seeds" in done.stdout


@pytest.mark.parametrize("seeds", ["5:5", "9:2", "a:b", "-3:4", "1:2:3:4"])
def test_seeds_that_are_none_are_refused_with_advice(seeds: str) -> None:
    result = CliRunner().invoke(root, ["simulate", f"--seeds={seeds}"])
    assert result.exit_code == 2
    assert "seed" in result.output

"""Days of the weigh line: every gram and every fen, and a judge that is not easily content."""

import json
import re

import pytest
from click.testing import CliRunner

from dafan.cli import root
from simulation.line import run_seeds

CROWD = 40
"""Diners of a short day; `dafan simulate line` has a hundred and more."""


def test_every_gram_and_every_fen_of_a_day_is_accounted_for() -> None:
    found = run_seeds(range(6), crowd=CROWD)
    assert not found.failures
    counts = found.counts
    assert (counts["lost"], counts["doubled"]) == (0, 0)
    assert counts["scoops"] > 300
    assert counts["alarms"] > 20
    assert abs(counts["grams_charged"] - counts["grams_taken"]) < counts["grams_taken"] / 10


def test_a_day_is_the_same_each_time() -> None:
    once, again = (run_seeds([1], crowd=10).to_json() for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("plant", "seed"),
    [
        ("charges-twice", 0), ("clocks-are-believed", 0), ("first-of-two-pays", 6),
        ("forgets-an-entry", 0), ("forgets-at-a-power-cut", 0), ("lifted-is-taken", 1),
        ("names-old-sessions", 11), ("pays-for-the-outage", 12), ("wrong-tray", 4),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(plant: str, seed: int) -> None:
    found = run_seeds([seed], plant, CROWD)
    assert {failure.seed for failure in found.failures} == {seed}


def test_a_person_is_told_what_the_days_came_to() -> None:
    done = CliRunner().invoke(root, ["simulate", "line", "--seeds", "1", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["seeds"], told["ok"], told["failures"]) == (1, True, [])
    assert told["grams_charged"] > 10_000
    assert {"grams_taken", "fen", "alarms", "lost", "doubled"} <= told.keys()


def test_a_broken_promise_is_told_moment_by_moment_at_its_station() -> None:
    done = CliRunner().invoke(
        root, ["simulate", "line", "--seeds", "4", "--plant", "wrong-tray", "--story"]
    )
    assert done.exit_code == 0, done.output
    broken = re.search(r"BROKEN: station (\d+): ", done.stdout)
    assert broken
    assert f"pan {broken[1]} " in done.stdout
    for what in ("comes, until", " takes ", "WRITTEN", " pays "):
        assert what in done.stdout

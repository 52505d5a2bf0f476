"""Worlds under attack keep every promise; each replays exactly."""

import os
import subprocess
import sys

import pytest

from simulation.lab import Lab
from simulation.plan import ATTACKS, Plan
from simulation.runner import run_here

SEEDS = 60
"""As many as the time of a whole run allows; `dafan simulate --seeds 0:10000` runs any number."""
CHUNK = 20


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_is_lost_doubled_or_forgotten(lab: Lab, first: int) -> None:
    for result in run_here(lab, range(first, first + CHUNK)):
        assert not result.faults, f"{result.story}\n{result.faults}"


def test_the_seeds_bring_every_attack_and_what_it_does() -> None:
    plans = [Plan.of(seed) for seed in range(SEEDS)]
    for attack in ATTACKS:
        assert sum(attack in plan.attacks for plan in plans) > SEEDS // 4
    assert sum(not plan.weather.lose for plan in plans) > SEEDS // 4


def test_a_seed_replays_exactly_in_the_same_process(lab: Lab) -> None:
    once = [result.digest for result in run_here(lab, range(7, 10))]
    again = [result.digest for result in run_here(lab, range(7, 10))]
    assert once == again
    assert len(set(once)) == len(once)


def test_a_seed_replays_exactly_in_another_process() -> None:
    def story(hash_seed: str) -> str:
        command = [sys.executable, "-m", "dafan", "simulate", "--story", "--seeds", "7:9"]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return done.stdout

    told = story("1")
    assert told == story("2")
    assert "everything is healed" in told

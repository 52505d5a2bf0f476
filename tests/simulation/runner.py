"""Runs seeds: here, or spread over processes."""

import json
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from simulation.lab import Lab, open_lab
from simulation.planted import PLANTS
from simulation.world import Result, World


@dataclass(frozen=True)
class Found:
    """The first seed that a planted bug does not survive."""

    seed: int
    seconds: float
    faults: tuple[str, ...]


@contextmanager
def quiet() -> Iterator[None]:
    """What the product logs while it is tortured interests nobody."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def run_here(lab: Lab, seeds: Sequence[int]) -> Iterator[Result]:
    """Run seeds one after the other in this process."""
    with quiet():
        for seed in seeds:
            yield World(lab, seed).run()


def find(lab: Lab, plant: str, seeds: Sequence[int]) -> Found | None:
    """Run seeds with a planted bug until one of them finds it."""
    began = time.monotonic()
    with PLANTS[plant]():
        for result in run_here(lab, seeds):
            if result.faults:
                return Found(result.seed, time.monotonic() - began, result.faults)
    return None


def run_in_processes(
    seeds: range, jobs: int, progress: Callable[[int], None]
) -> tuple[list[dict[str, object]], Counter[str]]:
    """Run seeds on several cores; a failing one brings its story.

    Returns:
        The failing seeds, and what was counted over all.

    Raises:
        RuntimeError: a worker died.
    """
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    base = [sys.executable, "-m", "dafan", "simulate", "--worker", "--seeds"]
    workers = [
        subprocess.Popen(
            [*base, f"{seeds.start + first}:{seeds.stop}:{jobs}"],
            stdout=subprocess.PIPE, text=True, env=environment,
        )
        for first in range(min(jobs, len(seeds)))
    ]  # fmt: skip
    failed: list[dict[str, object]] = []
    counts: Counter[str] = Counter()
    with open_many(workers) as lines:
        for done, line in enumerate(lines, start=1):
            told = json.loads(line)
            counts.update(told["counts"])
            if told["faults"]:
                failed.append(told)
            progress(done)
    if any(worker.wait() for worker in workers):
        raise RuntimeError("a worker of the simulator died: run it with --jobs 1 to see why")
    return sorted(failed, key=lambda each: str(each["seed"])), counts


@contextmanager
def open_many(workers: Sequence[subprocess.Popen[str]]) -> Iterator[Iterator[str]]:
    """The lines of all workers, in turn; none is left behind."""

    def lines() -> Iterator[str]:
        open_pipes = [worker.stdout for worker in workers if worker.stdout is not None]
        while open_pipes:
            for pipe in list(open_pipes):
                line = pipe.readline()
                if line:
                    yield line
                else:
                    open_pipes.remove(pipe)

    try:
        yield lines()
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.terminate()


def work(seeds: range, write: Callable[[str], None]) -> None:
    """What a worker does: a line of JSON for each seed."""
    with open_lab() as lab:
        for result in run_here(lab, seeds):
            story = result.story if result.faults else ""
            write(
                json.dumps({
                    "seed": result.seed, "faults": result.faults, "digest": result.digest,
                    "counts": result.counts, "story": story,
                })
            )  # fmt: skip

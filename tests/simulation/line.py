"""Days of a weigh line, seed by seed, and what they come to."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from dafan.line import ALARMS, PanChanged, ScoopTaken
from simulation.line_judge import judge
from simulation.line_plants import LINE_PLANTS
from simulation.line_story import tell
from simulation.line_world import Day, run_day

MOST_TOLD = 50
"""Broken promises that are told; all are counted."""


@dataclass(frozen=True)
class Failure:
    """A broken promise, and the seed that shows it again."""

    seed: int
    fault: str


@dataclass
class Found:
    """What some seeds came to."""

    seeds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Every promise was kept."""
        return not self.failures

    def take(self, seed: int, day: Day) -> None:
        """Judge a day and count it."""
        self.seeds += 1
        self.counts.update(_figures(day))
        self.failures += [Failure(seed, fault) for fault in judge(day)]

    def add(self, other: "Found") -> None:
        """Take in what other seeds came to."""
        self.seeds += other.seeds
        self.counts.update(other.counts)
        self.failures = sorted([*self.failures, *other.failures], key=lambda each: each.seed)

    def to_json(self) -> dict[str, Any]:
        """The contract: grams, fen, alarms, and what was lost or doubled."""
        names = ("grams_taken", "grams_charged", "fen", "alarms", "lost", "doubled", "scoops")
        return {
            "seeds": self.seeds, "ok": self.ok,
            **{name: self.counts[name] for name in (*names, "sessions", "unassigned")},
            "failed": len({each.seed for each in self.failures}),
            "failures": [vars(each) for each in self.failures[:MOST_TOLD]],
        }  # fmt: skip


def run_seeds(seeds: Iterable[int], plant: str | None = None, crowd: int | None = None) -> Found:
    """Run days, of ``crowd`` diners each; with a planted fault only until it is found."""
    found = Found()
    with LINE_PLANTS[plant]() if plant else nullcontext():
        for seed in seeds:
            found.take(seed, run_day(seed, crowd))
            if plant and not found.ok:
                break
    return found


def story_of(seed: int, plant: str | None = None) -> tuple[str, list[str]]:
    """What happened on a day, and every promise that it broke."""
    with LINE_PLANTS[plant]() if plant else nullcontext():
        day = run_day(seed)
    faults = judge(day)
    return tell(day, faults), faults


def run_in_processes(seeds: range, jobs: int, progress: Callable[[int], None]) -> Found:
    """Run days on several cores; ``progress`` hears how many are done."""
    found = Found()
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(run_seeds, [seed]) for seed in seeds]):
            found.add(done.result())
            progress(found.seeds)
    return found


def _figures(day: Day) -> dict[str, int]:
    """``grams_taken`` is the truth: what all trays took from all pans."""
    entries = [one.entry for kept in day.kept.values() for one in kept]
    scoops = [entry for entry in entries if isinstance(entry, ScoopTaken)]
    changes = [entry for entry in entries if isinstance(entry, PanChanged)]
    placed = {scoop_id for scoop_id, place in day.places.items()}
    return {
        "grams_taken": round(sum(visit.grams for pan in day.plan.pans for visit in pan.visits)),
        "grams_charged": sum(scoop.grams for scoop in scoops),
        "fen": sum(scoop.amount for scoop in scoops),
        "alarms": sum(entry.kind in ALARMS for entry in changes),
        "lost": len({scoop.id for scoop in scoops} - placed),
        "doubled": len(entries) - len({entry.id for entry in entries}) + day.counts["doubled"],
        "scoops": len(scoops),
        "sessions": len(day.sales),
        "unassigned": sum(place.session_id is None for place in day.places.values()),
    }

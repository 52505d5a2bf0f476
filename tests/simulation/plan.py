"""What a seed brings: some attacks each, so that seeds differ in kind and not in luck alone."""

from dataclasses import dataclass
from random import Random

from simulation.network import Weather

STEPS = {
    "sell": 30, "void": 4, "push": 18, "pull": 10, "office": 9, "late": 6, "time": 3,
    "line": 8, "till_crash": 4, "till_fuse": 12, "server_crash": 3, "server_fuse": 14,
    "full": 8, "bad_sync": 8, "clock": 6, "till_copy": 4, "till_restore": 10, "backup": 5,
    "server_restore": 8, "revoke": 3, "replay": 5, "give_back": 12,
}  # fmt: skip
"""Kind of step → how often."""
ALWAYS = ("sell", "void", "push", "pull", "office", "late", "time")
ATTACKS = {
    "line": ("line",),
    "till crash": ("till_crash", "till_fuse"),
    "server crash": ("server_crash", "server_fuse"),
    "full disk": ("full",),
    "failing fsync": ("bad_sync",),
    "clock": ("clock",),
    "old till": ("till_copy", "till_restore"),
    "old server": ("backup", "server_restore"),
    "revoked": ("revoke",),
    "replay": ("replay",),
    "busy desk": ("give_back",),
}
"""Attack → its steps."""


@dataclass(frozen=True)
class Plan:
    """One seed's world.

    Attributes:
        tills: How many there are.
        steps: How many things happen.
        attacks: Which of :data:`ATTACKS` take part.
        weights: Kind of step → how often.
        weather: Of the network.
        holds: The server keeps its connections open.
    """

    tills: int
    steps: int
    attacks: tuple[str, ...]
    weights: dict[str, float]
    weather: Weather
    holds: bool

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """What the seed brings."""
        rng = Random(f"plan {seed}")
        attacks = tuple(name for name in ATTACKS if rng.random() < 0.4)
        kinds = [*ALWAYS, *(step for name in attacks for step in ATTACKS[name])]
        stormy = rng.choice((0.0, 0.5, 1.0))
        return cls(
            tills=rng.choice((1, 2, 2, 3)),
            steps=rng.randrange(20, 46),
            attacks=attacks,
            weights={kind: STEPS[kind] * rng.uniform(0.5, 2.0) for kind in kinds},
            weather=Weather(
                lose=0.1 * stormy, lose_answer=0.2 * stormy, delay=0.15 * stormy,
                double=0.15 * stormy, cut=0.05 * stormy, stale=0.05 * stormy,
            ),
            holds=rng.random() < 0.8,
        )  # fmt: skip

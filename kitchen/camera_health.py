"""What ails a camera itself: away, hanging, covered, or sending what is no picture."""

from collections.abc import Mapping
from datetime import datetime, timedelta

LOST, FROZEN, COVERED, GARBAGE = FAULTS = (
    "camera_lost", "camera_frozen", "camera_covered", "camera_garbage",
)  # fmt: skip
"""What is wrong with a camera itself."""
LASTING: Mapping[str, float] = {LOST: 10.0, FROZEN: 0.0, COVERED: 5.0, GARBAGE: 5.0}
"""So many seconds a fault lasts before it is told; that a picture stands takes five to see."""
FAULT_COOL_DOWN_S = 300.0


class Health:
    """What ails a camera: a fault that lasts is told once, and then is quiet for a while."""

    def __init__(
        self, lasting: Mapping[str, float] = LASTING, cool_down_s: float = FAULT_COOL_DOWN_S
    ) -> None:
        self._lasting = lasting
        self._cool_down = cool_down_s
        self._kind = ""
        self._since: datetime | None = None
        self._told: dict[str, datetime] = {}
        self._open = False

    def step(self, at: datetime, kind: str) -> datetime | None:
        """What ails it now, empty where nothing does.

        Returns:
            Since when, if this moment makes the fault one to tell.
        """
        if kind != self._kind or self._since is None or at < self._since:
            self._kind, self._since, self._open = kind, at, False
        if not kind or self._open:
            return None
        if (at - self._since).total_seconds() < self._lasting[kind]:
            return None
        self._open = True
        last = self._told.get(kind)
        if last is not None and timedelta() <= at - last < timedelta(seconds=self._cool_down):
            return None
        self._told[kind] = at
        return self._since

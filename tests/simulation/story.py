"""What happened, step by step: printed for a failing seed, hashed to prove that a seed replays."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    step: int
    elapsed: float
    who: str
    what: str

    def __str__(self) -> str:
        minutes, seconds = divmod(self.elapsed, 60)
        return f"{self.step:4d}  {int(minutes):3d}:{seconds:04.1f}  {self.who:<8} {self.what}"


class Story:
    """Lines in order. Only names that every run of a seed gives alike: no ids, no addresses."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._hash = hashlib.sha256()

    def tell(self, step: int, elapsed: float, who: str, what: str) -> None:
        """Something happened."""
        line = Line(step, elapsed, who, what)
        self.lines.append(line)
        self._hash.update(f"{line}\n".encode())

    def digest(self) -> str:
        """The same for the same story only."""
        return self._hash.hexdigest()

    def text(self) -> str:
        """All lines, numbered."""
        head = "step   clock  who      what"
        return "\n".join([head, *map(str, self.lines)])

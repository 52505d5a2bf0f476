"""Whoever stands behind never pays for whoever stands in front: the rules of the place. Pure.

Before a claim the recogniser sees to it: exactly one face in the zone, large enough, no second one
near. After it, while the diner may still cancel, the place is watched on: another face before the
camera takes the claim back, nothing is charged, and no face is looked for again until somebody asks
for it, because the tray on the scale belongs to the one who has just left.
"""

from collections.abc import Set as AbstractSet
from enum import Enum
from uuid import UUID

from vision.decide import LookAlikes, Observation, Rules, no_look_alikes
from vision.gallery import Id
from vision.quality import Verdict

OTHERS = 2
"""Frames one after the other that must show somebody else, whom the till knows, or two people."""
STRANGERS = 4
"""... or somebody whom it does not know: a head that turns looks like that for a moment."""


class Sight(Enum):
    """What one frame says of who stands there."""

    PAYER = "payer"
    OTHER = "other"
    STRANGER = "stranger"
    NOTHING = "nothing"


def sight(
    payer: UUID, seen: Observation, rules: Rules, near: AbstractSet[Id] = frozenset()
) -> Sight:
    """Judge one frame of the countdown.

    Args:
        payer: Who has been recognised.
        seen: What the frame shows.
        rules: Of the recogniser.
        near: The payer's known look-alikes, who count as he: he has typed nothing yet, and who
            has a look-alike does not get here by his face alone.
    """
    if seen.verdict is Verdict.TWO_FACES:
        return Sight.OTHER
    if seen.verdict is not Verdict.OK or seen.match is None:
        return Sight.NOTHING
    best = seen.match.person_id
    if best == payer or best in near:
        return Sight.PAYER
    return Sight.OTHER if seen.match.similarity >= rules.threshold else Sight.STRANGER


class Guard:
    """Watches the place of one payer until the sale is written.

    Args:
        payer: Who has been recognised.
        rules: Of the recogniser.
        look_alikes: Who was flagged as too similar to somebody.
    """

    def __init__(self, payer: UUID, rules: Rules, look_alikes: LookAlikes = no_look_alikes) -> None:
        self.payer = payer
        self._rules = rules
        self._near = look_alikes(payer)
        self._others = 0
        self._strangers = 0

    def changed(self, seen: Observation) -> bool:
        """Take in a frame; says whether somebody else stands there now.

        An empty place, a turned head or a blurred frame says nothing: who looks at the dishes
        while the seconds run is still the payer.
        """
        what = sight(self.payer, seen, self._rules, self._near)
        if what is Sight.PAYER:
            self._others = self._strangers = 0
        elif what is Sight.OTHER:
            self._others += 1
            self._strangers += 1
        elif what is Sight.STRANGER:
            self._others = 0
            self._strangers += 1
        return self._others >= OTHERS or self._strangers >= STRANGERS

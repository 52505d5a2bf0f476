"""Whom a face is compared with, and who is too similar to whom: read from the till's file."""

from collections.abc import Callable
from uuid import UUID

from dafan.clock import Clock
from dafan.meals import OTHER_PERIOD, period_of
from pos.facts import Rows
from pos.snapshot import Catalogue
from vision.gallery import Id

LASTS_S = 30.0
"""A list of people is kept so long: a new diner is found half a minute later at most."""

_NEAR = """
SELECT near.value AS id FROM feed_item, json_each(feed_item.body, '$.lookalikes') AS near
WHERE feed_item.kind = 'diner' AND feed_item.key = ?
"""
_OF_MEAL = """
SELECT diner.key AS id FROM feed_item AS diner
JOIN feed_item AS grp ON grp.kind = 'group' AND grp.key = json_extract(diner.body, '$.group_id')
WHERE diner.kind = 'diner' AND json_extract(diner.body, '$.status') <> 'left'
AND EXISTS (SELECT 1 FROM json_each(grp.body, '$.meals') AS meal WHERE meal.key = ?)
"""


class Roster:
    """Who may pay by face here and now.

    Templates of people who have left are gone from the till. The rest may be narrowed, while a meal
    is served, to those whose group has a rule for it: a smaller gallery takes fewer strangers for
    somebody. Whoever is not on the list pays by card, code or PIN, at the price that is his.

    Args:
        rows: Reads the till's file.
        catalogue: The rules as last published.
        clock: Time; tells the meal.
    """

    def __init__(self, rows: Rows, catalogue: Callable[[], Catalogue], clock: Clock) -> None:
        self._rows = rows
        self._catalogue = catalogue
        self._clock = clock
        self._kept: tuple[str, float, frozenset[Id]] | None = None

    def look_alikes(self, person: Id) -> frozenset[Id]:
        """The people whose face is too near to this one's."""
        return frozenset(UUID(row["id"]) for row in self._rows(_NEAR, str(person)))

    def of_this_meal(self) -> frozenset[Id] | None:
        """Whose group has a rule for the meal that is served; ``None`` outside all meals."""
        policy = self._catalogue().policy
        if policy is None:
            return None
        period = period_of(policy, self._clock.now())
        if period == OTHER_PERIOD:
            return None
        at, kept = self._clock.monotonic(), self._kept
        if kept is not None and kept[0] == period and at - kept[1] < LASTS_S:
            return kept[2]
        people = frozenset[Id](UUID(row["id"]) for row in self._rows(_OF_MEAL, period))
        self._kept = (period, at, people)
        return people

"""What of today is done when the demo opens: the list so far, the people, the temperatures.

What a visitor plays himself waits for him: receiving, cooking, samples, waste.
"""

from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from kitchen import supervision
from kitchen.supervision_templates import Evidence
from server import kitchen_day
from server.actor import Actor
from server.demo import day, meals
from server.demo.scene import Scene

WAITING = 6
"""So many acts of the list wait for the visitor at any hour."""
_CHECKED = time(6, 10)
_STEAMED = timedelta(minutes=30)


def begin(session: Session, scene: Scene, now: datetime) -> None:
    """Do what is due by now.

    Args:
        session: Writing.
        scene: Of today.
        now: Aware UTC, on the scene's business date.
    """
    opened = min(scene.at(time(5)), now)
    kitchen_day.make_list(session, Actor(scene.site_id, "list", opened), scene.policy)
    day.temperatures(session, scene, now)
    if scene.at(_CHECKED) <= now:
        day.check_people(session, scene)
    for period in meals.PERIODS:
        if day.disinfection_of(scene, period) + _STEAMED <= now:
            day.disinfect(session, scene, period)
    rows = supervision.day_list(session, scene.site_id, scene.day)
    by_hand = [row for row in rows if row.done_at is None and row.evidence != Evidence.LINK]
    over = sorted(by_hand, key=lambda row: row.due_at)[:-WAITING]
    day.do_acts(session, scene, [row for row in over if row.due_at <= now])

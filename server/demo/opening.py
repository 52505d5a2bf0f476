"""Opens the demo's kitchen: furnished, with a day behind it and today's food on its way."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan.clock import business_date
from dafan.db import reading, writing
from server import auth, people, sites
from server.actor import Actor
from server.demo import day, kitchen, phone, supply
from server.demo import today as begun
from server.demo.scene import Scene

APPROVER = "demo2"
"""Approves what others want to buy: nobody approves his own order."""
FIRST_NUMBER = 1001


def open_kitchen(engine: Engine, actor: Actor, venue_id: UUID, password: str) -> Mapping[str, int]:
    """Furnish the kitchen, let it have had yesterday, and order for today.

    Args:
        engine: Of the demo's server; its diners are there.
        actor: Who seeds; ``actor.at`` is now.
        venue_id: The canteen.
        password: Of :data:`APPROVER`.

    Returns:
        Subject → how much was done yesterday; nothing where the kitchen was open before.
    """
    with reading(engine) as session:
        policy = sites.policy(session, actor.site_id)
    today = business_date(actor.at, ZoneInfo(policy.time_zone), policy.day_starts_hour)
    with writing(engine) as session:
        if auth.find_user(session, APPROVER) is None:
            auth.create_user(
                session, actor.site_id, APPROVER, password, ["manager"], name="演示二",
                by=actor.name,
            )  # fmt: skip
        if not kitchen.seed(session, actor, venue_id, _staff(session, actor.site_id), today):
            return {}
    with writing(engine) as session:
        known = kitchen.find(session, actor.site_id)
        yesterday = today - timedelta(days=1)
        scene = Scene(actor.site_id, venue_id, yesterday, policy, known, APPROVER)
        done = day.play(session, scene)
        coming = Scene(actor.site_id, venue_id, today, policy, known, APPROVER)
        supply.order(session, coming, today, deliver=today)
        begun.begin(session, coming, actor.at)
        phone.fill(session, actor, coming)
    return done


def _staff(session: Session, site_id: UUID) -> list[UUID]:
    numbers = range(FIRST_NUMBER, FIRST_NUMBER + len(kitchen.POSTS))
    found = (people.find_diner(session, site_id, str(number)) for number in numbers)
    return [diner.id for diner in found if diner is not None]

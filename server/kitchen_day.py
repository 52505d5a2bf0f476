"""The kitchen's day as the server drives it: its list is made, and what is late is told on."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dafan.clock import business_date
from dafan.db import reading, writing
from dafan.records import Policy
from kitchen import supervision
from kitchen.supervision import SupervisionItem
from kitchen.supervision_templates import Hours
from server import sites
from server.actor import Actor

PROGRAM = "supervision"
"""Who makes the list and tells on it, in the journal of changes."""


def make_list(session: Session, actor: Actor, policy: Policy) -> None:
    """Make the list of the site's present day, or bring it up to a changed template."""
    hours = Hours(ZoneInfo(policy.time_zone), policy.periods, policy.day_starts_hour)
    supervision.generate(session, actor, today(policy, actor.at), hours)


def today(policy: Policy, now: datetime) -> date:
    """The site's business date."""
    return business_date(now, ZoneInfo(policy.time_zone), policy.day_starts_hour)


def drive(engine: Engine, now: datetime) -> str:
    """Do it for every site whose kitchen has looked at its list before."""
    told = 0
    for site_id in _kitchens(engine):
        with writing(engine) as session:
            actor = Actor(site_id, PROGRAM, now)
            make_list(session, actor, sites.policy(session, site_id))
            told += len(supervision.escalate(session, actor))
    return f"{told} late acts told on"


def _kitchens(engine: Engine) -> list[UUID]:
    with reading(engine) as session:
        return [
            site.id
            for site in sites.all_sites(session)
            if session.scalar(
                select(SupervisionItem.id).where(SupervisionItem.site_id == site.id).limit(1)
            )
        ]

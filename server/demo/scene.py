"""Where and when the demo's kitchen works, and who does it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dafan.records import Policy
from kitchen import pictures
from server.actor import Actor
from server.demo import kitchen as demo


@dataclass
class Scene:
    """One day of the demo's kitchen.

    Args:
        site_id: The demo's site.
        venue_id: Its canteen.
        day: The business date.
        policy: Time zone and meals.
        known: The kitchen as it is furnished.
        approver: Login of who approves orders.
        done: Subject → how much was done.
    """

    site_id: UUID
    venue_id: UUID
    day: date
    policy: Policy
    known: demo.Kitchen
    approver: str
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.policy.time_zone)
        self.rng = Random(str(self.day))  # noqa: S311 - weights, not secrets

    def at(self, hour: time, *, ahead: int = 0) -> datetime:
        """A moment of the day, or of one ``ahead`` or behind it; aware UTC."""
        there = datetime.combine(self.day + timedelta(days=ahead), hour, self.zone)
        return there.astimezone(UTC)

    def by(self, post: str, at: datetime) -> Actor:
        """Somebody of the kitchen at a moment."""
        return Actor(self.site_id, self.known.people[post], at)

    def count(self, what: str, number: int = 1) -> None:
        """Note that something was done."""
        self.done[what] += number

    def picture(self, session: Session, actor: Actor, text: str) -> str:
        """Keep a drawn page as proof."""
        return pictures.keep(session, actor, demo.drawn(text, self.rng.randrange(100)))

"""The signed-in person's site as pages need it, read once a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g
from flask_login import current_user
from sqlalchemy import select

from dafan import db
from dafan.clock import business_date
from dafan.records import Policy
from server import sites
from server.services import services
from server.sites import Site


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site's name and rules."""

    id: UUID
    name: str
    policy: Policy

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.policy.time_zone)

    def today(self, now: datetime) -> date:
        """Its business date at a moment."""
        return business_date(now, self.zone, self.policy.day_starts_hour)

    def period_name(self, code: str) -> str:
        """The meal period's name; its code where the period is gone."""
        names = {period.code: period.name for period in self.policy.periods}
        return names.get(code, code)


def current() -> SiteView:
    """The site that the signed-in person works at now."""
    if "dafan_site" not in g:
        show(current_user.at_site)
    view: SiteView = g.dafan_site
    return view


def show(site_id: UUID) -> None:
    """Let this request be about a site: that of a diner, who has no account."""
    with db.reading(services().engine) as session:
        site = sites.get_site(session, site_id)
        g.dafan_site = SiteView(site.id, site.name, sites.policy(session, site.id))


def others() -> Sequence[Site]:
    """The sites that the signed-in person can change to, the oldest first."""
    ids = current_user.site_ids - {current_user.at_site}
    if not ids:
        return ()
    with db.reading(services().engine) as session:
        return session.scalars(select(Site).where(Site.id.in_(ids)).order_by(Site.id)).all()

"""设置 → 场所: canteens, shops, laundries."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from server import sites, terminals, venues
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id


@manage.get("/settings/venues")
@needs("see_settings")
def venues_list() -> str:
    """All venues, each with its number of tills."""
    with reading() as session:
        tills = [one.venue_id for one in terminals.active(session, site_id())]
        rows = [(venue, tills.count(venue.id)) for venue in sites.venues(session, site_id())]
        return render_template("manage/venues.html", active="manage.settings", rows=rows)


@manage.post("/settings/venues")
@needs("see_settings")
def venue_new() -> AnyResponse:
    """Open a venue."""
    name = request.form.get("name", "")
    change(lambda session: venues.add(session, actor(), name), _("已添加场所"))
    return redirect(url_for("manage.venues_list"))


@manage.post("/settings/venues/<uuid:venue_id>")
@needs("see_settings")
def venue_rename(venue_id: UUID) -> AnyResponse:
    """Give a venue another name."""
    name = request.form.get("name", "")
    change(
        lambda session: venues.rename(session, actor(), venue_id, name),
        _("已改名，结算台随即更新"),
    )
    return redirect(url_for("manage.venues_list"))

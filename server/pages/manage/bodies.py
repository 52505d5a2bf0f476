"""设置 → 核算主体: who runs which venue, and who owes which diners their balances."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from server import groups, sites
from server.access import needs
from server.books import bodies
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id

_NOBODY = UUID(int=0)


@manage.get("/settings/bodies")
@needs("see_settings")
def bodies_list() -> str:
    """All bodies, and what belongs to each."""
    with reading() as session:
        return render_template(
            "manage/bodies.html",
            active="manage.settings",
            bodies=sites.bodies(session, site_id()),
            venues=sites.venues(session, site_id()),
            groups=groups.all_of(session, site_id()),
        )


@manage.post("/settings/bodies")
@needs("see_settings")
def body_new() -> AnyResponse:
    """Add a body."""
    name = request.form.get("name", "")
    change(lambda session: bodies.add(session, actor(), name), _("已添加主体"))
    return redirect(url_for("manage.bodies_list"))


@manage.post("/settings/bodies/<uuid:body_id>")
@needs("see_settings")
def body_rename(body_id: UUID) -> AnyResponse:
    """Give a body another name."""
    name = request.form.get("name", "")
    change(lambda session: bodies.rename(session, actor(), body_id, name), _("已改名"))
    return redirect(url_for("manage.bodies_list"))


@manage.post("/settings/bodies/venues/<uuid:venue_id>")
@needs("see_settings")
def body_of_venue(venue_id: UUID) -> AnyResponse:
    """Let a body run a venue."""
    body_id = as_uuid(request.form.get("body")) or _NOBODY
    change(
        lambda session: bodies.assign_venue(session, actor(), venue_id, body_id),
        _("已保存，以后的销售按新的主体清算"),
    )
    return redirect(url_for("manage.bodies_list"))


@manage.post("/settings/bodies/groups/<uuid:group_id>")
@needs("see_settings")
def body_of_group(group_id: UUID) -> AnyResponse:
    """Let a body owe the diners of a group their balances."""
    body_id = as_uuid(request.form.get("body")) or _NOBODY
    change(
        lambda session: bodies.assign_group(session, actor(), group_id, body_id),
        _("已保存，以后的销售按新的主体清算"),
    )
    return redirect(url_for("manage.bodies_list"))

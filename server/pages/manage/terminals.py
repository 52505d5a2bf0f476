"""结算台: state, enrolment by one-time code, revocation."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import BadInputError, DafanError
from kitchen import dishes
from server import keys, line_journal, sites, terminals, till_states
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id
from server.services import services


@manage.get("/terminals")
@needs("see_terminals")
def terminals_list() -> str:
    """All of them, and the form for a new one."""
    return _page()


@manage.post("/terminals/code")
@needs("edit_terminals")
def terminal_code() -> str | AnyResponse:
    """Make a one-time code; it is shown this once and never again."""
    now = services().clock.now()
    venue_id = as_uuid(request.form.get("venue"))
    name = request.form.get("name", "").strip()
    try:
        if venue_id is None or not name:
            raise BadInputError(_("请填写名称并选择场所"))
        with db.writing(services().engine) as session:
            code = terminals.make_code(session, site_id(), venue_id, name, by=actor().name, now=now)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.terminals_list"))
    return _page(code, name)


@manage.post("/terminals/<uuid:terminal_id>/revoke")
@needs("edit_terminals")
def terminal_revoke(terminal_id: UUID) -> AnyResponse:
    """Refuse it from its next request on."""
    now = services().clock.now()
    change(
        lambda session: terminals.revoke(session, site_id(), terminal_id, by=actor().name, now=now),
        _("已吊销：这台结算台的下一次请求即被拒绝"),
    )
    return redirect(url_for("manage.terminals_list"))


@manage.post("/terminals/<uuid:terminal_id>/dish")
@needs("edit_terminals")
def terminal_dish(terminal_id: UUID) -> AnyResponse:
    """Which dish a bare weight on its scale means."""
    dish_id = as_uuid(request.form.get("dish"))

    def work(session: Session) -> None:
        if dish_id is not None:
            dishes.get(session, site_id(), dish_id)
        terminals.set_weigh_dish(session, site_id(), terminal_id, dish_id, by=actor().name)

    change(work, _("已保存，结算台随即更新"))
    return redirect(url_for("manage.terminals_list"))


def _page(code: str = "", name: str = "") -> str:
    now = services().clock.now()
    with reading() as session:
        every = terminals.of_site(session, site_id())
        own = line_journal.of_site(session, site_id())
        weighed = [
            dish for dish in dishes.page(session, site_id(), limit=dishes.MAX_PAGE)
            if dish.unit == "kg" and dish.active
        ]  # fmt: skip
        return render_template(
            "manage/terminals.html",
            active="manage.terminals_list",
            states=till_states.states(session, site_id(), now),
            revoked=[
                one
                for one in every
                if one.revoked_at and one.rescue_of is None and one.id not in own
            ],
            epoch=keys.current(session),
            venues=sites.venues(session, site_id()),
            dishes=weighed,
            now=now,
            code=code,
            code_name=name,
            minutes=terminals.CODE_MINUTES,
        )

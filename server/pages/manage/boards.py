"""大屏: boards on the wall, each with a secret address."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import BadInputError, DafanError
from kitchen import boards
from kitchen.boards import BoardValues
from server import sites
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.services import services


@manage.get("/boards")
@needs("run_kitchen")
def boards_list() -> str:
    """Which boards there are."""
    return _page()


@manage.post("/boards")
@needs("run_kitchen")
def board_new() -> str | AnyResponse:
    """Make one; its address is shown this once."""
    try:
        with db.writing(services().engine) as session:
            row, token = boards.make(
                session, actor(), _values(session), key=request.form.get("key", "")[:96]
            )
            name = row.name
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.boards_list"))
    return _page(url_for("board.board", token=token, _external=True), name)


@manage.post("/boards/<uuid:board_id>/notice")
@needs("run_kitchen")
def board_say(board_id: UUID) -> AnyResponse:
    """What it announces."""
    said = request.form.get("notice", "")
    change(lambda session: boards.say(session, actor(), board_id, said), _("已更新，几秒内显示"))
    return redirect(url_for("manage.boards_list"))


@manage.post("/boards/<uuid:board_id>/revoke")
@needs("run_kitchen")
def board_revoke(board_id: UUID) -> AnyResponse:
    """Its address leads nowhere from now on."""
    change(lambda session: boards.revoke(session, actor(), board_id), _("地址已作废"))
    return redirect(url_for("manage.boards_list"))


def _page(address: str = "", made: str = "") -> str:
    with reading() as session:
        return render_template(
            "manage/boards.html", active="manage.incidents_list",
            boards=boards.of_site(session, site_id()), venues=sites.venues(session, site_id()),
            address=address, made=made,
        )  # fmt: skip


def _values(session: Session) -> BoardValues:
    form = request.form
    try:
        values = BoardValues.model_validate(
            {name: form.get(name, "") for name in BoardValues.model_fields}
        )
    except ValidationError as error:
        raise BadInputError(_("请填名称，并选择种类和场所")) from error
    if values.venue_id not in {venue.id for venue in sites.venues(session, site_id())}:
        raise BadInputError(_("请填名称，并选择种类和场所"))
    return values

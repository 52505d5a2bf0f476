"""Boards on the wall: no sign-in, a long secret address; they show, and change nothing."""

from uuid import UUID

from flask import Blueprint, Response, abort, render_template
from sqlalchemy.orm import Session

from kitchen import boards, cameras
from kitchen.boards import Board, BoardKind
from kitchen.cameras import UnknownCameraError
from server import boards as facts
from server.access import public
from server.pages.food_words import ALLERGENS
from server.pages.shared import reading
from server.services import services

blueprint = Blueprint("board", __name__, url_prefix="/board")

__all__ = ["blueprint"]


@blueprint.get("/<token>")
@public
def board(token: str) -> str:
    """The page; a script renews what is on it."""
    return _page(token, "board/board.html")


@blueprint.get("/<token>/content")
@public
def content(token: str) -> str:
    """What is on it now."""
    return _page(token, "board/_content.html")


@blueprint.get("/<token>/still/<uuid:camera_id>")
@public
def still(token: str, camera_id: UUID) -> Response:
    """The newest picture of a camera that everybody may see; nobody can be known on it."""
    with reading() as session:
        found = _find(session, token)
        try:
            row = cameras.get(session, found.site_id, camera_id)
        except UnknownCameraError:
            abort(404)
        shown = row.on_board and row.active and found.kind == BoardKind.KITCHEN.value
        if not shown or row.still is None:
            abort(404)
        return Response(row.still, mimetype="image/jpeg")


def _page(token: str, template: str) -> str:
    now = services().clock.now()
    with reading() as session:
        found = _find(session, token)
        if found.kind == BoardKind.KITCHEN.value:
            shown = {"kitchen": facts.kitchen_board(session, found, now)}
        else:
            shown = {"canteen": facts.canteen_board(session, found, now)}  # type: ignore[dict-item]
        hour = next(iter(shown.values())).hour
        return render_template(
            template, token=token, notice=found.notice, hour=hour, ALLERGENS=ALLERGENS, **shown
        )


def _find(session: Session, token: str) -> Board:
    found = boards.find(session, token)
    if found is None:
        abort(404)
    return found

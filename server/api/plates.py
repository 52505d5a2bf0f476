"""What a return station asks after it has reported a tray: what became of it."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from dafan.db import reading
from dafan.plates import PlateAnswer
from server import plate_book, plates
from server.api.sync import by_terminal
from server.problems import problem
from server.services import services
from server.terminals import Terminal

blueprint = APIBlueprint("plates", __name__, url_prefix="/api/v1/plates", tag="Sync")


@blueprint.get("/<uuid:return_id>")
@by_terminal
@blueprint.output(PlateAnswer)
@blueprint.doc(
    summary="What became of a tray that this terminal has reported",
    responses={401: "Not an enrolled terminal", 404: "This terminal reported no such tray"},
)
def plate(terminal: Terminal, return_id: UUID) -> PlateAnswer | Response:
    """The verdict, and the points that the diner has now."""
    with reading(services().engine) as session:
        row = plates.get(session, return_id)
        if row is None or row.terminal_id != terminal.id or row.diner_id is None:
            return problem(404, "unknown_plate", "this terminal has reported no such tray")
        return PlateAnswer(
            verdict=row.verdict, left=row.left_grams, points=row.points,
            balance=plate_book.balance(session, row.diner_id),
        )  # fmt: skip

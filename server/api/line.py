"""What a terminal asks about a tray: whose it is, and what it owes so far."""

from typing import Annotated
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from dafan.db import reading
from server import line, line_settle, people
from server.api.sync import by_terminal
from server.line_book import ScoopState, SessionState
from server.line_join import fold
from server.problems import problem
from server.services import services
from server.terminals import Terminal

blueprint = APIBlueprint("line", __name__, url_prefix="/api/v1/line", tag="Sync")


class TrayLine(BaseModel):
    """A scoop that is on the tray."""

    dish_id: UUID
    name: str
    grams: int
    unit_price: Annotated[int, Field(description="Fen per kilogram")]
    amount: Annotated[int, Field(description="Fen")]


class TrayAnswer(BaseModel):
    """A tray as the server knows it."""

    session_id: UUID
    state: SessionState
    name: Annotated[str, Field(description="The diner's, masked")]
    lines: list[TrayLine]
    total: Annotated[int, Field(description="Fen before any discount")]
    grams: int


@blueprint.get("/trays/<tag>")
@by_terminal
@blueprint.output(TrayAnswer)
@blueprint.doc(
    summary="The last session of a tray, as far as the boxes have told it",
    responses={401: "Not an enrolled terminal", 404: "Nobody has had this tray"},
)
def tray(terminal: Terminal, tag: str) -> TrayAnswer | Response:
    """Its session, the lines so far, the total."""
    with reading(services().engine) as session:
        row = line.latest(session, terminal.site_id, [tag]).get(tag)
        if row is None:
            return problem(404, "unknown_tray", "nobody has had this tray: bind it at the entrance")
        states = (ScoopState.OWED, ScoopState.SETTLED)
        folded = fold(line.taken(line.scoops_of(session, row.id, states)))
        lines = [
            TrayLine(
                dish_id=one.dish_id, name=one.name, grams=one.grams or 0,
                unit_price=one.unit_price, amount=one.amount,
            )
            for one in line_settle.lines(folded.tabs)
        ]  # fmt: skip
        diner = people.get_diner(session, terminal.site_id, row.diner_id)
        return TrayAnswer(
            session_id=row.id, state=SessionState(row.state), name=f"{diner.name[:1]}*",
            lines=lines, total=folded.amount, grams=folded.grams,
        )  # fmt: skip

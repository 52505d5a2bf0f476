"""The pictures that tills send when a face payment is disputed."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request

from dafan.db import writing
from dafan.desk import EvidencePicture
from server import evidence
from server.api.sync import by_terminal
from server.problems import problem
from server.services import services
from server.terminals import Terminal

MAX_BODY = 600_000
"""Bytes of JSON: 400 kB sealed, in base64."""

blueprint = APIBlueprint("evidence", __name__, url_prefix="/api/v1", tag="Sync")


@blueprint.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_BODY


@blueprint.put("/evidence/<uuid:sale_id>")
@by_terminal
@blueprint.input(EvidencePicture)
@blueprint.output({}, status_code=204)
@blueprint.doc(
    summary="Send the picture of a disputed face payment, or say why there is none",
    description="Harmless to repeat: the first answer counts.",
    responses={
        400: "The body is of another sale",
        401: "Not an enrolled terminal",
        404: "This terminal was not asked, or the question is closed: do not send it again",
        413: "Larger than 400 kB",
    },
)
def put_evidence(terminal: Terminal, sale_id: UUID, json_data: EvidencePicture) -> Any:
    """Keep the picture."""
    if json_data.sale_id != sale_id:
        return problem(400, "other_sale", "the body names another sale than the address")
    parts = services()
    try:
        with writing(parts.engine) as session:
            evidence.receive(session, parts.ring, terminal.id, json_data, parts.clock.now())
    except evidence.UnknownEvidenceError as error:
        return problem(404, error.code, str(error))
    return "", 204

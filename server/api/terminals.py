"""Enrolment of terminals."""

from apiflask import APIBlueprint
from flask import request

from dafan.db import reading, writing
from dafan.enrolment import EnrolAnswer, EnrolRequest
from server import terminals, throttle
from server.access import machine
from server.services import services

ADDRESS_FAILURES = 20

blueprint = APIBlueprint("terminals", __name__, url_prefix="/api/v1/terminals", tag="Terminals")


@blueprint.post("/enrol")
@machine
@blueprint.input(EnrolRequest)
@blueprint.output(EnrolAnswer)
@blueprint.doc(
    summary="Make a terminal from a one-time code",
    description="The same device may repeat the request if the answer was lost.",
    responses={403: "The code is wrong, expired or used", 429: "Too many wrong codes"},
)
def enrol(json_data: EnrolRequest) -> EnrolAnswer:
    """Give a new terminal its identity, and the site's key sealed for it alone."""
    parts = services()
    now, ip = parts.clock.now(), request.remote_addr or ""
    with reading(parts.engine) as session:
        throttle.require_calm(session, "enrol", ip, ADDRESS_FAILURES, now)
    try:
        with writing(parts.engine) as session:
            return terminals.enrol(session, json_data, parts.ring, now, ip)
    except terminals.EnrolError:
        with writing(parts.engine) as session:
            throttle.note(session, "enrol", ip, now)
        raise

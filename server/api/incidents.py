"""What boxes that watch cameras tell and ask: incidents, stills, how cameras are set."""

from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request
from pydantic import Base64Bytes, BaseModel, Field

from dafan.db import reading, writing
from kitchen import cameras, teaching
from kitchen.cameras import ZoneValues
from kitchen.incidents import IncidentValues
from kitchen.rows import Values
from server import incidents, uploads
from server.access import needs
from server.api.common import NOT_SIGNED_IN, actor
from server.problems import problem
from server.services import services

MAX_BODY = 600_000
"""Bytes: a picture of 300 kB in base64, and what is said of it."""

blueprint = APIBlueprint("incidents", __name__, url_prefix="/api/v1", tag="Kitchen cameras")


@blueprint.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_BODY


class IncidentReport(IncidentValues):
    """An incident and the picture that proves it."""

    picture: Base64Bytes | None = None
    """JPEG; nobody but who broke the rule can be known on it."""


class IncidentAnswer(BaseModel):
    """What became of it."""

    id: UUID
    state: str


class StillQuery(Values):
    """Whose still."""

    camera: Annotated[str, Field(min_length=1, max_length=80)]


class CameraAnswer(BaseModel):
    """How a camera is set."""

    name: str
    rules: list[str]
    zone: list[ZoneValues]
    taught: dict[str, str]
    """Rule → what was taught, of the rules that are live."""


class CameraList(BaseModel):
    """The cameras in use."""

    cameras: list[CameraAnswer]


@blueprint.put("/incidents/<uuid:incident_id>")
@needs("do_kitchen")
@blueprint.input(IncidentReport)
@blueprint.output(IncidentAnswer)
@blueprint.doc(
    summary="Report what a camera found",
    description="Harmless to repeat: the first report of an id counts.",
    responses={
        **NOT_SIGNED_IN, 400: "The report or its picture cannot be read",
        404: "No camera of this name is in use: add it on the pages, then send again",
        413: "Larger than 600 kB",
    },
)  # fmt: skip
def put_incident(incident_id: UUID, json_data: IncidentReport) -> Any:
    """Keep it."""
    parts = services()
    values = IncidentValues.model_validate(json_data.model_dump(exclude={"picture"}))
    try:
        with writing(parts.engine) as session:
            row = incidents.report(
                session, parts.ring, actor(), incident_id, values, json_data.picture
            )
            return {"id": row.id, "state": row.state}
    except cameras.UnknownCameraError as error:
        return problem(404, error.code, str(error))


@blueprint.put("/camera-stills")
@needs("do_kitchen")
@blueprint.input(StillQuery, location="query")
@blueprint.output({}, status_code=204)
@blueprint.doc(
    summary="Send the newest still of a camera",
    description="The body is a JPEG on which nobody can be known. The one before is gone.",
    responses={**NOT_SIGNED_IN, 400: "No picture", 404: "No camera of this name is in use"},
)
def put_still(query_data: StillQuery) -> Any:
    """Keep it instead of the one before."""
    jpeg = uploads.clean_picture(request.get_data())
    try:
        with writing(services().engine) as session:
            cameras.show(session, actor(), query_data.camera, jpeg)
    except cameras.UnknownCameraError as error:
        return problem(404, error.code, str(error))
    return "", 204


@blueprint.get("/cameras")
@needs("do_kitchen")
@blueprint.output(CameraList)
@blueprint.doc(summary="How the cameras are set", responses=NOT_SIGNED_IN)
def list_cameras() -> CameraList:
    """Rules, zones and what was taught."""
    with reading(services().engine) as session:
        taught = teaching.live_rules(session, actor().site_id)
        return CameraList(
            cameras=[
                CameraAnswer(
                    name=row.name,
                    rules=row.rules,
                    zone=[ZoneValues.model_validate(zone) for zone in row.zones],
                    taught=taught.get(row.id, {}),
                )
                for row in cameras.of_site(session, actor().site_id)
            ]
        )

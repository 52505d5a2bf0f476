"""Consent to face recognition, enrolment from a photograph, withdrawal."""

from uuid import UUID

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from flask import Response, current_app, request
from pydantic import BaseModel, ConfigDict, Field

from dafan.db import reading, writing
from dafan.wire import Utc
from server import consents, faces, people, uploads
from server.access import needs
from server.api.common import NOT_SIGNED_IN, actor, answers_unknown
from server.consent_texts import text_of
from server.consents import ConsentValues
from server.face_engine import shared_engine
from server.problems import problem
from server.services import services

blueprint = answers_unknown(APIBlueprint("api_faces", __name__, url_prefix="/api/v1", tag="Faces"))
_RESPONSES = {**NOT_SIGNED_IN, 404: "Not of this site"}


class ConsentParagraph(BaseModel):
    """A part of the text."""

    heading: str
    text: str


class ConsentTextAnswer(BaseModel):
    """What a diner reads before he agrees."""

    version: str
    title: str
    paragraphs: list[ConsentParagraph]


class FaceState(BaseModel):
    """Whether a diner agreed, and whether his face is known."""

    consent_version: str | None
    consent_given_at: Utc | None
    enrolled: bool
    pack: str | None
    lookalikes: list[UUID]
    """Diners who need a second factor together with this one."""


class NearFace(BaseModel):
    """Another diner whose face is too near."""

    diner_id: UUID
    staff_no: str
    name: str


class PhotoUpload(BaseModel):
    """A photograph of one face: JPEG or PNG."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    photo: UploadFile
    confirm: bool = Field(default=False)
    """Somebody looked at the near faces and says that they are other people."""


@blueprint.before_request
def _let_photos_in() -> None:
    if request.endpoint == f"{blueprint.name}.{enrol.__name__}":
        request.max_content_length = current_app.config["MAX_CONTENT_LENGTH"]


@blueprint.get("/consent-text")
@needs("see_people")
@blueprint.output(ConsentTextAnswer)
@blueprint.doc(summary="The consent text of today", responses=NOT_SIGNED_IN)
def consent_text() -> ConsentTextAnswer:
    """The text that holds now."""
    text = text_of()
    parts = [ConsentParagraph(heading=heading, text=body) for heading, body in text.paragraphs]
    return ConsentTextAnswer(version=text.version, title=text.title, paragraphs=parts)


@blueprint.get("/diners/<uuid:diner_id>/face")
@needs("see_faces")
@blueprint.output(FaceState)
@blueprint.doc(summary="Consent and enrolment of a diner", responses=_RESPONSES)
def get_face(diner_id: UUID) -> FaceState:
    """What is known of the diner's face."""
    return _state(diner_id)


@blueprint.post("/diners/<uuid:diner_id>/consent")
@needs("see_faces")
@blueprint.input(ConsentValues)
@blueprint.output(FaceState, status_code=201)
@blueprint.doc(summary="Record that the diner read the text and agreed", responses=_RESPONSES)
def give_consent(diner_id: UUID, json_data: ConsentValues) -> FaceState:
    """Record a consent."""
    with writing(services().engine) as session:
        consents.give(session, actor(), diner_id, json_data)
    return _state(diner_id)


@blueprint.put("/diners/<uuid:diner_id>/face")
@needs("see_faces")
@blueprint.input(PhotoUpload, location="files", arg_name="upload")
@blueprint.output(FaceState)
@blueprint.doc(
    summary="Enrol the diner's face from a photograph",
    description="Needs a consent. Poor photographs are refused with a code such as `photo_dark`.",
    responses={**_RESPONSES, 409: "Very near to other diners: look, then send `confirm`"},
)
def enrol(diner_id: UUID, upload: PhotoUpload) -> FaceState | Response:
    """Enrol from a photograph."""
    parts = services()
    with reading(parts.engine) as session:  # nobody's photograph is opened before he agreed
        people.get_diner(session, actor().site_id, diner_id)
        faces.require_consent(session, diner_id)
    engine = shared_engine(parts.settings.vision.pack)
    reference = engine.read(uploads.read_picture(upload.photo.stream))
    try:
        with writing(parts.engine) as session:
            faces.enrol(
                session, actor(), parts.ring, diner_id, reference,
                lookalike_similarity=engine.lookalike_similarity, confirm=upload.confirm,
            )  # fmt: skip
    except faces.DuplicateFaceError as error:
        near = [
            NearFace(diner_id=other.diner_id, staff_no=other.staff_no, name=other.name)
            for other in error.near
        ]
        return problem(
            409, error.code, str(error), near=[other.model_dump(mode="json") for other in near]
        )
    return _state(diner_id)


@blueprint.delete("/diners/<uuid:diner_id>/face")
@needs("see_faces")
@blueprint.output(FaceState)
@blueprint.doc(
    summary="Withdraw the consent and erase the face, here and on every till",
    responses=_RESPONSES,
)
def withdraw(diner_id: UUID) -> FaceState:
    """Withdraw."""
    with writing(services().engine) as session:
        faces.withdraw(session, actor(), diner_id)
    return _state(diner_id)


def _state(diner_id: UUID) -> FaceState:
    with reading(services().engine) as session:
        people.get_diner(session, actor().site_id, diner_id)
        consent = consents.standing(session, diner_id)
        template = faces.template_of(session, diner_id)
        return FaceState(
            consent_version=consent.version if consent else None,
            consent_given_at=consent.given_at if consent else None,
            enrolled=template is not None,
            pack=template.pack if template else None,
            lookalikes=list(people.lookalikes(session, diner_id)),
        )

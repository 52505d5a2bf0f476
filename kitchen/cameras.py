"""Cameras of a kitchen: where they hang, which rules count where, and how they are.

What a camera sees is looked at by :mod:`kitchen.watch`, on a box of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import JSON, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import SiteRow, Values

RULES = ("no_mask", "no_hat", "no_clothes", "phone", "smoking", "bin_open")
"""The breaches that a camera can see (:data:`vision.persons.RULES`)."""
TAUGHT_ALONE = ("no_hat", "no_clothes", "smoking", "bin_open")
"""What no public model knows: it is taught by example on site."""
FAULTS = ("camera_lost", "camera_frozen", "camera_covered", "camera_garbage")
"""Incidents of the camera itself."""
AWAY = timedelta(minutes=2)
"""A camera that sent no still for so long is away."""
MAX_STILL = 600_000

Part = Annotated[float, Field(ge=0, le=1)]


class UnknownCameraError(BadInputError):
    """The site has no such camera."""

    code = "unknown_camera"


class Camera(SiteRow):
    """A camera that a box watches."""

    __tablename__ = "kitchen_camera"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    """As the box calls it."""
    place: Mapped[str] = mapped_column(String(80))
    rules: Mapped[list[str]] = mapped_column(JSON)
    zones: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    on_board: Mapped[bool]
    """Whether everybody in the hall may see its stills."""
    active: Mapped[bool] = mapped_column(default=True)
    still: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The newest picture, JPEG; the box has made every face on it unknowable."""
    still_at: Mapped[datetime | None]


class ZoneValues(Values):
    """Where rules count."""

    polygon: Annotated[list[tuple[Part, Part]], Field(min_length=3, max_length=40)]
    """Corners as parts of the picture's width and height."""
    rules: Annotated[list[str], Field(min_length=1, max_length=len(RULES))]

    @model_validator(mode="after")
    def _rules_are_known(self) -> "ZoneValues":
        if set(self.rules) - set(RULES):
            raise ValueError("a zone is for the rules that cameras can see")
        return self


class CameraValues(Values):
    """What a person decides about a camera."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    rules: Annotated[list[str], Field(max_length=len(RULES))]
    """Which are watched here."""
    place: Annotated[str, Field(max_length=80)] = ""
    on_board: bool = False
    active: bool = True

    @model_validator(mode="after")
    def _rules_are_known(self) -> "CameraValues":
        if set(self.rules) - set(RULES):
            raise ValueError("there is no such rule that cameras can see")
        return self


def save(
    session: Session, actor: Acting, values: CameraValues, camera_id: UUID | None = None
) -> Camera:
    """Add a camera, or change it; the name of an existing one again changes that one.

    Raises:
        UnknownCameraError: not one of this site.
        BadInputError: another camera has this name.
    """
    named = session.scalar(_all(actor.site_id).where(Camera.name == values.name))
    row = named if camera_id is None else get(session, actor.site_id, camera_id, lock=True)
    if named is not None and row is not named:
        raise BadInputError("another camera has this name: give it another one")
    before = None
    if row is None:
        row = Camera(id=new_id(), site_id=actor.site_id, zones=[])
        session.add(row)
    else:
        before = _told(row)
    for name, value in values.model_dump().items():
        setattr(row, name, value)
    if not row.active:
        row.still, row.still_at = None, None
    session.flush()
    after = _told(row)
    if before != after:
        actor.record(session, "camera.save", str(row.id), before, after)
    return row


def draw(session: Session, actor: Acting, camera_id: UUID, zones: Sequence[ZoneValues]) -> Camera:
    """Say where rules count; the same zones again change nothing.

    Raises:
        UnknownCameraError: not one of this site.
    """
    row = get(session, actor.site_id, camera_id, lock=True)
    before, after = row.zones, [zone.model_dump(mode="json") for zone in zones]
    if before != after:
        row.zones = after
        session.flush()
        actor.record(session, "camera.zones", str(row.id), before, after)
    return row


def show(session: Session, actor: Acting, name: str, jpeg: bytes) -> Camera:
    """Keep the newest still of a camera; the one before is gone.

    Args:
        session: Writing.
        actor: The box.
        name: Of the camera.
        jpeg: Drawn anew by the server, without faces.

    Raises:
        UnknownCameraError: no camera of this name is in use here.
    """
    row = by_name(session, actor.site_id, name)
    row.still, row.still_at = jpeg, actor.at
    return row


def get(session: Session, site_id: UUID, camera_id: UUID, *, lock: bool = False) -> Camera:
    """A camera of the site.

    Raises:
        UnknownCameraError: not one of this site.
    """
    try:
        return rows.get(session, Camera, site_id, camera_id, "camera", lock=lock)
    except rows.UnknownRowError as error:
        raise UnknownCameraError("there is no such camera here: take one from the list") from error


def by_name(session: Session, site_id: UUID, name: str) -> Camera:
    """The camera in use that a box calls so.

    Raises:
        UnknownCameraError: there is none; somebody adds it on the pages first.
    """
    query = _all(site_id).where(Camera.name == name, Camera.active.is_(True))
    row: Camera | None = session.scalar(query)
    if row is None:
        raise UnknownCameraError(f"there is no camera '{name[:80]}' here: add it on the pages")
    return row


def of_site(session: Session, site_id: UUID, *, active: bool = True) -> Sequence[Camera]:
    """The cameras by name; those out of use as well where asked for."""
    query = _all(site_id).order_by(Camera.name)
    return session.scalars(query.where(Camera.active.is_(True)) if active else query).all()


def is_away(row: Camera, now: datetime) -> bool:
    """Whether no still came lately, or ever."""
    return row.still_at is None or now - row.still_at > AWAY


def _all(site_id: UUID) -> Any:
    return select(Camera).where(Camera.site_id == site_id)


def _told(row: Camera) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CameraValues.model_fields}

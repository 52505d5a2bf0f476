"""Incidents (违规): a camera finds, a person judges, one puts right, another verifies.

A program finds, a person judges: nobody is blamed by a picture alone. What is confirmed becomes a
finding (:mod:`kitchen.rectification`) and goes its way; a false alarm loses its picture at once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, LargeBinary, String, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.acting import Acting
from dafan.errors import BadInputError
from kitchen import cameras, rectification, rows
from kitchen.rectification import Finding, FindingValues, Step
from kitchen.rows import SiteRow, Values

MAX_PAGE = 200
AHEAD = timedelta(minutes=5)
"""A box's clock may be so much ahead."""


class State(StrEnum):
    """What a person said of it."""

    FOUND = "found"
    FALSE_ALARM = "false_alarm"
    CONFIRMED = "confirmed"


class Stage(StrEnum):
    """How far it has come, the finding included."""

    FOUND = "found"
    FALSE_ALARM = "false_alarm"
    CONFIRMED = "confirmed"
    """Nobody has it yet."""
    ASSIGNED = "assigned"
    PUT_RIGHT = "put_right"
    REJECTED = "rejected"
    VERIFIED = "verified"


class JudgedError(BadInputError):
    """Somebody has judged it otherwise."""

    code = "incident_judged"


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """What a site decides; days."""

    evidence_days: int = 90
    """So long a picture is kept: DB53/T 1173-2023 asks for records, practice for 90 days."""
    due_days: int = 3
    """So soon a confirmed one is put right."""


class Sealing(Protocol):
    """The key that seals now (:class:`server.keys.Key`)."""

    @property
    def epoch(self) -> int:
        """Which."""

    @property
    def secret(self) -> bytes:
        """32 bytes."""


class Incident(SiteRow):
    """What a camera found, or what was wrong with the camera itself."""

    __tablename__ = "kitchen_incident"
    __table_args__ = (
        Index("ix_kitchen_incident_at", "site_id", "at", "id"),
        Index("ix_kitchen_incident_state", "site_id", "state"),
    )

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_camera.id"))
    kind: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime]
    since: Mapped[datetime]
    received_at: Mapped[datetime]
    persons: Mapped[int]
    box: Mapped[list[float] | None] = mapped_column(JSON)
    """Who or what: x, y, width, height as parts of the picture."""
    part: Mapped[list[float] | None] = mapped_column(JSON)
    """What shows it."""
    score: Mapped[int | None]
    """Thousandths."""
    wrong: Mapped[int]
    judged: Mapped[int]
    detail: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the picture that came; it stays when the picture is erased."""
    epoch: Mapped[int | None] = mapped_column(index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    erased_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12))
    judged_by: Mapped[str | None] = mapped_column(String(80))
    judged_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200))
    finding_id: Mapped[UUID | None] = mapped_column(ForeignKey("finding.id"))


Corners = tuple[float, float, float, float]


class IncidentValues(Values):
    """What a box tells."""

    kind: Annotated[str, Field(pattern="^(" + "|".join(cameras.RULES + cameras.FAULTS) + ")$")]
    camera: Annotated[str, Field(min_length=1, max_length=80)]
    at: AwareDatetime
    since: AwareDatetime
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    """Width and height of the frame, pixels."""
    persons: Annotated[int, Field(ge=0, le=1000)] = 0
    box: Corners | None = None
    """x, y, width, height in pixels of the frame."""
    part: Corners | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    wrong: Annotated[int, Field(ge=0, le=100_000)] = 0
    judged: Annotated[int, Field(ge=0, le=100_000)] = 0
    track: int = 0
    detail: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An incident in a list."""

    row: Incident
    camera: str
    stage: Stage
    finding: Finding | None


def context(incident_id: UUID) -> str:
    """What the seal of its picture is bound to."""
    return f"incident:{incident_id}"


def report(
    session: Session,
    actor: Acting,
    incident_id: UUID,
    values: IncidentValues,
    jpeg: bytes | None,
    key: Sealing,
    digest: str = "",
) -> Incident:
    """Keep what a box found; told again, nothing changes.

    Args:
        session: Writing; no row is locked yet but the one that says which key seals.
        actor: The box.
        incident_id: The box's.
        values: What it tells.
        jpeg: The evidence, drawn anew by the server.
        key: Seals it.
        digest: SHA-256 of the picture.

    Raises:
        UnknownCameraError: the site has no such camera in use.
        BadInputError: it is of the future, or the id is another site's.
    """
    known = session.get(Incident, incident_id)
    if known is None:
        camera = cameras.by_name(session, actor.site_id, values.camera)
        if values.at > actor.at + AHEAD or values.since > values.at:
            raise BadInputError("the time of this incident cannot be: set the clock of the box")
        known = _row(actor, incident_id, camera.id, values)
        if jpeg is not None:
            known.sha256 = digest
            known.epoch = key.epoch
            known.sealed = crypto.seal(key.secret, jpeg, context(incident_id))
        try:
            with session.begin_nested():
                session.add(known)
        except IntegrityError:  # the same report in the same moment
            known = session.get_one(Incident, incident_id)
        else:
            after = {"kind": values.kind, "camera": values.camera}
            actor.record(session, "incident.found", str(incident_id), None, after)
    if known.site_id != actor.site_id:
        raise BadInputError("this incident is known already: give another one its own id")
    return known


def _row(actor: Acting, incident_id: UUID, camera_id: UUID, values: IncidentValues) -> Incident:
    return Incident(
        id=incident_id, site_id=actor.site_id, camera_id=camera_id, kind=values.kind,
        at=values.at, since=values.since, received_at=actor.at, persons=values.persons,
        box=_parts(values.box, values.size), part=_parts(values.part, values.size),
        score=None if values.score is None else round(1000 * values.score),
        wrong=values.wrong, judged=values.judged, detail=values.detail, sha256="",
        state=State.FOUND.value, reason="",
    )  # fmt: skip


def get(session: Session, site_id: UUID, incident_id: UUID, *, lock: bool = False) -> Incident:
    """An incident of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Incident, site_id, incident_id, "incident", lock=lock)


def look(
    session: Session, actor: Acting, incident_id: UUID, key_of: Callable[[int], Sealing]
) -> bytes | None:
    """The picture, and a line in the journal that somebody looked; ``None``: there is none.

    Raises:
        UnknownRowError: not one of this site.
        SealError: it was altered, or its key is not here.
    """
    row = get(session, actor.site_id, incident_id)
    if row.sealed is None or row.epoch is None:
        return None
    actor.record(session, "incident.look", str(row.id))
    return crypto.open_sealed(key_of(row.epoch).secret, row.sealed, context(row.id))


def confirm(
    session: Session, actor: Acting, incident_id: UUID, day: date, what: str, due: date
) -> Incident:
    """It is one: a finding is opened. Confirmed again, nothing changes.

    Args:
        session: Writing.
        actor: Judges.
        incident_id: Which.
        day: Today, of the site.
        what: In words of the kitchen, for the finding.
        due: The last day to put it right.

    Raises:
        JudgedError: it was a false alarm.
        BadInputError: it is due before today.
    """
    row = get(session, actor.site_id, incident_id, lock=True)
    if row.state == State.CONFIRMED.value:
        return row
    _judge(session, actor, row, State.CONFIRMED, "")
    values = FindingValues(what=what[:200], due=due, source="camera", source_ref=str(row.id))
    row.finding_id = rectification.find(session, actor, f"incident:{row.id}", day, values).id
    session.flush()
    return row


def dismiss(session: Session, actor: Acting, incident_id: UUID, reason: str) -> Incident:
    """It was a false alarm: its picture goes. Dismissed again, nothing changes.

    Raises:
        JudgedError: it was confirmed.
        BadInputError: no reason.
    """
    row = get(session, actor.site_id, incident_id, lock=True)
    if row.state == State.FALSE_ALARM.value:
        return row
    _judge(session, actor, row, State.FALSE_ALARM, rows.say(reason, "what is seen there instead"))
    _erase(row, actor.at)
    session.flush()
    return row


def erase_old(session: Session, actor: Acting, before: datetime, limit: int = 200) -> int:
    """Erase pictures of before a moment; the incidents stay. Tells how many went."""
    query = select(Incident).where(old(actor.site_id, before)).order_by(Incident.id).limit(limit)
    found = session.scalars(query.with_for_update()).all()
    for row in found:
        _erase(row, actor.at)
    if found:
        actor.record(session, "incident.erase", str(actor.site_id), None, {"pictures": len(found)})
    session.flush()
    return len(found)


def old(site_id: UUID, before: datetime) -> ColumnElement[bool]:
    """Which incidents have a picture of before a moment."""
    return (Incident.site_id == site_id) & Incident.sealed.is_not(None) & (Incident.at <= before)


def page(
    session: Session,
    site_id: UUID,
    *,
    opened: bool = True,
    camera_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Line]:
    """Incidents that wait for somebody, or those that are over; the newest first.

    Args:
        session: Reading.
        site_id: Whose.
        opened: Which of the two.
        camera_id: Of this camera only.
        before: Moment and id of the last one of the page before.
        limit: How many at most.
    """
    open_ = (Incident.state == State.FOUND.value) | (
        (Incident.state == State.CONFIRMED.value) & (Finding.state != Step.VERIFIED.value)
    )
    query = _lines(site_id).where(open_ if opened else ~open_)
    if camera_id is not None:
        query = query.where(Incident.camera_id == camera_id)
    if before is not None:
        at, last = before
        query = query.where(or_(Incident.at < at, (Incident.at == at) & (Incident.id < last)))
    query = query.order_by(Incident.at.desc(), Incident.id.desc())
    return [_line(*row) for row in session.execute(query.limit(max(1, min(limit, MAX_PAGE))))]


def line(session: Session, site_id: UUID, incident_id: UUID) -> Line:
    """One incident as a list shows it.

    Raises:
        UnknownRowError: not one of this site.
    """
    found = session.execute(_lines(site_id).where(Incident.id == incident_id)).one_or_none()
    if found is None:
        raise rows.UnknownRowError("there is no such incident here: take one from the list")
    return _line(*found)


def counts(
    session: Session, site_id: UUID, since: datetime, until: datetime
) -> dict[str, Counter[str]]:
    """Kind → stage → how many, of those found in a time; false alarms are not left out."""
    query = _lines(site_id).where(Incident.at >= since, Incident.at < until)
    found: dict[str, Counter[str]] = {}
    for row in session.execute(query):
        one = _line(*row)
        found.setdefault(one.row.kind, Counter())[one.stage.value] += 1
    return found


def _lines(site_id: UUID) -> Any:
    return (
        select(Incident, cameras.Camera.name, Finding)
        .join(cameras.Camera, Incident.camera_id == cameras.Camera.id)
        .outerjoin(Finding, Incident.finding_id == Finding.id)
        .where(Incident.site_id == site_id)
    )


def _line(row: Incident, camera: str, finding: Finding | None) -> Line:
    stage = Stage(row.state)
    if finding is not None and finding.state != Step.FOUND.value:
        stage = Stage(finding.state)
    return Line(row, camera, stage, finding)


def _judge(session: Session, actor: Acting, row: Incident, state: State, reason: str) -> None:
    if row.state != State.FOUND.value:
        raise JudgedError(f"{row.judged_by} has judged this incident: it is {row.state}")
    row.state, row.judged_by, row.judged_at, row.reason = (
        state.value, actor.name, actor.at, reason,
    )  # fmt: skip
    actor.record(session, f"incident.{state.value}", str(row.id), None, reason or None)


def _erase(row: Incident, at: datetime) -> None:
    if row.sealed is not None:
        row.sealed, row.epoch, row.erased_at = None, None, at


def _parts(box: Sequence[float] | None, size: tuple[int, int] | None) -> list[float] | None:
    """A box in pixels as parts of the picture, inside of it."""
    if box is None or size is None:
        return None
    x, y, w, h = box
    left, right = (min(max(v / size[0], 0.0), 1.0) for v in (x, x + w))
    top, bottom = (min(max(v / size[1], 0.0), 1.0) for v in (y, y + h))
    if right <= left or bottom <= top:
        return None
    return [round(v, 4) for v in (left, top, right - left, bottom - top)]

"""What people showed a camera by example: crops labelled right and wrong, and what came of them.

Training itself is :mod:`vision.taught`; here is what is kept: crops sealed, rules as text.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import cameras, rows
from kitchen.cameras import Camera
from kitchen.incidents import Sealing
from kitchen.rows import KeyedRow, SiteRow

MOST = 400
"""Examples of one task; more teach little, and training takes seconds."""


class TeachingExample(KeyedRow):
    """A labelled crop."""

    __tablename__ = "teaching_example"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_camera.id"), index=True)
    rule: Mapped[str] = mapped_column(String(24))
    wrong: Mapped[bool]
    at: Mapped[datetime]
    """When its frame was taken."""
    by: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(80))
    """camera, upload, or the incident that it was."""
    epoch: Mapped[int | None] = mapped_column(index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class TaughtRule(SiteRow):
    """What a camera was taught about one rule."""

    __tablename__ = "taught_rule"
    __table_args__ = (UniqueConstraint("camera_id", "rule"),)

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_camera.id"))
    rule: Mapped[str] = mapped_column(String(24))
    region: Mapped[list[float] | None] = mapped_column(JSON)
    """The marked place: x, y, width, height as parts of the picture; none: a part of a person."""
    body: Mapped[str | None] = mapped_column(Text)
    """What :func:`vision.taught_file.to_bytes` wrote."""
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    live: Mapped[bool]
    taught_at: Mapped[datetime | None]
    taught_by: Mapped[str | None] = mapped_column(String(80))


def context(example_id: UUID) -> str:
    """What the seal of a crop is bound to."""
    return f"example:{example_id}"


def task(session: Session, site_id: UUID, camera_id: UUID, rule: str) -> TaughtRule | None:
    """What a camera was taught about a rule."""
    return session.scalar(
        select(TaughtRule).where(
            TaughtRule.site_id == site_id,
            TaughtRule.camera_id == camera_id,
            TaughtRule.rule == rule,
        )
    )


def mark(
    session: Session, actor: Acting, camera_id: UUID, rule: str, region: Sequence[float] | None
) -> TaughtRule:
    """Say where a thing stands; another place forgets what was taught, and its examples.

    Raises:
        UnknownCameraError: not one of this site.
        BadInputError: no such rule, or the region lies outside of the picture.
    """
    camera = cameras.get(session, actor.site_id, camera_id, lock=True)
    if rule not in cameras.RULES:
        raise BadInputError("there is no such rule that cameras can see")
    place = None if region is None else [round(float(part), 4) for part in region]
    if place is not None and not _inside(place):
        raise BadInputError("the region lies outside the picture: mark it again")
    row = task(session, actor.site_id, camera.id, rule)
    before = row and row.region
    if row is None:
        row = TaughtRule(
            id=new_id(), site_id=actor.site_id, camera_id=camera.id, rule=rule, region=place,
            live=False,
        )  # fmt: skip
        session.add(row)
    elif row.region == place:
        return row
    else:
        for example in examples(session, actor.site_id, camera.id, rule):
            session.delete(example)
        row.body, row.report, row.live = None, None, False
    row.region = place
    session.flush()
    actor.record(session, "teaching.mark", str(camera.id), before, {"rule": rule, "region": place})
    return row


def add(
    session: Session,
    actor: Acting,
    camera: Camera,
    rule: str,
    *,
    wrong: bool,
    crop: bytes,
    at: datetime,
    key: str,
    seal: Sealing,
    source: str = "camera",
) -> TeachingExample:
    """Keep a labelled crop, JPEG or PNG; the same key again changes nothing.

    Raises:
        BadInputError: there are too many, or no such rule.
        KeyReusedError: the key kept something else.
    """
    if rule not in cameras.RULES:
        raise BadInputError("there is no such rule that cameras can see")
    row = TeachingExample(
        id=new_id(), site_id=actor.site_id, key=key, camera_id=camera.id, rule=rule, wrong=wrong,
        at=at, by=actor.name, source=source, epoch=seal.epoch,
    )  # fmt: skip
    row.sealed = crypto.seal(seal.secret, crop, context(row.id))
    if count(session, actor.site_id, camera.id, rule) >= MOST:
        raise BadInputError(f"{MOST} examples are enough: take some away first")
    row, new = rows.insert_once(session, row, ("camera_id", "rule", "wrong"))
    if new:
        after = {"rule": rule, "wrong": wrong, "source": source}
        actor.record(session, "teaching.add", str(camera.id), None, after)
    return row


def remove(session: Session, actor: Acting, example_id: UUID) -> None:
    """Take an example away; one that is gone is no error."""
    row = session.scalar(
        select(TeachingExample).where(
            TeachingExample.site_id == actor.site_id, TeachingExample.id == example_id
        )
    )
    if row is not None:
        before = {"rule": row.rule, "wrong": row.wrong}
        session.delete(row)
        actor.record(session, "teaching.remove", str(row.camera_id), before)


def examples(
    session: Session, site_id: UUID, camera_id: UUID, rule: str
) -> Sequence[TeachingExample]:
    """The crops of a task, the oldest first."""
    query = select(TeachingExample).where(
        TeachingExample.site_id == site_id,
        TeachingExample.camera_id == camera_id,
        TeachingExample.rule == rule,
    )
    return session.scalars(query.order_by(TeachingExample.id).limit(MOST)).all()


def count(session: Session, site_id: UUID, camera_id: UUID, rule: str) -> int:
    """How many crops a task has."""
    query = select(func.count()).select_from(TeachingExample)
    query = query.where(
        TeachingExample.site_id == site_id,
        TeachingExample.camera_id == camera_id,
        TeachingExample.rule == rule,
    )
    return session.scalar(query) or 0


def keep(
    session: Session,
    actor: Acting,
    camera_id: UUID,
    rule: str,
    body: str,
    report: dict[str, Any],
    *,
    live: bool,
) -> TaughtRule:
    """Write down what training gave; it is used only where it is live.

    Raises:
        BadInputError: the task was not begun.
    """
    row = task(session, actor.site_id, camera_id, rule)
    if row is None:
        raise BadInputError("label examples first")
    before = {"live": row.live}
    row.body, row.report, row.live = body, report, live
    row.taught_at, row.taught_by = actor.at, actor.name
    session.flush()
    after = {"rule": rule, "live": live, "low": report.get("low")}
    actor.record(session, "teaching.train", str(camera_id), before, after)
    return row


def switch_off(session: Session, actor: Acting, camera_id: UUID, rule: str) -> None:
    """Watch no more by what was taught; it stays, and may be trained again."""
    row = task(session, actor.site_id, camera_id, rule)
    if row is not None and row.live:
        row.live = False
        actor.record(session, "teaching.off", str(camera_id), None, {"rule": rule})


def live_rules(session: Session, site_id: UUID) -> dict[UUID, dict[str, str]]:
    """Camera → rule → what its box is given."""
    found: dict[UUID, dict[str, str]] = {}
    query = select(TaughtRule).where(TaughtRule.site_id == site_id, TaughtRule.live.is_(True))
    for row in session.scalars(query):
        found.setdefault(row.camera_id, {})[row.rule] = row.body or ""
    return found


def _inside(region: Sequence[float]) -> bool:
    if len(region) != 4:
        return False
    x, y, w, h = region
    return 0 <= x < x + w <= 1.0001 and 0 <= y < y + h <= 1.0001

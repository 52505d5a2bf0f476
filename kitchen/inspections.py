"""Inspections (巡查): a walk along a list of points, each good or bad; what is bad is a finding.

A finding has a day and an owner; he puts it right with a photograph, another one verifies
(:mod:`kitchen.rectification`). The score is the share of the weights that were good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import limits, rectification, rows
from kitchen.rectification import FindingValues
from kitchen.rows import KeyedRow, Values

SOURCE = "inspection"
"""Of its findings."""
POINTS = 60
WEIGHT = 20
MAX_PAGE = 200


class Verdict(StrEnum):
    """What the inspector says of a point."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"
    """There is no such thing here: it does not count."""


@dataclass(frozen=True)
class Point:
    """What is looked at; ``weight`` is its share of the score."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    area: Annotated[str, Field(min_length=1, max_length=20)]
    text: Annotated[str, Field(min_length=1, max_length=120)]
    weight: Annotated[int, Field(ge=1, le=WEIGHT)] = 5


_USUAL = (
    ("environment", "环境", "地面、墙面、排水沟干净，没有积水", 5),
    ("bins", "环境", "垃圾桶加盖，餐厨垃圾日产日清", 4),
    ("pests", "环境", "防鼠、防蝇、防虫设施完好，没有虫鼠痕迹", 5),
    ("dress", "人员", "工作衣帽、口罩整洁，手部没有伤口和饰物", 5),
    ("health", "人员", "健康证齐全，当天晨检有记录", 6),
    ("papers", "食材", "进货查验记录和票证齐全", 8),
    ("expiry", "食材", "没有过期、变质、来源不明的食材", 8),
    ("storage", "食材", "生熟分开，离墙离地，标识清楚", 6),
    ("cooked", "加工", "烧熟煮透，中心温度有记录", 6),
    ("boards", "加工", "刀、砧板、容器按生熟和品类分开", 6),
    ("disinfection", "加工", "餐用具消毒、保洁到位", 6),
    ("additives", "加工", "添加剂专人、专柜、专账", 4),
    ("samples", "留样", "留样品种、重量、时间齐全，温度正常", 8),
    ("prices", "服务", "明码标价，食谱和过敏原公示", 4),
    ("thrift", "服务", "有反食品浪费提醒，提供小份", 4),
    ("fire", "安全", "燃气、用电、消防设施正常", 8),
    ("records", "台账", "日管控、周排查记录完整", 5),
)  # fmt: skip
USUAL = tuple(Point(*each) for each in _USUAL)
"""餐饮服务食品安全操作规范 (2018) and the duties of 2022, in the words of a walk."""


@dataclass(frozen=True)
class InspectionPoints:
    """The list of a site; kept beside its other decisions."""

    points: tuple[Point, ...] = USUAL


class Inspection(KeyedRow):
    """One walk; its list is the site's of that day."""

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_inspection_day", "site_id", "business_date", "id"),
    )

    business_date: Mapped[date]
    venue_id: Mapped[UUID]
    by: Mapped[str] = mapped_column(String(80))
    begun_at: Mapped[datetime]
    points: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    ended_at: Mapped[datetime | None]
    score: Mapped[int | None]
    """Thousandths; empty until it ended, or where nothing counted."""
    note: Mapped[str] = mapped_column(String(500), default="")

    @property
    def wanted(self) -> tuple[Point, ...]:
        """What is looked at."""
        return tuple(Point(**each) for each in self.points)


class InspectionMark(Base):
    """What was said of one point."""

    __tablename__ = "inspection_mark"

    inspection_id: Mapped[UUID] = mapped_column(ForeignKey("inspection.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    site_id: Mapped[UUID]
    verdict: Mapped[str] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(120))
    finding_id: Mapped[UUID | None]
    at: Mapped[datetime]


class MarkValues(Values):
    """What the inspector says of a point."""

    verdict: Verdict
    note: Annotated[str, Field(max_length=120)] = ""
    photo: Annotated[str, Field(max_length=120)] = ""
    due: date | None = None
    """Until when a bad one is put right."""
    worker_id: UUID | None = None
    """Who puts it right; may be given later."""


def points_of(session: Session, site_id: UUID) -> tuple[Point, ...]:
    """What is looked at on the site's walks."""
    return limits.of(session, site_id, InspectionPoints).points


def set_points(session: Session, actor: Acting, points: Sequence[Point]) -> tuple[Point, ...]:
    """Change the list; walks that have begun keep theirs.

    Raises:
        BadInputError: none or too many points, two with one code, or one that does not fit.
    """
    codes = [point.code for point in points]
    if not 1 <= len(points) <= POINTS or len({*codes}) != len(codes):
        raise BadInputError(f"a list has 1 to {POINTS} points, each once", code="bad_walk")
    told = TypeAdapter(tuple[Point, ...]).dump_python(tuple(points), mode="json")
    decided = {} if tuple(points) == USUAL else {"points": told}
    return limits.decide(session, actor, InspectionPoints, decided).points


def begin(session: Session, actor: Acting, key: str, day: date, venue_id: UUID) -> Inspection:
    """Begin a walk; the same key is the same walk.

    Raises:
        KeyReusedError: something different was sent under this key.
    """
    row = Inspection(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, venue_id=venue_id,
        by=actor.name, begun_at=actor.at, note="",
        points=[asdict(point) for point in points_of(session, actor.site_id)],
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("venue_id", "by"))
    if fresh:
        actor.record(session, "inspection.begin", str(row.id), None, {"day": day.isoformat()})
    return row


def mark(
    session: Session, actor: Acting, inspection_id: UUID, code: str, values: MarkValues
) -> InspectionMark:
    """Say how a point is; until the walk has ended it can be said again.

    A bad one opens a finding, which stays whatever is said later.

    Raises:
        UnknownRowError: no such walk here, or its list has no such point.
        BadInputError: it has ended, or is another one's; a bad one lacks its note, photograph or
            day; a finding stands already.
    """
    row = _open(session, actor, inspection_id)
    point = next((one for one in row.wanted if one.code == code), None)
    if point is None:
        raise rows.UnknownRowError("there is no such point: take one from the list")
    known = session.get(InspectionMark, (row.id, code))
    if known is not None and known.finding_id is not None:
        if values.verdict is Verdict.BAD:
            return known
        raise BadInputError("a finding was made of this point: verify it", code="finding_stands")
    finding = _find(session, actor, row, point, values) if values.verdict is Verdict.BAD else None
    if known is None:
        known = InspectionMark(inspection_id=row.id, code=code, site_id=row.site_id)
        session.add(known)
    known.verdict, known.note, known.photo = values.verdict.value, values.note, values.photo
    known.at, known.finding_id = actor.at, finding
    session.flush()
    after = {"point": point.text, "verdict": known.verdict, "note": known.note}
    actor.record(session, "inspection.mark", str(row.id), None, after)
    return known


def _find(
    session: Session, actor: Acting, row: Inspection, point: Point, values: MarkValues
) -> UUID:
    if not values.note or not values.photo or values.due is None:
        raise BadInputError(
            "say what is wrong, photograph it, and give a day", code="finding_incomplete"
        )
    told = FindingValues(
        what=f"{point.text[:70]}：{values.note}"[:200], due=values.due, photo=values.photo,
        source=SOURCE, source_ref=str(row.id),
    )  # fmt: skip
    key = f"{SOURCE}:{row.id}:{point.code}"[: rows.KEY_LENGTH]
    found = rectification.find(session, actor, key, row.business_date, told)
    if values.worker_id is not None:
        rectification.assign(session, actor, found.id, values.worker_id)
    return found.id


def end(session: Session, actor: Acting, inspection_id: UUID, note: str = "") -> Inspection:
    """The walk is over: it has its score, and is not changed any more. Ended again, it is so.

    Raises:
        UnknownRowError: no such walk here.
        BadInputError: it is another one's, or a point was not looked at.
    """
    row = rows.get(session, Inspection, actor.site_id, inspection_id, "inspection", lock=True)
    if row.ended_at is not None:
        return row
    _require_own(row, actor)
    said = marks(session, actor.site_id, [row.id])[row.id]
    if any(point.code not in said for point in row.wanted):
        raise BadInputError("some points were not looked at yet", code="not_all_marked")
    row.ended_at, row.note = actor.at, note.strip()[:500]
    row.score = score(row.wanted, {code: Verdict(one.verdict) for code, one in said.items()})
    session.flush()
    actor.record(session, "inspection.end", str(row.id), None, {"score": row.score})
    return row


def score(points: Sequence[Point], verdicts: Mapping[str, Verdict]) -> int | None:
    """Share of the weights that were good, in thousandths, half up; ``None``: nothing counted."""
    counted = [one for one in points if verdicts.get(one.code) in {Verdict.GOOD, Verdict.BAD}]
    whole = sum(one.weight for one in counted)
    good = sum(one.weight for one in counted if verdicts[one.code] is Verdict.GOOD)
    return (2000 * good + whole) // (2 * whole) if whole else None


def get(session: Session, site_id: UUID, inspection_id: UUID) -> Inspection:
    """A walk of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Inspection, site_id, inspection_id, "inspection")


def marks(
    session: Session, site_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, dict[str, InspectionMark]]:
    """Walk → code of the point → what was said."""
    found: dict[UUID, dict[str, InspectionMark]] = {one: {} for one in ids}
    query = select(InspectionMark).where(
        InspectionMark.site_id == site_id, InspectionMark.inspection_id.in_(list(ids))
    )
    for row in session.scalars(query):
        found[row.inspection_id][row.code] = row
    return found


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[Inspection]:
    """Walks, the latest first, from before one on."""
    query = select(Inspection).where(Inspection.site_id == site_id)
    if before is not None:
        query = query.where(Inspection.id < before)
    return session.scalars(query.order_by(Inspection.id.desc()).limit(min(limit, MAX_PAGE))).all()


def ended(
    session: Session, site_id: UUID, since: date, until: date, venues: Sequence[UUID]
) -> Sequence[Inspection]:
    """Walks of these venues and days, both ends included, that are over and have a score."""
    query = select(Inspection).where(
        Inspection.site_id == site_id, Inspection.business_date.between(since, until),
        Inspection.venue_id.in_(list(venues)), Inspection.score.is_not(None),
    )  # fmt: skip
    return session.scalars(query.order_by(Inspection.business_date, Inspection.id)).all()


def _open(session: Session, actor: Acting, inspection_id: UUID) -> Inspection:
    row = rows.get(session, Inspection, actor.site_id, inspection_id, "inspection", lock=True)
    if row.ended_at is not None:
        raise BadInputError("this inspection is over", code="inspection_ended")
    _require_own(row, actor)
    return row


def _require_own(row: Inspection, actor: Acting) -> None:
    if row.by != actor.name:
        raise BadInputError("another one makes this inspection", code="other_inspector")

"""满意度: how dishes are liked, what diners complain of, and whether they were answered in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from dafan.clock import business_date
from server import sites
from server.feedback import Feedback, Kind
from server.ratings import SHOWN_FROM, STARS
from server.reports import rated
from server.reports.asked import part as told_by_surveys
from server.reports.basis import Basis, change
from server.reports.frame import (
    COVERS,
    PERCENT,
    TIMES,
    Cell,
    Chart,
    Column,
    Fact,
    Link,
    Part,
    Report,
    Series,
    Table,
    Unit,
    per,
    permille,
)
from server.reports.scope import fold

MARKS = Unit(_l("星"), 100, 2)
"""Of hundredths."""
FEEDBACK = "manage.feedback_list"
MOST = 12
_KINDS: Mapping[str, LazyString] = {Kind.COMPLAINT: _l("投诉"), Kind.IDEA: _l("金点子")}


@dataclass(frozen=True, slots=True)
class _Said:
    """One complaint or idea, as far as it is counted."""

    kind: str
    day: date
    due_at: datetime
    answered_at: datetime | None

    def in_time(self) -> bool:
        """It was answered before its deadline."""
        return self.answered_at is not None and self.answered_at <= self.due_at

    def due(self, now: datetime | None) -> bool:
        """Whether there should be an answer, or is one."""
        return self.answered_at is not None or (now is not None and now > self.due_at)


@dataclass(frozen=True, slots=True)
class _Side:
    """Everything that was said in a range of days.

    Attributes:
        rated: All ratings.
        venue: The one that is looked at; ``None``: all.
        stars: Dish and stars → how many said so there.
    """

    rated: rated.Rated
    venue: UUID | None
    stars: Mapping[tuple[UUID, int], int]
    said: Sequence[_Said]
    now: datetime | None

    @property
    def voices(self) -> int:
        """Ratings."""
        return sum(self.stars.values())

    @property
    def mean(self) -> int | None:
        """Hundredths of a star; ``None`` where too few rated to say so, here or elsewhere."""
        if self.venue is not None and self.venue not in self.rated.told_places():
            return None
        whole = sum(stars * count for (_dish, stars), count in self.stars.items())
        return per(100 * whole, self.voices) if self.voices >= SHOWN_FROM else None

    def of(self, kind: str) -> list[_Said]:
        """Complaints, or ideas."""
        return [one for one in self.said if one.kind == kind]

    def in_time(self, kind: str) -> int | None:
        """Thousandths of those that are due; of none nothing is told."""
        due = [one for one in self.of(kind) if one.due(self.now)]
        return permille(sum(one.in_time() for one in due), len(due))


def build(basis: Basis) -> Report:
    """The report."""
    question = _("就餐人满意吗，意见都答复了吗？")
    now, then = _side(basis), _side(basis, then=True)
    asked = told_by_surveys(basis, MARKS)
    if not now.stars and not now.said and not asked.table.rows:
        return Report(question, _("这段时间没有评价，也没有意见。"), notes=_notes())
    complaints = Kind.COMPLAINT.value
    here = basis.asked.venue_id is not None
    # What is said belongs to the whole site, and so must those who ate.
    covers = None if here or basis.asked.period else basis.whole("covers")["covers"]
    facts = [
        Fact(_("平均评分"), now.mean, MARKS, then.mean),
        Fact(_("评价"), now.voices, TIMES, then.voices or None),
        Fact(_("全单位投诉") if here else _("投诉"), len(now.of(complaints)), TIMES,
             len(then.of(complaints)) or None, _link()),
        Fact(_("按时答复"), now.in_time(complaints), PERCENT, then.in_time(complaints),
             foot=_("投诉")),
    ]  # fmt: skip
    parts = [
        rated.by_venue(basis, now.rated, then.rated, MARKS), _by_dish(basis, now, then),
        _stars(now, then), *map(_of_the_site if here else lambda part: part,
                                [asked, _kinds(now), _over_time(basis, now)]),
    ]  # fmt: skip
    return Report(
        question, _answer(now, then, covers), facts,
        [part for part in parts if part.table.rows], _notes(),
    )  # fmt: skip


def _link() -> Link:
    return Link(FEEDBACK, {})


def _side(basis: Basis, *, then: bool = False) -> _Side:
    scope, site_id, venue = basis.scope(then=then), basis.site_id, basis.asked.venue_id
    only = next(iter(basis.venues)) if len(basis.venues) == 1 else None
    found = rated.read(basis.session, site_id, scope.since, scope.until, only=only)
    policy = sites.policy(basis.session, site_id)
    zone, hour = ZoneInfo(policy.time_zone), policy.day_starts_hour
    begin = datetime.combine(scope.since, time(hour), zone)
    end = datetime.combine(scope.until + timedelta(days=1), time(hour), zone)
    query = select(Feedback.kind, Feedback.said_at, Feedback.due_at, Feedback.answered_at).where(
        Feedback.site_id == site_id, Feedback.said_at >= begin, Feedback.said_at < end
    )
    said = [
        _Said(kind, business_date(at, zone, hour), due, answered)
        for kind, at, due, answered in basis.session.execute(query)
    ]
    return _Side(found, venue, found.stars(venue), said, basis.now)


def _answer(now: _Side, then: _Side, covers: int | None) -> str:
    told = []
    if now.mean is not None:
        told.append(_("%(n)s 次评价，平均 %(mean)s", n=now.voices, mean=MARKS.told(now.mean)))
    elif now.voices >= SHOWN_FROM:
        told.append(_("%(n)s 次评价，平均不列，免得算出评价很少的场所", n=now.voices))
    elif now.voices:
        told.append(_("只有 %(n)s 次评价，太少，不算平均", n=now.voices))
    complaints = len(now.of(Kind.COMPLAINT.value))
    whole = _("全单位投诉 %(n)s 件", n=complaints)
    said = _("投诉 %(n)s 件", n=complaints) if now.venue is None else whole
    if complaints and (each := per(10000 * complaints, covers or 0)):
        said = _("投诉 %(n)s 件，每万人次 %(each)s 件", n=complaints, each=each)
    told.append(said)
    if against := change(complaints, len(then.of(Kind.COMPLAINT.value))):
        told.append(_("投诉%(change)s", change=against))
    if (share := now.in_time(Kind.COMPLAINT.value)) is not None:
        told.append(_("按时答复 %(share)s", share=PERCENT.told(share)))
    return str(_("；").join(told) + _("。"))


def _by_dish(basis: Basis, now: _Side, then: _Side) -> Part:
    """Only dishes that enough people rated: neither fair to the cook, nor secret otherwise."""
    marks, before = _marks(now), _marks(then)
    names = basis.dish_names()
    order = sorted(marks, key=lambda one: (marks[one][0], str(one)))
    rows = [
        [
            Cell(names.get(one, "")), Cell(marks[one][0]),
            Cell(before[one][0] if one in before else None), Cell(marks[one][1]),
            Cell(permille(_count(now, one, 1) + _count(now, one, 2), marks[one][1])),
        ]
        for one in order
    ]  # fmt: skip
    columns = [
        Column(_("菜品")), Column(_("平均评分"), MARKS), Column(_("上期"), MARKS),
        Column(_("评价"), TIMES), Column(_("一、二星占比"), PERCENT),
    ]  # fmt: skip
    low = order[:MOST]
    series = Series(_("平均评分"), "stars", [marks[one][0] for one in low])
    chart = Chart(
        _("评分最低的菜"), MARKS, [names.get(one, "") for one in low], [series], across=True
    )
    few = len({dish for dish, _stars in now.stars}) - len(marks)
    told = _("还有 %(n)s 道菜评价不足 %(least)s 次，不列。", n=few, least=SHOWN_FROM)
    if now.venue is not None:
        told = _("还有 %(n)s 道菜在这里或别的场所评价不足 %(least)s 次，不列。", n=few,
                 least=SHOWN_FROM)  # fmt: skip
    text = str(told) if few else ""
    return Part("dish", _("哪些菜要改？"), Table(columns, rows), chart, text)


def _marks(side: _Side) -> dict[UUID, tuple[int, int]]:
    """Dish → hundredths of a star, and how many rated it; only of enough voices."""
    shown = side.rated.told_dishes(side.venue)
    sums: dict[UUID, tuple[int, int]] = {}
    for (dish, stars), count in side.stars.items():
        whole, voices = sums.get(dish, (0, 0))
        sums[dish] = whole + stars * count, voices + count
    return {
        dish: (per(100 * whole, voices) or 0, voices)
        for dish, (whole, voices) in sums.items()
        if dish in shown
    }


def _count(side: _Side, dish: UUID, stars: int) -> int:
    return side.stars.get((dish, stars), 0)


def _stars(now: _Side, then: _Side) -> Part:
    """How many gave how many stars; where too few rated, nothing is told."""
    if now.mean is None:
        return Part("stars", _("给了几星？"), Table([Column(_("评分"))], []))
    by, before = (
        {
            stars: sum(count for (_dish, one), count in side.stars.items() if one == stars)
            for stars in range(1, STARS + 1)
        }
        for side in (now, then)
    )
    order = range(STARS, 0, -1)
    rows = [
        [
            Cell(_("%(n)s 星", n=stars)), Cell(by[stars]), Cell(permille(by[stars], now.voices)),
            Cell(None if then.mean is None else before[stars]),
        ]
        for stars in order
    ]  # fmt: skip
    sums = [Cell(_("合计")), Cell(now.voices), Cell(1000), Cell(then.voices)]
    columns = [
        Column(_("评分")), Column(_("评价"), TIMES), Column(_("占比"), PERCENT),
        Column(_("上期"), TIMES),
    ]  # fmt: skip
    labels = [_("%(n)s 星", n=stars) for stars in order]
    series = Series(_("评价"), "stars", [by[stars] for stars in order])
    chart = Chart(_("评价，按星"), TIMES, labels, [series], across=True)
    return Part("stars", _("给了几星？"), Table(columns, rows, sums), chart)


def _kinds(now: _Side) -> Part:
    """Each is in time, late, or waits; the three are all of them."""
    rows = []
    for kind, name in _KINDS.items():
        said = now.of(kind)
        if not said:
            continue
        good = sum(one.in_time() for one in said)
        waits = sum(one.answered_at is None and not one.due(now.now) for one in said)
        rows.append([
            Cell(str(name)), Cell(len(said), _link()), Cell(good),
            Cell(len(said) - good - waits), Cell(waits), Cell(now.in_time(kind)),
        ])  # fmt: skip
    columns = [
        Column(_("种类")), Column(_("件数"), TIMES), Column(_("按时答复"), TIMES),
        Column(_("超期"), TIMES), Column(_("还没到期"), TIMES), Column(_("按时率"), PERCENT),
    ]  # fmt: skip
    return Part("kinds", _("意见都按时答复了吗？"), Table(columns, rows))


def _over_time(basis: Basis, now: _Side) -> Part:
    steps = basis.steps()
    covers = basis.ask(["covers"], basis.dimension)

    def counted(side: _Side, kind: str) -> dict[date, int]:
        found: dict[date, int] = {}
        for one in side.of(kind):
            key = fold(basis.dimension, one.day)
            found[key] = found.get(key, 0) + 1
        return found

    by = {kind: counted(now, kind) for kind in _KINDS}
    rows = [
        [
            Cell(one.label), *(Cell(by[kind].get(one.key, 0)) for kind in _KINDS),
            Cell(covers.get((one.key,), {}).get("covers") or 0,
                 basis.asked.sales(one.since, one.until)),
        ]
        for one in steps
    ]  # fmt: skip
    columns = [
        Column(basis.step_name), *(Column(str(name), TIMES) for name in _KINDS.values()),
        Column(_("就餐人次"), COVERS),
    ]  # fmt: skip
    sums = [
        Cell(_("合计")), *(Cell(len(now.of(kind))) for kind in _KINDS),
        Cell(basis.whole("covers")["covers"], basis.asked.sales()),
    ]  # fmt: skip
    colours = {Kind.COMPLAINT.value: "complaint", Kind.IDEA.value: "idea"}
    series = [
        Series(str(name), colours[kind], [by[kind].get(one.key, 0) for one in steps])
        for kind, name in _KINDS.items()
    ]
    chart = Chart(_("意见"), TIMES, [one.label for one in steps], series)
    if not now.said:
        rows = []
    return Part("time", _("意见多了还是少了？"), Table(columns, rows, sums), chart)


def _of_the_site(part: Part) -> Part:
    """A part that knows no venue, in a report of one."""
    return replace(part, answer=_("这里不记场所，是全单位的。"))


def _notes() -> list[str]:
    return [
        _("评价只在一道菜至少有 %(n)s 次时列出；评价按给出的那天算，不记名。", n=SHOWN_FROM),
        _("意见按提出的那天算；按时率是到期和已答复的里面，截止前答复的占比。"),
        _("评价按付款的场所算。意见和测评不记场所：按场所筛选时仍是全单位的，不算到哪个场所。"),
        _("按餐次筛选在这里只影响就餐人次。"),
    ]

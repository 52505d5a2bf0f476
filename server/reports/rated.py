"""Ratings by venue, dish and stars: what may be told of each, and the venues beside each other.

Of fewer than :data:`server.ratings.SHOWN_FROM` voices nothing but their number is told. It must not
follow from what is told, either: the whole less one venue is the other ones. So where a few voices
stay behind, the next smallest group stays behind with them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import Uuid, func, literal, select
from sqlalchemy.orm import Session

from server.books.sales import Sale
from server.ratings import SHOWN_FROM, DishRating
from server.reports.basis import Basis
from server.reports.frame import (
    COVERS,
    PERCENT,
    TIMES,
    Cell,
    Chart,
    Column,
    Link,
    Part,
    Series,
    Table,
    Unit,
    per,
    permille,
)
from server.reports.scope import Dimension

REPORT = "manage.report_satisfaction"
Place = UUID | None
"""A venue; ``None`` where a rating's sale is not in the books."""
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Rated:
    """The ratings of a range of days.

    Attributes:
        counts: Venue, dish and stars → how many said so.
    """

    counts: Mapping[tuple[Place, UUID, int], int]

    def stars(self, venue: UUID | None) -> dict[tuple[UUID, int], int]:
        """Dish and stars → how many said so: at a venue, or with ``None`` anywhere."""
        found: Counter[tuple[UUID, int]] = Counter()
        for (place, dish, stars), count in self.counts.items():
            if venue is None or place == venue:
                found[dish, stars] += count
        return dict(found)

    def places(self) -> dict[Place, dict[int, int]]:
        """Venue → stars → how many said so."""
        found: dict[Place, dict[int, int]] = {}
        for (place, _dish, stars), count in self.counts.items():
            by = found.setdefault(place, {})
            by[stars] = by.get(stars, 0) + count
        return found

    def told_places(self) -> frozenset[Place]:
        """Venues of which a mean may be told."""
        return apart({place: sum(by.values()) for place, by in self.places().items()})

    def told_dishes(self, venue: UUID | None) -> frozenset[UUID]:
        """Dishes of which a mean may be told: at a venue, or with ``None`` of the whole site."""
        by: dict[UUID, Counter[Place]] = {}
        for (place, dish, _stars), count in self.counts.items():
            by.setdefault(dish, Counter())[place] += count
        if venue is None:
            return frozenset(dish for dish, of in by.items() if of.total() >= SHOWN_FROM)
        if venue not in self.told_places():
            return frozenset()
        return frozenset(dish for dish, of in by.items() if venue in apart(of))


def apart(counts: Mapping[K, int]) -> frozenset[K]:
    """Which groups may be told beside their whole: none, or enough, of the voices stay behind."""
    order = sorted((one for one in counts if counts[one]), key=lambda one: (counts[one], str(one)))
    behind = 0
    for place, one in enumerate(order):
        if counts[one] >= SHOWN_FROM and (behind == 0 or behind >= SHOWN_FROM):
            return frozenset(order[place:])
        behind += counts[one]
    return frozenset()


def read(
    session: Session, site_id: UUID, since: date, until: date, *, only: UUID | None = None
) -> Rated:
    """What was said in a range of days, by the day on which it was said.

    Args:
        session: Reads.
        site_id: Whose.
        since: The first day.
        until: The last one.
        only: The venue of a site that has no other: nobody has to look at the sales.
    """
    rated = DishRating
    place = Sale.venue_id if only is None else literal(only, Uuid())
    query = (
        select(place, rated.dish_id, rated.stars, func.count())
        .select_from(rated)
        .where(rated.site_id == site_id, rated.given_on.between(since, until))
        .group_by(rated.dish_id, rated.stars)
    )
    if only is None:
        of_sale = (Sale.id == rated.sale_id) & (Sale.site_id == rated.site_id)
        query = query.outerjoin(Sale, of_sale).group_by(Sale.venue_id)
    rows = session.execute(query)
    return Rated({(at, dish, stars): int(count) for at, dish, stars, count in rows})


def by_venue(basis: Basis, now: Rated, then: Rated, marks: Unit) -> Part:
    """The venues beside each other, the least liked first; only where there are several.

    Args:
        basis: Of the whole site: narrowed to one venue there is nothing to compare.
        now: The ratings of its days.
        then: Of the earlier days.
        marks: Hundredths of a star.
    """
    title = _("哪个场所更不满意？")
    if basis.asked.venue_id is not None or len(basis.venues) < 2:
        return Part("venue", title, Table([Column(_("场所"))], []))
    means, before = _means(now), _means(then)
    places = now.places()
    covers = basis.ask(["covers"], Dimension.VENUE)
    ate = {key[0]: values["covers"] for key, values in covers.items()}
    order = sorted({*places, *ate}, key=lambda one: (means.get(one, 1000), str(one)))
    rows = [
        [
            Cell(_name(basis, one), _narrowed(basis, one)),
            Cell(means.get(one), _narrowed(basis, one)), Cell(before.get(one)),
            Cell(_voices(places, one), _narrowed(basis, one)),
            Cell(_low(places[one]) if one in means else None),
            Cell(ate.get(one), None if one is None else basis.asked.sales(venue=str(one))),
        ]
        for one in order
    ]  # fmt: skip
    columns = [
        Column(_("场所")), Column(_("平均评分"), marks), Column(_("上期"), marks),
        Column(_("评价"), TIMES), Column(_("一、二星占比"), PERCENT), Column(_("就餐人次"), COVERS),
    ]  # fmt: skip
    whole, earlier = _sum(places), _sum(then.places())
    sums = [
        Cell(_("合计")), Cell(_mean(whole)), Cell(_mean(earlier)), Cell(sum(whole.values())),
        Cell(_low(whole) if _mean(whole) is not None else None),
        Cell(basis.whole("covers")["covers"], basis.asked.sales()),
    ]  # fmt: skip
    told = [one for one in order if one in means]
    chart = _chart(basis, told, means, marks) if told else None
    return Part(
        "venue", title, Table(columns, rows if places else [], sums), chart,
        _answer(basis, told, means, marks, len(places)),
    )  # fmt: skip


def _answer(
    basis: Basis, told: list[Place], means: Mapping[Place, int], marks: Unit, places: int
) -> str:
    said = []
    if len(told) > 1:
        low, high = told[0], told[-1]
        said.append(
            _("%(low)s评分最低，%(least)s；%(high)s最高，%(most)s。", low=_name(basis, low),
              least=marks.told(means[low]), high=_name(basis, high), most=marks.told(means[high]))
        )  # fmt: skip
    if hidden := places - len(told):
        said.append(
            _("%(n)s 个场所不列平均：评价不足 %(least)s 次，或者列出来就能算出另一个场所的。",
              n=hidden, least=SHOWN_FROM)
        )  # fmt: skip
    return "".join(map(str, said)).strip()


def _chart(basis: Basis, told: list[Place], means: Mapping[Place, int], marks: Unit) -> Chart:
    links = [_narrowed(basis, one) for one in told]
    series = Series(_("平均评分"), "stars", [means[one] for one in told], links)
    labels = [_name(basis, one) for one in told]
    return Chart(_("平均评分，按场所"), marks, labels, [series], across=True)


def _means(rated: Rated) -> dict[Place, int]:
    """Venue → hundredths of a star, of those that may be told."""
    places = rated.places()
    return {one: _mean(places[one]) or 0 for one in rated.told_places()}


def _mean(by: Mapping[int, int]) -> int | None:
    voices = sum(by.values())
    whole = sum(100 * stars * count for stars, count in by.items())
    return per(whole, voices) if voices >= SHOWN_FROM else None


def _low(by: Mapping[int, int]) -> int | None:
    return permille(by.get(1, 0) + by.get(2, 0), sum(by.values()))


def _voices(places: Mapping[Place, Mapping[int, int]], one: Place) -> int:
    return sum(places.get(one, {}).values())


def _sum(places: Mapping[Place, Mapping[int, int]]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for by in places.values():
        found.update(by)
    return dict(found)


def _name(basis: Basis, one: Place) -> str:
    return str(_("不知道场所")) if one is None else basis.venues.get(one, "")


def _narrowed(basis: Basis, one: Place) -> Link | None:
    """The same report of one venue: ratings bear no name, so there are no rows to look at."""
    if one not in basis.venues:
        return None
    return Link(REPORT, basis.asked.args(venue=str(one)))

"""Satisfaction by venue: it sums up to the ratings, and never tells what a few people said."""

import io
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import combinations
from typing import Any
from uuid import UUID

import pypdf
import pytest
from apiflask import APIFlask
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import Engine, func, select

from dafan import db, fonts
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import SaleLine, Unit
from kitchen.dishes import DishValues
from server import dishes, feedback, ratings, sites
from server.actor import Actor
from server.books.sales import Sale
from server.feedback import FeedbackValues, Kind
from server.ratings import SHOWN_FROM, DishRating
from server.reports import filters, rated, satisfaction
from server.reports.basis import Basis
from server.reports.frame import Report
from tests.server.conftest import NOON, TestSite, Till
from tests.server.pages.conftest import Browser

DAY = date(2026, 3, 2)
MARCH = {"since": "2026-03-01", "until": "2026-03-31"}
NAMES = {name: f"第{name}食堂" for name in "一二三"}
SAID = {"一": [5] * 8 + [4] * 4, "二": [1] * 3 + [2] * 4, "三": [3] * 6}
"""Stars of the pork at each venue."""


@pytest.fixture
def venues(engine: Engine, site: TestSite) -> dict[str, UUID]:
    """Three canteens and a kiosk."""
    with db.writing(engine) as session:
        made = {
            name: sites.ensure_venue(session, site.id, f"第{name}食堂").id
            for name in ("一", "二", "三")
        }
        return made | {"小卖部": sites.ensure_venue(session, site.id, "小卖部").id}


@pytest.fixture
def pork(engine: Engine, actor: Actor) -> UUID:
    with db.writing(engine) as session:
        values = DishValues(name="红烧肉", unit=Unit.PIECE, price=Fen(100))
        return dishes.create(session, actor, values).id


@pytest.fixture
def rate(
    engine: Engine, site: TestSite, terminal: Till, make_diner: Any, make_sale: Any,
    venues: dict[str, UUID], pork: UUID,
) -> Callable[..., None]:  # fmt: skip
    """Let somebody buy the pork at a venue and rate it, so many times."""
    diner = make_diner(cash=100_000)

    def do(venue: str, stars: list[int]) -> None:
        line = SaleLine(
            dish_id=pork, name="红烧肉", unit=Unit.PIECE, unit_price=Fen(100), amount=Fen(100)
        )
        made = [make_sale(diner, 100, lines=(line,), venue_id=venues[venue]) for _one in stars]
        for sale in made:
            terminal.sell(sale)
        terminal.push()
        with db.writing(engine) as session:
            for sale, many in zip(made, stars, strict=True):
                ratings.rate(session, site.id, diner, sale.id, 1, many, today=DAY, now=NOON)

    return do


@pytest.fixture
def make(
    app: APIFlask, engine: Engine, site: TestSite, venues: dict[str, UUID], clock: Any
) -> Callable[..., Report]:
    """Make the report of March, of one venue or of all."""

    def do(venue: str = "", **more: str) -> Report:
        named = {one: NAMES.get(name, name) for name, one in venues.items()}
        args = MARCH | more | ({"venue": str(venues[venue])} if venue else {})
        asked = filters.read(args, date(2026, 4, 2), named, {"lunch"})
        with app.test_request_context("/"), db.reading(engine) as session:
            return satisfaction.build(
                Basis(session, site.id, asked, {"lunch": "午餐"}, named, clock.now())
            )

    return do


def part(report: Report, code: str) -> Any:
    return next((one for one in report.parts if one.code == code), None)


def values(row: Any) -> list[Any]:
    return [cell.value for cell in row]


def test_every_venue_is_the_ratings_of_its_sales_and_leads_to_the_report_of_it(
    rate: Any, make: Any, engine: Engine, venues: dict[str, UUID]
) -> None:
    for venue, stars in SAID.items():
        rate(venue, stars)
    report = make()
    found = part(report, "venue")
    with db.reading(engine) as session:
        query = select(Sale.venue_id, func.sum(DishRating.stars), func.count()).join(
            DishRating, DishRating.sale_id == Sale.id
        )
        behind = {
            one: (stars, n) for one, stars, n in session.execute(query.group_by(Sale.venue_id))
        }
    by = {row[0].link.args["venue"]: row for row in found.table.rows}
    assert by.keys() == {str(one) for one in behind}
    for venue, (stars, count) in behind.items():
        _name, mean, _before, voices, _low, covers = by[str(venue)]
        assert (mean.value, voices.value) == (round(100 * stars / count), count)
        assert covers.link.args["venue"] == str(venue)
        assert covers.link.endpoint == "manage.sales"
    assert [row[0].value for row in found.table.rows] == ["第二食堂", "第三食堂", "第一食堂"]
    assert [row[4].value for row in found.table.rows] == [1000, 0, 0]
    facts = {fact.title: fact.value for fact in report.facts}
    sums = values(found.table.sums)
    assert (sums[1], sums[3]) == (facts["平均评分"], facts["评价"])
    assert sum(row[3].value for row in found.table.rows) == sums[3] == 25
    assert "第二食堂评分最低，1.57 星；第一食堂最高，4.67 星" in found.answer
    (series,) = found.chart.series
    assert list(series.values) == [157, 300, 467]
    for venue, stars in SAID.items():
        link = by[str(venues[venue])][3].link
        assert link.endpoint == "manage.report_satisfaction"
        narrowed = make(venue, **{name: link.args[name] for name in MARCH})
        told = {fact.title: fact.value for fact in narrowed.facts}
        assert (told["平均评分"], told["评价"]) == (by[link.args["venue"]][1].value, len(stars))
        counted = {int(row[0].value[0]): row[1].value for row in part(narrowed, "stars").table.rows}
        assert +Counter(counted) == Counter(stars)
        assert part(narrowed, "venue") is None


def test_a_venue_with_few_ratings_is_not_told_and_cannot_be_computed_from_the_others(
    rate: Any, make: Any
) -> None:
    rate("一", [5] * 20)
    rate("二", [4] * 6)
    rate("小卖部", [1] * 3)
    found = part(make(), "venue")
    by = {row[0].value: values(row) for row in found.table.rows}
    assert by["第一食堂"][1:5] == [500, None, 20, 0]
    # of the whole less the first and the second only three voices would be left
    assert by["第二食堂"][1:5] == [None, None, 6, None]
    assert by["小卖部"][1:5] == [None, None, 3, None]
    assert "2 个场所不列平均" in found.answer
    assert list(found.chart.series[0].values) == [500]
    for venue, count in (("二", 6), ("小卖部", 3)):
        narrowed = make(venue)
        told = {fact.title: fact.value for fact in narrowed.facts}
        assert (told["平均评分"], told["评价"]) == (None, count)
        assert {one.code for one in narrowed.parts} & {"dish", "stars", "venue"} == set()
    assert "6 次评价，平均不列" in make("二").answer
    assert [values(row)[1:4] for row in part(make("一"), "dish").table.rows] == [[500, None, 20]]
    rate("小卖部", [1] * 2)
    assert [values(row)[1:4] for row in part(make("二"), "dish").table.rows] == [[400, None, 6]]


def test_of_few_voices_in_the_days_before_nothing_but_their_number_is_told(
    rate: Any, make: Any, engine: Engine, site: TestSite
) -> None:
    rate("一", [5] * 6)
    with db.writing(engine) as session:
        for _one in range(2):
            session.add(
                DishRating(
                    site_id=site.id, sale_id=new_id(), line_no=1, dish_id=new_id(),
                    diner_id=new_id(), stars=1, given_on=date(2026, 2, 3), given_at=NOON,
                )
            )  # fmt: skip
    stars = part(make(), "stars")
    assert [row[3].value for row in stars.table.rows] == [None] * 5
    assert stars.table.sums[3].value == 2


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12)))
def test_what_stays_behind_is_nothing_or_enough_whichever_venues_are_taken_off_the_whole(
    counts: dict[str, int],
) -> None:
    told = rated.apart(counts)
    assert all(counts[one] >= SHOWN_FROM for one in told)
    if sum(counts.values()) < SHOWN_FROM:
        assert told == set()
    for many in range(1, len(told) + 1):
        for known in combinations(sorted(told), many):
            rest = sum(counts.values()) - sum(counts[one] for one in known)
            assert rest == 0 or rest >= SHOWN_FROM
    if all(count >= SHOWN_FROM for count in counts.values()):
        assert told == counts.keys()


def test_what_knows_no_venue_is_told_as_of_the_whole_site(
    rate: Any, make: Any, engine: Engine, actor: Actor, make_diner: Any
) -> None:
    rate("一", [5] * 6)
    said = FeedbackValues(kind=Kind.COMPLAINT, text="太咸了")
    with db.writing(engine) as session:
        feedback.say(session, actor, make_diner(), new_id(), said)
        for stars in (1, 2):
            session.add(
                DishRating(
                    site_id=actor.site_id, sale_id=new_id(), line_no=1, dish_id=new_id(),
                    diner_id=new_id(), stars=stars, given_on=DAY, given_at=NOON,
                )
            )  # fmt: skip
    whole, narrowed = make(), make("二")
    assert any("意见和测评不记场所" in note for note in whole.notes)
    lost = {row[0].value: row for row in part(whole, "venue").table.rows}["不知道场所"]
    assert (values(lost)[1:4], lost[0].link) == ([None, None, 2], None)
    assert sum(row[3].value for row in part(whole, "venue").table.rows) == 8
    facts = {fact.title: fact.value for fact in narrowed.facts}
    assert (facts["全单位投诉"], facts["评价"]) == (1, 0)
    assert "全单位投诉 1 件" in narrowed.answer
    assert "每万人次" not in narrowed.answer, "who ate at one venue is not who complained"
    assert "每万人次" in whole.answer
    for code in ("kinds", "time"):
        assert "全单位" in part(narrowed, code).answer
        assert part(whole, code).answer == ""


@pytest.mark.skipif(fonts.find_font() is None, reason="no Chinese font on this machine")
def test_the_venues_stand_on_the_page_and_in_both_files(
    rate: Any, venues: dict[str, UUID], make_user: Callable[..., Any], app: APIFlask
) -> None:
    for venue, stars in SAID.items():
        rate(venue, stars)
    make_user("boss", "manager")
    boss = Browser(app.test_client())
    boss.sign_in("boss")
    path = "/manage/reports/satisfaction"
    days = "since=2026-03-01&until=2026-03-02"
    page = boss.see(f"{path}?{days}")
    assert "哪个场所更不满意？" in page
    narrowed = f"{path}?since=2026-03-01&amp;until=2026-03-02&amp;venue={venues['二']}"
    assert f'href="{narrowed}"' in page
    alone = boss.see(narrowed.replace("&amp;", "&"))
    assert "7 次评价，平均 1.57 星" in alone
    assert "哪个场所更不满意？" not in alone
    book = load_workbook(io.BytesIO(boss.get(f"{path}.xlsx?{days}").data))
    cells = [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]
    assert any("第二食堂" in row and 1.57 in row and 7 in row for row in cells)
    paper = pypdf.PdfReader(io.BytesIO(boss.get(f"{path}.pdf?{days}").data))
    text = "".join(page.extract_text() for page in paper.pages).replace("\0", "")
    assert "第二食堂" in text
    assert "1.57" in text

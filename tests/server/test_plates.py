"""A tray that comes back earns its points once, by the server's rules, and points are entries."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.clock import ManualClock
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.plates import PlateReturn
from dafan.records import Sale, Source
from kitchen import limits
from kitchen.clean_plate import PlateRules, PointRules, expiring
from server import (
    leaving,
    plate_book,
    plate_points,
    plates,
    plates_proof,
    retention,
    subsidy_expiry,
)
from server.actor import Actor
from server.books import accounts
from server.verify import Report, verify_server

TRAY = 500


@dataclass
class Station:
    """A return station beside a till, at noon, with what a site asks for."""

    till: Any
    plates: Any
    clock: ManualClock
    engine: Engine
    actor: Actor
    make_sale: Callable[..., Sale]

    def eat(self, diner_id: UUID, minutes: int = 30) -> Sale:
        sale = self.make_sale(diner_id)
        self.till.sell(sale)
        self.till.push()
        self.clock.advance(minutes * 60)
        return sale

    def bring(self, diner_id: UUID, grams: int = TRAY) -> UUID:
        plate = PlateReturn(
            id=new_id(), diner_id=diner_id, by="card", grams=grams, at=self.clock.now()
        )
        self.plates.journal.append("plate", plate.id, plate.at, plate)
        return plate.id

    def answer(self, plate_id: UUID) -> Any:
        asked = self.plates.client.get(f"/api/v1/plates/{plate_id}", headers=self.plates.headers())
        assert asked.status_code == 200, asked.text
        return asked.json

    def told(self, diner_id: UUID, grams: int = TRAY) -> tuple[str, int, int]:
        plate_id = self.bring(diner_id, grams)
        outcomes = self.plates.push().outcomes
        assert outcomes[-1].reason == ""
        said = self.answer(plate_id)
        return said["verdict"], said["left"], said["points"]

    def do(self, work: Callable[[Session], Any]) -> Any:
        with db.writing(self.engine) as session:
            return work(session)

    @property
    def now(self) -> Actor:
        return replace(self.actor, at=self.clock.now())

    def proved(self, *, books: bool = False) -> None:
        report = Report()
        with db.reading(self.engine) as session:
            if books:
                verify_server(session, report)
            assert not [*report.faults, *plates_proof.faults(session)]


@pytest.fixture
def station(
    make_till: Any, clock: ManualClock, engine: Engine, actor: Actor, make_sale: Any
) -> Station:
    made = Station(make_till(), make_till(), clock, engine, actor, make_sale)
    made.do(lambda s: limits.decide(s, actor, PlateRules, {"tray_grams": TRAY, "points": 3}))
    return made


def test_a_tray_is_judged_by_the_meal_that_was_paid_and_earns_once(
    station: Station, make_diner: Callable[..., UUID]
) -> None:
    one, other, late = make_diner(), make_diner(), make_diner()
    assert station.told(one) == ("no_meal", 0, 0)
    station.eat(other, minutes=2)
    station.eat(one, minutes=2)
    assert station.told(one)[0] == "too_soon"
    station.clock.advance(20 * 60)
    assert station.told(one, TRAY + 120) == ("left_over", 120, 0)
    assert station.told(one, TRAY - 100)[0] == "too_light"
    assert station.told(one, TRAY + 12) == ("clean", 12, 3)
    assert station.told(one)[0] == "again"
    sale = station.make_sale(late)  # its till is cut off
    station.till.sell(sale)
    station.clock.advance(10 * 60)
    assert station.told(late)[0] == "no_meal"
    station.till.push()
    again = station.do(lambda s: plates.judge_again(s, station.clock.now()))
    assert again == 1, "only the one whose sale came late"
    assert station.do(lambda s: plates.judge_again(s, station.clock.now())) == 0
    station.clock.advance(130 * 60)
    assert station.told(other)[0] == "too_late"
    found = station.do(lambda s: plate_book.balances_of(s, [one, other, late]))
    assert found == {one: 3, other: 0, late: 3}
    station.proved()
    items = station.plates.feed()["items"]
    shown = {i["key"]: i["body"]["points"] for i in items if i["kind"] == "diner"}
    assert (shown[str(one)], shown[str(late)]) == (3, 3)


def test_what_is_sent_twice_is_one_tray_and_what_cannot_be_is_parked(
    station: Station, make_diner: Callable[..., UUID], breaking: Any
) -> None:
    one = make_diner()
    station.eat(one)
    plate_id = station.bring(one)
    station.plates.push()
    assert [o.outcome.value for o in station.plates.push().outcomes] == ["duplicate"]
    station.bring(new_id())
    again = PlateReturn(id=plate_id, diner_id=one, by="qr", grams=TRAY, at=station.clock.now())
    station.plates.journal.append("plate", new_id(), again.at, again)
    early = again.model_copy(update={"id": new_id(), "at": again.at + timedelta(days=3)})
    station.plates.journal.append("plate", early.id, again.at, early)
    reasons = [o.reason.partition(":")[0] for o in station.plates.push(after=1).outcomes]
    assert reasons == ["unknown_diner", "posted_before", "wrong_date"]
    answer = station.till.client.get(f"/api/v1/plates/{plate_id}", headers=station.till.headers())
    assert answer.status_code == 404, "another terminal's"
    station.proved()
    for damage in (
        "DELETE FROM plate_return",
        "DELETE FROM plate_point",
        "UPDATE plate_point SET points = 4",
        "UPDATE plate_point SET points = -1, kind = 'corrected', return_id = NULL",
        "UPDATE plate_point SET kind = 'spent', return_id = NULL",
        "UPDATE plate_return SET seq = 9",
    ):
        with breaking() as session:
            damaged = session.begin_nested()
            session.execute(text(damage))
            assert list(plates_proof.faults(session)), damage
            damaged.rollback()


def test_points_become_a_subsidy_that_expires_and_go_with_whoever_leaves(
    station: Station, make_diner: Callable[..., UUID], actor: Actor
) -> None:
    one, other = make_diner(), make_diner()

    def give(diner_id: UUID, points: int, key: str) -> None:
        station.do(
            lambda s: plate_points.correct(s, station.now, diner_id, points, "补记", key=key)
        )

    def spend(diner_id: UUID, lots: int, key: str) -> int:
        found = station.do(lambda s: plate_points.spend(s, station.now, diner_id, lots, key=key))
        return int(found)

    def subsidy(diner_id: UUID) -> int:
        found = station.do(lambda s: accounts.balances(s, diner_id))
        return int(found[Source.SUBSIDY])

    give(one, 50, "a")
    give(one, 50, "a")
    give(other, 20, "b")
    with pytest.raises(BadInputError, match="cannot be turned"):
        spend(one, 1, "k1")
    rules = {"lot_fen": 200, "credit_weeks": 1}
    station.do(lambda s: limits.decide(s, actor, PointRules, rules))
    with pytest.raises(plate_points.NotEnoughPointsError):
        spend(one, 3, "k1")
    assert (spend(one, 2, "k2"), spend(one, 2, "k2"), subsidy(one)) == (400, 400, 400)
    give(one, 30, "c")
    with pytest.raises(BadInputError, match="this week"):
        spend(one, 1, "k3")
    station.clock.advance(2 * 86400)  # Wednesday: the same week's run
    assert (spend(other, 1, "k4"), subsidy(other)) == (200, 200)
    with pytest.raises(plate_points.NotEnoughPointsError):
        give(other, -1, "d")
    station.proved()
    sale = station.make_sale(one, total=150, payments=((Source.SUBSIDY, 150),))
    station.till.sell(sale)
    station.till.push()
    station.clock.advance(14 * 86400)
    done = station.do(lambda s: subsidy_expiry.expire_due(s, station.clock.now()))
    assert [(run.diners, run.total) for run in done] == [(2, 450)]
    assert (subsidy(one), subsidy(other)) == (0, 0)
    station.do(lambda s: plate_points.show(s, station.now, one, shown=True))
    station.do(lambda s: leaving.leave(s, station.now, one))
    assert station.do(lambda s: plate_book.balance(s, one)) == 0
    assert not station.do(lambda s: plate_points.is_shown(s, one))
    late = station.bring(one)  # his station was cut off
    assert station.plates.push().outcomes[-1].reason == ""
    assert station.do(lambda s: plates.get(s, late)).diner_id is None
    assert station.do(lambda s: plates.judge_again(s, station.clock.now())) == 0
    station.proved(books=True)


def test_old_points_expire_and_old_trays_lose_whose_they_were(
    station: Station, make_diner: Callable[..., UUID]
) -> None:
    one, other = make_diner(), make_diner()
    for diner_id in (one, other):
        station.eat(diner_id)
        assert station.told(diner_id)[2] == 3
    station.do(lambda s: plate_points.show(s, station.now, other, shown=True))
    day = station.clock.now().date()
    ranks = station.do(lambda s: plate_points.ranking(s, station.actor.site_id, day, day))
    assert {(r.place, r.name, r.plates) for r in ranks} == {(1, "", 1), (1, "甲子", 1)}
    station.clock.advance(300 * 86400)
    station.do(lambda s: plate_points.correct(s, station.now, one, 5, "比赛", key="x"))
    station.do(lambda s: plate_points.correct(s, station.now, one, -2, "误记", key="y"))
    station.clock.advance(70 * 86400)
    assert station.do(lambda s: plate_points.expire_due(s, station.clock.now())) == 1 + 3
    assert station.do(lambda s: plate_points.expire_due(s, station.clock.now())) == 0
    assert station.do(lambda s: plate_book.balances_of(s, [one, other])) == {one: 5, other: 0}
    assert station.do(lambda s: retention.due(s, station.clock.now())).counts["plates"] == 2
    assert station.do(lambda s: retention.run(s, station.clock.now())).counts["plates"] == 2
    assert not station.do(lambda s: plates.of_diner(s, one))
    assert len(station.do(lambda s: plates.page(s, station.actor.site_id))) == 2
    station.proved()


BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(-6, 6).filter(bool), st.booleans()), max_size=25
)


@given(steps=STEPS, keep=st.integers(1, 30))
def test_no_order_of_coming_and_going_makes_fewer_than_none_or_lets_young_points_expire(
    steps: list[tuple[int, int, bool]], keep: int
) -> None:
    entries: list[tuple[datetime, int]] = []
    now = BEGIN
    for days, points, nightly in steps:
        now += timedelta(days=days)
        if points > 0 or sum(n for _, n in entries) >= -points:
            entries.append((now, points))
        if nightly:
            before, until = sum(n for _, n in entries), now - timedelta(days=keep)
            gone = expiring(entries, until)
            young = sum(n for at, n in entries if n > 0 and at > until)
            assert 0 <= gone <= before
            assert before - gone >= min(before, young), "a young point goes only by being spent"
            entries += [(now, -gone)] if gone else []
            assert expiring(entries, until) == 0
        assert sum(n for _, n in entries) >= 0

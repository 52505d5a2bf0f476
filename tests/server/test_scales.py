"""A scale is written down, verified and checked; terminals learn of it at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.metrology import ScaleRecord, ScaleRules, permitted_error
from dafan.units import Grams
from kitchen.rows import KeyReusedError, UnknownRowError
from server import audit, doctor, feed, inbox, scale_book, scale_rules, scales, sites, terminals
from server.actor import Actor
from server.inbox import Kind, Who
from server.scale_book import Scale, ScaleValues, VerificationValues
from server.scale_rules import ScaleLimits, Standing
from tests.server.conftest import NOON, TestSite, Till

TODAY = date(2026, 3, 2)
PLATE = ScaleValues(model="ACS-15", serial="A1", max_grams=15_000, e_grams=5)
NEXT_DAY = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
"""Tuesday, 4 o'clock in Shanghai."""


def paper(**changes: Any) -> VerificationValues:
    values = {
        "certificate": "J1", "verified_on": TODAY, "verified_until": TODAY + timedelta(days=365)
    }  # fmt: skip
    return VerificationValues(**values | changes)


@pytest.fixture
def scale(engine: Engine, actor: Actor, terminal: Till) -> Scale:
    with db.writing(engine) as session:
        return scales.create(session, actor, terminal.id, 0, PLATE)


@pytest.fixture
def do(engine: Engine, actor: Actor, scale: Scale) -> Callable[..., Any]:
    """Do something to the scale, in a transaction, with a fresh key where one is wanted."""

    def work(service: Any, *given: Any, by: Actor = actor, **more: Any) -> Any:
        keyed = () if service in {scales.update, scales.take_away} else (new_id().hex,)
        with db.writing(engine) as session:
            return service(session, by, *keyed, scale.id, *given, **more)

    return work


@pytest.fixture
def told(engine: Engine, site: TestSite, scale: Scale) -> Callable[[], ScaleRecord | None]:
    """What the till learns of its scale."""

    def read() -> ScaleRecord | None:
        with db.reading(engine) as session:
            row = session.get_one(
                feed.FeedRow, (site.id, "scale", f"{scale.terminal_id}:{scale.station}")
            )
            return row.body and ScaleRecord.model_validate(row.body)

    return read


def stands(engine: Engine, scale: Scale, now: datetime = NOON) -> Standing:
    with db.reading(engine) as session:
        return scales.stands(session, session.get_one(Scale, scale.id), now)


def test_the_till_learns_what_people_enter_and_the_audit_log_keeps_it(
    engine: Engine, actor: Actor, scale: Scale, do: Callable[..., Any], told: Callable[[], Any]
) -> None:
    assert told() == ScaleRecord(
        terminal_id=scale.terminal_id, station=0, model="ACS-15", serial="A1",
        max_grams=15_000, e_grams=5,
    )  # fmt: skip
    do(scales.verify, paper(), "photo")
    assert (told().certificate, told().verified_until) == ("J1", date(2027, 3, 2))
    assert stands(engine, scale) is Standing.GOOD
    do(scales.verify, paper(certificate="J0", verified_on=date(2025, 3, 2), verified_until=TODAY))
    assert told().certificate == "J1", "an older certificate is history"
    do(scales.update, PLATE.model_copy(update={"serial": "B2"}))
    assert (told().serial, told().verified_until) == ("B2", None), "another scale, not verified"
    with db.reading(engine) as session:
        row = session.get_one(Scale, scale.id)
        kept = scale_book.verifications(session, row)
        acts = [one.action for one in audit.page(session, actor.site_id)]
    assert [(one.certificate, one.serial, one.photo) for one in kept] == [
        ("J1", "A1", "photo"), ("J0", "A1", ""),
    ]  # fmt: skip
    assert {"scale.create", "scale.verify", "scale.update"} <= set(acts)


def test_an_expired_scale_is_barred_from_the_day_after_its_last(
    engine: Engine, scale: Scale, do: Callable[..., Any]
) -> None:
    assert stands(engine, scale) is Standing.LOOSE
    do(scales.verify, paper(verified_until=TODAY + timedelta(days=31)))
    found = [stands(engine, scale, NOON + timedelta(days=days)) for days in (0, 1, 31, 32)]
    assert found == [Standing.GOOD, Standing.SOON, Standing.SOON, Standing.EXPIRED]


def test_a_failed_check_bars_until_a_verification_or_somebody_in_charge_says_why(
    engine: Engine, scale: Scale, do: Callable[..., Any], told: Callable[[], Any]
) -> None:
    do(scales.verify, paper())
    assert do(scales.check, Grams(500), Grams(505)).passed
    assert not do(scales.check, Grams(500), Grams(506)).passed
    assert told().failed
    assert do(scales.check, Grams(500), Grams(500)).passed
    assert told().failed, "one good reading heals nothing"
    do(scales.check, Grams(500), Grams(500), heal="a foot was loose")
    do(scales.check, Grams(500), Grams(500), may_heal=True)
    assert told().failed
    made = do(scales.check, Grams(500), Grams(500), heal="a foot was loose", may_heal=True)
    assert (told().failed, made.reason) == (False, "a foot was loose")
    do(scales.check, Grams(500), Grams(400))
    do(scales.verify, paper(certificate="J2"))
    assert (told().failed, stands(engine, scale)) == (False, Standing.GOOD)


def test_what_an_inspector_found_wrong_only_an_inspector_heals(
    do: Callable[..., Any], told: Callable[[], Any]
) -> None:
    do(scales.verify, paper(passed=False, certificate="", verified_until=None))
    do(scales.check, Grams(500), Grams(500), heal="it looks fine", may_heal=True)
    do(scales.update, PLATE.model_copy(update={"serial": "B2"}))
    assert told().failed
    do(scales.verify, paper())
    assert not told().failed


def test_a_daily_check_is_asked_for_from_the_next_morning_and_holds_a_day(
    engine: Engine, actor: Actor, scale: Scale, do: Callable[..., Any], told: Callable[[], Any]
) -> None:
    do(scales.verify, paper())
    with db.writing(engine) as session:
        scales.decide(session, actor, ScaleLimits(check_daily=True))
    assert told().check_due == NEXT_DAY
    morning = replace(actor, at=NEXT_DAY)
    assert stands(engine, scale, NEXT_DAY) is Standing.CHECK_DUE
    do(scales.check, Grams(500), Grams(520), by=morning)
    assert told().check_due == NEXT_DAY, "what failed opens no day"
    do(scales.check, Grams(500), Grams(500), heal="levelled", may_heal=True, by=morning)
    assert told().check_due == NEXT_DAY + timedelta(days=1)
    with db.writing(engine) as session:
        scales.decide(session, actor, ScaleLimits(required=True, small_free=True))
        rules = session.get_one(feed.FeedRow, (actor.site_id, "scale_rules", "scale_rules"))
        assert rules.body == ScaleRules(required=True, small_free=True).to_body()
    assert told().check_due is None


def test_what_does_not_fit_is_refused_and_what_is_sent_twice_is_kept_once(
    engine: Engine, actor: Actor, terminal: Till, scale: Scale, do: Callable[..., Any]
) -> None:
    for nominal, shown in ((99, 99), (15_001, 15_001), (500, 1001)):
        with pytest.raises(BadInputError, match="test weight"):
            do(scales.check, Grams(nominal), Grams(shown))
    for wrong in (
        {"verified_until": None}, {"certificate": ""}, {"verified_until": TODAY},
        {"verified_until": TODAY + timedelta(days=367)}, {"passed": False},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="validation error"):
            paper(**wrong)
    with pytest.raises(scales.BadVerificationError):
        do(scales.verify, paper(verified_on=TODAY + timedelta(days=1)))
    with db.writing(engine) as session:
        for place, station in ((terminal.id, 0), (terminal.id, 33), (terminal.id, -1)):
            with pytest.raises(scales.BadScaleError):
                scales.create(session, actor, place, station, PLATE)
        with pytest.raises(terminals.UnknownTerminalError):
            scales.create(session, actor, new_id(), 0, PLATE)
        stranger = replace(actor, site_id=new_id())
        with pytest.raises(UnknownRowError):
            scales.update(session, stranger, scale.id, PLATE)
        one = scales.check(session, actor, "k", scale.id, Grams(500), Grams(500))
        assert scales.check(session, actor, "k", scale.id, Grams(500), Grams(500)).id == one.id
        with pytest.raises(KeyReusedError):
            scales.check(session, actor, "k", scale.id, Grams(500), Grams(501))


def test_a_barred_scale_is_not_taken_away_while_its_till_weighs(
    engine: Engine, actor: Actor, scale: Scale, do: Callable[..., Any], told: Callable[[], Any]
) -> None:
    with db.writing(engine) as session:
        terminals.set_weigh_dish(session, actor.site_id, scale.terminal_id, new_id(), by="test")
    do(scales.check, Grams(500), Grams(600))
    with pytest.raises(scales.BadScaleError):
        do(scales.take_away, "it is broken")
    do(scales.verify, paper())
    do(scales.take_away, "a smaller one is enough")
    assert told() is None
    with db.writing(engine) as session:
        assert scale_book.page(session, actor.site_id) == []
        assert [n for _, n in scale_book.without(session, actor.site_id)] == [0]
        again = scales.create(session, actor, scale.terminal_id, 0, PLATE)
        assert (again.id, again.verified_until) == (scale.id, date(2027, 3, 2))


def test_people_hear_of_it_before_it_is_too_late(
    engine: Engine, actor: Actor, scale: Scale, do: Callable[..., Any], clock: ManualClock
) -> None:
    def heard(days: int) -> tuple[int, int, int, list[str], list[tuple[Kind, str]]]:
        now = clock.now() + timedelta(days=days)
        with db.reading(engine) as session:
            rules = sites.policy(session, actor.site_id)
            seen = scales.watch(session, actor.site_id, rules, now)
            who = Who(actor.site_id, "boss", ("manager",), lambda: seen)
            asked = sorted((one.kind, one.title) for one in inbox.waiting(session, who))
            assert inbox.count(session, who) == len(asked)
            site = sites.get_site(session, actor.site_id)
            lights = [one.light.value for one in doctor._scales(session, site, now)]
        return seen.barred, seen.soon, seen.loose, lights, asked

    assert heard(0) == (0, 0, 1, ["warn"], [])
    do(scales.verify, paper())
    assert heard(0) == (0, 0, 0, [], [])
    assert heard(335) == (0, 1, 0, ["warn"], [(Kind.SCALE_SOON, "1")])
    assert heard(366) == (1, 0, 0, ["stop"], [(Kind.SCALE_EXPIRED, "1")])
    do(scales.check, Grams(500), Grams(600))
    failed = (Kind.SCALE_FAILED, "1")
    assert heard(0) == (1, 0, 0, ["stop"], [failed])
    with db.writing(engine) as session:
        others = [scales.create(session, actor, scale.terminal_id, n, PLATE) for n in (1, 2, 3)]
        for n, one in enumerate(others[1:]):
            scales.verify(session, actor, f"v{n}", one.id, paper())
        scales.decide(session, actor, ScaleLimits(check_daily=True))
    unverified, due = (Kind.SCALE_UNVERIFIED, "1"), (Kind.SCALE_CHECK_DUE, "2")
    assert heard(0) == (2, 0, 0, ["stop"], [failed, unverified])
    assert heard(1) == (4, 0, 0, ["stop"], [due, failed, unverified])
    with db.reading(engine) as session:
        rules = sites.policy(session, actor.site_id)
        seen = scales.watch(session, actor.site_id, rules, clock.now() + timedelta(days=1))
        who = Who(actor.site_id, "boss", ("manager",), lambda: seen)
        first = inbox.waiting(session, who, limit=1)[0]
        rest = inbox.waiting(session, who, after=first.cursor)
        assert {first.kind, rest[0].kind} == {failed[0], unverified[0]}
        assert [one.kind for one in rest[1:]] == [due[0]], "it came last"
        cook = Who(actor.site_id, "cook", ("cook",), lambda: seen)
        assert inbox.count(session, cook) == 0


@given(st.integers(20, 3000), st.integers(1, 10), st.integers(-40, 40))
@settings(max_examples=40, deadline=None)
def test_a_check_passes_just_within_twice_the_error_of_a_verification(
    steps: int, e: int, off: int
) -> None:
    nominal = Grams(steps * e)
    allowed = e * (1 if steps <= 500 else 2 if steps <= 2000 else 3)
    assert permitted_error(nominal, e) == allowed
    assert scale_rules.shows_right(nominal, Grams(nominal + off), e) == (abs(off) <= allowed)


def test_scales_of_a_site_are_paged_by_name_and_station(
    engine: Engine, actor: Actor, make_till: Callable[[], Till]
) -> None:
    tills = [make_till(), make_till()]
    with db.writing(engine) as session:
        for till in tills:
            for station in (2, 1):
                scales.create(session, actor, till.id, station, PLATE)
        every = [row for row, _ in scale_book.page(session, actor.site_id)]
        some = scale_book.page(session, actor.site_id, limit=3)
        rest = scale_book.page(session, actor.site_id, after=some[-1][0].id)
        assert [row for row, _ in [*some, *rest]] == every
        assert [row.station for row in every] == [1, 2, 1, 2]
        assert session.scalars(select(Scale).where(Scale.check_due.is_not(None))).all() == []

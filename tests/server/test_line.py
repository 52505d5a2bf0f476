"""Trays on the weigh line are settled to the gram and the fen, nothing lost, nothing twice."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.line import PanChange, ScoopTaken, Tab, TrayState
from dafan.units import Grams
from server import exceptions, feed, line_proof, line_setup, line_view, nightly, sites
from server.actor import Actor
from server.jobs import run_due
from server.keys import KeyRing
from server.line_book import LineTray
from server.line_join import PanTab
from server.line_settle import lines
from tests.server.line_kit import Line


@pytest.fixture
def weighed(
    make_till: Any, clock: ManualClock, engine: Engine, actor: Actor, settings: Any
) -> Line:
    ring = KeyRing.open(settings.data_dir)
    return Line(make_till(), make_till(), clock, engine, ring, actor)


def codes(on: Line) -> list[str]:
    found: list[str] = on.do(lambda s: [one.code for one in exceptions.page(s, on.actor.site_id)])
    return found


def test_a_tray_is_one_sale_with_a_line_a_scoop_priced_as_a_till_does(
    weighed: Line, make_diner: Callable[..., UUID]
) -> None:
    eater = make_diner(cash=500, subsidy=1000)
    mine = weighed.bind(eater)
    assert weighed.tell() == []
    weighed.scoop(200, session=mine)
    weighed.scoop(150, session=mine, pan=1)
    weighed.scoop(-50, session=mine)
    assert weighed.tell() == []
    tray = weighed.trays()["E2000001"]
    assert (tray["session_id"], tray["spent"], tray["name"]) == (str(mine), 900, "甲*")
    answer = weighed.ask("E2000001").json
    assert (answer["total"], answer["grams"], answer["state"]) == (900, 300, "open")
    assert [one["grams"] for one in answer["lines"]] == [150, 150]
    assert weighed.ask("E2000002").status_code == 404
    weighed.leave(mine)
    weighed.tell()
    assert weighed.paid(mine) == [], "the box may still have something to tell"
    weighed.alarm(PanChange.UNPAID)
    weighed.clock.advance(10)
    weighed.alarm(PanChange.FILLED)
    weighed.leave(None)  # told again: it is the same end
    weighed.tell()
    (sale,) = weighed.paid(mine)
    assert (sale.total, sale.subsidy_paid, sale.cash_paid, sale.subsidised) == (900, 900, 0, True)
    assert weighed.trays() == {"E2000001": None}
    assert codes(weighed) == ["line_unpaid"]
    assert weighed.later().startswith("0 trays")
    weighed.proved()


def test_what_a_box_tells_late_is_charged_as_if_it_had_come_in_time_and_debts_are_seen(
    weighed: Line, make_diner: Callable[..., UUID]
) -> None:
    eater = make_diner(cash=0, subsidy=1000)
    mine = weighed.bind(eater)
    weighed.scoop(200)
    weighed.tell()
    late, back = weighed.scoop(300), weighed.scoop(-100)
    weighed.leave(mine)
    weighed.tell(weighed.gate)
    weighed.later()
    weighed.clock.advance(600)
    weighed.tell()
    given_back = weighed.scoop(-20, session=mine)
    weighed.tell()
    first, more = weighed.paid(mine)
    assert (first.total, first.subsidy_paid, first.subsidised) == (600, 600, True)
    assert (more.total, more.subsidy_paid, more.cash_paid, more.subsidised) == (
        600,
        400,
        200,
        False,
    )
    assert [weighed.state(one)[0] for one in (late, back)] == ["settled", "settled"]
    ask = weighed.actor.site_id, eater, weighed.clock.now() - timedelta(minutes=1)
    (told,) = weighed.do(lambda s: line_view.charged_late(s, *ask))
    assert (told.sale_id, told.total, told.food) == (more.id, 600, {"青菜": 200})
    assert weighed.state(given_back) == ("unassigned", "excess")
    assert set(codes(weighed)) == {"overdraft", "line_excess"}
    weighed.proved(books=True)


def test_a_forgotten_tray_is_settled_by_time_and_one_that_is_bound_anew_by_the_next_diner(
    weighed: Line, make_diner: Callable[..., UUID]
) -> None:
    first, second = make_diner(), make_diner()
    one = weighed.bind(first)
    weighed.scoop(100)
    weighed.clock.advance(300)
    two = weighed.bind(second)
    weighed.scoop(200)
    weighed.scoop(-200)
    unseen = weighed.scoop(100, tray="E2000009")
    weighed.tell(weighed.box)
    weighed.tell(weighed.gate)
    weighed.later()
    assert [sale.total for sale in weighed.paid(one)] == [300]
    weighed.later(90)
    assert weighed.paid(two) == [], "all was put back"
    assert weighed.trays()["E2000001"] is None
    assert weighed.state(unseen) == ("unassigned", "no_session")
    assert codes(weighed) == ["line_unassigned"]
    weighed.proved()


def test_entries_that_cannot_be_are_parked_and_the_rest_goes_on(
    weighed: Line, make_diner: Callable[..., UUID], breaking: Any
) -> None:
    weighed.bind(new_id())
    mine = weighed.bind(make_diner())
    weighed.scoop(100)
    again = weighed.box.journal.read(0)[0]
    weighed.box.journal.append("scoop", new_id(), weighed.clock.now(), ScoopTaken(**again.body))
    weighed.clock.jump(-400 * 86400)
    weighed.scoop(100)
    weighed.clock.jump(400 * 86400)
    reasons = [one.split(":")[0] for one in weighed.tell()]
    assert reasons == ["unknown_diner", "posted_before", "wrong_date"]
    weighed.leave(mine)
    weighed.tell()
    weighed.later()
    assert [sale.total for sale in weighed.paid(mine)] == [300]
    weighed.proved()
    with breaking() as session:
        session.execute(text("UPDATE line_settlement SET amount = amount + 1"))
    told = [fault.what for fault in weighed.do(lambda s: [*line_proof.faults(s)])]
    assert "says 100 g and 301 fen; its scoops come to (300, 100)" in told
    with breaking() as session:
        session.execute(text("DELETE FROM line_scoop"))
    found = [fault.what for fault in weighed.do(lambda s: [*line_proof.faults(s)])]
    assert any("its scoop is gone" in what for what in found)
    assert any("scoops that are gone" in what for what in found)


def test_boxes_and_gates_hear_of_every_tray_and_of_what_becomes_of_it(
    engine: Engine, actor: Actor
) -> None:
    first, second, old = "E2000001", "E2000002", "E2000003"

    def told() -> dict[str, str]:
        with db.reading(engine) as session:
            page = feed.page(session, actor.site_id, new_id(), 0, 1000, actor.at)
        return {one.key: (one.body or {})["state"] for one in page.items if one.kind == "line_tray"}

    with db.writing(engine) as session:  # registered before terminals were told
        session.add(
            LineTray(site_id=actor.site_id, tag=old, state="active", added_at=actor.at, number="")
        )
    assert told() == {}
    with db.writing(engine) as session:
        line_setup.add_trays(session, actor, [("E2 00 00 01", "1"), (second, "2")])
    assert told() == {first: "active", second: "active", old: "active"}
    with db.writing(engine) as session:
        line_setup.mark_tray(session, actor, first, TrayState.LOST)
        line_setup.mark_tray(session, actor, second, TrayState.RETIRED)
    assert told() == {first: "lost", second: "retired", old: "active"}
    with db.writing(engine) as session:
        line_setup.mark_tray(session, actor, second, TrayState.ACTIVE)
        line_setup.add_trays(session, actor, [(first, "")])  # found again
        news = feed.latest(session, actor.site_id)
        line_setup.mark_tray(session, actor, first, TrayState.ACTIVE)
        assert feed.latest(session, actor.site_id) == news, "the same is no news"
    assert set(told().values()) == {"active"}


def test_a_site_upgraded_from_before_trays_were_told_tells_them_by_itself_and_once(
    engine: Engine, actor: Actor, settings: Any, weighed: Line
) -> None:
    with db.writing(engine) as session:  # as the earlier version left them: on no feed
        for tag, state in (("E2000001", "active"), ("E2000002", "lost"), ("E2000003", "retired")):
            session.add(
                LineTray(
                    site_id=actor.site_id, tag=tag, state=state, added_at=actor.at, number=""
                )
            )  # fmt: skip
        elsewhere = sites.ensure_site(session, "另一单位").id
    parts = SimpleNamespace(engine=engine, settings=settings, ring=weighed.ring)
    tell = [job for job in nightly.jobs(parts) if job.name == "tray_list"]  # type: ignore[arg-type]  # all that it needs

    def told() -> dict[str, str]:
        items = weighed.box.feed()["items"]
        return {one["key"]: one["body"]["state"] for one in items if one["kind"] == "line_tray"}

    def version(site_id: UUID) -> int:
        return int(weighed.do(lambda s: feed.latest(s, site_id)))

    assert told() == {}
    before = version(elsewhere)
    assert run_due(engine, tell, weighed.clock.now()) == ["tray_list"], "at the first look"
    assert told() == {"E2000001": "active", "E2000002": "lost", "E2000003": "retired"}
    news = version(actor.site_id)
    weighed.clock.advance(86400)
    assert run_due(engine, tell, weighed.clock.now()) == ["tray_list"], "and every night"
    assert version(actor.site_id) == news, "what boxes know is no news"
    assert version(elsewhere) == before, "where there is no tray, any tag is one"


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.booleans()), max_size=5))
def test_whatever_arrives_in_whatever_order_sales_are_what_the_pans_lost(
    weighed: Line, make_diner: Callable[..., UUID], steps: list[tuple[int, bool, bool]]
) -> None:
    mine = weighed.bind(make_diner())
    owed, taken = 0, 0
    for grams, put_back, tells in steps:
        change = -min(grams, taken) if put_back and taken else grams
        weighed.scoop(change, session=mine)
        taken += change
        owed += 3 * change
        if tells:
            weighed.tell(weighed.box)
    weighed.tell(weighed.gate)
    weighed.leave(mine)
    weighed.tell()
    weighed.later()
    assert sum(sale.total for sale in weighed.paid(mine)) == owed
    weighed.proved()


def test_more_scoops_than_a_sale_has_lines_are_one_line_a_dish_and_price() -> None:
    tab = Tab()
    for _ in range(61):
        tab = tab.take(Grams(33), 1234)  # type: ignore[arg-type]
    pan = PanTab(new_id(), new_id(), new_id(), "青菜", tab)
    (line,) = lines([pan])
    assert (line.grams, line.amount) == (61 * 33, tab.amount)
    assert len(lines([pan.__class__(*(new_id(),) * 3, "青菜", tab.put_back(Grams(33)))])) == 60

"""Several sites beside each other: each as far as the person may see it, no other at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from apiflask import APIFlask
from sqlalchemy import Engine

from dafan import db
from dafan.ids import new_id
from kitchen import waste
from kitchen.waste import Category, WasteValues
from server import auth, sites
from server.actor import Actor
from server.reports.across import INDICATORS, Line, ranked
from tests.server.conftest import TestSite, Till
from tests.server.pages.conftest import Browser

DAY = date(2026, 3, 2)
DAYS = "since=2026-03-01&until=2026-03-31"


def test_a_person_compares_his_own_sites_only_and_each_as_far_as_he_may(
    app: APIFlask, engine: Engine, actor: Actor, site: TestSite, terminal: Till, make_diner: Any,
    make_sale: Any, make_user: Callable[..., auth.User],
) -> None:  # fmt: skip
    terminal.sell(make_sale(make_diner(cash=10_000), total=1234))
    terminal.push()
    user = make_user("bureau", "bureau")
    with db.writing(engine) as session:
        near, far = (sites.ensure_site(session, name).id for name in ("城南食堂", "城北食堂"))
        for one in (near, far):
            venue = sites.ensure_venue(session, one, "大厅")
            values = WasteValues(
                venue_id=venue.id, period="lunch", category=Category.TRIM, grams=7_000
            )
            waste.record(session, replace(actor, site_id=one), values, day=DAY, key=f"trim {one}")
        person = session.get_one(auth.User, user.id)
        auth.grant(person, near, ["diner"])
    own = Browser(app.test_client())
    own.sign_in("bureau")
    # a role without the right to see anything there shows nothing of it
    assert own.get("/manage/across").status_code == 404
    assert own.get("/manage/across.xlsx").status_code == 404
    with db.writing(engine) as session:
        auth.grant(session.get_one(auth.User, user.id), near, ["inspector"])
    page = own.see(f"/manage/across?{DAYS}")
    assert "各食堂对比" in page
    assert "城南食堂" in page
    assert "12.34" in page
    for address in (
        f"/manage/across?{DAYS}&site={far}", f"/manage/across?by=net&venue={far}&{DAYS}",
        "/manage/across?since=x&by=%00",
    ):  # fmt: skip
        assert "城北食堂" not in own.see(address)
    row = page.split("城南食堂</button>")[1].split("</tr>")[0]
    assert "/manage/reports/cost" not in row  # an inspector sees no money
    leads = f"/manage/reports/waste?{DAYS}"
    there = own.send("/site", site=str(near), next=leads)
    assert "共浪费 7.00 千克" in there.text
    assert own.send("/site", site=str(far), next=leads).status_code == 404
    assert own.send("/site", site=str(site.id), next="https://evil.example/").status_code == 200
    book = own.get(f"/manage/across.xlsx?{DAYS}")
    assert book.status_code == 200
    make_user("alone", "manager")
    alone = Browser(app.test_client())
    alone.sign_in("alone")
    assert alone.get("/manage/across").status_code == 404
    assert "各食堂对比" not in alone.see("/manage/")


def test_the_best_comes_first_the_unknown_last_and_lights_follow_the_side_that_is_better() -> None:
    def line(name: str, **now: int | None) -> Line:
        return Line(new_id(), name, now, {}, ())

    told = [
        line("丙", waste_per_cover=None, samples=1000),
        line("甲", waste_per_cover=2500, samples=990),
        line("乙", waste_per_cover=400, samples=900),
    ]  # fmt: skip
    assert [one.name for one in ranked(told, "waste_per_cover")] == ["乙", "甲", "丙"]
    assert [one.name for one in ranked(told, "samples")] == ["丙", "甲", "乙"]
    assert [one.light for one in told] == ["ok", "stop", "stop"]
    by_code = {one.code: one for one in INDICATORS}
    assert [by_code["incidents"].light(count) for count in (0, 1, 5, 6, None)] == [
        "ok", "warn", "warn", "stop", "",
    ]  # fmt: skip
    assert by_code["covers"].light(5) == ""

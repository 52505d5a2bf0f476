"""Whose photograph should be taken anew; how often a face is mistaken at the gallery's size."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from dafan import db
from dafan.ids import new_id
from kitchen import limits
from server import consents, face_care, face_figures, people
from server.books.sales import Sale
from server.faces import Photo, Template

GOOD = {
    "pack": "mobilefacenet", "people": 40, "genuine_pairs": 1800, "impostor_pairs": 78_000,
    "thresholds": [
        {"threshold": 0.5, "tar": 0.973, "far": 5.1e-5},
        {"threshold": 0.54, "tar": 0.967, "far": 0.0},
    ],
}  # fmt: skip


@pytest.fixture
def enrolled(engine, actor, make_diner):
    """A diner whose photograph is so many days old; the seal is not looked at here."""

    def make(days):
        diner_id = make_diner()
        with db.writing(engine) as session:
            consent = consents.give(session, actor, diner_id, consents.ConsentValues())
            session.add(
                Photo(
                    site_id=actor.site_id, diner_id=diner_id, consent_id=consent.id, epoch=1,
                    sealed=b"-", taken_at=actor.at - timedelta(days=days),
                )
            )  # fmt: skip
            session.add(
                Template(site_id=actor.site_id, diner_id=diner_id, pack="p", epoch=1, sealed=b"-")
            )
        return diner_id

    return make


@pytest.fixture
def pays(engine, actor):
    """Payments by face, so many days ago, of so much similarity."""

    def make(diner_id, similarity, *, days, count=10, pack="p", taken=True):
        with db.writing(engine) as session:
            for n in range(count):
                at = actor.at - timedelta(days=days, minutes=n)
                session.add(
                    Sale(
                        site_id=actor.site_id, business_date=at.date(), id=new_id(),
                        terminal_id=new_id(), seq=n, venue_id=actor.site_id, period="lunch",
                        diner_id=diner_id, tender="face" if taken else "card", list_total=0,
                        discount=0, total=0, subsidy_paid=0, cash_paid=0, drawer_paid=0,
                        subsidised=False, opened_at=at, paid_at=at, received_at=at,
                        snapshot_version=0,
                        face={"pack": pack, "similarity": similarity, "margin": 1, "frames": 3},
                    )
                )  # fmt: skip

    return make


def test_old_photographs_and_falling_payments_are_reminded_of_and_nothing_is_changed(
    engine, actor, enrolled, pays
):
    fresh, old, fallen, few, other_pack = (enrolled(days) for days in (10, 1200, 400, 400, 400))
    for diner_id in (fresh, fallen, few):
        pays(diner_id, 800, days=100 if diner_id != fresh else 5)
    pays(fallen, 700, days=5)
    pays(few, 500, days=5, count=3)
    pays(other_pack, 800, days=100)
    pays(other_pack, 500, days=5, pack="newer")

    with db.reading(engine) as session:
        due = face_care.page(session, actor.site_id, actor.at)
        assert {one.diner_id for one in due} == {old, fallen}
        by = {one.diner_id: one for one in due}
        assert (by[old].old, by[old].fallen, by[old].before) == (True, False, None)
        assert (by[fallen].old, by[fallen].fallen) == (False, True)
        assert (by[fallen].before, by[fallen].recent) == (800, 700)
        assert face_care.count(session, actor.site_id, actor.at) == 2
        first = face_care.page(session, actor.site_id, actor.at, limit=1)
        second = face_care.page(session, actor.site_id, actor.at, after=first[0].staff_no)
        assert [one.diner_id for one in (*first, *second)] == [old, fallen]
        assert face_care.of_diner(session, actor.site_id, fallen, actor.at).fallen
        assert face_care.of_diner(session, actor.site_id, fresh, actor.at) is None
        assert face_care.page(session, new_id(), actor.at) == []
        assert session.query(Template).count() == 5
    with db.writing(engine) as session:
        limits.decide(session, actor, face_care.FaceCareRules, {"fall": 150, "months": 60})
        assert face_care.page(session, actor.site_id, actor.at) == []
        session.execute(update(people.Diner).values(status="left"))
        limits.decide(session, actor, face_care.FaceCareRules, {})
        assert face_care.page(session, actor.site_id, actor.at) == []


def test_the_chance_of_a_mistake_grows_with_the_gallery_and_none_seen_is_an_upper_bound(tmp_path):
    assert face_figures.read(tmp_path) is None
    file = tmp_path / face_figures.FILE
    file.write_text(json.dumps(GOOD | {"more": 1}), encoding="utf-8")
    measured = face_figures.read(tmp_path)
    seen, none = face_figures.points(measured, 1000)
    assert (seen.refused, seen.mistaken, seen.bound) == (270, 497, False)
    assert (none.refused, none.mistaken, none.bound) == (330, 377, True)
    assert face_figures.points(measured, 50_000)[1].mistaken > 8000
    assert face_figures.nearest([seen, none], 0.55) is none
    for broken in ("", "[]", '{"pack": 1}', json.dumps(GOOD | {"thresholds": []})):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(face_figures.FiguresError):
            face_figures.read(tmp_path)

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import attendance, rows, staff
from kitchen.attendance import Direction, SignedBy
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.staff import (
    CertificateKind,
    CertificateValues,
    Fault,
    Morning,
    StaffRules,
    WorkerValues,
    may_work,
)

DAY = date(2026, 3, 2)
COOK = WorkerValues(name="陈师傅", post="厨师", login="chen")
HEALTH = CertificateValues(
    kind=CertificateKind.HEALTH,
    number="H-1",
    issued=date(2025, 9, 1),
    expires=date(2026, 8, 31),
)


@pytest.fixture
def cook(engine, actor):
    with writing(engine) as session:
        return staff.create(session, actor, COOK).id


def test_a_checked_person_with_a_good_certificate_may_touch_food():
    fitness = may_work(True, [HEALTH], Morning.PASSED, DAY)
    assert (fitness.food_contact, fitness.faults) == (True, ())
    assert may_work(True, [HEALTH], Morning.CLEARED, DAY).food_contact


@pytest.mark.parametrize(
    ("certificates", "morning", "day", "fault"),
    [
        ([], Morning.PASSED, DAY, Fault.NO_HEALTH_CERTIFICATE),
        ([HEALTH], Morning.PASSED, date(2026, 9, 1), Fault.HEALTH_CERTIFICATE_EXPIRED),
        ([HEALTH], Morning.PASSED, date(2025, 8, 31), Fault.HEALTH_CERTIFICATE_EXPIRED),
        ([HEALTH], Morning.MISSING, DAY, Fault.NOT_CHECKED),
        ([HEALTH], Morning.FAILED, DAY, Fault.CHECK_FAILED),
    ],
)
def test_without_certificate_or_check_nobody_touches_food(certificates, morning, day, fault):
    fitness = may_work(True, certificates, morning, day)
    assert fitness.faults == (fault,)
    assert not fitness.food_contact


def test_the_last_day_of_a_certificate_still_counts_and_is_warned_of():
    fitness = may_work(True, [HEALTH], Morning.PASSED, HEALTH.expires)
    assert fitness.food_contact
    assert fitness.faults == (Fault.HEALTH_CERTIFICATE_ENDS_SOON,)


def test_another_certificate_is_no_health_certificate_and_who_left_stays_away():
    cook = HEALTH.model_copy(update={"kind": CertificateKind.COOK})
    assert may_work(False, [cook], Morning.PASSED, DAY).faults == (
        Fault.LEFT,
        Fault.NO_HEALTH_CERTIFICATE,
    )


def test_a_site_without_morning_checks_asks_for_none_but_a_failed_one_counts():
    rules = StaffRules(check_required=False)
    assert may_work(True, [HEALTH], Morning.MISSING, DAY, rules).food_contact
    assert not may_work(True, [HEALTH], Morning.FAILED, DAY, rules).food_contact


@given(
    offsets=st.lists(st.tuples(st.integers(-800, 400), st.integers(0, 366)), max_size=4),
    morning=st.sampled_from(Morning),
)
def test_whoever_may_touch_food_has_a_certificate_in_force_and_a_check(offsets, morning):
    papers = [
        HEALTH.model_copy(
            update={
                "issued": DAY + timedelta(days=begin),
                "expires": DAY + timedelta(days=begin + length),
            }
        )
        for begin, length in offsets
    ]
    in_force = any(one.issued <= DAY <= one.expires for one in papers)
    checked = morning in {Morning.PASSED, Morning.CLEARED}
    assert may_work(True, papers, morning, DAY).food_contact is (in_force and checked)


def test_a_worker_is_kept_changed_and_recorded(engine, actor, cook):
    head = COOK.model_copy(update={"post": "厨师长"})
    for _ in range(2):
        with writing(engine) as session:
            staff.update(session, actor, cook, head)
    with reading(engine) as session:
        assert staff.values_of(staff.get(session, actor.site_id, cook)) == head
    assert [line.action for line in actor.recorded] == ["worker.create", "worker.update"]


@pytest.mark.usefixtures("cook")
def test_one_face_and_one_login_are_one_worker(engine, actor):
    twin = WorkerValues(name="另一人", post="切配", login="chen")
    with pytest.raises(BadInputError, match="another worker"), writing(engine) as session:
        staff.create(session, actor, twin)


def test_a_face_finds_its_worker_while_he_works_here(engine, actor):
    face = new_id()
    values = COOK.model_copy(update={"diner_id": face})
    with writing(engine) as session:
        worker = staff.create(session, actor, values).id
        found = staff.find_by_diner(session, actor.site_id, face)
        assert found is not None
        assert found.id == worker
        staff.update(session, actor, worker, values.model_copy(update={"active": False}))
        assert staff.find_by_diner(session, actor.site_id, face) is None


def test_a_health_certificate_of_two_years_or_backwards_is_refused(engine, actor, cook):
    long = HEALTH.model_copy(update={"expires": date(2027, 9, 1)})
    back = HEALTH.model_copy(update={"expires": date(2025, 8, 1)})
    for wrong, match in ((long, "one year"), (back, "before it begins")):
        with pytest.raises(BadInputError, match=match), writing(engine) as session:
            staff.add_certificate(session, actor, cook, wrong)


def test_a_withdrawn_certificate_does_not_count(engine, actor, cook):
    with writing(engine) as session:
        row = staff.add_certificate(session, actor, cook, HEALTH)
        assert staff.certificates(session, actor.site_id, [cook]) == {cook: [HEALTH]}
        staff.withdraw_certificate(session, actor, row.id, "写错了人")
        assert staff.certificates(session, actor.site_id, [cook]) == {cook: []}
    with pytest.raises(BadInputError, match="why"), writing(engine) as session:
        staff.withdraw_certificate(session, actor, row.id, "  ")


def test_a_certificate_that_ends_soon_is_listed_until_a_new_one_is_brought(engine, actor, cook):
    with writing(engine) as session:
        staff.add_certificate(session, actor, cook, HEALTH)
        before = HEALTH.expires - timedelta(days=1)
        assert staff.ending(session, actor.site_id, before) == []
        assert staff.ending(session, new_id(), HEALTH.expires) == []
        ((row, kind, day),) = staff.ending(session, actor.site_id, HEALTH.expires)
        assert (row.id, kind, day) == (cook, CertificateKind.HEALTH, HEALTH.expires)
        new = {"issued": date(2026, 8, 1), "expires": date(2027, 7, 31)}
        staff.add_certificate(session, actor, cook, HEALTH.model_copy(update=new))
        assert staff.ending(session, actor.site_id, HEALTH.expires) == []


def test_coming_and_going_alternate_and_a_repeated_request_is_one_row(engine, actor, cook):
    def sign(key, direction):
        with writing(engine) as session:
            return attendance.sign(session, actor, key, cook, DAY, direction, SignedBy.FACE).id

    came = sign("a", Direction.IN)
    assert sign("a", Direction.IN) == came
    with pytest.raises(BadInputError, match="here already"):
        sign("b", Direction.IN)
    with pytest.raises(KeyReusedError):
        sign("a", Direction.OUT)
    with reading(engine) as session:
        assert attendance.present(session, actor.site_id, DAY) == {cook: actor.at}
    sign("c", Direction.OUT)
    with pytest.raises(BadInputError, match="not signed in"):
        sign("d", Direction.OUT)
    with reading(engine) as session:
        assert attendance.present(session, actor.site_id, DAY) == {}


def test_nobody_signs_in_at_another_site(engine, actor, cook):
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownRowError), writing(engine) as session:
        attendance.sign(session, stranger, "a", cook, DAY, Direction.IN, SignedBy.PIN)


def test_pages_of_workers_follow_each_other_by_post_and_name(engine, actor, cook):
    with writing(engine) as session:
        for number in range(5):
            staff.create(session, actor, WorkerValues(name=f"工{number}", post="切配"))
        whole = staff.page(session, actor.site_id)
        first = staff.page(session, actor.site_id, limit=3)
        rest = staff.page(session, actor.site_id, after=first[-1].id)
    assert [row.id for row in (*first, *rest)] == [row.id for row in whole]
    assert cook in [row.id for row in whole]


def test_what_a_form_says_wrongly_is_named_field_by_field():
    with pytest.raises(BadInputError, match=r"post: .*; colour: "):
        rows.read(WorkerValues, {"name": "陈", "post": "", "colour": "red"}, "worker")

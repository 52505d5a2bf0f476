import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import additives, ledgers, rows, supervision
from kitchen.additives import AdditiveValues, DoseError, UseValues, dose, most, within_limit
from kitchen.ledgers import (
    CorrectedError,
    Disinfection,
    DisinfectionValues,
    Fault,
    Method,
    OilAct,
    OilValues,
    PestValues,
    check_disinfection,
)
from kitchen.rows import KeyReusedError, SamePersonError, UnknownRowError
from kitchen.supervision_templates import Act, Evidence, Hours, Moment, save

DAY = date(2026, 3, 2)
START = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)


def load(method=Method.STEAM, seconds=600, **changes):
    values = {"celsius": 100, **changes}
    return DisinfectionValues(
        items="餐盘", count=300, method=method, started_at=START,
        ended_at=START + timedelta(seconds=seconds), **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        (load(), ()),
        (load(celsius=99), (Fault.TOO_COOL,)),
        (load(seconds=599), (Fault.TOO_SHORT,)),
        (load(Method.INFRARED, celsius=120), ()),
        (load(Method.INFRARED, celsius=119), (Fault.TOO_COOL,)),
        (load(Method.DISHWASHER, 40, celsius=85), ()),
        (load(Method.DISHWASHER, 39, celsius=84), (Fault.TOO_COOL, Fault.TOO_SHORT)),
        (load(Method.CHLORINE, 300, chlorine=250, rinsed=True), ()),
        (load(Method.CHLORINE, 300, chlorine=249, rinsed=True), (Fault.TOO_WEAK,)),
        (load(Method.CHLORINE, 299, chlorine=250), (Fault.TOO_SHORT, Fault.NOT_RINSED)),
    ],
)
def test_each_method_has_its_heat_or_strength_and_its_time(values, faults):
    assert check_disinfection(values) == faults


@pytest.mark.parametrize(
    "wrong",
    [
        {"celsius": None},
        {"method": "chlorine"},
        {"ended_at": START},
        {"ended_at": START + timedelta(days=2)},
        {"count": 0},
        {"started_at": "2026-03-01T23:00:00"},
    ],
)
def test_a_load_without_its_figures_is_refused(wrong):
    with pytest.raises(BadInputError):
        rows.read(DisinfectionValues, {**load().model_dump(), **wrong}, "disinfection")


def disinfect(engine, actor, values, key="k", **more):
    with writing(engine) as session:
        return ledgers.disinfected(session, actor, key, DAY, values, **more)


def current(engine, actor, **more):
    with reading(engine) as session:
        return ledgers.current(session, actor.site_id, Disinfection, DAY, DAY, **more)


def test_a_bad_load_is_written_with_its_fault_and_one_from_the_future_is_not(engine, actor):
    assert disinfect(engine, actor, load(celsius=90)).faults == ["too_cool"]
    with pytest.raises(BadInputError, match="later than now"):
        disinfect(engine, actor, load(seconds=7200), "k2")
    assert len(current(engine, actor)) == 1


def test_a_load_sent_again_is_one_row(engine, actor):
    first = disinfect(engine, actor, load())
    assert disinfect(engine, actor, load()).id == first.id
    with pytest.raises(KeyReusedError):
        disinfect(engine, actor, load().model_copy(update={"count": 1}))


def test_a_correction_is_a_new_row_and_the_old_one_stays(engine, actor):
    old = disinfect(engine, actor, load())
    with pytest.raises(BadInputError, match="why"):
        disinfect(engine, actor, load(), "k2", corrects=old.id)
    fixed = load().model_copy(update={"count": 280})
    new = disinfect(engine, actor, fixed, "k2", corrects=old.id, reason="数错了")
    assert [row.count for row in current(engine, actor)] == [280]
    with pytest.raises(CorrectedError):
        disinfect(engine, actor, load(), "k3", corrects=old.id, reason="x")
    with reading(engine) as session:
        kept = rows.get(session, Disinfection, actor.site_id, old.id, "entry")
    assert kept.count == 300
    assert [(one.action, one.before) for one in actor.recorded][-1] == (
        "disinfection.correct",
        str(old.id),
    )
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownRowError):
        disinfect(engine, stranger, load(), "k", corrects=new.id, reason="x")


def test_pages_of_a_ledger_follow_each_other(engine, actor):
    for number in range(5):
        disinfect(engine, actor, load(), f"k{number}")
    first = current(engine, actor, limit=3)
    rest = current(engine, actor, after=first[-1].id)
    assert [row.key for row in (*first, *rest)] == [f"k{number}" for number in range(5)]


def test_a_good_load_closes_its_act_of_the_day_and_a_bad_one_does_not(engine, actor):
    act = Act(
        code="tableware", title="餐具消毒", post="洗消员", opens=Moment(at=time(6)),
        due=Moment(at=time(11)), evidence=Evidence.LINK, fulfilled_by="disinfection.meal",
        source="GB 14934-2016",
    )  # fmt: skip
    with writing(engine) as session:
        save(session, actor, [act], 0)
        hours = Hours(ZoneInfo("Asia/Shanghai"), ())
        (item,) = supervision.generate(session, actor, DAY, hours)
    disinfect(engine, actor, load(celsius=90))
    with reading(engine) as session:
        assert session.get_one(type(item), item.id).done_at is None
    good = disinfect(engine, actor, load(), "k2")
    with reading(engine) as session:
        assert session.get_one(type(item), item.id).link == str(good.id)


def test_oil_over_its_limit_waits_to_be_changed(engine, actor):
    def oil(key, act, minutes, **more):
        values = OilValues(fryer="炸炉", act=act, **more)
        who = actor.named("chef", actor.at + timedelta(minutes=minutes))
        with writing(engine) as session:
            ledgers.oil(session, who, key, DAY, values)
            return ledgers.oil_to_change(session, actor.site_id)

    assert oil("a", OilAct.TESTED, 1, polar=270) == []
    assert oil("b", OilAct.TESTED, 2, polar=271) == ["炸炉"]
    assert oil("c", OilAct.FILTERED, 3) == ["炸炉"]
    assert oil("d", OilAct.CHANGED, 4, discarded=9000, collector="绿源") == []


@pytest.mark.parametrize("wrong", [{"act": "tested"}, {"act": "changed", "discarded": 100}])
def test_an_oil_act_without_its_figures_is_refused(wrong):
    with pytest.raises(BadInputError):
        rows.read(OilValues, {"fryer": "炸炉", **wrong}, "oil entry")


def test_pest_control_is_kept(engine, actor):
    values = PestValues(places="库房, 后门", method="粘鼠板", traces=1)
    with writing(engine) as session:
        row = ledgers.pests(session, actor, "k", DAY, values)
    assert (row.traces, actor.recorded[-1].action) == (1, "pest.enter")


# --- additives

POWDER = AdditiveValues(
    name="泡打粉", purpose="膨松剂", foods="面点", limit_mg_per_kg=2000, limit_from="GB 2760 A.1"
)


@pytest.fixture
def powder(engine, actor):
    with writing(engine) as session:
        return additives.create(session, actor, POWDER).id


def use(engine, actor, powder, mg, food=10_000, key="k", **more):
    with writing(engine) as session:
        values = UseValues(additive_id=powder, dish="馒头", weighed_mg=mg, food_g=food)
        return additives.use(session, actor, key, DAY, values, **more)


@given(st.integers(1, 10**8), st.integers(1, 10**7), st.integers(1, 10**6))
def test_the_most_is_allowed_one_milligram_more_is_not(mg, food, limit):
    allowed = most(food, limit)
    assert within_limit(allowed, food, limit)
    assert not within_limit(allowed + 1, food, limit)
    assert within_limit(mg, food, limit) is (dose(mg, food) <= limit)
    assert within_limit(mg, food, None)


def test_a_dose_over_its_limit_is_refused_and_says_how_much_may_be_weighed(engine, actor, powder):
    assert use(engine, actor, powder, 20_000).signed_by is None
    with pytest.raises(DoseError, match="at most 20000 mg for 10000 g"):
        use(engine, actor, powder, 20_001, key="k2")
    with reading(engine) as session:
        assert len(additives.unsigned(session, actor.site_id, DAY)) == 1
    json.dumps([(one.before, one.after) for one in actor.recorded])


def test_a_dose_is_signed_by_a_second_person_once(engine, actor, powder):
    row = use(engine, actor, powder, 100)
    with writing(engine) as session:
        with pytest.raises(SamePersonError):
            additives.countersign(session, actor, row.id)
        for _ in range(2):
            additives.countersign(session, actor.named("chef"), row.id)
        with pytest.raises(BadInputError, match="chef"):
            additives.countersign(session, actor.named("third"), row.id)
        assert additives.unsigned(session, actor.site_id, DAY) == []
    assert [one.action for one in actor.recorded].count("additive_use.sign") == 1


def test_a_corrected_dose_waits_for_a_signature_of_its_own(engine, actor, powder):
    old = use(engine, actor, powder, 100)
    new = use(engine, actor, powder, 90, key="k2", corrects=old.id, reason="看错秤")
    with reading(engine) as session:
        assert [row.id for row in additives.unsigned(session, actor.site_id, DAY)] == [new.id]


def test_a_retired_additive_is_not_used_and_a_name_is_its_own(engine, actor, powder):
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        additives.create(session, actor, POWDER)
    with writing(engine) as session:
        assert [row.id for row in additives.listed(session, actor.site_id)] == [powder]
        additives.update(session, actor, powder, POWDER.model_copy(update={"active": False}))
        assert additives.listed(session, actor.site_id) == []
    with pytest.raises(BadInputError, match="not in use"):
        use(engine, actor, powder, 100)


@pytest.mark.parametrize("name", ["亚硝酸钠", "Sodium Nitrite"])
def test_nitrite_has_no_place_in_a_kitchen(name):
    with pytest.raises(BadInputError, match="nitrite"):
        rows.read(AdditiveValues, {**POWDER.model_dump(), "name": name}, "additive")

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import equipment, repairs, staff
from kitchen.equipment import EquipmentValues, label, next_due, read_label
from kitchen.repairs import RepairValues, Stage, WrongStageError, minutes_down
from kitchen.rows import KeyReusedError, SamePersonError, UnknownRowError
from kitchen.staff import WorkerValues
from tests.kitchen.conftest import MORNING

DAY = date(2026, 3, 2)
FRIDGE = EquipmentValues(name="双门冰箱 2 号", place="冷库", since=DAY, maintain_days=90)


@pytest.fixture
def fridge(engine, actor):
    with writing(engine) as session:
        return equipment.create(session, actor, FRIDGE).id


def test_a_label_leads_back_to_its_device():
    device = new_id()
    assert label(device) == f"DAFAN:EQUIP:{device}"
    assert read_label(f" {label(device)}\n") == device


@pytest.mark.parametrize("text", ["", "DAFAN:EQUIP:", "DAFAN:LOT:{}", "{}", "https://x/{}"])
def test_another_code_is_no_label(text):
    with pytest.raises(BadInputError, match="no label"):
        read_label(text.format(new_id()))


def test_a_device_is_kept_changed_and_listed(engine, actor, fridge):
    moved = FRIDGE.model_copy(update={"place": "后厨"})
    with writing(engine) as session:
        equipment.update(session, actor, fridge, moved)
        oven = EquipmentValues(name="蒸箱", place="后厨", since=DAY)
        equipment.create(session, actor, oven)
        whole = equipment.page(session, actor.site_id)
        rest = equipment.page(session, actor.site_id, after=whole[0].id)
    assert [row.id for row in whole[1:]] == [row.id for row in rest]
    assert equipment.values_of(next(row for row in whole if row.id == fridge)) == moved
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        equipment.create(session, actor, FRIDGE)
    with reading(engine) as session, pytest.raises(UnknownRowError):
        equipment.get(session, new_id(), fridge)


def test_maintenance_is_due_again_counted_from_the_last_one(engine, actor, fridge):
    def due():
        with reading(engine) as session:
            return [(one.last, one.due) for one in equipment.plan(session, actor.site_id)]

    assert due() == [(None, DAY + timedelta(days=90))]
    done = DAY + timedelta(days=100)
    for _ in range(2):
        with writing(engine) as session:
            equipment.maintain(session, actor, "k", done, fridge, "清洗冷凝器")
    assert due() == [(done, next_due(DAY, done, 90))]
    assert [one.action for one in actor.recorded].count("equipment.maintain") == 1
    with pytest.raises(BadInputError, match="what was done"), writing(engine) as session:
        equipment.maintain(session, actor, "k2", done, fridge, " ")


@pytest.fixture
def repair(engine, actor, fridge):
    with writing(engine) as session:
        values = RepairValues(equipment_id=fridge, what="不制冷")
        return repairs.ask(session, actor, "r", DAY, values).id


def step(engine, who, act, *arguments, **more):
    with writing(engine) as session:
        return getattr(repairs, act)(session, who, *arguments, **more)


def test_a_repair_goes_from_the_asking_to_the_accepting(engine, actor, fridge, repair):
    later = actor.named("tech", actor.at + timedelta(minutes=30))
    step(engine, actor, "assign", repair, "老周")
    step(engine, later, "repaired", repair, "换压缩机电容")
    step(engine, actor, "refuse", repair, "还是不冷")
    step(engine, later, "repaired", repair, "补氟")
    asker = actor.named("keeper", actor.at + timedelta(minutes=90))
    row = step(engine, asker, "accept", repair)
    assert (row.stage, row.refused) == (Stage.ACCEPTED, 1)
    with reading(engine) as session:
        assert repairs.open_repairs(session, actor.site_id) == []
        first, last = actor.at - timedelta(days=1), actor.at + timedelta(days=1)
        assert repairs.downtime(session, actor.site_id, fridge, first, last) == 90
    assert [one.action for one in actor.recorded][-5:] == [
        "repair.assign",
        "repair.done",
        "repair.refuse",
        "repair.done",
        "repair.accept",
    ]


def test_a_step_that_a_tablet_sends_again_is_taken_once(engine, actor, repair):
    tech = actor.named("tech")
    for act, who, said, seen in (
        ("assign", actor, ("老周",), {}),
        ("repaired", tech, ("换了电容",), {"seen": 0}),
        ("refuse", actor, ("还是不冷",), {"seen": 0}),
        ("repaired", tech, ("补氟",), {"seen": 1}),
        ("accept", actor, (), {}),
    ):
        for _ in range(2):
            row = step(engine, who, act, repair, *said, **seen)
    step(engine, tech, "repaired", repair, "换了电容", seen=0)
    step(engine, actor, "refuse", repair, "还是不冷", seen=0)
    assert (row.stage, row.refused, row.repaired_note) == (Stage.ACCEPTED, 1, "补氟")
    assert [one.action.partition(".")[2] for one in actor.recorded][-5:] == [
        "assign", "done", "refuse", "done", "accept",
    ]  # fmt: skip


def test_only_the_asker_accepts_while_he_works_here(engine, actor, repair):
    step(engine, actor, "assign", repair, "老周")
    step(engine, actor.named("tech"), "repaired", repair, "好了")
    for act, arguments in (("accept", ()), ("refuse", ("no",))):
        with pytest.raises(SamePersonError, match="keeper"):
            step(engine, actor.named("tech"), act, repair, *arguments)
    with writing(engine) as session:
        left = WorkerValues(name="孙", post="仓管", login="keeper", active=False)
        staff.create(session, actor, left)
    assert step(engine, actor.named("manager"), "accept", repair).stage == Stage.ACCEPTED


def test_a_step_out_of_order_changes_nothing(engine, actor, repair):
    for act, arguments in (("repaired", ("x",)), ("accept", ()), ("refuse", ("x",))):
        with pytest.raises(WrongStageError, match="asked"):
            step(engine, actor, act, repair, *arguments)
    with pytest.raises(BadInputError, match="who"):
        step(engine, actor, "assign", repair, "")


def test_a_request_sent_again_is_one_request_and_lasts_until_now(engine, actor, fridge, repair):
    values = RepairValues(equipment_id=fridge, what="不制冷")
    assert step(engine, actor, "ask", "r", DAY, values).id == repair
    with pytest.raises(KeyReusedError):
        step(engine, actor, "ask", "r", DAY, values.model_copy(update={"what": "漏水"}))
    with reading(engine) as session:
        last = actor.at + timedelta(hours=2)
        assert repairs.downtime(session, actor.site_id, fridge, actor.at, last) == 120
        assert repairs.downtime(session, new_id(), fridge, actor.at, last) == 0


@given(st.lists(st.tuples(st.integers(-50, 150), st.integers(0, 60)), max_size=8))
def test_minutes_of_two_faults_at_once_count_once(spans):
    def moment(minute):
        return MORNING + timedelta(minutes=minute)

    found = minutes_down(
        [(moment(begin), moment(begin + length)) for begin, length in spans],
        moment(0),
        moment(100),
    )
    one_by_one = {minute for begin, length in spans for minute in range(begin, begin + length)}
    assert found == len(one_by_one & set(range(100)))

"""后厨限值: only what differs is kept, and nothing is laxer than the law."""

from dataclasses import fields

import pytest

from dafan import db
from kitchen import limits
from kitchen.cabinet import ChilledRules, FrozenRules
from kitchen.incidents import IncidentRules
from kitchen.menu_checks import Forbidden, MenuRules
from kitchen.plan import Rules as PlanRules
from kitchen.production import ProductionRules
from kitchen.receiving_rules import Rules as ReceivingRules
from kitchen.sample_rules import SampleRules
from kitchen.staff import StaffRules
from server.pages.limit_words import SUBJECTS

PAGE = "/manage/kitchen-limits"
SAMPLES = {
    "grams": "125", "most_grams": "5000", "hours": "48", "red_minutes": "30",
    "overdue_hours": "24", "cooked_hours": "12",
}  # fmt: skip
DOOR = {
    "chilled_over_label": "3", "chilled_most": "8", "frozen_most": "-9", "positive": "50",
    "over_ordered": "5", "life_left": "33.3",
}  # fmt: skip
STOVE = {"core_tenths": "70", "hot_tenths": "60", "warm_minutes": "120", "chilled_hours": "24"}
FRIDGE = {
    "lowest": "0", "highest": "8", "minutes": "20", "silent_minutes": "30", "by_hand_minutes": "14",
}  # fmt: skip
MENUS = {"repeat_within": "3", "vegetables_low": "100", "cost_tolerance_permille": "5"}


def name(kind):
    return limits.subject_of(kind)


def of(engine, site, kind):
    with db.reading(engine) as session:
        return limits.of(session, site.id, kind), limits.decided_of(session, site.id, kind)


def test_only_what_differs_is_kept_and_the_usual_value_takes_it_back(browser, engine, site):
    cook, path = browser("manager"), f"{PAGE}/{name(SampleRules)}"
    assert "已保存" in cook.send(path, **SAMPLES).text
    assert of(engine, site, SampleRules) == (SampleRules(), {})
    page = cook.send(path, **{**SAMPLES, "grams": "200"}).text
    assert "已改" in page
    assert of(engine, site, SampleRules) == (SampleRules(grams=200), {"grams": 200})
    assert "已改" not in cook.send(path, **SAMPLES).text
    assert of(engine, site, SampleRules)[1] == {}


@pytest.mark.parametrize(
    ("kind", "usual", "wrong", "said"),
    [
        (SampleRules, SAMPLES, {"grams": "124"}, "法定至少 125"),
        (SampleRules, SAMPLES, {"hours": "47"}, "法定至少 48"),
        (ReceivingRules, DOOR, {"chilled_most": "8.1"}, "法定最多 8"),
        (ReceivingRules, DOOR, {"positive": "50.1"}, "法定最多 50"),
        (ProductionRules, STOVE, {"core_tenths": "69.9"}, "法定至少 70"),
        (ProductionRules, STOVE, {"warm_minutes": "121"}, "法定最多 120"),
        (SampleRules, SAMPLES, {"grams": "many"}, "要填 0 到 50000 之间的数"),
        (SampleRules, SAMPLES, {"grams": ""}, "要填 0 到 50000 之间的数"),
        (SampleRules, SAMPLES, {"grams": "NaN"}, "要填 0 到 50000 之间的数"),
        (SampleRules, SAMPLES, {"grams": "1e999999"}, "要填 0 到 50000 之间的数"),
        (SampleRules, SAMPLES, {"red_minutes": "-1"}, "要填 0 到 1440 之间的数"),
        (ProductionRules, STOVE, {"core_tenths": "70.25"}, "要填 0 到 120 之间的数"),
        (ChilledRules, FRIDGE, {"highest": "8.1"}, "法定最多 8"),
    ],
)
def test_what_is_laxer_than_the_law_or_no_number_is_refused(
    browser, engine, site, kind, usual, wrong, said
):
    answer = browser("manager").send(f"{PAGE}/{name(kind)}", **{**usual, **wrong})
    assert said in answer.text
    typed = next(iter(wrong))
    assert f'id="{name(kind)}-{typed}" name="{typed}" value="{wrong[typed]}"' in answer.text
    assert answer.text.index(f'id="{name(kind)}"') < answer.text.index('<table class="tbl limits">')
    assert of(engine, site, kind) == (kind(), {})


def test_stricter_than_the_law_is_allowed_below_zero_too(browser, engine, site):
    told = {**DOOR, "frozen_most": "−12.5", "chilled_most": "5"}
    assert "已保存" in browser("manager").send(f"{PAGE}/{name(ReceivingRules)}", **told).text
    assert of(engine, site, ReceivingRules)[1] == {"frozen_most": -125, "chilled_most": 50}


def test_a_switch_is_off_when_the_form_does_not_name_it(browser, engine, site):
    path = f"{PAGE}/{name(StaffRules)}"
    cook = browser("manager")
    cook.send(path, warn_days="30")
    assert of(engine, site, StaffRules)[0].check_required is False
    cook.send(path, warn_days="30", check_required="1")
    assert of(engine, site, StaffRules) == (StaffRules(), {})


def test_menus_have_a_cost_usual_covers_and_what_does_not_go_together(browser, engine, site):
    cook, path = browser("manager"), f"{PAGE}/{name(MenuRules)}"
    more = {
        "cost_target": "9.50", "covers_lunch": "320",
        "one": ["菠菜", ""], "other": ["豆腐", ""], "reason": ["口味", ""],
    }  # fmt: skip
    assert "已保存" in cook.send(path, **MENUS, **more).text
    made, decided = of(engine, site, MenuRules)
    assert made.forbidden == (Forbidden("菠菜", "豆腐", "口味"),)
    assert (made.cost_target, made.covers) == (950, {"lunch": 320})
    assert set(decided) == {"cost_target", "covers", "forbidden"}
    page = cook.see(PAGE)
    assert 'value="9.50"' in page
    assert 'value="菠菜"' in page
    for wrong in (
        {"cost_target": "dear"},
        {"cost_target": "0"},
        {"covers_lunch": "-3"},
        {"covers_lunch": "1" * 5000},
        {"one": ["菠菜"], "other": ["菠菜"], "reason": [""]},
        {"one": ["菠菜"], "other": [""], "reason": [""]},
    ):
        answer = cook.send(path, **MENUS, **{**more, **wrong})
        assert answer.status_code == 200
        assert "已保存" not in answer.text
        assert 'name="reason" value="口味"' in answer.text or "reason" in wrong
        assert f'value="{wrong.get("cost_target", "9.50")}"' in answer.text
        assert of(engine, site, MenuRules)[1] == decided
    cook.send(path, **MENUS)
    assert of(engine, site, MenuRules) == (MenuRules(), {})


def test_every_subject_has_its_form_and_each_default_is_allowed_by_law(browser):
    page = browser("manager").see(PAGE)
    for subject in SUBJECTS:
        known = {field.name for field in fields(subject.kind)}
        for limit in subject.limits:
            assert limit.name in known
            law = subject.law(limit)
            assert law is None or law.allows(subject.usual(limit))
            assert f'id="{subject.name}-{limit.name}"' in page
    assert {
        SampleRules, ProductionRules, StaffRules, ReceivingRules, PlanRules, MenuRules,
        ChilledRules, FrozenRules, IncidentRules,
    } <= {subject.kind for subject in SUBJECTS}  # fmt: skip


def test_who_does_not_run_the_kitchen_sees_and_changes_no_limits(browser, engine, site):
    guest = browser("auditor")
    assert guest.get(PAGE).status_code == 403
    path = f"{PAGE}/{name(SampleRules)}"
    assert guest.send(path, page="/manage/audit", **SAMPLES).status_code == 403
    assert of(engine, site, SampleRules)[1] == {}
    assert browser("manager").send(f"{PAGE}/nothing", **SAMPLES).status_code == 404

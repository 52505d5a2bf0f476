import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import approvals
from kitchen.approvals import (
    INCOMPATIBLE,
    Approval,
    ApprovalError,
    Done,
    Duty,
    IncompatibleDutiesError,
    RuleValues,
    conflicts,
    who_may,
)
from kitchen.rows import KeyReusedError, UnknownRowError

ORDER = "purchase_order"


def waiting(session, site_id, by, roles):
    query = select(Approval).where(approvals.open_to(session, site_id, by, roles))
    return session.scalars(query.order_by(Approval.id)).all()


RULES = [
    RuleValues(subject=ORDER, role="kitchen_manager", up_to=100_000),
    RuleValues(subject=ORDER, role="manager", up_to=None),
]


def test_the_limit_itself_may_be_approved_and_a_fen_more_may_not():
    assert who_may(RULES, ORDER, 100_000) == {"kitchen_manager", "manager"}
    assert who_may(RULES, ORDER, 100_001) == {"manager"}


def test_a_subject_without_rules_has_the_defaults():
    assert who_may(RULES, "stock_loss", 200_000) == {"manager", "admin"}
    assert who_may(RULES, "stock_loss", 2_000_001) == {"admin"}


limits = st.one_of(st.none(), st.integers(0, 10**9))
rule = st.builds(
    lambda role, up_to: RuleValues(subject=ORDER, role=role, up_to=up_to),
    st.sampled_from("abc"),
    limits,
)
rule_lists = st.lists(rule, min_size=1, max_size=6)


@given(rule_lists, st.integers(0, 10**9), st.integers(0, 10**9))
def test_who_may_approve_much_may_approve_less(rules, one, other):
    less, more = sorted((one, other))
    assert who_may(rules, ORDER, more) <= who_may(rules, ORDER, less)


duties = st.sampled_from(list(Duty))
people = st.sampled_from(["wang", "li", "zhao"])


@given(st.lists(st.tuples(people, duties), max_size=25))
def test_however_people_try_nobody_ever_holds_two_duties_of_a_pair(tries):
    done = []
    for by, duty in tries:
        if not conflicts(done, by, duty):
            done.append(Done(duty, by))
    for person in ("wang", "li", "zhao"):
        held = {step.duty for step in done if step.by == person}
        assert not any(pair <= held for pair in INCOMPATIBLE)


def test_another_spelling_of_a_login_is_no_other_person_and_a_site_adds_pairs():
    assert conflicts([Done(Duty.ASK, "Wang")], " wang ", Duty.APPROVE)
    assert not conflicts([Done(Duty.APPROVE, "wang")], "wang", Duty.PAY)
    stricter = INCOMPATIBLE | {frozenset({Duty.APPROVE, Duty.PAY})}
    assert conflicts([Done(Duty.APPROVE, "wang")], "wang", Duty.PAY, stricter)


@pytest.fixture
def asked(engine, actor):
    with writing(engine) as session:
        return ask(session, actor).id


def ask(session, actor, amount=150_000, key="k1", subject_id=None):
    subject_id = subject_id or actor.site_id
    return approvals.ask(session, actor, ORDER, subject_id, amount, "蔬菜 3 月 2 日", key=key)


def decide(engine, actor, approval, roles=("manager",), *, approve=True, reason=""):
    with writing(engine) as session:
        return approvals.decide(session, actor, roles, approval, approve=approve, reason=reason)


def test_who_asked_never_approves_whatever_his_roles(engine, actor, asked):
    with pytest.raises(IncompatibleDutiesError, match="another person"):
        decide(engine, actor, asked, ("admin", "manager"))


def test_another_person_with_the_role_approves_once(engine, actor, asked):
    chief = actor.named("chief")
    for _ in range(2):
        assert decide(engine, chief, asked).state == "approved"
    assert [line.action for line in actor.recorded] == ["approval.ask", "approval.decide"]
    with pytest.raises(ApprovalError, match="approved already"):
        decide(engine, chief, asked, approve=False, reason="太贵")
    with pytest.raises(ApprovalError, match="approved already"):
        decide(engine, actor.named("other"), asked)


def test_above_his_limit_nobody_approves(engine, actor):
    with writing(engine) as session:
        dear = ask(session, actor, amount=200_001).id
    with pytest.raises(ApprovalError, match="admin, manager may"):
        decide(engine, actor.named("chief"), dear, ("kitchen_manager", "cook"))


def test_a_refusal_says_why(engine, actor, asked):
    chief = actor.named("chief")
    with pytest.raises(BadInputError, match="why"):
        decide(engine, chief, asked, approve=False, reason="  ")
    assert decide(engine, chief, asked, approve=False, reason="价格偏高").reason == "价格偏高"


def test_asked_twice_with_one_key_is_asked_once_and_a_key_means_one_thing(engine, actor, asked):
    with writing(engine) as session:
        assert ask(session, actor).id == asked
    with pytest.raises(KeyReusedError), writing(engine) as session:
        ask(session, actor, amount=1)


def test_what_no_role_may_approve_is_not_even_asked(engine, actor):
    with writing(engine) as session:
        approvals.set_rule(session, actor, RuleValues(subject=ORDER, role="cook", up_to=100))
    for amount, match in ((101, "add a rule"), (-1, "cannot be approved")):
        with pytest.raises(BadInputError, match=match), writing(engine) as session:
            ask(session, actor, amount=amount)


def test_rules_are_changed_with_a_trace_and_the_last_one_gives_way_to_the_defaults(engine, actor):
    first = RuleValues(subject=ORDER, role="manager", up_to=100)
    for rule in (first, first, first.model_copy(update={"up_to": None})):
        with writing(engine) as session:
            approvals.set_rule(session, actor, rule)
    with writing(engine) as session:
        assert who_may(approvals.rules_of(session, actor.site_id), ORDER, 10**8) == {"manager"}
        approvals.remove_rule(session, actor, ORDER, "manager")
        approvals.remove_rule(session, actor, ORDER, "manager")
    with reading(engine) as session:
        assert approvals.rules_of(session, actor.site_id) == []
    assert [line.action for line in actor.recorded] == ["approval.rule"] * 3


def test_each_finds_open_what_he_may_decide(engine, actor):
    with writing(engine) as session:
        for rule in RULES:
            approvals.set_rule(session, actor, rule)
        small = [ask(session, actor, 500, f"s{number}", new_id()).id for number in range(5)]
        dear = ask(session, actor, 100_001, "dear", new_id()).id
        approvals.ask(session, actor, "stock_loss", new_id(), 5, "盘亏", key="loss")
        own = ask(session, actor.named("chief"), 500, "own", new_id()).id

    def inbox(by, roles):
        with reading(engine) as session:
            found = waiting(session, actor.site_id, by, roles)
            return [row.id for row in found if row.subject == ORDER]

    assert inbox("chief", ["kitchen_manager"]) == small
    assert inbox("chief", ["manager"]) == [*small, dear]
    assert own in inbox("boss", ["manager"])
    assert inbox("chief", ["cook"]) == []
    with reading(engine) as session:
        assert len(waiting(session, actor.site_id, "x", ["admin"])) == 1, "by default"
        assert waiting(session, new_id(), "chief", ["manager"]) == []


def test_what_was_withdrawn_waits_for_nobody(engine, actor, asked):
    with writing(engine) as session:
        approvals.withdraw(session, actor, ORDER, actor.site_id)
        assert waiting(session, actor.site_id, "chief", ["manager"]) == []
    with pytest.raises(ApprovalError, match="withdrawn"):
        decide(engine, actor.named("chief"), asked)


def test_nobody_decides_for_another_site(engine, actor, asked):
    stranger = type(actor)(new_id(), "chief", actor.at)
    with pytest.raises(UnknownRowError):
        decide(engine, stranger, asked)

"""An inspection: every point is said, what is bad is a finding, and the score is the share."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import inspections, rectification
from kitchen.inspections import USUAL, MarkValues, Point, Verdict
from kitchen.rectification import Step
from kitchen.rows import SamePersonError

BAD = {"verdict": Verdict.BAD, "note": "地面有水", "photo": "p1"}


def says(session, actor, row, values):
    for point in row.wanted:
        given_values = values.get(point.code, MarkValues(verdict=Verdict.GOOD))
        inspections.mark(session, actor, row.id, point.code, given_values)


def test_a_walk_makes_findings_that_another_verifies_and_then_stands(engine, actor, now):
    day, venue = now.date(), new_id()
    boss = actor.named("boss")
    with db.writing(engine) as session:
        row = inspections.begin(session, boss, "k", day, venue)
        assert inspections.begin(session, boss, "k", day, venue).id == row.id
        wrong = MarkValues(verdict=Verdict.BAD, note="x", due=day)
        with pytest.raises(BadInputError, match="photograph"):
            inspections.mark(session, boss, row.id, "bins", wrong)
        with pytest.raises(BadInputError, match="another one"):
            inspections.mark(session, actor, row.id, "bins", MarkValues(verdict=Verdict.GOOD))
        with pytest.raises(BadInputError, match="not looked at"):
            inspections.end(session, boss, row.id)
        bad = MarkValues(**BAD, due=day + timedelta(days=3))
        says(session, boss, row, {"bins": bad, "fire": MarkValues(verdict=Verdict.NONE)})
        said = inspections.marks(session, actor.site_id, [row.id])[row.id]
        finding = said["bins"].finding_id
        with pytest.raises(BadInputError, match="verify it"):
            inspections.mark(session, boss, row.id, "bins", MarkValues(verdict=Verdict.GOOD))
        assert inspections.end(session, boss, row.id, "不错").score == 956
        with pytest.raises(BadInputError, match="is over"):
            inspections.mark(session, boss, row.id, "dress", MarkValues(verdict=Verdict.NONE))
    with db.writing(engine) as session:
        waits = rectification.waiting(session, actor.site_id)
        assert [(one.id, one.source, one.source_ref) for one in waits] == [
            (finding, inspections.SOURCE, str(row.id))
        ]
        waits[0].state = Step.ASSIGNED.value
        rectification.put_right(session, actor, finding, "p2")
        with pytest.raises(SamePersonError):
            rectification.verify(session, actor, finding)
        assert rectification.verify(session, boss, finding).state == Step.VERIFIED.value
    with db.reading(engine) as session:
        scores = inspections.ended(session, actor.site_id, day, day, [venue])
        assert [one.score for one in scores] == [956]
        assert inspections.ended(session, actor.site_id, day, day, [new_id()]) == []


def test_a_site_changes_its_list_and_a_walk_keeps_the_one_it_began_with(engine, actor, now):
    with db.writing(engine) as session:
        old = inspections.begin(session, actor, "a", now.date(), new_id())
        own = (Point("x", "环境", "门口干净", 3),)
        assert inspections.set_points(session, actor, own) == own
        new = inspections.begin(session, actor, "b", now.date(), new_id())
        assert (old.wanted, new.wanted) == (USUAL, own)
        with pytest.raises(BadInputError):
            inspections.set_points(session, actor, own + own)
        inspections.set_points(session, actor, USUAL)
        assert inspections.points_of(session, actor.site_id) == USUAL


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from(list(Verdict))), max_size=12))
def test_a_score_is_between_nothing_and_all_and_counts_only_what_is_there(said):
    points = [Point(str(no), "a", "b", weight) for no, (weight, _) in enumerate(said)]
    verdicts = {str(no): verdict for no, (_, verdict) in enumerate(said)}
    found = inspections.score(points, verdicts)
    kinds = {verdict for _, verdict in said} - {Verdict.NONE}
    if not kinds:
        assert found is None
    elif kinds == {Verdict.GOOD}:
        assert found == 1000
    elif kinds == {Verdict.BAD}:
        assert found == 0
    else:
        assert 0 < found < 1000

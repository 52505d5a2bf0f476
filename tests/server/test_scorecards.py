"""A contractor's card is made of rows, weighed, signed once, and then stands."""

from datetime import date, timedelta

import pytest

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import inspections, rectification
from kitchen.inspections import MarkValues, Verdict
from kitchen.rectification import FindingValues
from server import feedback, scorecard_rows, scorecards, sites
from server.feedback import FeedbackValues, Kind
from server.scorecards import Indicator, Row, ScoreRules, make, points

RULES = ScoreRules()
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("indicator", "value", "of", "wanted"),
    [
        (Indicator.SUPERVISION, 19, 20, 950),
        (Indicator.SUPERVISION, 0, 0, None),
        (Indicator.INCIDENTS, 0, 4, 1000),
        (Indicator.INCIDENTS, 3, 4, 850),
        (Indicator.INCIDENTS, 99, 4, 0),
        (Indicator.SATISFACTION, 45, 10, 875),
        (Indicator.SATISFACTION, 20, 4, None),
        (Indicator.WASTE, 400, 10, 1000),
        (Indicator.WASTE, 600, 10, 500),
        (Indicator.WASTE, 900, 10, 0),
        (Indicator.INSPECTION, 1855, 2, 928),
    ],
)
def test_an_indicator_is_worth_what_its_rule_says(indicator, value, of, wanted):
    assert points(indicator, value, of, RULES) == wanted


def test_what_is_not_known_does_not_count_and_its_weight_neither():
    rows = {
        Indicator.SUPERVISION: [Row(DAY, "a", 1, 1), Row(DAY, "b", 0, 1)],
        Indicator.COMPLAINTS: [Row(DAY, "c", 1, 1)],
        Indicator.FINDINGS: [Row(DAY, "d", 1, 1)],
        Indicator.INSPECTION: [Row(DAY, "", 800, 1)],
    }
    card = make(rows, RULES)
    assert card.score == (20 * 500 + 10 * 1000 + 15 * 1000 + 15 * 800 + 30) // 60
    assert make({}, RULES).score is None
    few = {Indicator.WASTE: [Row(DAY, "", 1, 1)], Indicator.COMPLAINTS: [Row(DAY, "c", 1, 1)]}
    assert make(few, RULES).score is None
    assert sum(RULES.weight(one) for one in Indicator) == scorecards.WHOLE


def test_a_month_is_read_from_the_records_signed_once_and_never_changes(
    engine, site, actor, make_diner, clock
):
    now = clock.now()
    day, later = now.date(), now + timedelta(days=40)
    diner = make_diner()
    with db.writing(engine) as session:
        late = FindingValues(what="漏水", due=day)
        rectification.find(session, actor, "f", day, late)
        say = FeedbackValues(kind=Kind.COMPLAINT, text="太咸了")
        feedback.say(session, actor, diner, new_id(), say)
        walk = inspections.begin(session, actor, "w", day, site.venue_id)
        for point in walk.wanted:
            good = MarkValues(verdict=Verdict.GOOD)
            inspections.mark(session, actor, walk.id, point.code, good)
        inspections.end(session, actor, walk.id)
    with db.writing(engine) as session:
        policy = sites.policy(session, site.id)
        first, last = scorecards.months(day)
        behind = scorecard_rows.read(session, site.id, policy, [site.venue_id], first, last, later)
        card = make(behind, RULES)
        known = {line.indicator: (line.value, line.of) for line in card.lines if line.of}
        assert known == {
            Indicator.FINDINGS: (0, 1), Indicator.COMPLAINTS: (0, 1),
            Indicator.INSPECTION: (1000, 1),
        }  # fmt: skip
        assert card.score is None
        behind[Indicator.SUPERVISION] = [Row(day, "晨检", 1, 1)]
        card = make(behind, RULES)
        body = sites.bodies(session, site.id)[0].id
        with pytest.raises(BadInputError, match="not over"):
            scorecards.sign(session, actor, body, day, card, last, "")
        row = scorecards.sign(session, actor, body, day, card, later.date(), "还行")
        assert (row.card, row.score) == (card, card.score)
    other = make({Indicator.COMPLAINTS: [Row(DAY, "", 1, 1)]}, RULES)
    with db.writing(engine) as session:
        again = scorecards.sign(session, actor, body, day, other, later.date(), "改")
        assert (again.card, again.note) == (card, "还行")
        with pytest.raises(BadInputError, match="make 100"):
            scorecards.decide(session, actor, ScoreRules(supervision=21))
        scorecards.decide(session, actor, ScoreRules(supervision=25, waste=5))
        assert scorecards.rules_of(session, site.id).weight(Indicator.SUPERVISION) == 25
    with db.reading(engine) as session:
        assert scorecards.signed(session, site.id, body, day).card == card

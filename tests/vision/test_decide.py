import pytest

from vision.decide import Decider, Hint, Observation, Reason, Rules, decide
from vision.gallery import Match
from vision.quality import Verdict

RULES = Rules(threshold=0.5, margin=0.1, has_liveness=True)


def seen(person="a", similarity=0.8, second=0.2, live=0.95, at=0.0):
    match = Match(person, similarity, "other", second)
    return Observation(at, Verdict.OK, 1, (0, 0, 100, 100), live, match)


def poor(verdict, at=0.0):
    return Observation(at, verdict, 1)


def frames(*observations):
    return [Observation(n * 0.1, *_rest(o)) for n, o in enumerate(observations)]


def _rest(o):
    return o.verdict, o.faces, o.box, o.liveness, o.match


def test_three_agreeing_live_frames_pay():
    decision = decide(frames(seen(), seen(), seen()), RULES)
    assert (decision.kind, decision.person_id, decision.frames) == ("person", "a", 3)
    assert not decision.second_factor
    assert decision.similarity == pytest.approx(0.8)
    assert decision.margin == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("observations", "hint"),
    [
        ([], Hint.NO_FACE),
        ([poor(Verdict.NO_FACE)], Hint.NO_FACE),
        ([seen()], Hint.HOLD_STILL),
        ([seen(), seen()], Hint.HOLD_STILL),
        ([seen(), seen(), seen(), poor(Verdict.NO_FACE)], Hint.NO_FACE),
        ([seen(), seen(), poor(Verdict.TWO_FACES), seen()], Hint.TWO_FACES),
        ([seen()] * 3 + [poor(Verdict.TOO_SMALL)], Hint.TOO_FAR),
        ([seen()] * 3 + [poor(Verdict.OUTSIDE)], Hint.OUTSIDE),
        ([seen()] * 3 + [poor(Verdict.TURNED)], Hint.TURNED),
        ([seen()] * 3 + [poor(Verdict.DARK)], Hint.DARK),
        ([seen()] * 3 + [poor(Verdict.BLURRED)], Hint.BLURRED),
        ([seen(similarity=0.49)] * 3, Hint.UNKNOWN),
        ([seen(similarity=0.8, second=0.75)] * 3, Hint.UNKNOWN),
        ([seen("a"), seen("b"), seen("a"), seen("a")], Hint.HOLD_STILL),
        ([seen("a"), seen("b"), seen("a"), seen("a"), seen("a")], Hint.UNKNOWN),
        ([seen(live=0.1)] * 3, Hint.NOT_LIVE),
        ([seen(live=None)] * 3, Hint.NOT_LIVE),
    ],
)
def test_what_is_missing_is_named(observations, hint):
    decision = decide(frames(*observations), RULES)
    assert decision.kind == "none"
    assert decision.hint is hint
    assert decision.person_id is None


def test_one_frame_below_the_threshold_among_four_does_not_disturb():
    assert decide(frames(seen(), seen(similarity=0.3), seen(), seen()), RULES).frames == 3


def test_a_person_who_has_just_been_replaced_does_not_pay():
    stranger = seen(similarity=0.2)
    decision = decide(frames(seen(), seen(), seen(), stranger), RULES)
    assert decision.kind == "none"


def test_an_unsure_liveness_vote_asks_for_the_pin():
    decision = decide(frames(*[seen(live=0.55)] * 3), RULES)
    assert decision.kind == "person"
    assert decision.second_factor
    assert decision.reasons == {Reason.LIVENESS_UNSURE}


def test_without_a_liveness_model_every_face_asks_for_the_pin():
    rules = Rules(0.5, 0.1, has_liveness=False)
    decision = decide(frames(*[seen(live=None)] * 3), rules)
    assert decision.reasons == {Reason.NO_LIVENESS_MODEL}
    assert decision.second_factor


def test_a_look_alike_asks_for_the_pin_even_when_sure():
    decision = decide(
        frames(*[seen()] * 3), RULES, look_alikes=lambda person: {"b"} if person == "a" else set()
    )
    assert decision.reasons == {Reason.LOOK_ALIKE}


def test_a_live_stranger_lends_no_life_to_a_photograph():
    photo, live_stranger = seen("a", live=0.05), seen("x", similarity=0.2, live=1.0)
    decision = decide(frames(photo, live_stranger, photo, live_stranger, photo), RULES)
    assert decision.hint is Hint.NOT_LIVE


def test_frames_older_than_the_window_do_not_count():
    old = [seen(at=0.0), seen(at=0.1), seen(at=5.0)]
    assert decide(old, RULES).hint is Hint.HOLD_STILL


def test_after_a_reset_the_next_diner_starts_from_nothing():
    decider = Decider(RULES)
    for n in range(3):
        decision = decider.add(seen(at=n * 0.1))
    assert decision.kind == "person"
    decider.reset()
    assert decider.add(seen(at=0.4)).kind == "none"

"""A scoop finds the session that it belongs to, or a person is asked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.ids import new_id
from dafan.line import ScoopTaken, TrayBound, TrayEnded, tab_of
from dafan.money import Fen, price_of_weight
from dafan.units import Grams
from server.line_join import Bound, Ended, Place, Span, Taken, Why, fold, join, spans

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BOX, GATE = UUID(int=1), UUID(int=2)
PAN, OTHER_PAN, DISH = UUID(int=11), UUID(int=12), UUID(int=21)
TRAY = "E2000001"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def taken(
    grams: int, seconds: float = 0, *, seq: int = 1, session: UUID | None = None,
    pan: UUID = PAN, price: int = 3000,
) -> Taken:  # fmt: skip
    amount = price_of_weight(Grams(abs(grams)), Fen(price))
    body = ScoopTaken(
        id=new_id(), station=1, pan_id=pan, tray=TRAY, session_id=session, dish_id=DISH,
        name="青菜", unit_price=Fen(price), grams=Grams(grams),
        amount=Fen(amount if grams > 0 else -amount), before=Grams(5000),
        after=Grams(5000 - grams), at=at(seconds),
    )  # fmt: skip
    return Taken(BOX, seq, body)


def bound(seconds: float, session: UUID, tray: str = TRAY) -> Bound:
    return Bound(
        GATE, TrayBound(id=session, tray=tray, diner_id=new_id(), by="card", at=at(seconds))
    )


def ended(seconds: float, session: UUID | None = None) -> Ended:
    body = TrayEnded(id=new_id(), tray=TRAY, session_id=session, how="exit", at=at(seconds))
    return Ended(GATE, body)


def only(one: Taken, known: list[Span], offsets: dict[UUID, timedelta] | None = None) -> Place:
    return join([one], known, offsets or {})[one.scoop.id]


def test_sessions_of_one_tray_never_overlap_and_end_by_gate_by_the_next_binding_or_by_time() -> (
    None
):
    first, second, third = new_id(), new_id(), new_id()
    told = [bound(0, first), bound(600, second), bound(1200, third)]
    known = spans(told, [ended(500), ended(1300, third)], {}, 90)
    assert [(one.session_id, one.ends, one.ended) for one in known] == [
        (first, at(500), True), (second, at(1200), True), (third, at(1300), True),
    ]  # fmt: skip
    assert spans(told[:1], [], {}, 90)[0] == Span(first, TRAY, at(0), at(5400))


def test_a_scoop_is_where_its_station_says_else_where_its_corrected_time_falls() -> None:
    first, second = new_id(), new_id()
    known = spans([bound(0, first), bound(1000, second)], [ended(500)], {}, 90)
    assert only(taken(100, 1100, session=first), known) == Place(first, Why.NAMED)
    assert only(taken(100, 100), known) == Place(first, Why.INSIDE)
    assert only(taken(100, 1100), known) == Place(second, Why.INSIDE)
    slow = {BOX: timedelta(seconds=600)}
    assert only(taken(100, 450), known, slow) == Place(second, Why.INSIDE)
    assert only(taken(100, 520), known) == Place(first, Why.NEAR)
    assert only(taken(100, 750), known) == Place(None, Why.NO_SESSION)
    assert only(taken(100, -60), known) == Place(None, Why.NO_SESSION)


def test_between_two_sessions_nobody_guesses() -> None:
    first, second, stranger = new_id(), new_id(), new_id()
    told = [bound(0, first), bound(520, second), bound(0, stranger, "E2000002")]
    known = spans(told, [ended(500)], {}, 90)
    assert only(taken(100, 510), known) == Place(None, Why.AMBIGUOUS)
    assert only(taken(100, 510, session=new_id()), known) == Place(None, Why.UNBOUND)
    assert only(taken(100, 510, session=stranger), known) == Place(None, Why.OTHER_TRAY)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-300, 300).filter(bool)), max_size=14))
def test_what_is_folded_is_grams_and_fen_of_each_pan_and_excess_is_set_aside(
    steps: list[tuple[bool, int]],
) -> None:
    told = [
        taken(grams, seq, seq=seq, pan=PAN if first else OTHER_PAN)
        for seq, (first, grams) in enumerate(steps, start=1)
    ]
    folded = fold(reversed(told))
    kept = [one for one in told if one.scoop.id not in folded.excess]
    assert folded.grams == sum(one.scoop.grams for one in kept)
    for pan in (PAN, OTHER_PAN):
        owed = tab_of(one.scoop for one in kept if one.scoop.pan_id == pan)
        assert owed.amount == sum(one.tab.amount for one in folded.tabs if one.pan_id == pan)
    assert all(scoop.grams > 0 for _, scoop in folded.scoops)

"""Faults put into the scoop station on purpose: the judge must find each.

Each is a context manager that patches the product while it is open.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

import pytest

from dafan.line import PanChange, PanChanged, ScoopTaken
from dafan.units import Grams
from pos import scoop, scoop_book
from pos.events import Moment
from pos.scoop_state import Line, State, but
from simulation import line_world
from simulation.line_plan import Plan


@contextmanager
def charges_twice() -> Iterator[None]:
    """A scoop that was written is written once more, under another id."""
    taken = scoop_book._taken

    def twice(state: State, tag: str, weight: Grams, *, steady: bool) -> State:
        state = taken(state, tag, weight, steady=steady)
        return but(state, queue=(*state.queue, state.queue[-1]))

    with _patched(scoop_book, "_taken", twice):
        yield


@contextmanager
def forgets_an_entry() -> Iterator[None]:
    """Food that nobody pays for is counted off, and not written."""
    change = scoop_book.change

    def silent(state: State, kind: PanChange, after: Grams, *, staff: str | None = None) -> State:
        if kind is PanChange.TWO_TRAYS:
            return but(state, latch=after)
        return change(state, kind, after, staff=staff)

    with _patched(scoop_book, "change", silent), _patched(scoop, "change", silent):
        yield


@contextmanager
def wrong_tray() -> Iterator[None]:
    """What is put back is credited to whoever came last."""
    put_back = scoop_book._put_back

    def other(state: State, tag: str, weight: Grams, *, steady: bool) -> State:
        last = next((each for each in reversed(list(state.tabs)) if each != tag), tag)
        return put_back(state, last, weight, steady=steady)

    with _patched(scoop_book, "_put_back", other):
        yield


@contextmanager
def lifted_is_taken() -> Iterator[None]:
    """A pan that is lifted or leaned on is counted like any other."""
    with _patched(scoop, "_put_back_on", scoop._watched):
        yield


@contextmanager
def first_of_two_pays() -> Iterator[None]:
    """With two trays there, one of them pays."""
    settle = scoop_book.settle

    def first(state: State, weight: Grams, *, steady: bool = True) -> State:
        if len(state.owner) > 1 and not any(tag in state.line.cards for tag in state.owner):
            state = but(state, owner=frozenset([min(state.owner)]))
        return settle(state, weight, steady=steady)

    with _patched(scoop_book, "settle", first), _patched(scoop, "settle", first):
        yield


@contextmanager
def forgets_at_a_power_cut() -> Iterator[None]:
    """The latch is not read from the journal."""
    begin = scoop.begin

    def empty(
        at: Moment, no: int, line: Line, _entries: Iterable[ScoopTaken | PanChanged] = ()
    ) -> State:
        return begin(at, no, line)

    with _patched(scoop, "begin", empty):
        yield


@contextmanager
def clocks_are_believed() -> Iterator[None]:
    """The server takes the time of a box as it is told."""

    def nothing(_plan: Plan) -> dict[object, object]:
        return {}

    with _patched(line_world, "_offsets", nothing):
        yield


@contextmanager
def names_old_sessions() -> Iterator[None]:
    """What the feed said last is believed, however long ago that was."""

    def any_(state: State, tag: str) -> UUID | None:
        tray = state.line.trays.get(tag)
        return tray.session_id if tray is not None else None

    with _patched(scoop_book, "session_of", any_):
        yield


@contextmanager
def pays_for_the_outage() -> Iterator[None]:
    """Whoever stands there when the power comes back pays for what is missing."""

    def paid(state: State, weight: Grams) -> State:
        return scoop._watched(but(state, blind=False, owner=state.here, seen=state.here), weight)

    with _patched(scoop, "_sees_again", paid):
        yield


@contextmanager
def _patched(where: object, name: str, value: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, value)
        yield


LINE_PLANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "charges-twice": charges_twice,
    "clocks-are-believed": clocks_are_believed,
    "first-of-two-pays": first_of_two_pays,
    "forgets-an-entry": forgets_an_entry,
    "forgets-at-a-power-cut": forgets_at_a_power_cut,
    "lifted-is-taken": lifted_is_taken,
    "names-old-sessions": names_old_sessions,
    "pays-for-the-outage": pays_for_the_outage,
    "wrong-tray": wrong_tray,
}

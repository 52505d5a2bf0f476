"""One demo diner after another pays at the till, by what the till itself asks for.

Nothing about the result is scripted. A person puts down a tray and looks at the camera; where the
till asks for a PIN, types it; where it does not recognise the face, holds up the card as a real
diner would. Whether it was the right person is read from the journal afterwards.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from dafan.records import Sale
from pos.demo.backoffice import DemoError
from pos.demo.stage import DemoDiner, Stage
from pos.runtime import Till
from pos.view import AskWhat, NoticeCode, Screen, View

LOOK_S = 4.0
"""So long a diner looks at the camera before holding up the card."""
GIVE_UP_S = 40.0
LIFT_S = 1.5
"""So long a tray is lifted where the till asks for it, and left before it is lifted again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one diner's visit."""

    diner: DemoDiner
    sale: Sale
    by_face: bool
    wrong_person: bool
    refused: bool
    """The face was not enough, and the till said so: another way was used."""


class TooPoorError(DemoError):
    """The diner's money is spent."""

    code = "too_poor"

    def __init__(self, diner: DemoDiner) -> None:
        super().__init__(f"{diner.staff_no} has too little money")
        self.diner = diner


class Visits:
    """Sends diners to the till.

    Args:
        till: The running till.
        stage: Where they stand.
        diners: Who comes, in turn.
        rng: Draws their appetite.
        pause_s: How long a person looks at the green screen; a watched demo is slower.
    """

    def __init__(
        self,
        till: Till,
        stage: Stage,
        diners: Sequence[DemoDiner],
        rng: Random,
        pause_s: float = 0.0,
    ) -> None:
        self._till = till
        self._stage = stage
        self._rng = rng
        self._pause_s = pause_s
        self._turns = itertools.cycle(diners)
        self._sales: list[Sale] = []
        till.on_sale.append(self._sales.append)

    def take(self, count: int | None = None) -> Iterator[Outcome]:
        """Serve so many diners, or without end.

        Raises:
            TooPoorError: a diner's money is spent; asked again, the next one comes.
            DemoError: the till stands still; the message says at which screen.
        """
        turns = self._turns
        for diner in itertools.islice(turns, count) if count is not None else turns:
            yield self._visit(diner)

    def _visit(self, diner: DemoDiner) -> Outcome:
        self._wait(lambda view: view.screen is Screen.PLACE)
        self._sales.clear()
        self._stage.arrive(diner.sample)
        grams = self._rng.randint(220, 520)
        self._stage.put_tray(grams)
        refused = self._pay(diner, grams)
        sale = self._sales[0]
        time.sleep(self._pause_s)
        self._stage.leave()
        return Outcome(
            diner,
            sale,
            by_face=sale.face is not None,
            wrong_person=sale.diner_id != diner.diner_id,
            refused=refused or sale.face is None,
        )

    def _pay(self, diner: DemoDiner, grams: int) -> bool:
        """Do what the till asks until it is paid; whether the face alone was not enough."""
        refused = False
        began = lifted = time.monotonic()
        answered: View | None = None
        while not self._sales:
            view = self._till.view()
            waited = time.monotonic() - began
            told = view.notice.code if view.notice is not None else None
            if told is NoticeCode.INSUFFICIENT:
                raise TooPoorError(diner)
            if waited > GIVE_UP_S:
                raise DemoError(f"nobody could pay: the till shows {view.screen}, {told}")
            if _asks_to_lift(view) and time.monotonic() - lifted > LIFT_S:
                self._stage.lift_tray()
                time.sleep(LIFT_S)
                self._stage.put_tray(grams)
                lifted = time.monotonic()
            elif view.screen is Screen.ASK and view.ask is not None and view != answered:
                refused |= view.ask.what is AskWhat.PIN
                self._answer(diner, view.ask.what)
                answered = view
            elif self._wants_card(diner, view, waited):
                refused = True
                self._till.press("card", number=diner.card)
                time.sleep(0.5)
            time.sleep(0.01)
        return refused

    def _wants_card(self, diner: DemoDiner, view: View, waited: float) -> bool:
        if view.screen not in {Screen.LOOK, Screen.PROBLEM}:
            return False
        if diner.sample is None:
            return waited > 1.0
        return waited > LOOK_S or not view.face

    def _answer(self, diner: DemoDiner, what: AskWhat) -> None:
        if what is AskWhat.PIN:
            self._till.press("digits", digits=diner.pin)
        elif what is AskWhat.STAFF_NO:
            self._till.press("digits", digits=diner.staff_no)
        elif what is AskWhat.AGAIN:
            self._till.press("yes")
        elif what is AskWhat.CARD:
            self._till.press("card", number=diner.card)

    def _wait(self, there: Callable[[View], bool]) -> None:
        deadline = time.monotonic() + GIVE_UP_S
        while not there(self._till.view()):
            if time.monotonic() > deadline:
                raise DemoError(f"the till stands still at {self._till.view().screen}")
            time.sleep(0.01)


def _asks_to_lift(view: View) -> bool:
    """The till has not seen its scale empty since the diner before."""
    return view.notice is not None and view.notice.code is NoticeCode.CLEAR_SCALE

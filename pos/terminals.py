"""What tills, gates, boxes and return stations have in common: one thread that takes events in."""

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from dafan.clock import Clock
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.journal import JournalError
from dafan.line import PanChanged, ScoopTaken, TrayBound, TrayEnded
from dafan.plates import PlateReturn
from dafan.records import ENTRY_BODIES, CardStatus
from devices.reader import CardFormat
from pos.events import CardSeen, Health, HealthChanged, Moment, QrSeen, SnapshotChanged
from pos.store import TillStore

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")
TICK_S = 0.1
ASK_S = 6.0
"""So long an answer of the server is looked for; the diner waits less."""
TIDY_S = 60.0
"""So often, while nothing is under way, what is of no more use is destroyed."""
STOP_S = 10.0
"""So long a machine that is told to stop may take for what it is doing."""
KINDS = {body: kind for kind, body in ENTRY_BODIES.items()}

log = logging.getLogger(__name__)

Make = Callable[[Moment], Any]
Told = ScoopTaken | PanChanged | TrayBound | TrayEnded | PlateReturn


def drain(
    first: Make,
    moment: Callable[[], Moment],
    run: Callable[[Any], Iterable[Any]],
    do: Callable[[Any], Make | None],
) -> None:
    """Run an event, and those that its effects answer with, before anything else.

    Args:
        first: Makes the event.
        moment: Now; asked for each event.
        run: Takes an event in; gives its effects.
        do: Does what an effect asks for; gives what makes the event that answers it.
    """
    waiting = deque([first])
    while waiting:
        for effect in run(waiting.popleft()(moment())):
            answer = do(effect)
            if answer is not None:
                waiting.append(answer)


class Machine(ABC):
    """A terminal: devices put work into its queue, its own thread does it, one after the other.

    Args:
        store: Its file.
        clock: Time.
        name: Of its thread.
    """

    def __init__(self, store: TillStore, clock: Clock, name: str) -> None:
        self.store = store
        self.on_stop: list[Callable[[], None]] = []
        self.on_written: list[Callable[[], None]] = []
        """Called after whatever was written: there may be news for printer and server."""
        self._clock = clock
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        store.on_change = self._snapshot_changed

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop devices and threads and close the file; what is written stays written."""
        for stop in self.on_stop:
            stop()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)
        self._closed()
        self.store.close()

    def later(self, work: Callable[[], None]) -> None:
        """Have the machine's own thread do something, in its turn."""
        self._queue.put(work)

    def run_queued(self) -> None:
        """Do what is queued now; for a machine that is not started."""
        while not self._queue.empty():
            work = self._queue.get()
            if work is not None:
                work()

    @abstractmethod
    def _tick(self) -> bool:
        """Time passed; whether nothing is under way."""

    def _pause(self) -> float:
        """So long the thread waits for work before time has passed; seconds."""
        return TICK_S

    @abstractmethod
    def _snapshot_changed(self) -> None:
        """The feed brought news; called by the thread that brought them."""

    @abstractmethod
    def _closed(self) -> None:
        """The machine has stopped: its screens end."""

    def _run(self) -> None:
        ticked = tidied = float("-inf")
        while True:
            try:
                work = self._queue.get(timeout=self._pause())
            except queue.Empty:
                work = _nothing
            if work is None:
                return
            try:
                work()
                now = self._clock.monotonic()
                if work is _nothing or now - ticked >= TICK_S:
                    ticked = now
                    if self._tick() and now - tidied >= TIDY_S:
                        tidied = now
                        self.store.tidy(self._clock.now())
            except Exception:
                log.exception("an event could not be taken in; the machine goes on")

    def _moment(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.now(), new_id())

    def _append(self, entry: Told) -> bool:
        """Whether the entry is on the disk; again is harmless."""
        try:
            self.store.journal.append(KINDS[type(entry)], entry.id, entry.at, entry)
        except JournalError as error:
            if not self.store.journal.contains(entry.id):
                log.error("the entry %s is not written: %s", entry.id, error)  # noqa: TRY400 - a full disk needs no traceback
                return False
        tell(self.on_written)
        return True


class Counter(Machine):
    """A machine before which one diner stands, who says by card or code who he is."""

    def __init__(self, store: TillStore, clock: Clock, name: str) -> None:
        super().__init__(store, clock, name)
        self._health = Health(revoked=store.facts.revoked)
        self._health_lock = threading.Lock()

    @abstractmethod
    def take_in(self, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The machine's own thread calls this; call it only for one that is not started.
        """

    def put(self, make: Make) -> None:
        """Queue an event; it gets its moment when it is taken in."""
        self.later(lambda: self.take_in(make))

    def put_health(self, **changes: Any) -> None:
        """A device or the line to the server changed."""
        with self._health_lock:
            self._health = health = replace(self._health, **changes)
        self.put(lambda at: HealthChanged(at, health))

    def put_typed(self, text: str) -> None:
        """What a reader that types has read: a QR code of ours, or a card."""
        if text.startswith("dafan:"):
            self.put_qr(text)
        else:
            self.put_card(typed_number(text))

    def put_card(self, number: str) -> None:
        """A card was read."""
        self.put(lambda at: self._card(at, number))

    def put_qr(self, text: str) -> None:
        """A QR code was read."""
        self.put(lambda at: QrSeen(at, self.store.keys.read_qr(text)))

    def _snapshot_changed(self) -> None:
        catalogue = self.store.catalogue
        self.put(lambda at: SnapshotChanged(at, catalogue))

    def _card(self, at: Moment, number: str) -> CardSeen:
        card = self.store.card(number)
        if card is None:
            return CardSeen(at, None)
        return CardSeen(at, card.diner_id, lost=card.status is CardStatus.LOST)


class Asker(Generic[_Asked, _Answer]):
    """Asks the server behind everybody's back, about the newest thing: an older diner has gone.

    Args:
        name: Of the thread.
        clock: Time.
        ask: The answer, or ``None`` while the server cannot say.
        tell: Told of an answer.
        look_s: So long between two tries.
    """

    def __init__(
        self, name: str, clock: Clock, ask: Callable[[_Asked], _Answer | None],
        tell: Callable[[_Asked, _Answer], None], look_s: float,
    ) -> None:  # fmt: skip
        self._clock, self._ask, self._tell, self._look_s = clock, ask, tell, look_s
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at the latest when the question that is asked now has had its time."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=ASK_S + 4)

    def put(self, about: _Asked) -> None:
        """Look for the answer to this, and no longer for that to anything before."""
        self._queue.put(about)

    def _run(self) -> None:
        while (about := self._queue.get()) is not None:
            until = self._clock.monotonic() + ASK_S
            while self._queue.empty() and self._clock.monotonic() < until:
                answer = self._ask(about)
                if answer is not None:
                    self._tell(about, answer)
                    break
                threading.Event().wait(self._look_s)


def tell(listeners: Iterable[Callable[[], None]]) -> None:
    """Tell all who wait for what was written; one that fails keeps it from nobody else."""
    for listener in listeners:
        try:
            listener()
        except Exception:
            log.exception("who waits for what is written failed; what is written stands")


def typed_number(text: str) -> str:
    """A card's number as a reader has typed it, in the one spelling; anything else as it is."""
    try:
        return CardFormat().canonical(text)
    except BadInputError:
        return text


def _nothing() -> None:
    """Only time passed."""

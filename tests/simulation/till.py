"""A till: the real station, store and sync client on a simulated disk."""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import httpx

from dafan.crypto import Identity
from dafan.desk import Void
from dafan.ids import new_id
from dafan.journal import JournalError
from dafan.records import Entry, FaceEvidence, Sale
from dafan.sync import ForkError, RevokedError, SyncClient, SyncError, SyncState
from pos import events as ev
from pos.runtime import Till
from pos.snapshot import trading_day
from pos.state import Committing, Idle, Open, Paid
from pos.store import TillStore
from pos.view import AskWhat, Device
from simulation.disk import Disk
from simulation.lab import PACK, Lab
from simulation.network import Network
from simulation.timing import MachineClock, Time

FILE = "till.db"


class PowerCutError(Exception):
    """The machine died in the middle of what it did."""


@dataclass
class Shown:
    """A sale that the diner saw as paid.

    Attributes:
        sale: As it was shown.
        life: In which of the till's disks.
    """

    sale: Sale
    life: int


@dataclass
class TillMachine:
    """One till. What it shows is remembered outside of it.

    Attributes:
        name: For the story.
        life: Counts the restores of its disk from an old image.
        shown: Sales that it has shown as paid.
        voided: Sales that it has shown as taken back.
        known: Hash → entry, of all that its disks have ever held.
        refused_writes: Sales and voids that it has shown as not written. One may be on the disk
            all the same, where the power went before anything else was written.
    """

    name: str
    id: UUID
    identity: Identity
    site_key: bytes
    disk: Disk
    clock: MachineClock
    time: Time
    network: Network
    life: int = 0
    up: bool = False
    crashes: int = 0
    refused_writes: int = 0
    shown: dict[UUID, Shown] = field(default_factory=dict)
    voided: set[UUID] = field(default_factory=set)
    known: dict[str, Entry] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    """Exceptions that no disk or network explains."""
    till: Till = field(init=False)
    sync: SyncClient = field(init=False)
    _http: httpx.Client = field(init=False)
    stuck_at: int = -1
    """The last entry of a push of which the server has said that it contradicts what it holds.

    A till that was started anew asks again, as the real one does after each pause: the server may
    have been restored from a backup of before it kept the push aside."""
    _image: dict[str, bytes] = field(default_factory=dict)

    # --- power --------------------------------------------------------------------------------

    def start(self) -> str:
        """Switch it on, with the disk as it was found.

        Returns:
            What to tell.

        Raises:
            PowerCutError: and it went off again.
        """
        self.disk.mount(self._image)
        store = TillStore(self.disk.folder / FILE, self.id, self.site_key, self.clock)
        self.till = Till(store, self.clock, cash=True, print_receipts=True)
        self._http = httpx.Client(transport=self.network.transport(self.name), trust_env=False)

        def on_state(state: SyncState) -> None:
            store.facts.set_revoked(revoked=state.revoked)
            self.till.put_health(revoked=state.revoked, camera=Device.OK)

        self.sync = SyncClient(
            "http://server", self.identity, store.journal, store.feed_version,
            store.apply_feed_page, self.clock, on_state, self._http,
            restart_feed=store.restart_feed, evidence=store.evidence,
            revoked=store.facts.revoked,
        )  # fmt: skip
        self.up = True
        self.stuck_at = -1
        self.till.put_health(camera=Device.OK)
        self._drain()
        self._alive()
        return "starts"

    def crash(self, rng: Random | None) -> None:
        """Pull the plug, or (without ``rng``) kill the process."""
        if not self.disk.dead:
            self._collect()
        self._image = self.disk.cut(rng)
        self.crashes += 1
        self._close()

    def stop(self) -> None:
        """Switch it off in order."""
        if self.up:
            self._collect()
            self._close()
        self._image = self.disk.image()

    def restore(self, image: dict[str, bytes]) -> None:
        """Put an old image of the disk into the machine, which is off."""
        self._image = image
        self.life += 1
        self.stuck_at = -1

    def image(self) -> dict[str, bytes]:
        """A copy of the disk, as a backup program takes it."""
        return self.disk.image()

    def _close(self) -> None:
        self.up = False
        self._http.close()
        store = self.till.store
        for connection in (store._reader, store._connection):
            connection.close()

    def _alive(self) -> None:
        if self.disk.dead:
            raise PowerCutError

    def _collect(self) -> None:
        """Remember every entry that is written."""
        after = 0
        while entries := self.till.store.journal.read(after):
            self.known.update({entry.hash: entry for entry in entries})
            after = entries[-1].seq

    def remember(self) -> None:
        """Take note of the newest entries."""
        journal = self.till.store.journal
        for entry in journal.read(max(0, journal.head()[0] - 3)):
            self.known[entry.hash] = entry

    # --- events -------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Take in what devices and sync have put into the queue, as the till's thread does."""
        while True:
            try:
                work = self.till._queue.get_nowait()
            except queue.Empty:
                return
            if work is not None:
                self._run(work)

    def _take(self, make: Callable[[ev.Moment], ev.Event]) -> None:
        self._run(lambda: self.till.take_in(make))

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as the till's own loop
            self._alive()
            if not (self.disk.full or isinstance(error, JournalError)):
                self.trouble.append(f"the loop raised {error!r}")
        self._alive()

    def _press(self, action: str, **params: str) -> None:
        self._take(lambda at: ev.Pressed(at, action, params))

    def _wait(self, seconds: float) -> None:
        self.time.pass_by(seconds)
        self._take(ev.Tick)

    # --- selling ------------------------------------------------------------------------------

    def sell(self, dishes: list[UUID], pay: str, diner: UUID | None, card: str, again: int) -> str:
        """One diner at the till, from the first dish to the green screen, or not.

        Args:
            dishes: What is on the tray.
            pay: ``card``, ``face`` or ``cash``.
            diner: Who he is.
            card: His number.
            again: So often the sale is tried again where the disk does not take it.

        Returns:
            What he saw.

        Raises:
            PowerCutError: the screen went black.
        """
        self._reset()
        for dish in dishes:
            self._press("add", dish=str(dish))
        self._press("picked")
        if not isinstance(self.till.state.phase, Open):
            return f"nothing to pay ({self._screen()})"
        self._claim(pay, diner, card)
        self._wait(2.1)
        phase = self.till.state.phase
        while isinstance(phase, Committing) and phase.failed:
            self.refused_writes += 1
            if not again:
                self._press("cancel")
                return "not written, given up"
            again -= 1
            self.disk.full = self.disk.full and again > 0
            self._press("retry")
            phase = self.till.state.phase
        if not isinstance(phase, Paid):
            return f"refused ({self._screen()})"
        sale = phase.sale
        self.shown[sale.id] = Shown(sale, self.life)
        self.remember()
        return f"paid {sale.total} fen"

    def _claim(self, pay: str, diner: UUID | None, card: str) -> None:
        if pay == "cash":
            self._press("way", way="cash")
            self._press("yes")
        elif pay == "card":
            self.till.put_card(card)
            self._drain()
        elif diner is not None:
            evidence = FaceEvidence(pack=PACK, similarity=800, margin=300, liveness=900, frames=5)
            since = self.till.state.looking_since or 0.0
            self._take(lambda at: ev.FaceKnown(at, since, diner, evidence))
        phase = self.till.state.phase
        if isinstance(phase, Open) and phase.ask is not None and phase.ask.what is AskWhat.AGAIN:
            self._press("yes")

    def _screen(self) -> str:
        phase, notice = self.till.state.phase, self.till.state.notice
        problem = phase.problem if isinstance(phase, Open) else None
        told = problem or notice
        return told.code.value if told else type(phase).__name__

    def _reset(self) -> None:
        """The diner has gone; the till is ready for the next one."""
        self._wait(30)
        if isinstance(self.till.state.phase, Open):
            self._press("cancel")
        if not isinstance(self.till.state.phase, Idle):
            self._wait(120)

    def void(self, rng: Random, staff_id: UUID) -> str:
        """The cashier takes back one of the last sales of this till."""
        store = self.till.store
        policy = store.catalogue.policy
        if policy is None:
            return "not ready"
        sold = store.sold.latest(trading_day(policy, self.clock.now()))
        free = [each.sale for each in sold if not each.voided]
        if not free:
            return "nothing to take back"
        sale = rng.choice(free)
        void = Void(
            id=new_id(), sale_id=sale.id, business_date=sale.business_date, total=sale.total,
            reason="金额有误", staff_id=staff_id, at=self.clock.now(),
        )  # fmt: skip
        try:
            store.sold.commit_void(void)
        except JournalError:
            self._alive()
            self.refused_writes += 1
            return "not written"
        self._alive()
        self.voided.add(sale.id)
        self.remember()
        return f"takes back {sale.total} fen"

    # --- sync ---------------------------------------------------------------------------------

    def push(self) -> str:
        """One turn of the thread that pushes."""
        return self._turn(self.sync.push_once, "push")

    def pull(self) -> str:
        """One turn of the thread that pulls."""
        return self._turn(lambda: self.sync.pull_once(0), "pull")

    def _turn(self, work: Callable[[], bool], name: str) -> str:
        """As ``SyncClient._loop`` does it, without its pauses."""
        try:
            more = work()
        except SyncError as error:
            self._alive()
            if name == "push" and isinstance(error, ForkError):
                self.stuck_at = self.till.store.journal.head()[0]
            self.sync._failed(str(error), revoked=isinstance(error, RevokedError))
            self._alive()
            self._drain()
            return f"{name}: {error}"
        except Exception as error:  # noqa: BLE001 - as the loop of sync
            self._alive()
            if not (self.disk.full or isinstance(error, JournalError)):
                self.trouble.append(f"{name} raised {error!r}")
            return f"{name}: the disk does not take it"
        self._alive()
        self._drain()
        return f"{name}: more to come" if more else f"{name}: up to date"

    # --- what it holds ------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Entries that the server has not acknowledged."""
        journal = self.till.store.journal
        return journal.head()[0] - journal.acknowledged()

    @property
    def has_told(self) -> bool:
        """The server has acknowledged something."""
        return self.till.store.journal.acknowledged() > 0

    @property
    def version(self) -> int:
        """How far its snapshot has come."""
        return self.till.store.feed_version()

    @property
    def stuck(self) -> bool:
        """The server keeps all that is here aside: a person must come."""
        return self.stuck_at == self.till.store.journal.head()[0]

    def entries(self) -> list[Entry]:
        """The whole journal."""
        found: list[Entry] = []
        while some := self.till.store.journal.read(len(found)):
            found += some
        return found


def make_till(lab: Lab, number: int, time: Time, network: Network) -> TillMachine:
    """A till of the site, as it was set up."""
    terminal_id, identity = lab.site.tills[number]
    machine = TillMachine(
        f"till {number + 1}", terminal_id, identity, lab.site.key, lab.tills[number],
        MachineClock(time), time, network,
    )  # fmt: skip
    machine.restore(lab.till_images.get(number, {}))
    machine.life = 0
    return machine

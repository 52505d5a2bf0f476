"""One seed's world: who acts next is drawn, step by step, until all is healed and judged."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import httpx

from dafan.crypto import make_token
from dafan.journal import sign_batch
from dafan.records import canonical
from simulation.healing import heal
from simulation.judge import judge
from simulation.lab import Lab, card
from simulation.network import Network, Weather
from simulation.office import Act, Office
from simulation.plan import Plan
from simulation.server import ServerMachine
from simulation.story import Story
from simulation.till import PowerCutError, TillMachine, make_till
from simulation.timing import MachineClock, Time


@dataclass(frozen=True)
class Copy:
    """A backup of the server, and what was true when it was made."""

    image: dict[str, bytes]
    promises: dict[tuple[UUID, int], str]
    acts: list[Act]


@dataclass(frozen=True)
class Result:
    """How a seed ended."""

    seed: int
    faults: tuple[str, ...]
    digest: str
    counts: dict[str, int]
    story: str


def set_up(lab: Lab) -> None:
    """Let every till of the lab hear once who and where it is; all worlds begin with that."""
    time = Time()
    lab.chance.begin("set up", MachineClock(time))
    lab.server.begin(lab.site.image, MachineClock(time), holds=True)
    network = Network(lab.server, Random(0), Weather(), lambda _who, _what: None)
    for number in range(len(lab.tills)):
        till = make_till(lab, number, time, network)
        till.start()
        while "more" in till.pull():
            pass
        till.stop()
        lab.till_images[number] = till.image()
    lab.server.close()


class World:
    """Tills, a server, a network, and time."""

    def __init__(self, lab: Lab, seed: int) -> None:
        if not lab.till_images:
            set_up(lab)
        self.lab, self.seed, self.plan = lab, seed, Plan.of(seed)
        self.rng = Random(f"world {seed}")
        self.time, self.story, self.step = Time(), Story(), 0
        clock = MachineClock(self.time)
        lab.chance.begin(f"chance {seed}", clock)
        self.server = lab.server
        self.server.begin(lab.site.image, clock, holds=self.plan.holds)
        self.network = Network(self.server, self.rng, self.plan.weather, self.tell)
        self.office = Office(lab, self.rng)
        self.tills = [make_till(lab, n, self.time, self.network) for n in range(self.plan.tills)]
        self.till_copies = {
            till.name: lab.till_images[number] for number, till in enumerate(self.tills)
        }
        self.copies: list[Copy] = []
        self.server_restores = 0
        self.counts = dict.fromkeys(("steps", "sales", "restores", "replays"), 0)
        self.faults: list[str] = []

    def tell(self, who: str, what: str) -> None:
        """Put it into the story."""
        self.story.tell(self.step, self.time.elapsed, who, what)

    # --- the run ------------------------------------------------------------------------------

    def run(self) -> Result:
        """Live through the seed, heal everything, and judge."""
        self.tell("seed", f"{self.seed}: {', '.join(self.plan.attacks) or 'nothing but chance'}")
        try:
            for till in self.tills:
                self.act(till, till.start)
            kinds, weights = list(self.plan.weights), list(self.plan.weights.values())
            for _ in range(self.plan.steps):
                self.step += 1
                self._turn_on()
                getattr(self, f"_{self.rng.choices(kinds, weights)[0]}")()
                self._notice_power()
            self.step += 1
            heal(self)
            self.faults += judge(self)
        except Exception as error:  # noqa: BLE001 - whatever ends a world is what we look for
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.faults.append(f"{error!r} at {where.filename}:{where.lineno}"[:500])
        finally:
            self._end()
        self.counts["steps"] = self.step
        return Result(
            self.seed, tuple(self.faults), self.story.digest(), self._counted(), self.story.text()
        )

    @contextmanager
    def _on(self, clock: MachineClock) -> Iterator[None]:
        """Ids are drawn by the clock of the machine that works."""
        before, self.lab.chance.clock = self.lab.chance.clock, clock
        try:
            yield
        finally:
            self.lab.chance.clock = before

    def act(self, till: TillMachine, work: Callable[[], str]) -> None:
        """A till does something, if its power lasts."""
        try:
            with self._on(till.clock):
                told = work()
        except PowerCutError:
            self._cut(till, "loses its power")
        else:
            self.tell(till.name, told)

    def _cut(self, till: TillMachine, how: str) -> None:
        till.crash(self._loss())
        self.tell(till.name, how)

    def _loss(self) -> Random | None:
        """What a power cut loses is drawn; now and then only the process died."""
        return self.rng if self.rng.random() < 0.8 else None

    def _notice_power(self) -> None:
        for till in self.tills:
            if till.up and till.disk.dead:
                self._cut(till, "has lost its power")
        if self.server.disk.dead and not self.server.dark:
            self.crash_server("loses its power")

    def crash_server(self, how: str) -> None:
        self.server.crash(self._loss())
        self.tell("server", how)

    def _turn_on(self) -> None:
        """Somebody notices a dark machine sooner or later."""
        if self.server.dark and self.rng.random() < 0.4:
            self.server.start()
            self.tell("server", "starts")
        for till in self.tills:
            if not till.up and self.rng.random() < 0.4:
                self.act(till, till.start)

    def _some_till(self) -> TillMachine | None:
        up = [till for till in self.tills if till.up]
        return self.rng.choice(up) if up else None

    def _some_machine(self) -> TillMachine | ServerMachine:
        machines: list[TillMachine | ServerMachine] = [*self.tills, self.server]
        return self.rng.choice(machines)

    # --- steps --------------------------------------------------------------------------------

    def _sell(self) -> None:
        till = self._some_till()
        if till is None:
            return
        rng, site = self.rng, self.lab.site
        number = rng.randrange(len(site.diners))
        menu = [rng.choice(site.dishes) for _ in range(rng.randrange(1, 4))]
        pay = rng.choice(("card", "card", "card", "face", "cash"))
        again = rng.randrange(3)
        before = till.till.store.journal.head()[0]

        def work() -> str:
            told = till.sell(menu, pay, site.diners[number], card(number), again)
            return f"diner {number} by {pay}: {told}"

        self.act(till, work)
        if till.up and till.till.store.journal.head()[0] > before:
            self._check_exposure(till, site.diners[number])

    def _check_exposure(self, till: TillMachine, diner: UUID) -> None:
        """One diner never owes more at a till that hears nothing than the policy allows."""
        store = till.till.store
        account = store.account(diner, till.clock.now())
        policy = store.catalogue.policy
        if account is None or policy is None:
            return
        seen = max(store.journal.acknowledged(), account.diner.applied.get(till.id, 0))
        open_sales = {
            entry.id: entry.body["total"]
            for entry in store.journal.read(seen)
            if entry.kind == "sale" and entry.body["diner_id"] == str(diner)
        }
        owed = sum(fen for sale, fen in open_sales.items() if sale not in till.voided)
        if owed > policy.offline_exposure:
            self.faults.append(f"{till.name} let a diner owe {owed} fen without the server")

    def _void(self) -> None:
        till = self._some_till()
        if till is not None:
            self.act(till, lambda: till.void(self.rng, self.lab.site.id))

    def _push(self) -> None:
        till = self._some_till()
        if till is not None:
            self.act(till, till.push)

    def _pull(self) -> None:
        till = self._some_till()
        if till is not None:
            self.act(till, till.pull)

    def _office(self) -> None:
        if self.server.up:
            self.tell("office", self.office.do_something())

    def _give_back(self) -> None:
        if self.server.up:
            self.tell("office", self.office.give_back())

    def _late(self) -> None:
        if self.network.flying:
            self.network.deliver()

    def _time(self) -> None:
        hours = self.rng.choice((0.02, 0.2, 1, 5, 20))
        self.time.pass_by(hours * 3600)
        self.tell("time", f"{hours} hours pass")

    def _line(self) -> None:
        till = self.rng.choice(self.tills)
        cut_off = self.network.cut_off
        (cut_off.discard if till.name in cut_off else cut_off.add)(till.name)
        self.tell("network", f"{till.name} is {'cut off' if till.name in cut_off else 'back'}")

    def _till_crash(self) -> None:
        till = self._some_till()
        if till is not None:
            self._cut(till, "is switched off by force")

    def _till_fuse(self) -> None:
        till = self._some_till()
        if till is not None:
            till.disk.fuse = self._some_operations()
            self.tell(till.name, f"will lose its power after {till.disk.fuse} disk operations")

    def _some_operations(self) -> int:
        """So many more writes and fsyncs: within this transaction, or the next, or one later."""
        return int(self.rng.expovariate(1 / self.rng.choice((8, 40, 120))))

    def _server_crash(self) -> None:
        if self.server.up:
            self.crash_server("is switched off by force")

    def _server_fuse(self) -> None:
        if self.server.up:
            disk = self.server.disk
            disk.fuse = self._some_operations()
            self.tell("server", f"will lose its power after {disk.fuse} disk operations")

    def _full(self) -> None:
        who = self._some_machine()
        who.disk.full = not who.disk.full
        name = who.name if isinstance(who, TillMachine) else "server"
        self.tell(name, f"the disk is {'full' if who.disk.full else 'emptied'}")

    def _bad_sync(self) -> None:
        who = self._some_machine()
        who.disk.failing_syncs = self.rng.randrange(1, 4)
        name = who.name if isinstance(who, TillMachine) else "server"
        self.tell(name, f"the next {who.disk.failing_syncs} fsyncs fail")

    def _clock(self) -> None:
        who = self._some_machine()
        hours = self.rng.choice((-8760, -48, -3, -0.1, 0.1, 3, 48, 8760))
        if isinstance(who, TillMachine):
            who.clock.wrong = timedelta(hours=hours)
            self.tell(who.name, f"its clock is now {hours} hours off")
        else:
            who.clock.wrong = timedelta(hours=hours / 1000)
            self.tell("server", f"its clock is now {hours / 1000} hours off")

    def _till_copy(self) -> None:
        till = self._some_till()
        if till is not None:
            self.till_copies[till.name] = till.image()
            self.tell(till.name, "its disk is copied")

    def _till_restore(self) -> None:
        """An old disk comes back, of a till that has told the server something."""
        copied = [till for till in self.tills if till.up and till.has_told]
        if copied:
            till = self.rng.choice(copied)
            till.stop()
            till.restore(self.till_copies[till.name])
            self.counts["restores"] += 1
            self.tell(till.name, "its disk is replaced by the copy")

    def _backup(self) -> None:
        if self.server.up:
            acts = list(self.office.acts)
            self.copies.append(Copy(self.server.backup(), dict(self.server.promises), acts))
            self.tell("server", "is backed up")

    def _server_restore(self) -> None:
        if not self.copies:
            return
        copy = self.rng.choice(self.copies)
        self.time.pass_by(60)
        self.server.restore(copy.image, copy.promises)
        self.office.acts = list(copy.acts)
        self.server_restores += 1
        self.network.flying.clear()
        self.counts["restores"] += 1
        self.tell("server", "is restored from a backup")

    def _revoke(self) -> None:
        if self.server.up and self.rng.random() < 0.5:
            till = self.rng.choice(self.tills)
            self.tell("office", self.office.revoke(till.id, till.name))

    def _replay(self) -> None:
        """Somebody sends what he has heard: in another's name, altered, or signed by himself."""
        if len(self.tills) < 2 or not self.server.up:
            return
        till, thief = self.rng.sample(self.tills, 2)
        if not till.up:
            return
        entries = till.till.store.journal.read(0, 50)
        if not entries:
            return
        how = self.rng.choice(("another's name", "altered", "signed by himself"))
        owner, signer = till, till
        if how == "another's name":
            owner = thief
        elif how == "altered":
            place = self.rng.randrange(len(entries))
            forged = {**entries[place].body, "total": 1}
            entries[place] = entries[place].model_copy(update={"body": forged})
        else:
            signer = thief
        batch = sign_batch(signer.identity, entries)
        token = make_token(owner.identity, owner.id, self.server.clock.now())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = httpx.Request(
            "POST", "http://server/api/v1/journal", headers=headers,
            content=canonical(batch.to_body()),
        )  # fmt: skip
        answer = self.server.answer(request)
        self.counts["replays"] += 1
        code = answer.status_code if answer else None
        self.tell("thief", f"sends {till.name}'s entries, {how}: {code}")
        if code == httpx.codes.OK:
            self.faults.append(f"the server took entries of {till.name}, {how}")

    # --- the end ------------------------------------------------------------------------------

    def _end(self) -> None:
        for till in self.tills:
            if till.up:
                till.stop()
        self.server.close()

    def _counted(self) -> dict[str, int]:
        return self.counts | {
            "sales": sum(len(till.shown) for till in self.tills),
            "voids": sum(len(till.voided) for till in self.tills),
            "crashes": sum(till.crashes for till in self.tills) + self.server.crashes,
            "lost": self.network.lost,
            "doubled": self.network.doubled,
            "delayed": self.network.delayed,
        }

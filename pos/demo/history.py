"""Days that are over: the same till on a fast clock, so that the books hold real sales.

Diners hold up their cards (a face cannot be looked at afterwards), a few pay cash. Every sale goes
through the station's rules, a till's journal and sync, as any other does.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from dafan.clock import ManualClock
from dafan.records import Dish, Unit
from dafan.sync import SyncClient
from dafan.units import Grams
from pos import events as ev
from pos.demo.backoffice import BackOffice, DemoError
from pos.demo.stage import DemoDiner
from pos.demo.till import find_diners
from pos.enrol import JOURNAL, load_enrolment
from pos.runtime import Till
from pos.state import Confirm, Idle, Paid
from pos.store import TillStore
from pos.view import Device

DAYS = 3
DINERS = 60
# Meal: first and last minute, share of the diners who come.
MEALS = (
    (time(7, 0), time(8, 40), 0.35),
    (time(11, 20), time(12, 50), 0.9),
    (time(17, 20), time(18, 40), 0.3),
)
_BREAKFAST = ("豆浆", "肉包", "茶叶蛋", "馒头")
_BESIDE = ("米饭", "酸奶", "苹果", "紫菜蛋花汤")


class PastTill:
    """A till whose clock is set, served without waiting."""

    def __init__(self, office: BackOffice, folder: Path) -> None:
        enrolment = load_enrolment(folder)
        self._clock = ManualClock(datetime.now(UTC))
        self._store = TillStore(
            folder / JOURNAL, enrolment.terminal.id, enrolment.keys, self._clock
        )
        self.till = Till(self._store, self._clock)
        self.sync = SyncClient(
            office.url,
            enrolment.identity,
            self._store.journal,
            self._store.feed_version,
            self._store.apply_feed_page,
            self._clock,
        )

    def close(self) -> None:
        """Close file and connection."""
        self.sync.stop()
        self.till.stop()

    def settle(self) -> None:
        """Push everything and pull what came of it; sync needs the true time."""
        self._clock.at = datetime.now(UTC)
        while self.sync.push_once():
            pass
        while self.sync.pull_once(0):
            pass

    def open(self) -> None:
        """The devices are there."""
        catalogue = self._store.catalogue
        self.till.take_in(lambda at: ev.SnapshotChanged(at, catalogue))
        health = ev.Health(scale=Device.OK, reader=Device.OK)
        self.till.take_in(lambda at: ev.HealthChanged(at, health))

    def dish(self, name: str) -> Dish:
        """A dish of the menu by its name.

        Raises:
            DemoError: it is not on the menu.
        """
        for dish in self._store.catalogue.dishes.values():
            if dish.name == name:
                return dish
        raise DemoError(f"the demo's dish {name} is missing")

    def serve(self, at: datetime, card: str | None, grams: int, dishes: Sequence[Dish]) -> bool:
        """One diner at a moment; whether it was paid."""
        self._clock.at = at
        self._weigh(0)
        if grams:
            self._weigh(grams)
        if dishes:
            self._press("pick")
            for dish in dishes:
                self._press("add", dish=str(dish.id), portion="full")
            self._press("picked")
        if card is None:
            self._press("way", way="cash")
            self._press("yes")
        else:
            known = self._store.card(card)
            self.till.take_in(lambda at: ev.CardSeen(at, known.diner_id if known else None))
        self._let_pass(grams)
        paid = isinstance(self.till.state.phase, Paid)
        if not paid:
            self._press("cancel")
        self._clock.advance(30)
        self._weigh(0)
        self.till.take_in(ev.Tick)
        return paid and isinstance(self.till.state.phase, Idle)

    def _let_pass(self, grams: int) -> None:
        """The diner's time to cancel goes by; the scale goes on talking."""
        for _ in range(8):
            if not isinstance(self.till.state.phase, Confirm):
                return
            self._clock.advance(0.5)
            self._weigh(grams)
            self.till.take_in(ev.Tick)

    def _press(self, action: str, **params: str) -> None:
        self.till.take_in(lambda at: ev.Pressed(at, action, params))

    def _weigh(self, grams: int) -> None:
        self._clock.advance(0.2)
        self.till.take_in(lambda at: ev.Weighed(at, at.elapsed, grams=Grams(grams), stable=True))


def make_history(office: BackOffice, folder: Path, seed: int, tell: Callable[[str], None]) -> int:
    """Sell for the last :data:`DAYS` days; how many sales there were."""
    past = PastTill(office, folder)
    try:
        past.settle()
        past.open()
        diners = find_diners(past.till, (), DINERS)
        policy = past.till.store.catalogue.policy
        zone = ZoneInfo(policy.time_zone if policy else "Asia/Shanghai")
        today = datetime.now(zone).date()
        sold = 0
        for back in range(DAYS, 0, -1):
            day = today - timedelta(days=back)
            sold += _day(past, diners, day, zone, Random(f"{seed} {back}"))  # noqa: S311 - appetite
            past.settle()
            past.open()
            tell(f"{day}: {sold} sales in the books")
        return sold
    finally:
        past.close()


def _day(
    past: PastTill, diners: Sequence[DemoDiner], day: date, zone: ZoneInfo, rng: Random
) -> int:
    sold = 0
    for number, (opens, closes, share) in enumerate(MEALS):
        begins = datetime.combine(day, opens, zone)
        seconds = (datetime.combine(day, closes, zone) - begins).total_seconds()
        guests = [diner for diner in diners if rng.random() < share]
        times = sorted(rng.betavariate(2, 3) * seconds for _ in guests)
        for diner, after in zip(rng.sample(guests, len(guests)), times, strict=True):
            grams, dishes = _appetite(past, rng, breakfast=number == 0)
            card = None if rng.random() < 0.04 else diner.card
            at = (begins + timedelta(seconds=after)).astimezone(UTC)
            sold += past.serve(at, card, grams, dishes)
    return sold


def _appetite(past: PastTill, rng: Random, *, breakfast: bool) -> tuple[int, list[Dish]]:
    if breakfast:
        return 0, [past.dish(name) for name in rng.sample(_BREAKFAST, rng.randint(2, 3))]
    beside = [past.dish(name) for name in _BESIDE if rng.random() < 0.3]
    return rng.randint(260, 560), [dish for dish in beside if dish.unit is Unit.PIECE]

"""One scoop station's day: the real machine, a scale with its faults, a reader, a disk, power.

Frames come ten times a second while something happens; what lies between is left out, and the
station's own clock stands still for it: nothing would happen there but evaporation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dafan.line import LineCard, LineRules, LineStation, OpenTray, PanChanged, ScoopTaken
from dafan.metrology import ScaleRecord
from dafan.money import Fen
from dafan.records import Dish, Unit
from dafan.units import Grams
from pos import scoop
from pos.events import Health, HealthChanged, Moment, Tick, Weighed
from pos.scoop_state import Event, Line, LineChanged, TagsSeen, WriteFailed, Written
from pos.view import Device
from simulation.line_plan import DAY_S, STAFF, Box, Pan

OPENS = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
RULES = LineRules()
BEFORE_S, AFTER_S = 0.9, 1.2
"""Frames come from so long before something until so long after it."""
FINE_S, COARSE_S = 0.1, 0.3
"""From frame to frame, while something moves and while nothing does."""
HEARS_S = 1.0
"""So long after the network is back a box hears what is new."""
_SHANGHAI = ZoneInfo("Asia/Shanghai")

Trays = Mapping[str, OpenTray]


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry on a station's disk, with the true time at which it was written."""

    at: float
    entry: ScoopTaken | PanChanged


class StationRun:
    """Runs one pan's day.

    Args:
        pan: What happens at it.
        box: What happens to its box.
        feed: What the box knows of open trays: from when on, and which.
        seed: Of the noise.
    """

    def __init__(self, pan: Pan, box: Box, feed: list[tuple[float, Trays]], seed: int) -> None:
        self.pan, self.box, self._feed = pan, box, feed
        self.kept: list[Kept] = []
        self._rng = Random(f"station {seed} {pan.no}")
        self._ids = self._rng.getrandbits(120) << 8
        self._elapsed = 1000.0
        self.t = 0.0
        self._known = 0
        self._polled = 0.0
        self._level = pan.start
        self._step = 0
        self._dark_until: float | None = None
        self._cuts = list(zip(box.dark, box.at_a_write, strict=True))
        self._health = Health(scale=Device.OK, reader=Device.OK)
        dish = Dish(id=self._id(), name=f"菜{pan.no}", unit=Unit.KG, price=Fen(pan.price))
        terminal = UUID(int=box.no + 1)
        self._line = Line(
            rules=RULES,
            station=LineStation(
                terminal_id=terminal, station=pan.no, label=str(pan.no), dish_id=dish.id,
                pan_id=self._id(),
            ),
            dish=dish,
            scale=ScaleRecord(
                terminal_id=terminal, station=pan.no, model="sim", max_grams=30_000,
                e_grams=pan.e_grams, verified_until=date(2026, 12, 31),
            ),
            cards={STAFF: LineCard(name="staff")},
            zone=_SHANGHAI,
        )  # fmt: skip
        self._now = self._moment()
        self.state = scoop.begin(self._now, pan.no, self._line)
        self._do(HealthChanged(self._now, self._health))

    # --- the day --------------------------------------------------------------------------------

    def run(self) -> list[Kept]:
        """The whole day; what lies on the disk at its end."""
        windows = self._windows()
        for place, (begins, ends) in enumerate(windows):
            following = windows[place + 1][0] if place + 1 < len(windows) else DAY_S + 3600
            self._watch(max(begins, self.t), ends, min(following, ends + 240))
        return self.kept

    def _windows(self) -> list[tuple[float, float]]:
        pan = self.pan
        things = [(0.0, 2.0), (DAY_S, DAY_S + 3)]
        things += [(at, at) for at, _grams in pan.steps]
        things += [(begins, ends) for begins, ends, _more in (*pan.shakes, *pan.tags)]
        things += [*pan.gone, *pan.silent]
        things += [(ends, ends + 2) for _begins, ends in (*self.box.dark, *self.box.full)]
        things += [(begins, begins) for begins, _ends in self.box.dark]
        between = min(DAY_S, 1.5 / max(pan.rate, 1e-6))  # evaporation comes little by little
        things += [(step * between, step * between) for step in range(int(DAY_S / between) + 1)]
        found: list[tuple[float, float]] = []
        for begins, ends in sorted(things):
            first, last = max(0.0, begins - BEFORE_S), ends + AFTER_S
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], last))
            else:
                found.append((first, last))
        return found

    def _watch(self, begins: float, ends: float, latest: float) -> None:
        pan = self.pan

        def within(known: Any) -> list[Any]:
            return [each for each in known if each[1] > begins - 1 and each[0] < latest]

        tags, shakes, gone, silent = map(within, (pan.tags, pan.shakes, pan.gone, pan.silent))
        moves = [(first - 0.2, last + 0.7) for first, last, _far in shakes]
        moves += [(at - 0.1, at + 0.7) for first, last, _tag in tags for at in (first, last)]
        now, turn = begins, 0
        while now < ends or (now < latest and self._busy()):
            apart = FINE_S if any(first <= now < last for first, last in moves) else COARSE_S
            self.t = now
            self._elapsed += apart
            self._now = self._moment()
            if self._powered():
                self._look(tags)
                if not any(first <= now < last for first, last in silent):
                    self._frame(shakes, gone)
                turn += 1
                if turn % 4 == 0:
                    self._do(Tick(self._now))
            now += apart
        self.t = now

    def _busy(self) -> bool:
        state = self.state
        held = state.refill is not None or state.lifted is not None or bool(state.owner)
        held = held or state.moved
        return held or state.blind or state.sent is not None or self._dark_until is not None

    # --- power, feed and reader -----------------------------------------------------------------

    def _powered(self) -> bool:
        if self._dark_until is not None:
            if self.t < self._dark_until:
                return False
            self._boot()
        elif self._cuts and self.t >= self._cuts[0][0][0]:
            (begins, ends), at_a_write = self._cuts[0]
            if not at_a_write or self.t > begins + 300:
                self._cut(max(ends, self.t + 5))
                return False
        self._learn()
        return True

    def _cut(self, until: float) -> None:
        self._cuts.pop(0)
        self._dark_until = until
        self.pan.causes.append((self.t - 1, until))
        self.pan.dark.append((self.t - 1, until))

    def _boot(self) -> None:
        self._dark_until, self._known = None, 0
        self._elapsed = 5.0
        self._polled = 0.0
        self._now = self._moment()
        entries = [kept.entry for kept in self.kept]
        self.state = scoop.begin(self._now, self.pan.no, self._line, entries)
        self._do(HealthChanged(self._now, self._health))

    def _learn(self) -> None:
        offline = any(begins <= self.t < ends for begins, ends in self.box.cut_off)
        stale = any(begins <= self.t <= ends + HEARS_S for begins, ends in self.box.cut_off)
        if (offline, stale) != (self._health.offline, self._health.stale):
            self._health = replace(self._health, offline=offline, stale=stale)
            self._do(HealthChanged(self._now, self._health))
        known = self._known
        while known < len(self._feed) and self._feed[known][0] <= self.t:
            known += 1
        if known != self._known:
            self._known = known
            self._line = replace(self._line, trays=self._feed[known - 1][1])
            self._do(LineChanged(self._now, self._line))

    def _look(self, tags: list[tuple[float, float, str]]) -> None:
        if self._elapsed - self._polled < 0.2:
            return
        self._polled = self._elapsed
        seen = frozenset(
            tag for first, last, tag in tags
            if first <= self.t < last and self._rng.random() < 0.93
        )  # fmt: skip
        if seen:
            self._do(TagsSeen(self._now, seen))

    # --- the scale ------------------------------------------------------------------------------

    def _frame(
        self, shakes: list[tuple[float, float, float]], gone: list[tuple[float, float]]
    ) -> None:
        luck = self._rng.random()
        if luck < 0.02:
            return
        if luck < 0.025:
            bad = Weighed(self._now, self._elapsed, Grams(3), stable=True, garbled=True)
            self._do(bad)
            return
        true, moving = self.weight(self.t), False
        if any(first <= self.t < last for first, last in gone):
            true = 0.0
            if self.pan.tared:
                self._do(Weighed(self._now, self._elapsed, None, stable=False, negative=True))
                return
        for first, last, amplitude in shakes:
            if first <= self.t < last:
                moving = True
                true += self._rng.uniform(-amplitude, amplitude)
        stable = not moving if not self.pan.flagless else self._rng.random() < 0.9
        self._do(Weighed(self._now, self._elapsed, self.shown(true), stable))

    def weight(self, at: float) -> float:
        """What truly lies there."""
        steps = self.pan.steps
        while self._step < len(steps) and steps[self._step][0] <= at:
            self._level += steps[self._step][1]
            self._step += 1
        return self._level - self.pan.rate * at

    def shown(self, true: float) -> Grams:
        """What the scale makes of it: its slope, its noise, its division."""
        e = self.pan.e_grams
        noisy = true * (1 + self.pan.slope) + self._rng.uniform(-e / 2, e / 2)
        return Grams(max(0, round(noisy / e) * e))

    # --- the machine and its disk ---------------------------------------------------------------

    def _do(self, event: Event) -> None:
        waiting: list[Event] = [event]
        while waiting:
            self.state, effects = scoop.step(self.state, waiting.pop())
            for effect in effects:
                waiting += self._write(effect.entry)

    def _write(self, entry: ScoopTaken | PanChanged) -> list[Event]:
        now = self.t
        if any(begins <= now < ends for begins, ends in self.box.full):
            self.pan.causes.append((now - 1, now + 5))
            return [WriteFailed(self._later(), entry.id)]
        if self._cuts and self._cuts[0][1] and now >= self._cuts[0][0][0]:
            if self._rng.random() < 0.5:
                self.kept.append(Kept(now, entry))
            self._later()
            self._cut(now + self._cuts[0][0][1] - self._cuts[0][0][0])
            return []
        self.kept.append(Kept(now, entry))
        return [Written(self._later(), entry.id)]

    def _id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def _later(self) -> Moment:
        """The same time with another id: the last one is taken."""
        self._now = self._moment()
        return self._now

    def _moment(self) -> Moment:
        now = OPENS + timedelta(seconds=self.t + self.box.skew)
        return Moment(self._elapsed, now, self._id())

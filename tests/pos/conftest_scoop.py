"""A scoop station run by hand: a pan that a test empties, frames ten times a second, a disk."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from dafan.line import LineCard, LineRules, LineStation, OpenTray, ScoopTaken
from dafan.metrology import ScaleRecord
from dafan.money import Fen
from dafan.records import Dish, Unit
from pos import events as ev
from pos.scoop import begin, step
from pos.scoop_state import Line, LineChanged, TagsSeen, WriteFailed, Written
from pos.scoop_view import view
from pos.view import Device

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
A, B, STAFF = "E2000A", "E2000B", "04AA11"
TERMINAL = UUID(int=1)
HEALTHY = ev.Health(scale=Device.OK, reader=Device.OK)


def make_line(**rules):
    dish = Dish(id=uuid4(), name="红烧肉", unit=Unit.KG, price=Fen(4800))
    return Line(
        rules=LineRules(**rules),
        station=LineStation(
            terminal_id=TERMINAL, station=3, label="3", dish_id=dish.id, pan_id=uuid4()
        ),
        dish=dish,
        scale=ScaleRecord(
            terminal_id=TERMINAL, station=3, model="IND", max_grams=15_000, e_grams=2,
            verified_until=date(2026, 12, 31),
        ),
        trays={tag: open_tray() for tag in (A, B)},
        cards={STAFF: LineCard(name="李师傅")},
    )  # fmt: skip


def open_tray():
    return OpenTray(
        session_id=uuid4(), diner_id=uuid4(), name="*三", bound_at=NOON,
        until=NOON + timedelta(hours=2),
    )  # fmt: skip


class Stand:
    """The station with its pan; ``trays`` are those that the reader sees."""

    def __init__(self, pan=8000, **rules):
        self.t, self.pan, self.trays, self.line = 100.0, pan, set(), make_line(**rules)
        self.entries, self.full = [], False
        self.state = begin(self.moment(), 3, self.line)
        self.do(ev.HealthChanged(self.moment(), HEALTHY))
        self.wait(1.5)

    def moment(self):
        return ev.Moment(self.t, NOON + timedelta(seconds=self.t), uuid4())

    def do(self, event):
        waiting = [event]
        while waiting:
            self.state, effects = step(self.state, waiting.pop())
            for effect in effects:
                answer = WriteFailed if self.full else Written
                if not self.full:
                    self.entries.append(effect.entry)
                waiting.append(answer(self.moment(), effect.entry.id))
        return self

    def tell(self, **changes):
        self.line = replace(self.line, **changes)
        return self.do(LineChanged(self.moment(), self.line))

    def frame(self, grams, **flags):
        self.do(ev.Weighed(self.moment(), self.t, grams, **{"stable": True, **flags}))

    def wait(self, seconds, jitter=(0,), frames=True):
        for turn in range(round(seconds * 10)):
            self.t += 0.1
            if self.trays and turn % 2 == 0:
                self.do(TagsSeen(self.moment(), frozenset(self.trays)))
            if frames:
                self.frame(self.pan + jitter[turn % len(jitter)])
            self.do(ev.Tick(self.moment()))
        return self

    def come(self, *tags, seconds=0.8):
        self.trays |= set(tags)
        return self.wait(seconds)

    def go(self, *tags, seconds=1.6):
        self.trays -= set(tags)
        return self.wait(seconds)

    def spoon(self, grams, seconds=0.8):
        """Take with a spoon, which shakes the pan; below zero: put back."""
        self.pan -= grams
        return self.wait(0.4, (190, -120, 40)).wait(seconds)

    def restart(self, seconds=0):
        """The power fails; after a while it is back, and the journal is read."""
        self.t += seconds
        self.state = begin(self.moment(), 3, self.line, self.entries)
        return self.do(ev.HealthChanged(self.moment(), HEALTHY))

    @property
    def view(self):
        return view(self.state)

    @property
    def new(self):
        """What was written since this was asked last, in short."""
        told = [
            ("scoop", one.tray, one.grams, one.amount) if isinstance(one, ScoopTaken)
            else (one.kind.value, one.trays, one.grams)
            for one in self.entries[getattr(self, "asked", 0):]
        ]  # fmt: skip
        self.asked = len(self.entries)
        return told

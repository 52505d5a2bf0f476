"""What happens at a weigh line on one day: the truth, drawn from a seed before any machine runs.

Times are seconds since the doors opened; weights are true grams.
"""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID

WASH_S = 600.0
"""A tray comes back to the entrance after so long."""
DAY_S = 5400.0
STAFF = "04CAFE"
PAN_G = 2000.0
"""A pan of steel."""
SEEN_S = 1.2
"""Nobody puts a tray down for less: a reader that misses some polls sees it."""


@dataclass
class Session:
    """A tray in somebody's hands."""

    id: UUID
    tag: str
    diner: int
    begins: float
    bound: bool
    ends: float = 0.0
    """When it left the line."""
    ended: bool = True
    """The gate saw it leave."""


@dataclass
class Visit:
    """A tray at a pan: each act takes grams from it, or gives some back."""

    session: Session
    station: int
    begins: float
    ends: float
    acts: list[tuple[float, float]] = field(default_factory=list)

    @property
    def grams(self) -> float:
        """What it took in all."""
        return sum(grams for _at, grams in self.acts)


@dataclass
class Pan:
    """One station's day.

    Attributes:
        steps: When the weight changes, and by how much.
        shakes: From when to when it moves, and how far.
        tags: From when to when the reader may see a tag.
        gone: From when to when no pan stands there.
        silent: From when to when the scale says nothing.
        causes: From when to when something happened that may be told as an alarm.
    """

    no: int
    box: int
    e_grams: int
    price: int
    start: float
    slope: float
    """Error of the scale, a share of the load."""
    rate: float
    """Evaporation, grams a second."""
    tared: bool
    """Without its pan the scale is below zero; else the pan itself weighs, too."""
    flagless: bool
    """The scale's own word for being at rest comes at random."""
    visits: list[Visit] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    shakes: list[tuple[float, float, float]] = field(default_factory=list)
    tags: list[tuple[float, float, str]] = field(default_factory=list)
    gone: list[tuple[float, float]] = field(default_factory=list)
    silent: list[tuple[float, float]] = field(default_factory=list)
    causes: list[tuple[float, float]] = field(default_factory=list)
    dark: list[tuple[float, float]] = field(default_factory=list)
    """From when to when its box had no power, as it came."""
    free_at: float = 0.0
    full: bool = False
    """Its box's disk is full for a while."""

    @property
    def itself(self) -> float:
        """What the scale shows of the empty pan."""
        return 0.0 if self.tared else PAN_G

    def shake(self, at: float, seconds: float, amplitude: float) -> None:
        """It moves around a moment."""
        self.shakes.append((at - seconds, at + seconds, amplitude))


@dataclass
class Box:
    """What drives some stations."""

    no: int
    skew: float
    """Its clock less the true time, seconds."""
    believed: float
    """What the server believes of it."""
    dark: list[tuple[float, float]] = field(default_factory=list)
    """Without power."""
    at_a_write: list[bool] = field(default_factory=list)
    """Of each of these: it fails at the first write after its beginning."""
    cut_off: list[tuple[float, float]] = field(default_factory=list)
    full: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Plan:
    """A day."""

    seed: int
    boxes: list[Box]
    pans: list[Pan]
    sessions: list[Session]
    gate: Box


def make_plan(seed: int, crowd: int | None = None) -> Plan:
    """What a seed brings; ``crowd`` diners instead of as many as it would."""
    rng = Random(f"line {seed}")
    boxes = [_box(rng, no) for no in range(rng.choice((2, 2, 3)))]
    pans = [_pan(rng, no, no % len(boxes)) for no in range(1, rng.randrange(6, 13) + 1)]
    plan = Plan(seed, boxes, pans, [], _box(rng, len(boxes)))
    plan.gate.dark = plan.gate.full = []
    _people(rng, plan, crowd)
    attacks = {name for name in _ATTACKS if rng.random() < 0.45}
    for pan in pans:
        for visit in pan.visits:
            _scoop(rng, pan, visit)
        _staff(rng, pan)
        for name in sorted(attacks):
            _ATTACKS[name](rng, pan)
        _finish(pan)
    for box in boxes:
        _outages(rng, box)
    for pan in pans:
        pan.full = bool(boxes[pan.box].full)
    return plan


def _box(rng: Random, no: int) -> Box:
    skew = rng.choice((0.0, rng.uniform(-300, 300)))
    return Box(no, skew, skew + rng.uniform(-5, 5))


def _pan(rng: Random, no: int, box: int) -> Pan:
    pan = Pan(
        no, box, rng.choice((1, 2, 2, 5)), rng.randrange(800, 9000), rng.uniform(4000, 10_000),
        rng.uniform(-4e-4, 4e-4), rng.choice((0.0, rng.uniform(0, 0.02))),
        rng.random() < 0.3, rng.random() < 0.2,
    )  # fmt: skip
    pan.start += pan.itself
    return pan


# --- diners -------------------------------------------------------------------------------------


def _people(rng: Random, plan: Plan, crowd: int | None) -> None:
    diners = crowd or rng.randrange(100, 180)
    trays = [(0.0, f"E2{number:06X}") for number in range(diners // 4 + 12)]
    arrivals = sorted(rng.uniform(5, DAY_S - 900) for _ in range(diners))
    for number, arrival in enumerate(arrivals):
        ready = [tray for tray in trays if tray[0] <= arrival]
        if not ready:
            continue
        tray = min(ready)
        trays.remove(tray)
        session = Session(
            UUID(int=rng.getrandbits(128)), tray[1], number, arrival, rng.random() > 0.02
        )
        session.ends = _walk(rng, plan, session)
        session.ended = rng.random() > 0.03
        wash = WASH_S if session.ended else 2 * WASH_S
        trays.append((session.ends + rng.uniform(wash, 2 * wash), tray[1]))
        plan.sessions.append(session)


def _walk(rng: Random, plan: Plan, session: Session) -> float:
    now = session.begins
    pans = rng.sample(plan.pans, rng.randrange(2, min(5, len(plan.pans))))
    if rng.random() < 0.15:
        pans.append(pans[0])
    for pan in pans:
        now += rng.uniform(3, 20)
        gap = rng.uniform(0.0, 0.6) if rng.random() < 0.1 else rng.uniform(0.9, 4)
        visit = Visit(session, pan.no, max(now, pan.free_at + gap), 0.0)
        now = visit.begins + (-0.2 if rng.random() < 0.03 else rng.uniform(0.4, 2))
        taken = sum(before.grams for before in pan.visits if before.session is session)
        for _ in range(rng.choice((1, 1, 2, 2, 3))):
            grams = round(rng.uniform(25, 320) * rng.choice((1, 1, 0.3)), 1)
            if rng.random() < 0.1:
                limit = max(0.0, taken) if rng.random() > 0.1 else taken + 150
                grams = -round(min(limit, rng.uniform(20, 200)), 1)
            visit.acts.append((now, grams))
            taken += grams
            now += 0.35 if rng.random() < 0.2 else rng.uniform(0.9, 3)
        now += rng.choice((0.0, 0.5, 1.0, 5.0))
        visit.ends = now = max(now, visit.begins + SEEN_S)
        pan.visits.append(visit)
        pan.free_at = now
    return now + rng.uniform(5, 60)


def _scoop(rng: Random, pan: Pan, visit: Visit) -> None:
    pan.tags.append((visit.begins, visit.ends, visit.session.tag))
    for at, grams in visit.acts:
        pan.steps.append((at, -grams))
        pan.shake(at, rng.uniform(0.15, 0.4), rng.uniform(20, 260))


# --- staff, and what else happens at a pan -------------------------------------------------------


def _staff(rng: Random, pan: Pan) -> None:
    """Fill it whenever it runs low, mostly between two diners."""
    level, visits = pan.start - pan.itself, sorted(pan.visits, key=lambda visit: visit.begins)
    for visit in visits:
        level -= visit.grams
        if level > 1500:
            continue
        at = visit.ends + rng.uniform(0.5, 3) - (rng.random() < 0.1) * 3
        more = rng.uniform(3500, 8000)
        level += more
        kind = rng.choice(("pour", "pour", "swap", "forgets"))
        if kind != "forgets":
            pan.tags.append((at, at + 1.2, STAFF))
        if kind == "swap":
            pan.gone.append((at + 2, at + 8))
            pan.shake(at + 2, 0.4, 900)
            pan.steps.append((at + 5, more))
            pan.shake(at + 8, 0.5, 900)
        else:
            for part in range(2):
                pan.steps.append((at + 3 + 2 * part, more / 2))
                pan.shake(at + 3 + 2 * part, 0.6, 700)
        pan.causes.append((at, at + 70))


def _passers(rng: Random, pan: Pan) -> None:
    """Trays cross: they go by while somebody else scoops."""
    for visit in rng.sample(pan.visits, len(pan.visits) // 6):
        at = rng.uniform(visit.begins - 1, visit.ends)
        pan.tags.append((at, at + rng.uniform(0.1, 1.2), f"E2FF{rng.randrange(9999):04d}"))


def _thieves(rng: Random, pan: Pan) -> None:
    """Somebody without a tray."""
    for _ in range(rng.randrange(3)):
        at = rng.uniform(20, DAY_S - 100)
        if any(each.begins - 3 < at < each.ends + 3 for each in pan.visits):
            continue  # beside a tray, no scale can tell whose hand it was
        pan.steps.append((at, -rng.uniform(30, 200)))
        pan.shake(at, 0.3, 120)
        pan.causes.append((at - 1, at + 1))


def _leaning(rng: Random, pan: Pan) -> None:
    for _ in range(rng.randrange(3)):
        at, seconds = rng.uniform(20, DAY_S - 100), rng.uniform(0.5, 7)
        heavy = rng.uniform(300, 3000)
        pan.steps += [(at, heavy), (at + seconds, -heavy)]
        pan.shake(at, 0.3, 200)
        pan.shake(at + seconds, 0.3, 200)
        pan.causes.append((at - 1, at + seconds + 1))


def _lifted(rng: Random, pan: Pan) -> None:
    for _ in range(rng.randrange(3)):
        at, seconds = rng.uniform(20, DAY_S - 100), rng.uniform(0.4, 20)
        pan.gone.append((at, at + seconds))
        pan.shake(at, 0.2, 500)
        pan.shake(at + seconds, 0.2, 500)
        pan.causes.append((at - 1, at + seconds + 1))


def _shaken(rng: Random, pan: Pan) -> None:
    """A trolley goes by: nothing rests for a while."""
    for _ in range(rng.randrange(5)):
        at = rng.uniform(20, DAY_S - 100)
        pan.shake(at, seconds := rng.uniform(0.5, 8), 5 * pan.e_grams)
        pan.causes.append((at - seconds, at + seconds))  # now and then it seems to rest


def _mute(rng: Random, pan: Pan) -> None:
    for _ in range(rng.randrange(3)):
        at = rng.uniform(20, DAY_S - 100)
        pan.silent.append((at, at + rng.uniform(0.5, 10)))
        pan.causes.append(pan.silent[-1])


_ATTACKS = {
    "passers": _passers, "thieves": _thieves, "leaning": _leaning, "lifted": _lifted,
    "shaken": _shaken, "mute": _mute,
}  # fmt: skip


def _finish(pan: Pan) -> None:
    for known in (pan.steps, pan.shakes, pan.tags, pan.gone, pan.silent, pan.causes):
        known.sort()
    pan.visits.sort(key=lambda visit: visit.begins)


def _outages(rng: Random, box: Box) -> None:
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 4)):
            at = rng.uniform(30, DAY_S - 200)
            box.dark.append((at, at + rng.uniform(10, 90)))
            box.at_a_write.append(rng.random() < 0.5)
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 3)):
            at = rng.uniform(0, DAY_S - 600)
            box.cut_off.append((at, at + rng.uniform(60, 3000)))
    if rng.random() < 0.3:
        at = rng.uniform(30, DAY_S - 200)
        box.full.append((at, at + rng.uniform(5, 60)))

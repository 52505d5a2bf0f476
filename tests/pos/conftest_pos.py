"""A small canteen, and a till run by hand: the pure station with a pretended edge."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from uuid import UUID, uuid4

from dafan.clock import ManualClock
from dafan.food import Food, Wish
from dafan.money import Fen
from dafan.records import (
    Card,
    CardStatus,
    DayUse,
    Diner,
    DinerStatus,
    Dish,
    FaceEvidence,
    FeedItem,
    FeedPage,
    Group,
    MealPeriod,
    MealRule,
    Policy,
    Sale,
    TerminalInfo,
    Unit,
)
from pos import events as ev
from pos.screen import view
from pos.snapshot import Account, Catalogue, account_of, trading_day
from pos.state import Open, State
from pos.station import step
from pos.view import Device

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai, a Monday."""
EVIDENCE = FaceEvidence(pack="test", similarity=700, margin=300, liveness=900, frames=3)


def make_policy(**changes):
    periods = (
        MealPeriod(code="breakfast", name="早餐", starts=time(6, 30), ends=time(9)),
        MealPeriod(code="lunch", name="午餐", starts=time(11), ends=time(13, 30)),
        MealPeriod(code="dinner", name="晚餐", starts=time(17), ends=time(19)),
    )
    return Policy(**{"periods": periods, "confirm_ms": 2000, "tray_grams": 0, **changes})


@dataclass
class Canteen:
    """What a server would publish."""

    site_id: UUID = field(default_factory=uuid4)
    terminal_id: UUID = field(default_factory=uuid4)
    policy: Policy = field(default_factory=make_policy)
    foods: dict[UUID, Food] = field(default_factory=dict)

    def __post_init__(self):
        self.weighed = Dish(id=uuid4(), name="自选称重", unit=Unit.KG, price=Fen(2800))
        self.rice = Dish(
            id=uuid4(), name="米饭", unit=Unit.PIECE, price=Fen(100),
            half_price=Fen(50), small_price=Fen(30),
        )  # fmt: skip
        self.unpriced = Dish(id=uuid4(), name="新菜", unit=Unit.PIECE, price=None)
        self.terminal = TerminalInfo(
            id=self.terminal_id, name="3号台", site_id=self.site_id, site_name="机关食堂",
            venue_id=uuid4(), venue_name="一食堂", weigh_dish_id=self.weighed.id,
        )  # fmt: skip
        self.group = Group(
            id=uuid4(), name="干部职工", discount_percent=10,
            meals={"lunch": MealRule(subsidised_per_day=1)},
        )  # fmt: skip

    def dishes(self):
        return {d.id: d for d in (self.weighed, self.rice, self.unpriced)}

    def catalogue(self):
        return Catalogue(self.terminal, self.policy, self.dishes(), 1, self.foods)

    def diner(self, name="甲子", **changes):
        fields = {
            "id": uuid4(), "staff_no": "1001", "name": name, "department": "办公室",
            "group_id": self.group.id, "status": DinerStatus.ACTIVE, "subsidy": Fen(1000),
            "cash": Fen(5000), "today": DayUse(date=trading_day(self.policy, NOON)),
        }  # fmt: skip
        return Diner(**{**fields, **changes})

    def page(self, *extra, since=0, version=1):
        """A feed page with everything that a till needs, and more items."""
        parts = [
            ("policy", "policy", self.policy),
            ("terminal", str(self.terminal_id), self.terminal),
            ("group", str(self.group.id), self.group),
            *(("dish", str(d.id), d) for d in self.dishes().values()),
            *extra,
        ]
        items = tuple(item(*part, version=version) for part in parts)
        return FeedPage(since=since, version=version, items=items, more=False, server_time=NOON)


def item(kind, key, record, version=1):
    body = record.to_body() if record is not None else None
    return FeedItem(kind=kind, key=key, version=version, body=body)


def card(number, diner, status=CardStatus.ACTIVE):
    return Card(number=number, diner_id=diner.id, status=status)


@dataclass
class Hand:
    """Runs the station by hand; accounts, PINs and the disk are plain Python."""

    canteen: Canteen
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON, 1000.0))
    diners: dict[UUID, Diner] = field(default_factory=dict)
    faces: set[UUID] = field(default_factory=set)
    wishes: dict[UUID, Wish] = field(default_factory=dict)
    sales: list[Sale] = field(default_factory=list)
    attempts: list[Sale] = field(default_factory=list)
    disk_full: bool = False
    pin: str = "246810"

    def __post_init__(self):
        self.state = State(self.moment())
        self.looking = False
        self.effects = []
        self.send(lambda at: ev.SnapshotChanged(at, self.canteen.catalogue()))
        self.health()

    def moment(self):
        return ev.Moment(self.clock.monotonic(), self.clock.now(), uuid4())

    # --- the edge

    def send(self, make):
        waiting = [make]
        while waiting:
            self.state, effects = step(self.state, waiting.pop(0)(self.moment()))
            for effect in effects:
                self.effects.append(effect)
                answer = self.answer(effect)
                if answer is not None:
                    waiting.append(answer)
        view(self.state)
        return self

    def pass_over(self, seconds):
        """A long time passes in one step."""
        self.clock.advance(seconds)
        return self.send(ev.Tick)

    def answer(self, effect):
        match effect:
            case ev.StartLooking():
                self.looking = True
            case ev.StopLooking():
                self.looking = False
            case ev.ReadAccount(diner_id):
                return lambda at: ev.AccountRead(at, diner_id, self.account(diner_id))
            case ev.FindStaff(staff_no):
                found = [d.id for d in self.diners.values() if d.staff_no == staff_no]
                return lambda at: ev.StaffFound(at, staff_no, found[0] if found else None)
            case ev.CheckPin(diner_id, pin):
                return lambda at: ev.PinChecked(at, diner_id, pin == self.pin)
            case ev.WriteSale(sale, _):
                self.attempts.append(sale)
                if self.disk_full:
                    return lambda at: ev.WriteFailed(at, sale.id)
                if sale.id not in {s.id for s in self.sales}:
                    self.sales.append(sale)
                return lambda at: ev.SaleWritten(at, sale.id)
        return None

    def account(self, diner_id) -> Account | None:
        diner = self.diners.get(diner_id)
        if diner is None:
            return None
        mine = [s for s in self.sales if s.diner_id == diner_id]
        today = trading_day(self.canteen.policy, self.clock.now())
        has_face = diner_id in self.faces
        return account_of(
            diner, self.canteen.group, mine, today, has_face=has_face,
            wish=self.wishes.get(diner_id),
        )  # fmt: skip

    # --- the world

    def person(self, **changes):
        diner = self.canteen.diner(**changes)
        self.diners[diner.id] = diner
        self.faces.add(diner.id)
        return diner

    def health(self, **changes):
        fine = {"scale": Device.OK, "camera": Device.OK, "printer": Device.OK, "reader": Device.OK}
        return self.send(lambda at: ev.HealthChanged(at, ev.Health(**{**fine, **changes})))

    def weigh(self, grams, *, stable=True, age=0.0, **flags):
        arrived = self.clock.monotonic() - age
        return self.send(lambda at: ev.Weighed(at, arrived, grams, stable, **flags))

    def place(self, grams):
        """A diner puts a tray on the empty scale."""
        return self.weigh(0).weigh(grams // 2, stable=False).weigh(grams)

    def face(self, diner, *, doubt=None, since=None):
        seen = self.clock.monotonic() if since is None else since
        return self.send(lambda at: ev.FaceKnown(at, seen, diner.id, EVIDENCE, doubt))

    def card(self, diner, *, lost=False):
        return self.send(lambda at: ev.CardSeen(at, diner.id if diner else None, lost))

    def press(self, action, **params):
        return self.send(lambda at: ev.Pressed(at, action, params))

    def wait(self, seconds, grams="silent", **flags):
        """Time passes, the scale repeating its word ten times a second."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            if grams != "silent":
                self.weigh(grams, **flags)
            self.send(ev.Tick)
        return self

    def publish(self):
        return self.send(lambda at: ev.SnapshotChanged(at, self.canteen.catalogue()))

    # --- what is seen

    @property
    def view(self):
        return view(self.state)

    @property
    def notice(self):
        return self.view.notice.code if self.view.notice else None

    @property
    def basket(self):
        phase = self.state.phase
        return phase.basket if isinstance(phase, Open) else None

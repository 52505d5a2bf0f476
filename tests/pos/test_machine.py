"""Whatever happens in whatever order: a tray is paid at most once, for what it weighed."""

from conftest_desk import DeskHand
from conftest_pos import Canteen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dafan.records import Tender
from pos import events as ev
from pos.screen import view
from pos.state import Confirm, DeskPhase
from pos.view import Device, NoticeCode

GRAMS = st.sampled_from([0, 5, 150, 412, 413, 600, 4999])
DISHES = st.sampled_from(["rice", "unpriced", "weighed", "none"])
PLUGS = st.sampled_from([Device.OK, Device.OK, Device.OFF])
WAYS = st.sampled_from(["card", "qr", "staff_no", "cash", "help", "face", "nonsense"])


class Canteenful(RuleBasedStateMachine):
    """Random events; the model knows only what physically stood on the scale."""

    def __init__(self):
        super().__init__()
        self.canteen = Canteen()
        self.hand = DeskHand(self.canteen)
        self.people = [
            self.hand.person(name=name, staff_no=str(1001 + i), pin_hash="x", cash=100_000)
            for i, name in enumerate(("甲子", "乙丑", "丙寅"))
        ]
        self.tray_of_sale = {}
        self.tray = 0
        self.sold_at_desk = None
        self.steady_grams = set()

    def seen(self, grams, *, stable=True, **flags):
        sold = len(self.hand.sales)
        if grams == 0 and stable and not flags:
            self.tray += 1
            self.steady_grams = set()
        elif stable and not flags and grams is not None:
            self.steady_grams.add(grams)
        self.hand.weigh(grams, stable=stable, **flags)
        assert len(self.hand.sales) == sold, "a reading alone never pays"

    @rule(grams=GRAMS)
    def steady(self, grams):
        self.seen(grams)

    @rule(grams=GRAMS)
    def restless(self, grams):
        self.seen(grams, stable=False)

    @rule(kind=st.sampled_from(["over", "negative", "garbled"]), grams=st.none() | GRAMS)
    def faulty(self, kind, grams):
        if kind == "negative":
            self.tray += 1  # lifted off a tared scale
            self.steady_grams = set()
        self.hand.weigh(grams, **{kind: True})

    @rule(grams=GRAMS)
    def late(self, grams):
        self.hand.weigh(grams, age=3.0)

    @rule(who=st.integers(0, 2), doubt=st.sampled_from([None, NoticeCode.SECOND_FACTOR]))
    def face(self, who, doubt):
        self.hand.face(self.people[who], doubt=doubt)

    @rule(who=st.integers(0, 2), lost=st.booleans())
    def card(self, who, lost):
        self.hand.card(self.people[who], lost=lost)

    @rule(who=st.none() | st.integers(0, 2))
    def qr(self, who):
        diner_id = None if who is None else self.people[who].id
        self.hand.send(lambda at: ev.QrSeen(at, diner_id))

    @rule(way=WAYS)
    def way(self, way):
        self.hand.press("way", way=way)

    @rule(digits=st.sampled_from(["246810", "000000", "1001", "9999", ""]))
    def digits(self, digits):
        self.hand.press("digits", digits=digits)

    @rule(action=st.sampled_from(["cancel", "pick", "picked", "yes", "retry", "reprint", "odd"]))
    def press(self, action):
        self.hand.press(action)

    @rule(
        dish=st.sampled_from(["rice", "unpriced", "weighed", "none"]),
        portion=st.sampled_from(["full", "half", "x"]),
    )
    def add(self, dish, portion):
        found = getattr(self.canteen, dish, None)
        self.hand.press("add", dish=str(found.id) if found else "?", portion=portion)

    @rule(action=st.sampled_from(["staff", "shift", "void", "reason"]), number=st.integers(0, 3))
    def desk(self, action, number):
        sale = str(self.hand.sales[number].id) if number < len(self.hand.sales) else "?"
        self.hand.press(action, sale=sale, reason="twice")

    @rule(number=st.integers(0, 3))
    def a_whole_void(self, number):
        self.hand.tries = 5
        self.hand.sign_in()
        self.desk("void", number)
        self.desk("reason", number)
        for press in ("yes", "yes", "cancel", "cancel"):
            self.hand.press(press)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.0]), repeat=st.booleans())
    def time(self, seconds, repeat):
        pan = self.hand.state.pan
        again = pan.stable and pan.fault is None and repeat
        self.hand.wait(seconds, pan.grams if again else "silent")

    @rule(seconds=st.sampled_from([20, 100, 1000]))
    def long_time(self, seconds):
        self.hand.pass_over(seconds)

    @rule(seconds=st.sampled_from([-3600, 60, 86400]))
    def jump(self, seconds):
        self.hand.clock.jump(seconds)

    @rule(full=st.booleans())
    def disk(self, full):
        self.hand.disk_full = full

    @rule(
        scale=st.sampled_from([Device.OK, Device.OFF]),
        camera=st.sampled_from([Device.OK, Device.OFF]),
    )
    def plugs(self, scale, camera):
        self.hand.health(scale=scale, camera=camera)

    @rule(who=st.integers(0, 2), here=st.booleans())
    def consent(self, who, here):
        change = self.hand.faces.add if here else self.hand.faces.discard
        change(self.people[who].id)
        self.hand.publish()

    @rule(who=st.integers(0, 2), grams=st.sampled_from([412, 600]))
    def a_whole_meal(self, who, grams):
        self.seen(0)
        self.seen(grams)
        self.face(who, None)
        self.press("yes")
        self.time(2.0, repeat=True)
        self.time(0.5, repeat=True)

    @precondition(lambda self: isinstance(self.hand.state.phase, Confirm))
    @rule()
    def let_it_pass(self):
        self.time(2.0, repeat=True)
        self.time(0.5, repeat=True)

    @invariant()
    def every_sale_is_of_its_own_tray_and_what_it_weighed(self):
        for sale in self.hand.sales[len(self.tray_of_sale) :]:
            self.tray_of_sale[sale.id] = (self.tray, any(li.grams for li in sale.lines))
            for line in sale.lines:
                if line.grams is not None:
                    assert line.grams in self.steady_grams
            if sale.tender is Tender.FACE:
                assert sale.diner_id in self.hand.faces
        weighed = [tray for tray, by_weight in self.tray_of_sale.values() if by_weight]
        assert len(weighed) == len(set(weighed))

    @invariant()
    def ids_are_unique_and_sums_agree(self):
        sales = self.hand.sales
        assert len({sale.id for sale in sales}) == len(sales)
        for sale in sales:
            assert sale.total == sum(p.amount for p in sale.payments)
            assert sale.lines

    @invariant()
    def a_sale_is_taken_back_once_and_nothing_is_sold_at_the_desk(self):
        taken = [void.sale_id for void in self.hand.voids]
        assert len(set(taken)) == len(taken)
        assert set(taken) <= {sale.id for sale in self.hand.sales}
        at_desk = isinstance(self.hand.state.phase, DeskPhase)
        if at_desk:
            assert not self.hand.looking
            assert self.sold_at_desk in {None, len(self.hand.sales)}
        self.sold_at_desk = len(self.hand.sales) if at_desk else None

    @invariant()
    def a_face_is_looked_for_only_with_something_to_pay(self):
        if self.hand.looking:
            assert view(self.hand.state).total is not None


Canteenful.TestCase.settings = settings(
    max_examples=25, stateful_step_count=50, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestMachine = Canteenful.TestCase

"""The return station: a tray counts once, is on the disk before anything is said, and is told."""

from uuid import uuid4

import pytest
from conftest_pos import NOON, Canteen, card, item
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.clock import ManualClock
from dafan.crypto import make_qr, new_key
from dafan.journal import JournalError
from dafan.plates import PlateAnswer
from dafan.records import CardStatus, FeedItem
from kitchen.clean_plate import Verdict
from pos import events as ev
from pos.kiosk.plate_page import create_plate_page, wire
from pos.kiosk.plate_texts import TEXTS
from pos.plate import Answered, ReturnWritten, State, WriteReturn, step
from pos.plate_station import PlateStation, without_faces
from pos.plate_view import view
from pos.snapshot import account_of, trading_day
from pos.store import TillStore
from pos.view import Device

KEY = new_key()
CARD, LOST = "0000001001", "0000001002"


class Edge:
    """A station whose events are put by hand; its file is a real one."""

    def __init__(self, canteen, folder, now=NOON):
        self.canteen, self.clock = canteen, ManualClock(now, 1000.0)
        self.diner = canteen.diner("张三", points=4)
        self.store = TillStore(folder / "till.db", canteen.terminal_id, KEY, self.clock)
        self.station = PlateStation(self.store, self.clock)

    def learn(self):
        found = [
            item("diner", str(self.diner.id), self.diner),
            item("card", CARD, card(CARD, self.diner)),
            item("card", LOST, card(LOST, self.diner, CardStatus.LOST)),
        ]
        self.store.apply_feed_page(
            self.canteen.page(*((one.kind, one.key, _Body(one.body)) for one in found))
        )
        return self.run()

    def run(self):
        """Take in what is queued, as the station's thread does."""
        self.station.run_queued()
        self.station.put_health(scale=Device.OK)
        self.station.run_queued()
        return self

    def weigh(self, grams, stable=True, seconds=0.1):
        self.clock.advance(seconds)
        at = self.clock.monotonic()
        self.station.take_in(lambda m: ev.Weighed(m, at, grams, stable))
        return self

    def hold(self, text=CARD):
        self.station.put_typed(text)
        return self.run()

    def wait(self, seconds, grams):
        for _ in range(round(seconds * 10)):
            self.weigh(grams)
            self.station.take_in(ev.Tick)
        return self

    def said(self):
        """Title, figure, and the notice above."""
        shown = view(self.station.state)
        assert wire(shown)["title"] == shown.title
        return shown.title.zh, shown.figure, shown.notice.zh if shown.notice else ""

    def entries(self):
        return self.store.journal.read(0)


class _Body:
    """What a feed item carries already."""

    def __init__(self, body):
        self._body = body

    def to_body(self):
        return self._body


@pytest.fixture
def edge(canteen, tmp_path):
    made = Edge(canteen, tmp_path)
    assert view(made.station.state).screen == "setup"
    yield made.learn()
    made.store.close()


def answer(edge, verdict, left=0, points=0, balance=0):
    plate_id = edge.entries()[-1].id
    told = PlateAnswer(verdict=verdict, left=left, points=points, balance=balance)
    edge.station.take_in(lambda at: Answered(at, plate_id, told))


def test_card_then_tray_and_tray_then_card_are_each_written_once_and_told(edge):
    edge.weigh(0)
    assert edge.said()[0] == "光盘请还到这里"
    edge.hold("0000009999")
    assert "不认识" in edge.said()[2]
    edge.hold(LOST)
    assert "挂失" in edge.said()[2]
    edge.hold().weigh(0)
    assert (edge.said()[0], view(edge.station.state).name) == ("请放上餐盘", "张*")
    edge.weigh(300, stable=False).weigh(512)
    assert [(one.kind, one.body["grams"], one.body["by"]) for one in edge.entries()] == [
        ("plate", 512, "card")
    ]
    assert edge.said()[0] == "正在看…"
    answer(edge, "clean", 12, 1, 5)
    assert edge.said()[:2] == ("光盘，真棒！", "+1")
    edge.wait(4, 512)
    assert edge.said()[0] == "光盘，真棒！", "the tray still stands there"
    edge.hold()
    assert edge.said()[0] == "请先拿走上一个餐盘"
    assert len(edge.entries()) == 1
    edge.weigh(0).weigh(640)
    assert len(edge.entries()) == 2
    answer(edge, "left_over", 140)
    assert edge.said()[:2] == ("剩了一些", "140")
    edge.weigh(0).wait(4, 0).weigh(500)
    assert edge.said()[0] == "请刷卡或扫码"
    edge.hold(make_qr(KEY, edge.diner.id))
    assert edge.entries()[-1].body["by"] == "qr"


def test_without_a_server_it_is_noted_and_what_is_noted_survives_the_plug(edge, canteen, tmp_path):
    edge.weigh(0).hold().weigh(505).wait(3, 505)
    assert edge.said()[0] == "已记下"
    answer(edge, "clean", 5, 1, 5)
    assert edge.said()[0] == "光盘，真棒！", "he still stands there"
    edge.wait(10, 505)
    edge.weigh(0).hold().wait(21, 0)
    assert "没有等到餐盘" in edge.said()[2]
    written = edge.entries()
    again = Edge(canteen, tmp_path)  # nothing was closed: as after SIGKILL
    assert (again.entries(), again.store.journal.acknowledged()) == (written, 0)
    assert again.station.state.catalogue.ready, "cards are known without a network"
    template = FeedItem(kind="template", key="1", version=2, body={})
    page = canteen.page().model_copy(update={"items": (template,)})
    assert without_faces(page).items == ()
    again.store.close()


def test_a_full_disk_is_said_and_nothing_is_promised(edge, monkeypatch):
    def full(*_):
        raise JournalError("no space")

    monkeypatch.setattr(edge.store.journal, "append", full)
    edge.weigh(0).hold().weigh(505)
    assert edge.said()[0] == "没有记下"
    assert edge.entries() == []


def test_the_page_belongs_to_its_own_screen_and_every_verdict_has_its_words(edge):
    client = create_plate_page(edge.station).test_client()
    assert "光盘回收台" in client.get("/").text
    head = {"X-Dafan": "kiosk"}
    assert client.post("/press", json={"action": "card", "number": CARD}).status_code == 403
    pressed = client.post("/press", json={"action": "card", "number": CARD}, headers=head)
    assert pressed.status_code == 204
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    events = client.get("/events", buffered=False)
    edge.run()
    assert view(edge.station.state).name == "张*"
    events.close()
    assert {verdict.value for verdict in Verdict} <= TEXTS.keys()
    assert all(text.en or text == ("", "") for pair in TEXTS.values() for text in pair)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(["empty", "tray", "card", "tick", "written"]),
                       st.integers(1, 200)), max_size=40)
)  # fmt: skip
def test_whatever_happens_a_tray_is_written_only_when_the_scale_was_empty_before(steps):
    canteen = Canteen()
    diner = canteen.diner()
    account = account_of(
        diner, canteen.group, (), trading_day(canteen.policy, NOON), has_face=False
    )
    clock = ManualClock(NOON, 1000.0)

    def moment():
        return ev.Moment(clock.monotonic(), clock.now(), uuid4())

    state = State(moment(), canteen.catalogue())
    empty, written = False, []
    for what, tenths in steps:
        clock.advance(tenths / 10)
        at = moment()
        events = {
            "empty": ev.Weighed(at, at.elapsed, 0, stable=True),
            "tray": ev.Weighed(at, at.elapsed, 500 + tenths, stable=True),
            "card": ev.AccountRead(at, diner.id, account),
            "tick": ev.Tick(at),
            "written": ReturnWritten(at, written[-1].id if written else uuid4()),
        }
        state, effects = step(state, events[what])
        found = [one.plate for one in effects if isinstance(one, WriteReturn)]
        if found:
            assert empty
            empty = False
        empty = empty or what == "empty"
        written += found
        view(state)
    assert len({plate.id for plate in written}) == len(written)

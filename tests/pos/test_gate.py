"""The gate: one diner and one tray become a session, once, written before it says go."""

from datetime import timedelta
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from conftest_pos import NOON, card, item

from dafan.clock import ManualClock
from dafan.crypto import make_qr, new_key
from dafan.journal import JournalError
from dafan.line import LineCard, LineRules, OpenTray, SiteTray, TrayState
from dafan.money import Fen
from dafan.records import CardStatus, DinerStatus, FaceEvidence, Template
from pos import events as ev
from pos.gate_state import Billed, Idle
from pos.gate_station import GateStation
from pos.gate_view import view
from pos.kiosk.gate_page import create_gate_page, wire
from pos.line_book import LineBook
from pos.store import TillStore
from pos.view import Device, NoticeCode

KEY = new_key()
CARDS = {"own": "0000001001", "other": "0000001002", "lost": "0000001003", "cold": "0000001004"}
TRAY, SECOND, STAFF = "E2003016", "E2003017", "E2009999"
LOST, RETIRED, SHIRT = "E2003018", "E2003019", "0477AA12"
HASHED = PasswordHasher(1, 8, 1).hash("246810")


class Edge:
    """A gate whose events are put by hand; its file is a real one."""

    def __init__(self, canteen, folder, role="both", diners=None):
        self.canteen, self.clock = canteen, ManualClock(NOON, 1000.0)
        self.own, self.other, self.cold = diners or (
            canteen.diner("张三", pin_hash=HASHED),
            canteen.diner("李四", staff_no="1002", cash=Fen(0), subsidy=Fen(100), pin_hash=HASHED),
            canteen.diner("王五", staff_no="1003", status=DinerStatus.FROZEN),
        )
        self.store = TillStore(folder / "till.db", canteen.terminal_id, KEY, self.clock)
        book = LineBook(folder / "till.db", canteen.terminal_id)
        self.gate = GateStation(self.store, book, self.clock, role)
        self.feed()

    def feed(self, *more):
        cards = [
            ("card", CARDS["own"], card(CARDS["own"], self.own)),
            ("card", CARDS["other"], card(CARDS["other"], self.other)),
            ("card", CARDS["cold"], card(CARDS["cold"], self.cold)),
            ("card", CARDS["lost"], card(CARDS["lost"], self.own, CardStatus.LOST)),
        ]
        people = [("diner", str(d.id), d) for d in (self.own, self.other, self.cold)]
        line = [
            ("line_rules", "line", LineRules(least_balance=Fen(500))),
            ("line_card", STAFF, LineCard(name="后厨")),
        ]
        page = self.canteen.page(*cards, *people, *line)
        self.store.apply_feed_page(page.model_copy(update={"items": (*page.items, *more)}))
        self.gate.run_queued()

    def put(self, make):
        self.gate.put(make)
        self.gate.run_queued()
        return self

    def tags(self, *tags):
        self.gate.put_tags(frozenset(tags))
        self.gate.run_queued()
        return self

    def hold(self, who="own"):
        self.gate.put_typed(CARDS.get(who, who))
        self.gate.run_queued()
        return self

    def wait(self, seconds):
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.put(ev.Tick)
        return self

    def said(self):
        shown = view(self.gate.state)
        assert wire(shown)["title"] == shown.title
        return shown.title.zh

    def notice(self):
        return view(self.gate.state).notice.zh

    def entries(self):
        return [
            (one.kind, one.body["tray"], one.body.get("by") or one.body["how"])
            for one in self.store.journal.read(0)
        ]

    def close(self):
        self.gate._broadcast.close()
        self.gate._book.close()
        self.store.close()


@pytest.fixture
def edge(canteen, tmp_path):
    made = Edge(canteen, tmp_path)
    yield made
    made.close()


def test_diner_and_tray_in_either_order_become_one_session_and_the_tray_alone_ends_it(edge):
    assert edge.said() == "取餐 · 还盘"
    edge.hold()
    assert (edge.said(), view(edge.gate.state).name) == ("请放上餐盘", "张*")
    edge.tags(TRAY)
    assert edge.said() == "可以取餐了"
    assert edge.entries() == [("tray_bound", TRAY, "card")]
    edge.wait(12).tags(TRAY)  # it stays on the reader: nothing happens twice
    assert isinstance(edge.gate.state.phase, Idle)
    assert len(edge.entries()) == 1
    edge.tags().tags(TRAY)  # taken away, eaten from, brought back
    assert edge.entries()[1:] == [("tray_ended", TRAY, "return")]
    assert edge.said() == "已记下"
    ended = edge.store.journal.read(0)[-1]
    assert ended.body["session_id"] == str(edge.store.journal.read(0)[0].id)
    edge.put(lambda at: Billed(at, ended.id, Fen(1280)))
    assert (edge.said(), view(edge.gate.state).figure) == ("本餐已结算", "12.80")
    edge.tags().wait(4).tags(TRAY)
    assert edge.said() == "这是谁的餐盘？"
    edge.hold()
    assert [kind for kind, *_ in edge.entries()] == ["tray_bound", "tray_ended", "tray_bound"]


def test_who_may_not_take_a_tray_hears_why_and_nothing_is_written(edge):
    edge.hold("lost")
    assert "挂失" in edge.notice()
    edge.hold("0000009999")
    assert "不认识" in edge.notice()
    edge.hold("cold")
    assert edge.said() == "账户已冻结"
    edge.wait(4).hold("other")
    assert (edge.said(), view(edge.gate.state).advice.zh) == ("余额不足", "还差 ¥4.00：请先充值")
    edge.wait(4).hold().tags(TRAY, SECOND)
    assert edge.notice() == "一次只放一个餐盘"
    edge.wait(21)
    assert "没有等到" in edge.notice()
    edge.tags(STAFF)
    assert edge.said() == "取餐 · 还盘"
    assert edge.entries() == []


def test_a_tray_in_somebodys_hands_is_told_with_its_time_and_changes_nothing(edge):
    edge.hold().tags(TRAY).tags().wait(4)
    edge.hold().tags(TRAY)  # forgotten, and fetched again
    assert (edge.said(), view(edge.gate.state).advice.zh) == (
        "这个餐盘还是您的", "12:00 起，接着用就好",
    )  # fmt: skip
    edge.tags().wait(4).hold().tags(SECOND)
    assert edge.said() == "您已经有一个餐盘"
    theirs = OpenTray(
        session_id=uuid4(), diner_id=uuid4(), name="赵*", bound_at=NOON - timedelta(minutes=9),
        until=NOON + timedelta(hours=1),
    )  # fmt: skip
    edge.feed(item("open_tray", SECOND, theirs))
    edge.tags().wait(4).hold("own").tags(SECOND)
    assert edge.said() == "这个餐盘有人在用"
    assert "11:51" in view(edge.gate.state).advice.zh
    assert len(edge.entries()) == 1
    edge.clock.advance(91 * 60)  # both sessions are over by their time
    edge.tags().wait(4).hold().tags(SECOND)
    assert edge.said() == "可以取餐了"


def test_a_session_bound_here_is_known_after_a_power_cut_and_forgotten_when_the_server_ends_it(
    edge, canteen, tmp_path
):
    edge.hold().tags(TRAY)
    again = Edge(canteen, tmp_path, diners=(edge.own, edge.other, edge.cold))
    again.hold().tags(SECOND)
    assert again.said() == "您已经有一个餐盘"
    again.store.journal.acknowledge(1)  # and the feed has no such tray: it was settled by time
    again.clock.advance(150)
    again.tags().wait(9).hold().tags(SECOND)
    assert again.said() == "可以取餐了"
    again.close()


def test_a_code_needs_the_pin_or_the_card_and_a_face_only_counts_while_a_tray_waits(edge):
    code = make_qr(KEY, edge.own.id)
    edge.tags(TRAY).hold(code)
    assert edge.said() == "请输入支付密码"
    edge.gate.press("pin", "111111")
    edge.gate.run_queued()
    assert edge.notice() == "密码不对，请再试"
    edge.gate.press("pin", "246810")
    edge.gate.run_queued()
    assert edge.entries() == [("tray_bound", TRAY, "qr")]
    edge.tags().wait(4)

    template = Template(
        id=uuid4(), diner_id=edge.other.id, pack="test", consent_version="2026-02", sealed=b"x"
    )
    rich = edge.other.model_copy(update={"cash": Fen(5000)})
    edge.feed(
        item("diner", str(rich.id), rich), item("template", str(template.id), template)
    )  # fmt: skip
    edge.gate.put_health(camera=Device.OK)
    seen = FaceEvidence(pack="test", similarity=700, margin=300, liveness=900, frames=3)

    def face(since, doubt=None):
        edge.put(lambda at: ev.FaceKnown(at, since, rich.id, seen, doubt))

    edge.tags()
    face(edge.clock.monotonic())
    assert edge.gate.state.looking_since is None
    assert edge.said() == "取餐 · 还盘"
    edge.tags(SECOND)
    began = edge.gate.state.looking_since
    face(began - 1)  # frames from before the tray was there
    assert edge.said() == "请看镜头"
    face(began, NoticeCode.LOOKALIKE)
    assert edge.said() == "请再确认是您本人"
    edge.hold("other")
    assert edge.entries()[-1] == ("tray_bound", SECOND, "face")


def test_an_exit_ends_what_it_does_not_know_and_a_full_disk_or_a_closed_gate_say_so(
    canteen, tmp_path, monkeypatch
):
    edge = Edge(canteen, tmp_path, "exit")
    edge.feed(*registered(**{SECOND: "active"}))
    edge.hold().tags(SHIRT)
    assert edge.said() == "请把餐盘放在这里"
    edge.tags(SHIRT, TRAY)
    assert edge.entries() == [("tray_ended", TRAY, "return")]
    with monkeypatch.context() as full:
        full.setattr(edge.store.journal, "append", _refuse)
        edge.tags(SECOND).wait(4).tags().tags(TRAY)
    assert edge.said() == "没有记下"
    assert len(edge.entries()) == 1
    edge.gate.put_health(revoked=True)
    edge.gate.run_queued()
    edge.tags().tags(TRAY)
    assert edge.said() == "闸口已停用"
    assert len(edge.entries()) == 1
    edge.close()


def registered(**states):
    known = {TRAY: "active", LOST: "lost", RETIRED: "retired", **states}
    trays = ((tag, SiteTray(state=TrayState(state))) for tag, state in known.items())
    return [item("line_tray", tag, tray) for tag, tray in trays]


def test_where_trays_are_registered_no_other_tag_is_one_and_a_lost_one_is_not_given_out(
    canteen, tmp_path
):
    edge = Edge(canteen, tmp_path, "entrance")
    edge.feed(*registered())
    edge.tags(SHIRT, SECOND)
    assert edge.said() == "取餐从这里开始"
    edge.hold().wait(3)
    assert (edge.said(), edge.notice()) == ("请放上餐盘", "感应到的不是本单位的餐盘，请换一个")
    edge.tags(SHIRT, TRAY)
    assert edge.said() == "可以取餐了"
    assert edge.entries() == [("tray_bound", TRAY, "card")]
    for tag, told in ((LOST, "这个餐盘已挂失"), (RETIRED, "这个餐盘已停用")):
        edge.tags().wait(4).tags(SHIRT, tag)  # the tray comes first, or the card
        assert (edge.said(), view(edge.gate.state).tone) == (told, "stop")
        edge.tags().wait(4).hold().tags(tag)
        assert (edge.said(), view(edge.gate.state).name) == (told, "张*")
    edge.feed(*registered(**{LOST: "active"}))  # found again
    edge.tags().wait(4).tags(LOST)
    assert edge.said() == "这是谁的餐盘？"
    assert len(edge.entries()) == 1
    edge.close()


def test_what_comes_back_is_ended_though_it_was_reported_lost_and_a_foreign_tag_is_no_tray(edge):
    edge.hold().tags(SECOND).tags().wait(4)
    bound = OpenTray(
        session_id=edge.store.journal.read(0)[0].id, diner_id=edge.own.id, name="张*",
        bound_at=NOON, until=NOON + timedelta(hours=1),
    )  # fmt: skip
    edge.feed(*registered(), item("open_tray", SECOND, bound))
    edge.tags(SECOND)  # bound before any tray was registered
    assert edge.entries()[1:] == [("tray_ended", SECOND, "return")]
    assert "交给工作人员" not in view(edge.gate.state).notice.zh
    edge.tags().wait(4).hold().tags(TRAY).tags().wait(4)
    edge.feed(*registered(**{TRAY: "lost"}))
    edge.tags(TRAY, SHIRT)
    assert edge.entries()[3:] == [("tray_ended", TRAY, "return")]
    shown = view(edge.gate.state)
    assert (edge.said(), shown.name) == ("已记下", "张*")
    assert shown.notice.zh == "这个餐盘登记为遗失，请单独交给工作人员"
    edge.tags().wait(9).tags(TRAY)  # nobody has it: it is kept, and not given out again
    assert edge.said() == "这个餐盘已挂失"
    edge.tags().wait(4).tags(SHIRT)
    assert edge.said() == "取餐 · 还盘"
    assert len(edge.entries()) == 4


def _refuse(*_):
    raise JournalError("full")


def test_the_page_takes_presses_of_its_own_alone(edge):
    page = create_gate_page(edge.gate).test_client()
    assert page.get("/").status_code == 200
    assert page.get("/camera.jpg").status_code == 204
    head = {"X-Dafan": "kiosk"}
    for body, status in [
        ({"action": "card", "number": CARDS["own"]}, 204), ({"action": "cancel"}, 204),
        ({"action": "pin", "digits": "12a"}, 400), ({"action": "bind"}, 400),
    ]:  # fmt: skip
        assert page.post("/press", json=body, headers=head).status_code == status
    assert page.post("/press", json={"action": "cancel"}).status_code == 403
    edge.gate.run_queued()
    assert edge.said() == "取餐 · 还盘"
    assert view(edge.gate.state) == edge.gate.view()

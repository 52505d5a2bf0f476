"""Voids and shifts in the till's file: once, together with their paper, or not at all."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from conftest_pos import NOON
from test_store import DOC, KEY, make_sale

from dafan.clock import ManualClock
from dafan.desk import TillStaff, Void
from dafan.journal import JournalError
from dafan.money import Fen
from devices.escpos_render import to_escpos
from devices.receipt_doc import Drawer, ReceiptDoc, Text
from pos import events as ev
from pos.receipt import make_shift_slip, make_void_receipt
from pos.shifts import make_shift
from pos.snapshot import Sold, trading_day
from pos.soldbook import ShiftError, VoidError
from pos.staffwork import StaffWork
from pos.store import TillStore

STAFF_PIN = "135790"
CLERK = TillStaff(
    id=uuid4(), number="301", name="收银员甲", pin_hash=PasswordHasher(1, 8, 1).hash(STAFF_PIN)
)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def open_store(canteen, clock, tmp_path):
    opened = []

    def start():
        store = TillStore(tmp_path / "till.db", canteen.terminal_id, KEY, clock)
        opened.append(store)
        return store

    yield start
    for store in opened:
        store.close()


@pytest.fixture
def diner(canteen):
    return canteen.diner()


@pytest.fixture
def store(open_store, canteen, diner):
    store = open_store()
    store.apply_feed_page(
        canteen.page(("diner", str(diner.id), diner), ("staff", str(CLERK.id), CLERK))
    )
    return store


def void_of(sale, **changes):
    fields = {
        "id": uuid4(), "sale_id": sale.id, "business_date": sale.business_date,
        "total": sale.total, "reason": "重复结算", "staff_id": CLERK.id, "at": NOON,
    }  # fmt: skip
    return Void(**{**fields, **changes})


def shift_of(store, counted=None):
    today = trading_day(store.catalogue.policy, NOON)
    return make_shift(store.sold.figures(), uuid4(), NOON, today, CLERK.id, counted)


def test_a_void_gives_the_money_back_at_once_and_prints(store, canteen, diner):
    sale = make_sale(canteen, diner, total=500)
    before = store.account(diner.id, NOON)
    store.commit_sale(sale, DOC)
    store.sold.commit_void(void_of(sale), DOC)
    assert store.account(diner.id, NOON) == before
    assert [e.kind for e in store.journal.read(0)] == ["sale", "void"]
    assert store.spool.waiting() == 2


def test_a_void_behind_the_servers_mark_comes_off_what_the_server_says(store, canteen, diner):
    sale = make_sale(canteen, diner, total=500)
    store.commit_sale(sale)
    today = diner.today.model_copy(
        update={"spent": Fen(500), "meals": {"lunch": 1}, "month_meals": 1, "month_spent": Fen(500)}
    )
    heard = diner.model_copy(
        update={"cash": Fen(4500), "applied": {canteen.terminal_id: 1}, "today": today}
    )
    store.apply_feed_page(canteen.page(("diner", str(diner.id), heard), since=1, version=2))
    assert store.account(diner.id, NOON).cash == 4500
    store.sold.commit_void(void_of(sale))
    after = store.account(diner.id, NOON)
    assert (after.cash, after.spent, after.meals, after.month_meals) == (5000, 0, {}, 0)


def test_a_sale_is_taken_back_once_and_only_here(store, canteen, diner):
    sale = make_sale(canteen, diner)
    store.commit_sale(sale)
    void = void_of(sale)
    for _ in range(2):
        store.sold.commit_void(void, DOC)
    with pytest.raises(VoidError, match="before"):
        store.sold.commit_void(void_of(sale), DOC)
    with pytest.raises(VoidError, match="not sold"):
        store.sold.commit_void(void_of(make_sale(canteen, diner)), DOC)
    with pytest.raises(VoidError, match="not sold"):
        store.sold.commit_void(void_of(sale, sale_id=void.id), DOC)
    assert store.journal.head()[0] == 2
    assert store.spool.waiting() == 1


def test_a_full_disk_takes_neither_a_void_nor_its_paper(store, canteen, diner):
    sale = make_sale(canteen, diner)
    store.commit_sale(sale)
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 1}")
    big = ReceiptDoc(lines=(Text(text="长" * 100_000),))
    void = void_of(sale)
    with pytest.raises(JournalError):
        store.sold.commit_void(void, big)
    assert not store.sold.latest(sale.business_date)[0].voided
    connection.execute("PRAGMA max_page_count=1000000")
    store.sold.commit_void(void, big)
    assert store.sold.latest(sale.business_date)[0].voided


def test_the_list_shows_todays_sales_the_newest_first(store, canteen, diner):
    sales = [make_sale(canteen, diner, total=total) for total in (100, 200)]
    sales.append(make_sale(canteen, total=300))
    yesterday = sales[0].business_date - timedelta(days=1)
    old = make_sale(canteen, diner, total=400).model_copy(update={"business_date": yesterday})
    for sale in (old, *sales):
        store.commit_sale(sale)
    listed = store.sold.latest(sales[0].business_date)
    assert [(each.sale.total, each.name) for each in listed] == [
        (300, ""), (200, "甲子"), (100, "甲子"),
    ]  # fmt: skip


def test_a_shift_covers_the_journal_since_the_last_one(store, canteen, diner):
    first = make_sale(canteen, diner, total=500)
    for sale in (first, make_sale(canteen, total=700)):
        store.commit_sale(sale)
    store.note("printer_paper_out", "")
    shift = shift_of(store, Fen(700))
    assert (shift.first_seq, shift.last_seq, shift.sales, shift.drawer) == (1, 3, 2, 700)
    store.sold.commit_shift(shift, DOC)
    store.sold.commit_void(void_of(first))
    later = shift_of(store)
    assert (later.first_seq, later.last_seq) == (5, 5)
    assert (later.sales, later.voids, later.cash) == (0, 1, -500)
    store.sold.commit_shift(later)
    assert shift_of(store).first_seq == 7
    assert [e.kind for e in store.journal.read(0)] == [
        "sale", "sale", "notice", "shift", "void", "shift",
    ]  # fmt: skip


def test_a_notice_that_comes_between_is_in_the_shift_and_a_sale_stops_it(store, canteen, diner):
    shift = shift_of(store)
    store.note("printer_paper_out", "")
    store.sold.commit_shift(shift)
    assert store.journal.read(1)[0].body["last_seq"] == 1
    again = shift_of(store)
    store.commit_sale(make_sale(canteen, diner))
    with pytest.raises(ShiftError, match="meanwhile"):
        store.sold.commit_shift(again)
    store.sold.commit_shift(shift)
    assert store.journal.head()[0] == 3


def text_of(doc):
    return to_escpos(doc, 58).decode("gb18030", errors="replace")


def test_the_paper_says_what_was_taken_back_and_what_a_shift_sold(store, canteen, diner):
    sale = make_sale(canteen, diner, total=1250)
    terminal, policy = store.catalogue.terminal, store.catalogue.policy
    paper = make_void_receipt(
        void_of(sale), Sold(sale, "甲子", voided=False), "收银员甲", terminal, policy
    )
    for part in ("撤销单", "甲*", "退回", "￥12.50", "充值账户", "重复结算", "收银员甲"):
        assert part in text_of(paper)
    assert "甲子" not in text_of(paper)
    cash = make_sale(canteen, total=300)
    paper = make_void_receipt(void_of(cash), Sold(cash, "", voided=False), "x", terminal, policy)
    assert Drawer() in paper.lines
    store.commit_sale(cash)
    slip = text_of(make_shift_slip(shift_of(store, Fen(250)), "收银员甲", terminal, policy))
    for part in ("交班单", "1 笔", "￥3.00", "实点现金", "-￥0.50", "收银员甲"):
        assert part in slip


# --- who gets in ----------------------------------------------------------------------------------


def check(store, clock, number, pin):
    make = StaffWork(store, prints=False).do(ev.CheckClerk(number, pin), clock.now())
    return make(ev.Moment(0.0, clock.now(), uuid4()))


def test_number_and_pin_sign_in_and_a_wrong_one_counts(store, clock):
    assert check(store, clock, "301", STAFF_PIN).clerk.name == "收银员甲"
    assert check(store, clock, "301", "000000").tries == 4
    assert check(store, clock, "302", STAFF_PIN).tries == 3
    assert check(store, clock, "301", STAFF_PIN).clerk is not None
    assert check(store, clock, "301", "").tries == 4


def test_five_failures_lock_for_ten_minutes_whatever_is_switched_off(open_store, store, clock):
    for _ in range(5):
        locked = check(store, clock, "301", "000000")
    assert (locked.clerk, locked.tries, locked.minutes) == (None, 0, 10)
    assert store.journal.read(0)[-1].body["code"] == "clerk_locked"
    clock.advance(480)
    again = check(open_store(), clock, "301", STAFF_PIN)
    assert (again.clerk, again.tries, again.minutes) == (None, 0, 2)
    clock.advance(121)
    assert check(store, clock, "301", STAFF_PIN).clerk is not None


def test_a_clock_that_is_set_back_locks_no_longer_than_ten_minutes(store, clock):
    for _ in range(5):
        check(store, clock, "301", "000000")
    clock.jump(-86_400)
    assert check(store, clock, "301", STAFF_PIN).clerk is None
    clock.advance(601)
    assert check(store, clock, "301", STAFF_PIN).clerk is not None


def test_a_till_knows_whether_anybody_may_sign_in(store, canteen):
    assert store.catalogue.staffed
    page = canteen.page(since=1, version=2)
    gone = page.items[0].model_copy(update={"kind": "staff", "key": str(CLERK.id), "body": None})
    store.apply_feed_page(page.model_copy(update={"items": (gone,)}))
    assert not store.catalogue.staffed


# --- killed ---------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from uuid import UUID
sys.path.insert(0, sys.argv[2])
from conftest_pos import NOON, Canteen
from test_soldbook import shift_of, void_of
from test_store import DOC, make_sale
from dafan.clock import ManualClock
from pos.store import TillStore
canteen = Canteen(terminal_id=UUID(sys.argv[3]))
store = TillStore(Path(sys.argv[1]), canteen.terminal_id, bytes(32), ManualClock(NOON))
store.apply_feed_page(canteen.page())
while True:
    sale = make_sale(canteen)
    store.commit_sale(sale)
    void = void_of(sale)
    store.sold.commit_void(void, DOC)
    print(void.id, flush=True)
    store.sold.commit_shift(shift_of(store), DOC)
"""


@pytest.mark.process
def test_a_till_killed_at_any_moment_has_every_void_with_its_paper_once(tmp_path):
    file, terminal_id = tmp_path / "till.db", uuid4()
    rng = random.Random(5)
    told: set[str] = set()
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(file), str(Path(__file__).parent)]
        process = subprocess.Popen([*command, str(terminal_id)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told.add(process.stdout.readline().strip())
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        told.update(line.strip() for line in process.stdout if len(line) == 37)
        process.wait()
        process.stdout.close()
    store = TillStore(file, terminal_id, bytes(32), ManualClock(NOON))
    entries = store.journal.read(0, 100_000)
    assert list(store.journal.verify()) == []
    store.close()
    ids = {kind: {str(e.id) for e in entries if e.kind == kind} for kind in ("void", "shift")}
    assert told <= ids["void"]
    with closing(sqlite3.connect(file)) as connection:
        paper = {row[0] for row in connection.execute("SELECT sale_id FROM receipt")}
        voided = connection.execute("SELECT count(*) FROM local_void").fetchone()[0]
        shifts = connection.execute("SELECT count(*) FROM local_shift").fetchone()[0]
    assert paper == ids["void"] | ids["shift"]
    assert (voided, shifts) == (len(ids["void"]), len(ids["shift"]))

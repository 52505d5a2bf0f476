"""The till's file: together or not at all, whatever kills it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from conftest_pos import NOON, card, item

from dafan.clock import ManualClock
from dafan.crypto import new_key, seal
from dafan.journal import JournalError
from dafan.money import Fen
from dafan.records import FeedPage, Payment, Sale, SaleLine, Source, Template, Tender, Unit
from devices.receipt_doc import ReceiptDoc, Text
from pos.snapshot import trading_day
from pos.store import TillStore, WithdrawnError
from vision.gallery import Gallery

DOC = ReceiptDoc(lines=(Text(text="收据"),))
KEY = new_key()


def make_sale(canteen, diner=None, tender=Tender.CARD, total=500):
    price = Fen(total)
    line = SaleLine(
        dish_id=uuid4(), name="米饭", unit=Unit.PIECE, unit_price=price, amount=price
    )  # fmt: skip
    return Sale(
        id=uuid4(), site_id=canteen.site_id, venue_id=canteen.terminal.venue_id,
        business_date=trading_day(canteen.policy, NOON), period="lunch",
        diner_id=diner.id if diner else None, group_id=canteen.group.id if diner else None,
        tender=tender if diner else Tender.CASH,
        lines=(line,),
        list_total=Fen(total), discount=Fen(0), total=Fen(total),
        payments=(Payment(source=Source.CASH if diner else Source.DRAWER, amount=Fen(total)),),
        subsidised=False, opened_at=NOON, paid_at=NOON, snapshot_version=1,
    )  # fmt: skip


def make_template(diner, vector=None, pack="test"):
    template_id = uuid4()
    vector = np.eye(1, 8, dtype="<f4")[0] if vector is None else vector
    sealed = seal(KEY, vector.astype("<f4").tobytes(), f"template:{template_id}")
    return Template(
        id=template_id, diner_id=diner.id, pack=pack, consent_version="2026-02", sealed=sealed
    )


@pytest.fixture
def gallery():
    return Gallery(8)


@pytest.fixture
def open_store(canteen, gallery, tmp_path):
    opened = []

    def start(with_gallery=gallery):
        clock = ManualClock(NOON)
        store = TillStore(
            tmp_path / "till.db", canteen.terminal_id, KEY, clock, with_gallery, "test"
        )
        opened.append(store)
        return store

    yield start
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()


def diner_item(diner):
    return ("diner", str(diner.id), diner)


def template_item(template):
    return ("template", str(template.id), template)


def test_a_page_brings_the_snapshot_and_a_restart_keeps_it(open_store, canteen, gallery):
    diner = canteen.diner()
    template = make_template(diner)
    store = open_store()
    store.apply_feed_page(canteen.page(diner_item(diner), template_item(template), version=7))
    for each in (store, open_store(Gallery(8))):
        assert each.feed_version() == 7
        assert each.catalogue.ready
        assert each.catalogue.weigh_dish.name == "自选称重"
        assert each.account(diner.id, NOON).has_face
        assert each.diner_of_staff_no("1001") == diner.id
    assert gallery.search(np.eye(1, 8, dtype=np.float32)[0]).person_id == diner.id


def test_a_template_that_is_withdrawn_leaves_the_gallery_at_once_and_a_receipt(
    store, canteen, gallery
):
    diner = canteen.diner()
    template = make_template(diner)
    store.apply_feed_page(canteen.page(diner_item(diner), template_item(template)))
    gone = item("template", str(template.id), None)
    page = FeedPage(since=1, version=2, items=(gone,), more=False, server_time=NOON)
    store.apply_feed_page(page)
    assert len(gallery) == 0
    assert not store.account(diner.id, NOON).has_face
    (entry,) = store.journal.read(0)
    assert (entry.kind, entry.body["template_id"]) == ("erasure", str(template.id))
    store.apply_feed_page(page.model_copy(update={"since": 2, "version": 3}))
    assert store.journal.head()[0] == 1


def test_not_one_sealed_byte_of_a_withdrawn_template_stays_on_the_disk(
    open_store, canteen, tmp_path
):
    store = open_store()
    diner = canteen.diner()
    template = make_template(diner)
    store.apply_feed_page(canteen.page(diner_item(diner), template_item(template)))
    sealed = template.to_body()["sealed"].encode()[:40]
    files = list(tmp_path.glob("till.db*"))
    assert any(sealed in file.read_bytes() for file in files)
    gone = item("template", str(template.id), None, version=2)
    store.apply_feed_page(canteen.page(since=1, version=2).model_copy(update={"items": (gone,)}))
    assert [file.name for file in files if sealed in file.read_bytes()] == []


def test_a_till_killed_right_after_an_erasure_clears_its_log_at_the_next_start(
    open_store, canteen, tmp_path, monkeypatch
):
    store = open_store()
    diner = canteen.diner()
    template = make_template(diner)
    store.apply_feed_page(canteen.page(diner_item(diner), template_item(template)))
    monkeypatch.setattr(store, "_empty_wal", lambda: None)
    gone = item("template", str(template.id), None, version=2)
    store.apply_feed_page(canteen.page(since=1, version=2).model_copy(update={"items": (gone,)}))
    sealed = template.to_body()["sealed"].encode()[:40]
    files = list(tmp_path.glob("till.db*"))
    assert any(sealed in file.read_bytes() for file in files)
    open_store()
    assert [file.name for file in files if sealed in file.read_bytes()] == []


def test_a_face_withdrawn_a_moment_ago_pays_nothing(store, canteen):
    diner = canteen.diner()
    store.apply_feed_page(canteen.page(diner_item(diner)))
    with pytest.raises(WithdrawnError):
        store.commit_sale(make_sale(canteen, diner, Tender.FACE), DOC)
    assert store.journal.head()[0] == 0
    assert store.spool.waiting() == 0


def test_templates_of_another_pack_or_key_never_enter_the_gallery(store, canteen, gallery):
    diner = canteen.diner()
    sealed = seal(new_key(), bytes(32), "template:x")
    foreign = make_template(diner).model_copy(update={"sealed": sealed})
    short = make_template(diner, np.ones(4))
    other = make_template(diner, pack="other")
    store.apply_feed_page(canteen.page(*(template_item(t) for t in (foreign, short, other))))
    assert len(gallery) == 0


def test_a_template_that_moves_to_another_pack_leaves_the_gallery(store, canteen, gallery):
    diner = canteen.diner()
    template = make_template(diner)
    store.apply_feed_page(canteen.page(template_item(template)))
    moved = template.model_copy(update={"pack": "other"})
    store.apply_feed_page(canteen.page(template_item(moved), since=1, version=2))
    assert len(gallery) == 0


def test_an_item_that_makes_no_sense_blocks_nothing_behind_it(store, canteen):
    diner = canteen.diner()
    page = canteen.page(diner_item(diner))
    bad = item("diner", "x", None).model_copy(update={"body": {"nonsense": 1}})
    unknown = bad.model_copy(update={"kind": "unheard_of"})
    store.apply_feed_page(page.model_copy(update={"items": (bad, unknown, *page.items)}))
    assert store.account(diner.id, NOON) is not None
    assert [e.body["code"] for e in store.journal.read(0)] == ["feed_item_unreadable"]


def test_another_terminals_name_is_not_ours(store, canteen):
    other = canteen.terminal.model_copy(update={"id": uuid4(), "name": "9号台"})
    store.apply_feed_page(canteen.page(("terminal", str(other.id), other)))
    assert store.catalogue.terminal.name == "3号台"


def test_balances_are_the_servers_less_what_it_does_not_know_yet(store, canteen):
    diner = canteen.diner(subsidy=Fen(0), cash=Fen(5000))
    store.apply_feed_page(canteen.page(diner_item(diner)))
    for total in (500, 700):
        store.commit_sale(make_sale(canteen, diner, total=total))
    before = store.account(diner.id, NOON)
    assert (before.cash, before.unconfirmed, before.spent) == (3800, 1200, 1200)
    heard = diner.model_copy(
        update={"cash": Fen(4500), "applied": {canteen.terminal_id: 1},
                "today": diner.today.model_copy(update={"spent": Fen(500), "meals": {"lunch": 1}})}
    )  # fmt: skip
    store.apply_feed_page(canteen.page(diner_item(heard), since=1, version=2))
    after = store.account(diner.id, NOON)
    assert (after.cash, after.unconfirmed, after.spent) == (3800, 700, 1200)
    assert after.meals == {"lunch": 2}


def test_a_sale_written_again_is_the_same_sale(store, canteen):
    diner = canteen.diner()
    store.apply_feed_page(canteen.page(diner_item(diner)))
    sale = make_sale(canteen, diner)
    for _ in range(3):
        store.commit_sale(sale, DOC)
    assert store.journal.head()[0] == 1
    assert store.spool.waiting() == 1


def test_a_full_disk_leaves_nothing_half_written_and_the_retry_works(store, canteen):
    diner = canteen.diner()
    store.apply_feed_page(canteen.page(diner_item(diner)))
    connection = store._connection
    big = ReceiptDoc(lines=(Text(text="长" * 100_000),))
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 1}")
    sale = make_sale(canteen, diner)
    with pytest.raises(JournalError):
        store.commit_sale(sale, big)
    assert not store.journal.contains(sale.id)
    assert store.spool.waiting() == 0
    assert store.sold.pending(diner.id, 0) == []
    connection.execute("PRAGMA max_page_count=1000000")
    store.commit_sale(sale, big)
    assert store.journal.contains(sale.id)
    assert list(store.journal.verify()) == []


def test_a_page_that_does_not_fit_on_the_disk_is_not_there_at_all(store, canteen):
    connection = store._connection
    store.apply_feed_page(canteen.page())
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 2}")
    diners = [canteen.diner(staff_no=str(n)) for n in range(200)]
    with pytest.raises(JournalError):
        store.apply_feed_page(canteen.page(*map(diner_item, diners), since=1, version=2))
    assert store.feed_version() == 1
    assert store.account(diners[0].id, NOON) is None


def test_receipts_come_in_order_and_a_reprint_is_a_copy(store, canteen):
    sales = [make_sale(canteen) for _ in range(2)]
    for sale in sales:
        store.commit_sale(sale, DOC)
    first = store.spool.next_job()
    store.spool.started(first.id)
    store.spool.failed(first.id, "no paper")
    again = store.spool.next_job()
    assert (again.id, again.started, again.copy) == (first.id, True, False)
    store.spool.done(first.id)
    assert store.spool.reprint(sales[0].id)
    store.spool.done(store.spool.next_job().id)
    copy = store.spool.next_job()
    assert (copy.copy, copy.doc) == (True, DOC)
    assert not store.spool.reprint(uuid4())


def test_cards_are_found_by_their_number(store, canteen):
    diner = canteen.diner()
    store.apply_feed_page(canteen.page(("card", "0000000042", card("0000000042", diner))))
    assert store.card("0000000042").diner_id == diner.id
    assert store.card("0000000043") is None


WRITER = """
import sys
from pathlib import Path
from uuid import UUID
sys.path.insert(0, sys.argv[2])
from conftest_pos import NOON, Canteen
from test_store import DOC, make_sale
from dafan.clock import ManualClock
from pos.store import TillStore
canteen = Canteen(terminal_id=UUID(sys.argv[3]))
store = TillStore(Path(sys.argv[1]), canteen.terminal_id, bytes(32), ManualClock(NOON))
version = store.feed_version()
while True:
    sale = make_sale(canteen)
    store.commit_sale(sale, DOC)
    print(sale.id, flush=True)
    diner = canteen.diner(staff_no=str(version))
    version += 1
    store.apply_feed_page(canteen.page(("diner", str(diner.id), diner), version=version))
"""


@pytest.mark.process
def test_a_till_killed_at_any_moment_has_every_sale_it_called_paid(tmp_path):
    file, terminal_id = tmp_path / "till.db", uuid4()
    rng = random.Random(3)
    paid: set[str] = set()
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(file), str(Path(__file__).parent)]
        process = subprocess.Popen([*command, str(terminal_id)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        paid.add(process.stdout.readline().strip())
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        paid.update(line.strip() for line in process.stdout if len(line) == 37)
        process.wait()
        process.stdout.close()
    store = TillStore(file, terminal_id, bytes(32), ManualClock(NOON))
    written = [str(e.id) for e in store.journal.read(0, 10_000)]
    assert paid <= set(written)
    assert len(written) == len(set(written))
    assert list(store.journal.verify()) == []
    store.close()
    with sqlite3.connect(file) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - three known names
            for table in ("journal_entry", "local_sale", "receipt")
        ]
        diners = connection.execute("SELECT count(*) FROM feed_item WHERE kind='diner'").fetchone()
        version = connection.execute("SELECT version FROM feed_mark").fetchone()
    connection.close()
    assert len(set(counts)) == 1
    assert diners == (version or (0,))

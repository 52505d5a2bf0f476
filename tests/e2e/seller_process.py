"""A till without devices in a process of its own: real file, real sync, sale after sale.

seller_process.py FOLDER SERVER [quiet]

``quiet`` sells nothing, and ends when the server has everything.
"""

import itertools
import sys
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from dafan import sync
from dafan.clock import SystemClock, business_date
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Payment, Sale, SaleLine, Source, Tender, Unit
from pos.enrol import JOURNAL, load_enrolment
from pos.store import TillStore

sync.FIRST_PAUSE_S, sync.LONGEST_PAUSE_S, sync.LONG_POLL_S = 0.1, 0.4, 1


def main() -> None:
    folder, server = Path(sys.argv[1]), sys.argv[2]
    enrolment, clock = load_enrolment(folder), SystemClock()
    terminal = enrolment.terminal
    store = TillStore(folder / JOURNAL, terminal.id, enrolment.keys, clock)
    client = sync.SyncClient(
        server, enrolment.identity, store.journal, store.feed_version, store.apply_feed_page,
        clock, client=httpx.Client(timeout=2), restart_feed=store.restart_feed,
    )  # fmt: skip
    client.start()
    while "quiet" in sys.argv:
        if store.journal.acknowledged() == store.journal.head()[0]:
            return
        time.sleep(0.05)
    for number in itertools.count():
        diner_id = store.diner_of_staff_no(str(1001 + number % 20))
        account = store.account(diner_id, clock.now()) if diner_id else None
        if account is None:  # the feed has not come through yet
            time.sleep(0.05)
            continue
        now, fen = clock.now(), Fen(100 + number % 50)
        line = SaleLine(dish_id=new_id(), name="套餐", unit=Unit.PIECE, unit_price=fen, amount=fen)
        store.commit_sale(
            Sale(
                id=new_id(), site_id=terminal.site_id, venue_id=terminal.venue_id,
                business_date=business_date(now, ZoneInfo("Asia/Shanghai")), period="lunch",
                diner_id=diner_id, group_id=account.diner.group_id, tender=Tender.CARD,
                lines=(line,),
                list_total=fen, discount=Fen(0), total=fen,
                payments=(Payment(source=Source.CASH, amount=fen),), subsidised=False,
                opened_at=now - timedelta(seconds=1), paid_at=now,
                snapshot_version=store.feed_version(),
            )
        )  # fmt: skip
        print(f"paid {fen}", flush=True)
        client.wake()
        time.sleep(0.05)


main()

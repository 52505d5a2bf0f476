"""The sales of the past as rows: with journals and postings, or bare."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.ids import new_id
from dafan.records import MAX_BATCH, Tender, canonical
from server.books.refunds import Kind, Refund, RefundLine, State
from server.books.sales import Sale, SaleLine
from server.books.transfers import Posting, Transfer
from server.entries import Batch, EntryRow
from server.history.basket import Basket
from server.history.canteen import BY, Canteen, Eater, Till
from server.history.plan import Period
from server.many import insert_all

_TENDERS = ((Tender.FACE, 64), (Tender.CARD, 19), (Tender.QR, 13), (Tender.PIN, 4))
_COINS = 0.015
"""So many pay coins, without a name."""
BACK = 0.002
"""So many baskets are taken back at once."""
_UTC = "%Y-%m-%dT%H:%M:%S.%fZ"

Row = dict[str, Any]


@dataclass
class Rows:
    """Rows of some days, table by table."""

    of: dict[Any, list[Row]] = field(default_factory=dict)

    def add(self, table: Any, *rows: Row) -> None:
        """Rows of one table."""
        self.of.setdefault(table, []).extend(rows)

    def write(self, session: Session) -> None:
        """Write them, what others point to first."""
        for table in (Batch, EntryRow, Transfer, Posting, Sale, SaleLine, Refund, RefundLine):
            insert_all(session, table.__table__, self.of.pop(table, []))


class Book:
    """Sells baskets to diners, day by day.

    Args:
        canteen: Who sells to whom.
        rng: Chooses.
        bare: Without journals, transfers and postings, which no report reads: for benches of
            reports only. ``dafan verify`` finds such sales wrong.
    """

    def __init__(self, canteen: Canteen, rng: Random, *, bare: bool) -> None:
        self._canteen, self._rng, self._bare = canteen, rng, bare
        self._left: dict[UUID, int] = {}
        """Fen of this month's subsidy that a diner has left."""
        self._pending: dict[UUID, list[Row]] = {}
        """Entries of a till that no batch holds yet."""

    def grant(self) -> None:
        """A new month: what was left of the subsidy stays, as much as before comes on top."""
        for eater in self._canteen.eaters:
            self._left[eater.id] = self._left.get(eater.id, 0) + eater.monthly

    def sell(
        self,
        rows: Rows,
        day: date,
        period: Period,
        moments: Sequence[datetime],
        chosen: Mapping[UUID, Sequence[Basket]],
    ) -> None:
        """Add the sales of a meal.

        Args:
            rows: Grows.
            day: Business date.
            period: The meal.
            moments: When each sale is paid, in order.
            chosen: Venue → baskets to choose from.
        """
        rng, canteen = self._rng, self._canteen
        codes, shares = [tender.value for tender, _ in _TENDERS], [share for _, share in _TENDERS]
        tenders = rng.choices(codes, shares, k=len(moments))
        eaters = rng.sample(canteen.eaters, k=min(len(canteen.eaters), len(moments)))
        for number, at in enumerate(moments):
            till = rng.choice(canteen.tills)
            basket = rng.choice(chosen[till.venue_id])
            eater = None if rng.random() < _COINS else eaters[number % len(eaters)]
            tender = tenders[number] if eater else Tender.CASH.value
            self._sale(rows, day, period.code, at, till, basket, eater, tender)

    def close_day(self, rows: Rows, at: datetime) -> None:
        """Sign what the tills have written."""
        for till in self._canteen.tills:
            entries = self._pending.pop(till.id, [])
            for start in range(0, len(entries), MAX_BATCH):
                self._batch(rows, till, entries[start : start + MAX_BATCH], at)

    def _sale(
        self, rows: Rows, day: date, period: str, at: datetime, till: Till, basket: Basket,
        eater: Eater | None, tender: str,
    ) -> None:  # fmt: skip
        sale_id = new_id()
        discount = basket.total * eater.percent // 100 if eater else 0
        total = basket.total - discount
        subsidy = min(self._left.get(eater.id, 0), total) if eater else 0
        if eater and subsidy:
            self._left[eater.id] -= subsidy
        paid = {
            "subsidy_paid": subsidy, "cash_paid": total - subsidy if eater else 0,
            "drawer_paid": 0 if eater else total,
        }  # fmt: skip
        till.seq += 1
        key = {"site_id": self._canteen.site_id, "business_date": day}
        sale = key | paid | {
            "id": sale_id, "terminal_id": till.id, "seq": till.seq, "venue_id": till.venue_id,
            "period": period, "diner_id": eater.id if eater else None,
            "group_id": eater.group_id if eater else None, "tender": tender,
            "second_factor": None, "list_total": basket.total, "discount": discount,
            "total": total, "subsidised": subsidy > 0,
            "opened_at": at - timedelta(seconds=self._rng.randint(4, 22)), "paid_at": at,
            "received_at": at, "snapshot_version": 1, "face": None, "transfer_id": None,
            "refunded": 0, "cancelled": False, "rescued_on": None,
        }  # fmt: skip
        rows.add(Sale, sale)
        rows.add(
            SaleLine,
            *(
                key | line | {"sale_id": sale_id, "no": no, "dish_id": UUID(line["dish_id"])}
                for no, line in enumerate(basket.lines, start=1)
            ),
        )
        if not self._bare:
            self._enter(sale, basket, till)
            self._move(rows, sale, till, eater)
        elif self._rng.random() < BACK:
            self._take_back(rows, sale, basket)

    def _enter(self, sale: Row, basket: Basket, till: Till) -> None:
        moment = sale["paid_at"].strftime(_UTC)
        names = ("id", "site_id", "venue_id", "diner_id", "group_id")
        plain = (
            "period", "tender", "second_factor", "list_total", "discount", "total", "subsidised",
            "snapshot_version", "face",
        )  # fmt: skip
        body = {name: sale[name] for name in plain} | {
            name: str(sale[name]) if sale[name] else None for name in names
        }
        body |= {
            "business_date": sale["business_date"].isoformat(), "lines": list(basket.lines),
            "opened_at": sale["opened_at"].strftime(_UTC), "paid_at": moment,
            "payments": [
                {"source": source, "amount": sale[f"{source}_paid"]}
                for source in ("subsidy", "cash", "drawer")
                if sale[f"{source}_paid"]
            ],
        }  # fmt: skip
        text, prev = canonical(body).decode(), till.hash
        hashed = f'["{till.id}",{till.seq},"{sale["id"]}","{moment}","sale",{text},"{prev}"]'
        till.hash = hashlib.sha256(hashed.encode()).hexdigest()
        entry = {
            "site_id": sale["site_id"], "business_date": sale["business_date"],
            "terminal_id": till.id, "seq": till.seq, "id": sale["id"], "at": moment,
            "kind": "sale", "body": text, "prev_hash": prev, "hash": till.hash,
            "outcome": "applied", "reason": "", "received_at": sale["received_at"],
        }  # fmt: skip
        self._pending.setdefault(till.id, []).append(entry)

    def _batch(self, rows: Rows, till: Till, entries: Sequence[Row], at: datetime) -> None:
        first, last, batch_id = entries[0], entries[-1], new_id()
        ends = [str(till.id), first["seq"], first["prev_hash"], last["seq"], last["hash"]]
        rows.add(Batch, {
            "id": batch_id, "site_id": self._canteen.site_id, "terminal_id": till.id,
            "first_seq": first["seq"], "last_seq": last["seq"], "prev_hash": first["prev_hash"],
            "last_hash": last["hash"], "received_at": at,
            "signature": till.identity.signing.sign(b"dafan-journal-v1" + canonical(ends)),
        })  # fmt: skip
        rows.add(EntryRow, *(entry | {"batch_id": batch_id} for entry in entries))

    def _move(self, rows: Rows, sale: Row, till: Till, eater: Eater | None) -> None:
        if not sale["total"]:
            return
        key = {"site_id": sale["site_id"], "business_date": sale["business_date"]}
        transfer_id = sale["transfer_id"] = new_id()
        rows.add(Transfer, key | {
            "id": transfer_id, "kind": "sale", "key": f"sale:{sale['id']}", "at": sale["paid_at"],
            "by": str(till.id), "memo": "",
        })  # fmt: skip
        rows.add(Posting, *(
            key | {"transfer_id": transfer_id, "account_id": account_id, "amount": amount}
            for account_id, amount in self._legs(sale, till, eater) if amount
        ))  # fmt: skip

    def _legs(self, sale: Row, till: Till, eater: Eater | None) -> Iterator[tuple[UUID, int]]:
        if eater is None:
            yield till.drawer, -sale["drawer_paid"]
        else:
            yield eater.subsidy, -sale["subsidy_paid"]
            yield eater.cash, -sale["cash_paid"]
        yield self._canteen.revenue[till.venue_id], sale["total"]

    def _take_back(self, rows: Rows, sale: Row, basket: Basket) -> None:
        """A void of the same day, without the transfer that a real one has."""
        key = {"site_id": sale["site_id"], "business_date": sale["business_date"]}
        refund_id, at = new_id(), sale["paid_at"]
        sale["refunded"], sale["cancelled"] = sale["total"], True
        rows.add(Refund, key | {
            "id": refund_id, "sale_id": sale["id"], "sale_date": sale["business_date"],
            "diner_id": sale["diner_id"], "kind": Kind.VOID.value, "state": State.APPROVED.value,
            "total": sale["total"], "subsidy_back": sale["subsidy_paid"],
            "cash_back": sale["cash_paid"], "drawer_back": sale["drawer_paid"],
            "reason": "打错了", "asked_by": BY, "asked_at": at, "judged_by": BY, "judged_at": at,
            "judgement": "", "terminal_id": None, "seq": None, "transfer_id": None,
        })  # fmt: skip
        left = sale["total"]
        for no, line in reversed(list(enumerate(basket.lines, start=1))):
            share = left if no == 1 else line["amount"] * sale["total"] // max(basket.total, 1)
            left -= share
            rows.add(RefundLine, key | {
                "refund_id": refund_id, "no": no, "quantity": line["quantity"], "amount": share,
            })  # fmt: skip

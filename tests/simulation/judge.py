"""Is everything as it was promised? A model of its own, and the product's ``verify`` beside it."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan import db
from dafan.journal import GENESIS
from dafan.records import JournalPush
from server.books import refunds
from server.books.accounts import Account
from server.books.refunds import Refund
from server.books.sales import Sale
from server.books.subsidies import SubsidyRun
from server.books.transfers import Transfer
from server.entries import EntryRow, ForkedBatch
from server.exceptions import ExceptionItem
from server.faces import Erasure
from server.feed import FeedRow, latest
from server.terminals import Terminal
from server.verify import Report, verify_server
from server.verify_till import verify_till
from simulation.office import Act, Fate
from simulation.till import FILE, TillMachine

if TYPE_CHECKING:
    from simulation.world import World

FIRST_CASH = 8000
FIRST_SUBSIDY = 3000
"""What the site begins with, as :mod:`simulation.lab` makes it; diners 0, 2, 4 are subsidised."""
_LAWFUL = ("refunded_before", "wrong_date", "known_void", "unknown_sale")
"""Why a void may be parked: money went back before, or its day is over at the till's clock."""


def judge(world: "World") -> list[str]:
    """Everything that is not as promised."""
    with db.reading(world.server.engine) as session:
        judged = _Judge(world, session)
        return list(judged.faults())


class _Judge:
    """One look at the server's database and at all tills, after everything was healed."""

    def __init__(self, world: "World", session: Session) -> None:
        self.world, self.session = world, session
        rows = session.scalars(select(EntryRow).order_by(EntryRow.terminal_id, EntryRow.seq)).all()
        self.rows: dict[UUID, list[EntryRow]] = {till.id: [] for till in world.tills}
        for row in rows:
            self.rows[row.terminal_id].append(row)
        self.terminals = {each.id: each for each in session.scalars(select(Terminal))}
        self.forked: dict[UUID, set[str]] = {till.id: set() for till in world.tills}
        for batch in session.scalars(select(ForkedBatch)):
            told = JournalPush.model_validate_json(batch.push)
            self.forked[batch.terminal_id] |= {entry.hash for entry in told.entries}
        self.listed: set[tuple[str, UUID | None, UUID | None]] = {
            (item.code, item.terminal_id, item.diner_id)
            for item in session.scalars(select(ExceptionItem))
        }

    def faults(self) -> Iterator[str]:
        yield from self.world.office.trouble
        for till in self.world.tills:
            yield from till.trouble
            yield from self._journal(till)
            yield from self._sales(till)
            if self.terminals[till.id].revoked_at is None:
                yield from self._snapshot(till)
                yield from self._erased(till)
        yield from self._promises()
        yield from self._parked()
        yield from self._gave_back()
        yield from self._wallets()
        yield from self._verified()

    # --- invariant 2: what was acknowledged, and what was shown ---------------------------------

    def _journal(self, till: TillMachine) -> Iterator[str]:
        """The server's chain is this till's own; what contradicts it is kept aside, and listed."""
        here = till.entries()
        till.known.update({entry.hash: entry for entry in here})
        prev = GENESIS
        for seq, row in enumerate(self.rows[till.id], start=1):
            if row.seq != seq or row.prev_hash != prev or row.hash not in till.known:
                yield f"entry {row.seq} of {till.name} on the server is not what it wrote"
            prev = row.hash
        there = {row.hash for row in self.rows[till.id]}
        open_entries = [entry for entry in here if entry.hash not in there]
        if not open_entries or self.terminals[till.id].revoked_at is not None:
            return
        if till.life == 0 and not self._server_was_restored:
            yield f"{till.name}: entries from {open_entries[0].seq} on never reached the server"
            return
        for entry in open_entries:
            if entry.hash not in self.forked[till.id]:
                yield f"{till.name}: entry {entry.seq} is neither applied nor kept aside"
        if not any(code == "fork" and who == till.id for code, who, _ in self.listed):
            yield f"{till.name}: its fork is on no list"

    @property
    def _server_was_restored(self) -> bool:
        return self.world.server_restores > 0

    def _sales(self, till: TillMachine) -> Iterator[str]:
        """What was shown as paid is somewhere safe, once; what is booked was shown."""
        there = Counter(row.id for row in self.rows[till.id])
        aside = {till.known[h].id for h in self.forked[till.id] if h in till.known}
        here = {entry.id for entry in till.entries()}
        for sale_id, shown in till.shown.items():
            safe = there[sale_id] == 1 or sale_id in aside or sale_id in here
            if there[sale_id] > 1:
                yield f"{till.name}: a sale of {shown.sale.total} fen came {there[sale_id]} times"
            if not safe and shown.life == till.life:
                yield f"{till.name}: a sale of {shown.sale.total} fen was shown as paid and is lost"
        sold = {e.id for e in till.known.values() if e.kind == "sale"}
        unseen = len(sold - till.shown.keys())
        if unseen > till.crashes + till.refused_writes:
            yield f"{till.name}: {unseen} sales were written that nobody saw as paid"

    def _promises(self) -> Iterator[str]:
        there = {
            (row.terminal_id, row.seq): row.hash for rows in self.rows.values() for row in rows
        }
        for (terminal_id, seq), digest in self.world.server.promises.items():
            if there.get((terminal_id, seq)) != digest:
                yield f"entry {seq} of {self._name(terminal_id)} was acknowledged, but is not kept"

    def _parked(self) -> Iterator[str]:
        """Only a void may be refused, for a reason that a race explains."""
        for till in self.world.tills:
            for row in self.rows[till.id]:
                if row.outcome != "parked":
                    continue
                lawful = row.kind == "void" and row.reason.startswith(_LAWFUL)
                if not lawful:
                    yield f"{till.name}: its {row.kind} {row.seq} is parked: {row.reason}"
                if ("parked", till.id, None) not in self.listed:
                    yield f"{till.name}: a parked {row.kind} is on no list"

    # --- the tills' snapshots -------------------------------------------------------------------

    def _snapshot(self, till: TillMachine) -> Iterator[str]:
        """A till that has heard everything knows what is published, no more, no less."""
        query = select(FeedRow).where(FeedRow.body.is_not(None))
        own = {"terminal", "site_key"}
        published = {
            (row.kind, row.key): row.body
            for row in self.session.scalars(query)
            if row.kind not in own or row.key == str(till.id)
        }
        rows = till.till.store._rows("SELECT kind, key, body FROM feed_item")
        held = {(row["kind"], row["key"]): json.loads(row["body"]) for row in rows}
        for kind, key in sorted(published.keys() | held.keys()):
            if published.get((kind, key)) != held.get((kind, key)):
                where = "only here" if (kind, key) not in published else "out of date or missing"
                yield f"{till.name}: a {kind} is {where}"
        version = latest(self.session, self.world.lab.site.id)
        if till.till.store.feed_version() != version:
            have = till.till.store.feed_version()
            yield f"{till.name}: its snapshot ends at version {have} of {version}"

    def _erased(self, till: TillMachine) -> Iterator[str]:
        """No withdrawn face is left on the disk, and the server knows it."""
        kept = {
            row.body["sealed"]
            for row in self.session.scalars(select(FeedRow).where(FeedRow.kind == "template"))
            if row.body is not None
        }
        disk = b"".join(till.image().values())
        for sealed in sorted(self.world.office.templates):
            text = base64.b64encode(sealed)
            if text.decode() not in kept and text[:80] in disk:
                yield f"{till.name}: a withdrawn face is still on its disk"
        query = select(Erasure).where(Erasure.terminal_id == till.id, Erasure.erased_at.is_(None))
        for erasure in self.session.scalars(query):
            told = erasure.version is not None and till.till.store.feed_version() >= erasure.version
            if not told:
                yield f"{till.name}: nothing says that it has erased a withdrawn face"

    # --- invariant 1: the money -----------------------------------------------------------------

    def _gave_back(self) -> Iterator[str]:
        """Each sale goes back once, and only as somebody was told."""
        given = self.session.scalars(
            select(Refund).where(Refund.state == refunds.State.APPROVED.value)
        ).all()
        times = Counter(each.sale_id for each in given)
        for sale_id, number in times.items():
            if number > 1:
                yield f"the money of a sale ({sale_id.hex[-4:]}) went back {number} times"
        told = {each.id for each in given}
        for act in self._acts("void", "refund"):
            if act.fate is Fate.DONE and UUID(act.key) not in told:
                yield f"a {act.kind} of {act.fen} fen was confirmed, but is not in the books"
            if act.fate in {Fate.REFUSED, Fate.FAILED} and UUID(act.key) in told:
                yield f"a {act.kind} of {act.fen} fen was refused, but is in the books"
        asked = {UUID(act.key) for act in self._acts("void", "refund")}
        tills = {row.id for rows in self.rows.values() for row in rows if row.kind == "void"}
        for each in given:
            if each.id not in asked | tills:
                yield f"a {each.kind} of {each.total} fen is in the books that nobody made"

    def _acts(self, *kinds: str) -> list[Act]:
        return [act for act in self.world.office.acts if act.kind in kinds]

    def _wallets(self) -> Iterator[str]:
        """Every wallet holds what the world has seen going in and out."""
        expected, faults = self._expected()
        yield from faults
        query = select(Account).where(Account.kind.in_(["cash", "subsidy"]))
        for account in self.session.scalars(query):
            due = expected.pop((account.owner_id, account.kind), 0)
            who = self.world.lab.site.diners.index(account.owner_id)
            if account.balance != due:
                yield f"diner {who} has {account.balance} fen of {account.kind}, {due} are due"
            if account.balance < 0 and not self._listed("overdraft", account.owner_id):
                yield f"diner {who} is overdrawn, and no manager is told"
        for (diner, kind), fen in expected.items():
            if fen:
                who = self.world.lab.site.diners.index(diner)
                yield f"diner {who} has no {kind} account, {fen} fen are due"

    def _listed(self, code: str, diner: UUID) -> bool:
        return any(each[0] == code and each[2] == diner for each in self.listed)

    def _expected(self) -> tuple[Counter[tuple[UUID, str]], list[str]]:
        """Fen that are due to each diner in each wallet, and what already contradicts it."""
        site = self.world.lab.site
        faults: list[str] = []
        due: Counter[tuple[UUID, str]] = Counter()
        for number, diner in enumerate(site.diners):
            due[diner, "cash"] = FIRST_CASH
            due[diner, "subsidy"] = FIRST_SUBSIDY * (number % 2 == 0)
        keys = set(self.session.scalars(select(Transfer.key)))
        for act in self._acts("top_up"):
            is_there = f"top_up:{act.key}" in keys
            faults += _fate(act, is_there=is_there)
            due[act.about, "cash"] += act.fen * is_there
        for act in self._acts("subsidy"):
            run = self._run_of(act.key)
            faults += _fate(act, is_there=run is not None)
            for diner in site.diners:
                due[diner, "subsidy"] += act.fen * (f"subsidy:{run}:{diner}" in keys)
        faults += self._take_off(due)
        return due, faults

    def _take_off(self, due: Counter[tuple[UUID, str]]) -> Iterator[str]:
        """Take what was sold off the wallets, unless it went back."""
        approved = Refund.state == refunds.State.APPROVED.value
        back = set(self.session.scalars(select(Refund.sale_id).where(approved)))
        booked = set(self.session.scalars(select(Sale.id)))
        sold = [row for rows in self.rows.values() for row in rows if row.kind == "sale"]
        for row in sold:
            if row.id not in booked:
                yield f"sale {row.seq} of {self._name(row.terminal_id)} is not booked"
            body = json.loads(row.body)
            if row.id in back or body["diner_id"] is None:
                continue
            for paid in body["payments"]:
                due[UUID(body["diner_id"]), paid["source"]] -= paid["amount"]

    def _run_of(self, key: str) -> UUID | None:
        return self.session.scalar(select(SubsidyRun.id).where(SubsidyRun.key == key))

    # --- the product's own proof ------------------------------------------------------------------

    def _verified(self) -> Iterator[str]:
        report = Report()
        verify_server(self.session, report)
        for till in self.world.tills:
            verify_till(till.disk.folder / FILE, report, self.session)
        for fault in report.faults:
            if not self._expected_fault(fault.where, fault.what):
                yield f"verify: {fault.where}: {fault.what}"

    def _expected_fault(self, where: str, what: str) -> bool:
        """What no sync can mend, and a person is rightly told.

        A till that was put back to an old disk lacks what the server has. A server that was put
        back lacks what a till had told it, and hears it no more once the till is revoked: it comes
        in with the till's file.
        """
        behind = where == "till mark" or (where.startswith("till entry") and "another one" in what)
        if behind and any(till.life for till in self.world.tills):
            return True
        lost = where.startswith("till entry") and "has it not" in what
        revoked = any(self.terminals[till.id].revoked_at for till in self.world.tills)
        return lost and revoked and self._server_was_restored

    def _name(self, terminal_id: UUID) -> str:
        return next(till.name for till in self.world.tills if till.id == terminal_id)


def _fate(act: Act, *, is_there: bool) -> list[str]:
    if act.fate is Fate.DONE and not is_there:
        return [f"a {act.kind} of {act.fen} fen was confirmed, but is not in the books"]
    if act.fate in {Fate.REFUSED, Fate.FAILED} and is_there:
        return [f"a {act.kind} of {act.fen} fen was refused, but is in the books"]
    return []

"""Bugs put back on purpose: each must be found, or the simulator proves nothing.

Each is a context manager that patches the product while it is open.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import pos.store
from dafan import db, journal
from dafan.ids import new_id
from dafan.records import EntryOutcome, FeedPage, JournalPush, PushAnswer, PushStatus, Sale
from dafan.sync import ForkError, RevokedError, SyncClient, SyncError
from pos.store import TillStore
from server import feed, ingest
from server.books import refunds, reversals
from server.books.reversals import Back
from server.terminals import Terminal
from simulation.server import ServerMachine
from simulation.world import World

Plant = Callable[[], AbstractContextManager[None]]
Work = Callable[[Session], PushAnswer]


@contextmanager
def acknowledged_before_commit() -> Iterator[None]:
    """The server answers first and commits a moment later."""
    later: list[tuple[Engine, Work]] = []
    retrying = db.retrying
    notice, crash, begin = World._notice_power, ServerMachine.crash, ServerMachine.begin

    def early(engine: Engine, work: Work) -> PushAnswer:
        commit()
        with Session(engine.execution_options(dafan_writes=True)) as session:
            answer = work(session)
            session.rollback()
        later.append((engine, work))
        return answer

    def commit() -> None:
        while later:
            retrying(*later.pop(0))

    def at_the_end_of_the_step(world: World) -> None:
        if world.server.up and not world.server.disk.dead:
            with suppress(OperationalError):
                commit()
        notice(world)

    def forgetting(work: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*args: Any, **kwargs: Any) -> None:
            later.clear()
            work(*args, **kwargs)

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "retrying", early)
        patch.setattr(World, "_notice_power", at_the_end_of_the_step)
        patch.setattr(ServerMachine, "crash", forgetting(crash))
        patch.setattr(ServerMachine, "begin", forgetting(begin))
        yield


@contextmanager
def mark_in_a_transaction_of_its_own() -> Iterator[None]:
    """The mark is committed before its entries, and what it covers is taken for a repetition."""
    push, retrying, take = ingest.push, db.retrying, ingest.take

    def trusting(
        session: Session, terminal: Terminal, batch: JournalPush, now: datetime
    ) -> tuple[PushStatus, list[EntryOutcome]]:
        if batch.entries[-1].seq <= terminal.applied_seq:
            return PushStatus.OK, []
        return take(session, terminal, batch, now)

    def apart(engine: Engine, terminal: Terminal, batch: JournalPush, now: datetime) -> PushAnswer:
        def in_two(engine: Engine, work: Work) -> PushAnswer:
            with Session(engine.execution_options(dafan_writes=True)) as session:
                answer = work(session)
                session.rollback()
            if answer.status is PushStatus.OK and answer.applied_seq == terminal.applied_seq:
                return answer

            def mark(session: Session) -> None:
                mine = session.get_one(Terminal, terminal.id)
                mine.applied_seq, mine.applied_hash = answer.applied_seq, answer.applied_hash

            retrying(engine, mark)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ingest, "take", take)
                return retrying(engine, work)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "retrying", in_two)
            return push(engine, terminal, batch, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "push", apart)
        patch.setattr(ingest, "take", trusting)
        yield


@contextmanager
def feed_by_a_sequence() -> Iterator[None]:
    """Versions come from a sequence: a later one may be visible while an earlier one is not yet.

    One server process commits one by one, so what a reader would see is put in its place: now and
    then a page lacks an item whose transaction is still open.
    """
    page = feed.page
    seen: set[tuple[str, int]] = set()
    drawn = iter(range(10**9))

    def holey(session: Session, *args: Any, **kwargs: Any) -> FeedPage:
        whole: FeedPage = page(session, *args, **kwargs)
        items = []
        for item in whole.items:
            fresh = (item.key, item.version) not in seen
            seen.add((item.key, item.version))
            if not (fresh and item is not whole.items[-1] and next(drawn) % 4 == 3):
                items.append(item)
        return whole.model_copy(update={"items": tuple(items)})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "page", holey)
        yield


@contextmanager
def lost_fsync() -> Iterator[None]:
    """The till's file is opened with ``synchronous=NORMAL``."""
    connect = journal.connect

    def careless(path: Path) -> Connection:
        connection = connect(path)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pos.store, "connect", careless)
        yield


@contextmanager
def refunded_twice() -> Iterator[None]:
    """Nobody looks whether money for the sale went back before.

    The database would still refuse it (``ck_sale_refunded``), so the sale forgets it as well.
    """
    move_back = reversals.move_back

    def forgetful(session: Session, given: Sequence[Back], *args: Any) -> None:
        for each in given:
            each.sale.refunded = 0
        move_back(session, given, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refunds, "STANDING", ())
        patch.setattr(reversals, "move_back", forgetful)
        yield


@contextmanager
def new_id_on_retry() -> Iterator[None]:
    """A sale that was not acknowledged is written once more, under a new id."""
    push_once = SyncClient.push_once

    def again(self: SyncClient) -> bool:
        try:
            return push_once(self)
        except (ForkError, RevokedError):
            raise
        except SyncError:
            mine = self._journal
            waiting = [e for e in mine.read(mine.acknowledged()) if e.kind == "sale"]
            if waiting:
                sale = Sale.model_validate({**waiting[-1].body, "id": new_id()})
                mine.append("sale", sale.id, sale.paid_at, sale)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyncClient, "push_once", again)
        yield


@contextmanager
def version_before_its_page() -> Iterator[None]:
    """The snapshot's version is written first, then the page that it stands for."""
    apply = TillStore.apply_feed_page

    def torn(self: TillStore, page: FeedPage) -> None:
        with self.journal.transaction() as connection:
            pos.store._set_version(connection, page.version)
        apply(self, page)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TillStore, "apply_feed_page", torn)
        yield


@contextmanager
def fork_taken_for_a_repetition() -> Iterator[None]:
    """Other entries under known numbers are taken for a repetition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "_forks", lambda *_args: False)
        yield


PLANTS: dict[str, Plant] = {
    "acknowledged-before-commit": acknowledged_before_commit,
    "mark-in-a-transaction-of-its-own": mark_in_a_transaction_of_its_own,
    "feed-by-a-sequence": feed_by_a_sequence,
    "lost-fsync": lost_fsync,
    "refunded-twice": refunded_twice,
    "new-id-on-retry": new_id_on_retry,
    "version-before-its-page": version_before_its_page,
    "fork-taken-for-a-repetition": fork_taken_for_a_repetition,
}
"""Name → the bug."""

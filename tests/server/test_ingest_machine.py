"""Whatever order batches arrive in, twice or not at all: the server ends where the till is."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dafan import db, journal
from dafan.clock import ManualClock
from dafan.crypto import Identity
from dafan.desk import TerminalNotice
from dafan.ids import new_id
from dafan.journal import GENESIS, sign_batch
from server import ingest, sites, terminals
from server.verify import Report, verify_server

Send = st.tuples(st.just("send"), st.integers(0, 30), st.integers(1, 9), st.booleans())
Write = st.tuples(st.just("write"), st.integers(1, 4), st.just(0), st.just(False))


class World:
    """A till's journal and a server, without a network between them."""

    def __init__(self, folder: Path, databases: Any, clock: ManualClock) -> None:
        self.engine = db.make_engine(databases.make(folder / "dafan.db"))
        self.clock, self.identity = clock, Identity.create()
        with db.writing(self.engine) as session:
            site = sites.ensure_site(session, "s")
            venue = sites.ensure_venue(session, site.id, "v")
            self.terminal = terminals.Terminal(
                id=new_id(), site_id=site.id, venue_id=venue.id, name="t", box_key=b"",
                signing_key=self.identity.signing_public, enrolled_at=clock.now(),
                feed_version=0, applied_seq=0, applied_hash=GENESIS,
            )  # fmt: skip
            session.add(self.terminal)
        self.file = journal.connect(folder / "till.db")
        self.file.execute("PRAGMA synchronous=OFF")  # nothing here outlives a power cut
        self.journal = journal.Journal(self.file, self.terminal.id)

    def write(self, count: int) -> None:
        for _ in range(count):
            self.journal.append("notice", new_id(), self.clock.now(), TerminalNotice(code="x"))

    def send(self, after: int, count: int, answered: bool) -> None:
        entries = self.journal.read(after, count)
        if not entries:
            return
        mark = self.mark()
        batch = sign_batch(self.identity, entries)
        answer = ingest.push(self.engine, self.terminal, batch, self.clock.now())
        reached = max(mark, entries[-1].seq) if after <= mark else mark
        assert answer.applied_seq == reached
        assert answer.status == ("ok" if after <= mark else "gap")
        if answered:
            self.journal.acknowledge(answer.applied_seq)

    def mark(self) -> int:
        with db.reading(self.engine) as session:
            return session.get_one(terminals.Terminal, self.terminal.id).applied_seq

    def close(self) -> None:
        self.file.close()
        self.engine.dispose()


@given(acts=st.lists(st.one_of(Write, Send), max_size=14))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_lost_repeated_and_reordered_batches_end_in_one_copy_of_every_entry(
    acts: Any, databases: Any, clock: ManualClock
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), databases, clock)
        try:
            for act, number, count, answered in acts:
                if act == "write":
                    world.write(number)
                else:
                    world.send(number, count, answered)
            while world.mark() < world.journal.head()[0]:
                world.send(world.mark(), 5, True)
            report = Report()
            with db.reading(world.engine) as session:
                verify_server(session, report)
            assert report.faults == []
            assert report.checked.get("entries", 0) == world.journal.head()[0]
        finally:
            world.close()

"""A weigh line as the server meets it: an entrance, a box with two pans, diners with trays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.line import PanChange, PanChanged, ScoopTaken, TrayBound, TrayEnded
from dafan.money import Fen, price_of_weight
from dafan.units import Grams
from server import line, line_proof, line_settle
from server.actor import Actor
from server.books.sales import Sale
from server.keys import KeyRing
from server.line_book import LineScoop
from server.verify import Report, verify_server

PRICE = Fen(3000)


@dataclass
class Line:
    """A line at noon."""

    gate: Any
    box: Any
    clock: ManualClock
    engine: Engine
    ring: KeyRing
    actor: Actor
    pans: tuple[UUID, ...] = field(default_factory=lambda: (new_id(), new_id()))
    dish: UUID = field(default_factory=new_id)
    sent: dict[UUID, int] = field(default_factory=dict)

    def bind(self, diner_id: UUID, tray: str = "E2000001") -> UUID:
        """Take a tray at the entrance, which does not tell it yet."""
        body = TrayBound(id=new_id(), tray=tray, diner_id=diner_id, by="card", at=self.clock.now())
        self.gate.journal.append("tray_bound", new_id(), body.at, body)
        return body.id

    def scoop(
        self, grams: int, *, session: UUID | None = None, tray: str = "E2000001", pan: int = 0
    ) -> UUID:
        """Take, or put back, food at the box, which does not tell it yet."""
        amount = price_of_weight(Grams(abs(grams)), PRICE)
        body = ScoopTaken(
            id=new_id(), station=pan + 1, pan_id=self.pans[pan], tray=tray, session_id=session,
            dish_id=self.dish, name="青菜", unit_price=PRICE, grams=Grams(grams),
            amount=Fen(amount if grams > 0 else -amount), before=Grams(5000),
            after=Grams(5000 - grams), at=self.clock.now(),
        )  # fmt: skip
        self.box.journal.append("scoop", new_id(), body.at, body)
        self.clock.advance(5)
        return body.id

    def alarm(self, kind: PanChange) -> None:
        """A pan moved without a charge."""
        body = PanChanged(
            id=new_id(), station=1, pan_id=self.pans[0], kind=kind, before=Grams(5000),
            after=Grams(4900), at=self.clock.now(),
        )  # fmt: skip
        self.box.journal.append("pan", new_id(), body.at, body)

    def leave(self, session: UUID | None, tray: str = "E2000001") -> None:
        """The tray goes through the exit."""
        body = TrayEnded(
            id=new_id(), tray=tray, session_id=session, how="exit", at=self.clock.now()
        )
        self.gate.journal.append("tray_ended", new_id(), body.at, body)

    def tell(self, *terminals: Any) -> list[str]:
        """Let terminals push what they have; why entries are parked."""
        reasons = []
        for one in terminals or (self.gate, self.box):
            after = self.sent.get(one.id, 0)
            if one.journal.read(after, 1):
                answer = one.push(after)
                self.sent[one.id] = answer.applied_seq
                reasons += [each.reason for each in answer.outcomes if each.reason]
        return reasons

    def later(self, minutes: float = 2) -> str:
        """Let time pass; the job of every minute runs."""
        self.clock.advance(minutes * 60)
        return line_settle.drive(self.engine, self.ring, self.clock.now())

    def do(self, work: Callable[[Session], Any]) -> Any:
        """One transaction."""
        with db.writing(self.engine) as session:
            return work(session)

    def paid(self, session_id: UUID) -> list[Sale]:
        """The sales of a session."""
        with db.reading(self.engine) as session:
            row = line.session_of(session, self.actor.site_id, session_id)
            assert row is not None
            return line_settle.sales_of(session, row)

    def state(self, scoop_id: UUID) -> tuple[str, str]:
        """What became of a scoop, and why."""
        with db.reading(self.engine) as session:
            row = session.query(LineScoop).filter(LineScoop.id == scoop_id).one()
            return row.state, row.why

    def ask(self, tray: str) -> Any:
        """What a terminal is told of a tray."""
        return self.box.client.get(f"/api/v1/line/trays/{tray}", headers=self.box.headers())

    def trays(self) -> dict[str, Any]:
        """Tray → what boxes are told of it."""
        items = self.box.feed()["items"]
        return {one["key"]: one["body"] for one in items if one["kind"] == "open_tray"}

    def proved(self, *, books: bool = False) -> None:
        """The line, and all the books, are right."""
        report = Report()
        with db.reading(self.engine) as session:
            if books:
                verify_server(session, report)
            assert not [*report.faults, *line_proof.faults(session)]

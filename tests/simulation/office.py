"""What people do on the server's pages while the tills sell; every act keeps its fate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import CardStatus, DinerStatus
from kitchen import dishes as menu
from server import cards, cashdesk, dishes, faces, people, refunds, sites, terminals
from server.actor import Actor
from server.books.sales import Sale
from server.people import Diner
from simulation.lab import OFFICE, POLICY, Lab, card, enrol_face
from simulation.server import ServerMachine


class Fate(StrEnum):
    """What the person at the desk saw."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed: nothing was changed"
    UNKNOWN = "nobody knows"


@dataclass
class Act:
    """One act that moves money.

    Attributes:
        kind: ``top_up``, ``subsidy``, ``void`` or ``refund``.
        key: As in the form: the same again is the same act.
        about: The diner, or the sale.
        fen: Of a top-up, or a head of a subsidy.
    """

    kind: str
    key: str
    about: UUID
    fen: int
    fate: Fate = Fate.UNKNOWN


@dataclass
class Office:
    """The people at the desks."""

    lab: Lab
    rng: Random
    acts: list[Act] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Exceptions that no disk explains."""
    templates: set[bytes] = field(default_factory=set)
    """Sealed templates that were erased."""

    @property
    def server(self) -> ServerMachine:
        """Where they work."""
        return self.lab.server

    def do_something(self) -> str:
        """One act, now and then sent twice."""
        return self._do(self.rng.choice(_ACTS))

    def give_back(self) -> str:
        """Money goes back for a sale, or should not."""
        return self._do(self.rng.choice(("void", "refund")))

    def _do(self, act: str) -> str:
        told: str = getattr(self, f"_{act}")()
        return told

    def _run(self, work: Callable[[Session, Actor], Any], name: str = OFFICE) -> Fate:
        """A request of a page: one transaction."""
        server = self.server
        before, self.lab.chance.clock = self.lab.chance.clock, server.clock
        actor = Actor(self.lab.site.id, name, server.clock.now())
        try:
            with db.writing(server.engine) as session:
                work(session, actor)
        except BadInputError:
            return Fate.UNKNOWN if server.disk.dead else Fate.REFUSED
        except OperationalError as error:
            doubt = server.disk.dead or db.in_doubt(error)
            return Fate.UNKNOWN if doubt else Fate.FAILED
        except Exception as error:  # noqa: BLE001 - a person would see a fault
            self.trouble.append(f"a page would have shown a fault: {error!r}"[:300])
            return Fate.UNKNOWN if server.disk.dead else Fate.FAILED
        finally:
            self.lab.chance.clock = before
            server.rest()
        return Fate.UNKNOWN if server.disk.dead else Fate.DONE

    def _money(self, act: Act, work: Callable[[Session, Actor], Any], name: str = OFFICE) -> str:
        """An act that moves money; a person who sees no answer presses once more."""
        self.acts.append(act)
        act.fate = self._run(work, name)
        times = 1
        while self.server.up and not self.server.disk.dead and self.rng.random() < 0.25:
            again = self._run(work, name)
            times += 1
            if act.fate is not Fate.DONE or again is Fate.UNKNOWN:
                act.fate = again
        return f"{act.kind} of {act.fen} fen, sent {times} times: {act.fate.value}"

    # --- money --------------------------------------------------------------------------------

    def _top_up(self) -> str:
        diner, fen = self.rng.choice(self.lab.site.diners), self.rng.randrange(100, 6000)
        key = str(new_id())
        act = Act("top_up", key, diner, fen)
        return self._money(
            act, lambda session, actor: cashdesk.top_up(session, actor, diner, Fen(fen), key=key)
        )

    def _subsidy(self) -> str:
        with db.reading(self.server.engine) as session:
            group = session.scalars(
                select(Diner.group_id).where(Diner.id == self.lab.site.diners[0])
            ).one()
        fen, key = self.rng.randrange(100, 1500), str(new_id())
        act = Act("subsidy", key, group, fen)
        return self._money(
            act,
            lambda session, actor: cashdesk.run_subsidy(
                session, actor, "补贴", {group: Fen(fen)}, key=key
            ),
        )

    def _some_sale(self) -> Sale | None:
        """Any, but often one for which somebody has been here before."""
        with db.reading(self.server.engine) as session:
            sold = session.scalars(select(Sale).order_by(Sale.terminal_id, Sale.seq)).all()
        again = {act.about for act in self.acts if act.kind in {"void", "refund"}}
        known = [sale for sale in sold if sale.id in again]
        if known and self.rng.random() < 0.4:
            sold = known
        return self.rng.choice(sold) if sold else None

    def _void(self) -> str:
        sale, key = self._some_sale(), new_id()
        if sale is None:
            return "nothing to void"
        act = Act("void", str(key), sale.id, sale.total)
        return self._money(
            act, lambda session, actor: refunds.void(session, actor, sale.id, "错", key=key)
        )

    def _refund(self) -> str:
        sale, key = self._some_sale(), new_id()
        if sale is None:
            return "nothing to refund"
        asked = self._run(
            lambda session, actor: refunds.ask(session, actor, sale.id, None, "退", key=key)
        )
        if asked is not Fate.DONE:
            return f"asks for a refund of {sale.total} fen: {asked.value}"
        act = Act("refund", str(key), sale.id, sale.total)
        return self._money(
            act, lambda session, actor: refunds.approve(session, actor, key), "second person"
        )

    # --- things that tills must know ------------------------------------------------------------

    def _price(self) -> str:
        dish, fen = self.rng.choice(self.lab.site.dishes), self.rng.randrange(50, 2000)

        def work(session: Session, actor: Actor) -> None:
            values = menu.values_of(menu.get(session, actor.site_id, dish))
            new = values.model_copy(update={"price": Fen(fen)})
            dishes.update(session, actor, dish, new)

        return f"changes a price to {fen} fen: {self._run(work).value}"

    def _status(self) -> str:
        diner = self.rng.randrange(len(self.lab.site.diners))
        status = self.rng.choice((DinerStatus.ACTIVE, DinerStatus.FROZEN))
        fate = self._run(
            lambda session, actor: people.set_status(
                session, actor, self.lab.site.diners[diner], status
            )
        )
        return f"makes diner {diner} {status.value}: {fate.value}"

    def _card(self) -> str:
        diner = self.rng.randrange(len(self.lab.site.diners))
        status = self.rng.choice(tuple(CardStatus))
        act = cards.found if status is CardStatus.ACTIVE else cards.report_lost
        fate = self._run(lambda session, actor: act(session, actor, card(diner)))
        return f"makes the card of diner {diner} {status.value}: {fate.value}"

    def _withdraw(self) -> str:
        diner = self.rng.randrange(3)

        def work(session: Session, actor: Actor) -> None:
            template = faces.template_of(session, self.lab.site.diners[diner])
            if template is not None:
                self.templates.add(bytes(template.sealed))
            faces.withdraw(session, actor, self.lab.site.diners[diner])

        return f"diner {diner} withdraws his consent: {self._run(work).value}"

    def _enrol(self) -> str:
        diner = self.rng.randrange(3)
        fate = self._run(
            lambda session, actor: enrol_face(
                session, actor, self.lab.ring, self.lab.site.diners[diner], self.rng
            )
        )
        return f"diner {diner} enrols his face: {fate.value}"

    def _policy(self) -> str:
        grams = self.rng.randrange(10, 40)
        fate = self._run(
            lambda session, actor: sites.set_policy(
                session, actor.site_id, POLICY.model_copy(update={"min_grams": grams})
            )
        )
        return f"changes the policy: {fate.value}"

    def revoke(self, terminal_id: UUID, name: str) -> str:
        """Close a terminal for good."""
        fate = self._run(
            lambda session, actor: terminals.revoke(
                session, actor.site_id, terminal_id, by=actor.name, now=actor.at
            )
        )
        return f"revokes {name}: {fate.value}"


_ACTS = (
    "top_up", "top_up", "subsidy", "void", "void", "refund", "refund", "price", "status", "card",
    "withdraw", "withdraw", "enrol", "policy",
)  # fmt: skip

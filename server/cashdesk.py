"""Money that people hand over: a top-up or a subsidy run, booked, audited and sent to the tills."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import DinerStatus
from server import people
from server.actor import Actor
from server.books import subsidies, wallets
from server.books.transfers import Transfer


def top_up(
    session: Session, actor: Actor, diner_id: UUID, amount: Fen, *, key: str, memo: str = ""
) -> Transfer:
    """Pay into a diner's own wallet, once for each key.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: he has left, the amount is no payment, or the key paid something else.
    """
    diner = people.get_diner(session, actor.site_id, diner_id)
    if diner.status == DinerStatus.LEFT.value:
        raise BadInputError("this diner has left: nothing can be paid in", code="left")
    transfer = wallets.top_up(
        session, actor.site_id, diner_id, amount, key=key, by=actor.name, at=actor.at, memo=memo
    )
    actor.record(session, "wallet.top_up", str(diner_id), None, {"fen": amount, "key": key})
    people.publish_diner(session, diner_id)
    return transfer


def run_subsidy(
    session: Session, actor: Actor, name: str, amounts: Mapping[UUID, Fen], *, key: str
) -> subsidies.SubsidyRun:
    """Credit every active diner of the groups with fen a head, once for each key.

    Raises:
        BadInputError: an amount is no subsidy, nobody receives, or the key was another run.
    """
    query = select(people.Diner.id, people.Diner.group_id).where(
        people.Diner.site_id == actor.site_id,
        people.Diner.status == DinerStatus.ACTIVE.value,
        people.Diner.group_id.in_(list(amounts)),
    )
    members = [subsidies.Member(*row) for row in session.execute(query)]
    done = subsidies.run(
        session, actor.site_id, name, amounts, members, key=key, by=actor.name, at=actor.at
    )
    actor.record(session, "subsidy.run", str(done.id), None, done.amounts)
    people.publish_diners(session, actor.site_id, (member.diner_id for member in members))
    return done

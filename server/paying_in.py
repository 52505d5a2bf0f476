"""Money comes in: top-ups and subsidy runs, booked, written to the audit log, and sent to tills."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.money import Fen
from dafan.records import DinerStatus
from server import people
from server.actor import Actor
from server.books import subsidies, wallets
from server.books.subsidies import Member, SubsidyRun
from server.books.transfers import Transfer


def top_up(
    session: Session, actor: Actor, diner_id: UUID, amount: Fen, *, key: str, memo: str = ""
) -> Transfer:
    """Pay into a diner's own wallet, once for each key.

    Args:
        session: Writes.
        actor: Who takes the money.
        diner_id: Whose wallet.
        amount: Fen, above zero.
        key: Made when the form was opened, so that pressing twice pays once.
        memo: For people.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: the amount is no payment, or the key paid something else.
    """
    people.get_diner(session, actor.site_id, diner_id)
    transfer = wallets.top_up(
        session, actor.site_id, diner_id, amount, key=key, by=actor.name, at=actor.at, memo=memo
    )
    actor.record(session, "wallet.top_up", str(diner_id), None, {"fen": amount, "key": key})
    people.publish_diner(session, diner_id)
    return transfer


def pay_subsidy(
    session: Session, actor: Actor, name: str, amounts: Mapping[UUID, Fen], *, key: str
) -> SubsidyRun:
    """Credit every active or frozen diner of some groups, once for each key.

    Args:
        session: Writes.
        actor: Who pays.
        name: Such as ``2026年3月补贴``.
        amounts: Group → fen a head.
        key: Made when the form was opened, so that pressing twice pays once.

    Raises:
        BadInputError: an amount is no subsidy, nobody receives, or the key was another run.
    """
    members = members_of(session, actor.site_id)
    run = subsidies.run(
        session, actor.site_id, name, amounts, members, key=key, by=actor.name, at=actor.at
    )
    actor.record(
        session, "subsidy.run", str(run.id), None,
        {"name": run.name, "diners": run.diners, "fen": run.total},
    )  # fmt: skip
    for member in members:
        if member.group_id in amounts:
            people.publish_diner(session, member.diner_id)
    return run


def members_of(session: Session, site_id: UUID) -> list[Member]:
    """Everybody who has not left, with his group."""
    query = select(people.Diner.id, people.Diner.group_id).where(
        people.Diner.site_id == site_id, people.Diner.status != DinerStatus.LEFT.value
    )
    rows = session.execute(query.order_by(people.Diner.staff_no))
    return [Member(diner_id, group_id) for diner_id, group_id in rows]

"""Voids (当日撤销) that tills report: booked behind their sales, or parked with the reason."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan import clock
from dafan.desk import Void
from dafan.records import Entry, Policy
from server import exceptions, sites
from server.actor import Actor
from server.auth import User
from server.books import closing, refunds, reversals, sales
from server.books.accounts import Account, Owner
from server.books.refunds import Kind
from server.books.reversals import Asked, Back
from server.books.sales import Sale
from server.terminals import Terminal


@dataclass(frozen=True, slots=True)
class Told:
    """A void, and the journal entry that carries it."""

    entry: Entry
    void: Void


def lock(session: Session, site_id: UUID, told: Sequence[Told]) -> set[Owner]:
    """Lock the sales that are voided; nothing is asked of the database where there are none.

    Returns:
        The accounts that voids of them move. Sales that come in the same batch are not among
        them: their voids move the accounts that they move themselves.
    """
    found = sales.find(session, site_id, {each.void.sale_id for each in told}, lock=True)
    return {owner for sale in found.values() for owner in reversals.owners_of(session, sale)}


def book(
    session: Session, terminal: Terminal, told: Sequence[Told], locked: Mapping[Owner, Account]
) -> dict[int, tuple[str, UUID | None]]:
    """Take sales back whole; the sales of the same batch are posted already.

    Args:
        session: Writes.
        terminal: Who reports.
        told: In sequence; their sales are locked, or written by this transaction.
        locked: The accounts that they move, as :func:`accounts.ensure_all` gives them.

    Returns:
        Sequence → why the void is parked, or nothing; and whose balances changed.
    """
    site_id = terminal.site_id
    sold = sales.find(session, site_id, {each.void.sale_id for each in told})
    taken = refunds.standing(session, site_id, list(sold))
    known = refunds.known(session, [each.void.id for each in told])
    policy = sites.policy(session, site_id)
    first_open = closing.first_open_day(session, site_id)
    names = _logins(session, {each.void.staff_id for each in told})
    done: dict[int, tuple[str, UUID | None]] = {}
    given = []
    for each in told:
        sale = sold.get(each.void.sale_id)
        reason = refusal(each, sale, policy, taken, known)
        done[each.entry.seq] = reason, sale.diner_id if sale and not reason else None
        if sale and not reason:
            by = names.get(each.void.staff_id, str(each.void.staff_id))
            refund = _write(session, terminal, each, sale, by)
            given.append(Back(refund, sale, each.void.at, max(sale.business_date, first_open)))
            taken.add(sale.id)
            known.add(each.void.id)
            if each.void.staff_id not in names:
                _report(session, terminal, each, sale)
    reversals.move_back(session, given, locked)
    return done


def refusal(
    told: Told,
    sale: Sale | None,
    policy: Policy,
    taken: Collection[UUID],
    known: Collection[UUID],
) -> str:
    """Why a void cannot be booked; empty where it can.

    Args:
        told: What the till reports.
        sale: The sale that it names, where the site has it.
        policy: The site's, which says when a business date ends.
        taken: Sales for which money is back already, or asked for.
        known: Ids that refunds have already.
    """
    void, entry = told.void, told.entry
    if sale is None:
        return "unknown_sale: the site has no such sale"
    done_on = clock.business_date(void.at, ZoneInfo(policy.time_zone), policy.day_starts_hour)
    rules = (
        (void.id in known, "known_void: a void of this id is in the books under another entry"),
        (
            sale.terminal_id != entry.terminal_id or sale.seq >= entry.seq,
            "other_terminal: a till voids only what it sold itself before",
        ),
        (
            sale.total != void.total,
            f"wrong_total: the sale was {sale.total} fen, the void says {void.total}",
        ),
        (
            sale.business_date != void.business_date or sale.business_date != done_on,
            f"wrong_date: the sale is of {sale.business_date}; after that day it is a refund",
        ),
        (
            sale.id in taken,
            "refunded_before: money for this sale went back already, or is asked for",
        ),
    )
    return next((reason for broken, reason in rules if broken), "")


def _write(session: Session, terminal: Terminal, told: Told, sale: Sale, by: str) -> refunds.Refund:
    void = told.void
    asked = Asked(
        void.id, sale.business_date, void.reason, by, void.at, terminal.id, told.entry.seq
    )
    refund = reversals.write_whole(session, sale, Kind.VOID, asked, ())
    actor = Actor(terminal.site_id, by, void.at)
    actor.record(
        session, "sale.void", str(sale.id), {"total": sale.total},
        {"refund": str(void.id), "reason": void.reason, "terminal": terminal.name},
    )  # fmt: skip
    return refund


def _report(session: Session, terminal: Terminal, told: Told, sale: Sale) -> None:
    exceptions.add(
        session, terminal.site_id, "unknown_staff", told.void.at, terminal_id=terminal.id,
        seq=told.entry.seq, sale_id=sale.id, diner_id=sale.diner_id,
        detail=f"voided by {told.void.staff_id}, whom the site does not have",
    )  # fmt: skip


def _logins(session: Session, user_ids: Collection[UUID]) -> dict[UUID, str]:
    query = select(User.id, User.login).where(User.id.in_(user_ids))
    return dict(session.execute(query).all())

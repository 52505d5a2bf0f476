"""Money that people hand over: booked with a receipt, reversed, moved, and sent to the tills."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import DinerStatus, Source
from server import people
from server.actor import Actor
from server.books import accounts, receipts, subsidies, wallets
from server.books.accounts import AccountKind
from server.books.approvals import State
from server.books.receipts import Reversal, TopUpReceipt
from server.books.transfers import Transfer


class ReversedError(BadInputError):
    """The top-up is reversed, or its reversal waits for a second person."""

    code = "reversed"


def top_up(
    session: Session, actor: Actor, diner_id: UUID, amount: Fen, *, key: str, memo: str = ""
) -> Transfer:
    """Pay into a diner's own wallet at the cash desk, once for each key, with a receipt.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: he has left, the amount is no payment, or the key paid something else.
    """
    diner = people.get_diner(session, actor.site_id, diner_id)
    require_here(diner)
    transfer = wallets.top_up(
        session, actor.site_id, diner_id, amount, key=key, by=actor.name, at=actor.at, memo=memo
    )
    balance = accounts.balances(session, diner_id)[Source.CASH]
    receipts.write(session, transfer, diner_id, amount, balance)
    actor.record(session, "wallet.top_up", str(diner_id), None, {"fen": amount, "key": key})
    people.publish_diner(session, diner_id)
    return transfer


def require_here(diner: people.Diner) -> None:
    """Make sure that the diner can be paid something.

    Raises:
        BadInputError: he has left.
    """
    if diner.status == DinerStatus.LEFT.value:
        raise BadInputError("this diner has left: nothing can be paid in", code="left")


def print_receipt(session: Session, actor: Actor, receipt_id: UUID) -> TopUpReceipt:
    """Count one more print; from the second on it is a copy (补打), and in the audit log.

    Raises:
        UnknownReceiptError: not one of this site.
    """
    receipt = receipts.get(session, actor.site_id, receipt_id, lock=True)
    receipt.prints += 1
    if receipt.prints > 1:
        actor.record(
            session, "receipt.copy", receipt.number, receipt.prints - 1, receipt.prints
        )  # fmt: skip
    return receipt


# --- reversal of a mistaken top-up --------------------------------------------------------------


def ask_reversal(session: Session, actor: Actor, receipt_id: UUID, reason: str) -> Reversal:
    """Take a mistaken top-up back.

    On the same trading day its cashier does so alone; in every other case it waits for a second
    person. Either way it happens once, and only while the wallet still holds the money.

    Raises:
        UnknownReceiptError: not a receipt of this site.
        ReversedError: done already, or waiting.
        NotEnoughError: the money is spent.
        BadInputError: no reason is given.
    """
    if not reason.strip():
        raise BadInputError("write down why: the auditor reads it", code="no_reason")
    receipt = receipts.get(session, actor.site_id, receipt_id, lock=True)
    known = receipts.reversals(session, [receipt_id]).get(receipt_id)
    if known is not None and known.state != State.REFUSED.value:
        raise ReversedError("this top-up is reversed, or somebody has asked for it: reload")
    asked = Reversal(
        id=new_id(), site_id=actor.site_id, receipt_id=receipt_id, state=State.ASKED.value,
        reason=reason.strip()[:200], asked_by=actor.name, asked_at=actor.at,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    actor.record(
        session, "wallet.reversal_ask", receipt.number, None,
        {"fen": receipt.amount, "reason": asked.reason},
    )  # fmt: skip
    today = wallets.booking_day(session, actor.site_id, actor.at)
    if receipt.by == actor.name and receipt.business_date == today:
        _reverse(session, actor, receipt, asked)
    return asked


def judge_reversal(session: Session, actor: Actor, reversal_id: UUID, *, approve: bool) -> Reversal:
    """Approve or refuse what another person asked for.

    Raises:
        UnknownReceiptError: not a reversal of this site.
        DecidedError: somebody was faster.
        SamePersonError: he asked for it himself.
        NotEnoughError: the money is spent.
    """
    asked = receipts.get_reversal(session, actor.site_id, reversal_id)
    asked.require_open(actor.name)
    receipt = receipts.get(session, actor.site_id, asked.receipt_id)
    if approve:
        _reverse(session, actor, receipt, asked)
    else:
        asked.judge(State.REFUSED, actor.name, actor.at)
        actor.record(session, "wallet.reversal_refuse", receipt.number, None, asked.asked_by)
    return asked


def _reverse(session: Session, actor: Actor, receipt: TopUpReceipt, asked: Reversal) -> None:
    transfer = wallets.take_out(
        session, actor.site_id, receipt.diner_id, Fen(receipt.amount), to=AccountKind.CASH_DESK,
        kind="top_up_reversal", key=f"top_up_reversal:{receipt.transfer_id}",
        by=actor.name, at=actor.at, memo=receipt.number,
    )  # fmt: skip
    asked.transfer_id = transfer.id
    asked.judge(State.DONE, actor.name, actor.at)
    actor.record(
        session, "wallet.reversal", str(receipt.diner_id), {"fen": receipt.amount},
        {"receipt": receipt.number, "asked_by": asked.asked_by},
    )  # fmt: skip
    people.publish_diner(session, receipt.diner_id)


# --- between two accounts of one person ---------------------------------------------------------


def move_between(
    session: Session,
    actor: Actor,
    from_id: UUID,
    to_id: UUID,
    amount: Fen,
    *,
    key: str,
    reason: str,
) -> Transfer:
    """Move own money from one account of a person to another, such as visitor to staff.

    Subsidies never move: they belong to the account's group.

    Raises:
        UnknownDinerError: not diners of this site.
        NotEnoughError: the first wallet holds less.
        BadInputError: another person's account, one that is closed, or no reason given.
    """
    if not reason.strip():
        raise BadInputError("write down why: the auditor reads it", code="no_reason")
    giver = people.get_diner(session, actor.site_id, from_id)
    taker = people.get_diner(session, actor.site_id, to_id)
    require_here(taker)
    if giver.id == taker.id:
        raise BadInputError("these are one and the same account", code="same_account")
    if giver.name != taker.name:
        raise BadInputError(
            f"{giver.name} and {taker.name} are two names: money moves between the accounts of "
            "one person only; put the names right first",
            code="other_person",
        )
    transfer, made = wallets.move_between(
        session, actor.site_id, giver.id, taker.id, amount,
        key=key, by=actor.name, at=actor.at, memo=reason.strip(),
    )  # fmt: skip
    if made:
        told = {"fen": amount, "reason": reason.strip()}
        actor.record(session, "wallet.move_out", str(giver.id), None, told | {"to": str(taker.id)})
        actor.record(session, "wallet.move_in", str(taker.id), None, told | {"from": str(giver.id)})
        people.publish_diners(session, actor.site_id, sorted([giver.id, taker.id]))
    return transfer


# --- subsidies ----------------------------------------------------------------------------------


def run_subsidy(
    session: Session,
    actor: Actor,
    name: str,
    amounts: Mapping[UUID, Fen],
    *,
    key: str,
    expires_on: date | None = None,
) -> subsidies.SubsidyRun:
    """Credit every active diner of the groups with fen a head, once for each key.

    Raises:
        BadInputError: an amount is no subsidy, nobody receives, the last day has passed, or the
            key was another run.
    """
    query = select(people.Diner.id, people.Diner.group_id).where(
        people.Diner.site_id == actor.site_id,
        people.Diner.status == DinerStatus.ACTIVE.value,
        people.Diner.group_id.in_(list(amounts)),
    )
    members = [subsidies.Member(*row) for row in session.execute(query)]
    done = subsidies.run(
        session, actor.site_id, name, amounts, members,
        key=key, by=actor.name, at=actor.at, expires_on=expires_on,
    )  # fmt: skip
    after = {**done.amounts, "expires_on": expires_on.isoformat()} if expires_on else done.amounts
    actor.record(session, "subsidy.run", str(done.id), None, after)
    people.publish_diners(session, actor.site_id, (member.diner_id for member in members))
    return done

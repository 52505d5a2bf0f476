"""A diner leaves for good: cards, PIN and face go; his money is paid out; the books stay."""

from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import DinerStatus, Source
from server import birthdays, bookings, cards, faces, people, plate_points, preorders, wishes
from server.actor import Actor
from server.books import accounts, pay_outs, wallets
from server.books.accounts import WALLETS, Account, AccountKind
from server.books.approvals import State
from server.books.pay_outs import PayOut, Settled
from server.books.transfers import KeyUsedError, Leg, move


class ChangedError(BadInputError):
    """The balances are no longer those that the person looked at."""

    code = "balance_changed"


def leave(session: Session, actor: Actor, diner_id: UUID) -> None:
    """Take back his cards, erase his face, forget his PIN, and take him off every till.

    Personal data are kept for the shortest time only (PIPL art. 19); the accounts stay, because
    what they hold is still owed: :func:`ask_pay_out`.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    people.get_diner(session, actor.site_id, diner_id)
    plate_points.forget(session, actor, diner_id)
    birthdays.forget(session, actor, diner_id)
    bookings.forget(session, actor, diner_id)
    preorders.forget(session, actor, diner_id)
    for card in cards.cards_of(session, diner_id):
        cards.take_back(session, actor, card.number)
    faces.withdraw(session, actor, diner_id, "left")
    people.set_pin(session, actor, diner_id, None)
    wishes.forget(session, actor, diner_id)
    people.set_status(session, actor, diner_id, DinerStatus.LEFT)


def ask_pay_out(
    session: Session,
    actor: Actor,
    diner_id: UUID,
    *,
    key: str,
    way: str,
    seen: tuple[int, int],
    reason: str = "",
) -> PayOut:
    """Bring the accounts of one who has left to zero, once for each key.

    Up to :data:`pay_outs.ALONE` it is done at once; above it waits for a second person. A sale
    that a till reports later puts the account into debt and stands on the list of exceptions;
    then it can be settled again.

    Args:
        session: Writes.
        actor: Who pays.
        diner_id: Who has left.
        key: Made when the form was opened, so that pressing twice pays once.
        way: A key of :data:`pay_outs.WAYS`.
        seen: Fen of own money and of subsidy that the form showed.
        reason: For people, such as the bank's reference.

    Raises:
        UnknownDinerError: not a diner of this site.
        ChangedError: the balances are others by now.
        BadInputError: he has not left, there is nothing to settle, or it waits already.
    """
    diner = people.get_diner(session, actor.site_id, diner_id)
    if diner.status != DinerStatus.LEFT.value:
        raise BadInputError("he has not left: let him leave first", code="not_left")
    if way not in pay_outs.WAYS:
        raise BadInputError("choose cash or bank", code="bad_way")
    locked = _lock(session, actor.site_id, diner_id, way)
    known = pay_outs.by_key(session, actor.site_id, key)
    if known is not None:
        if (known.diner_id, known.way) != (diner_id, way):
            raise KeyUsedError("this form was sent for something else: reload the page")
        return known
    if pay_outs.waiting_of(session, diner_id) is not None:
        raise BadInputError("a pay-out of his waits for approval already", code="waiting")
    cash, subsidy = _balances(locked, diner_id)
    if (cash, subsidy) != seen:
        raise ChangedError("the balances have changed: reload the page and look again")
    if not cash and not subsidy:
        raise BadInputError("his accounts are at zero: there is nothing to settle", code="settled")
    asked = PayOut(
        id=new_id(), site_id=actor.site_id, key=key[:120], diner_id=diner_id, cash=cash,
        subsidy=subsidy, way=way, state=State.ASKED.value, reason=reason.strip()[:200],
        asked_by=actor.name, asked_at=actor.at,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    actor.record(
        session, "wallet.pay_out_ask", str(diner_id), {"cash": cash, "subsidy": subsidy},
        {"way": way, "reason": asked.reason},
    )  # fmt: skip
    if not pay_outs.needs_second(_settled(asked)):
        _pay(session, actor, asked, locked)
    return asked


def judge_pay_out(session: Session, actor: Actor, pay_out_id: UUID, *, approve: bool) -> PayOut:
    """Approve or refuse a pay-out that another person asked for.

    Raises:
        UnknownPayOutError: not one of this site.
        DecidedError: somebody was faster.
        SamePersonError: he asked for it himself.
        ChangedError: the balances are others by now: refuse it, and ask again.
    """
    asked = pay_outs.get(session, actor.site_id, pay_out_id, lock=True)
    asked.require_open(actor.name)
    if not approve:
        asked.judge(State.REFUSED, actor.name, actor.at)
        actor.record(
            session, "wallet.pay_out_refuse", str(asked.diner_id), None, asked.asked_by
        )  # fmt: skip
        return asked
    locked = _lock(session, actor.site_id, asked.diner_id, asked.way)
    if _balances(locked, asked.diner_id) != (asked.cash, asked.subsidy):
        raise ChangedError("the balances have changed: refuse this one, and settle anew")
    _pay(session, actor, asked, locked)
    return asked


def _settled(asked: PayOut) -> Settled:
    return pay_outs.settle({Source.CASH: Fen(asked.cash), Source.SUBSIDY: Fen(asked.subsidy)})


def _lock(
    session: Session, site_id: UUID, diner_id: UUID, way: str
) -> dict[accounts.Owner, Account]:
    wanted = {(kind, diner_id) for kind in WALLETS.values()}
    ours = {(AccountKind.SUBSIDY_FUND, site_id), (pay_outs.WAYS[way], site_id)}
    return accounts.ensure_all(session, site_id, wanted | ours)


def _balances(locked: dict[accounts.Owner, Account], diner_id: UUID) -> tuple[int, int]:
    return (
        locked[AccountKind.CASH, diner_id].balance,
        locked[AccountKind.SUBSIDY, diner_id].balance,
    )


def _pay(
    session: Session, actor: Actor, asked: PayOut, locked: dict[accounts.Owner, Account]
) -> None:
    settled = _settled(asked)
    amounts = {
        (AccountKind.CASH, asked.diner_id): -asked.cash,
        (AccountKind.SUBSIDY, asked.diner_id): -asked.subsidy,
        (AccountKind.SUBSIDY_FUND, asked.site_id): settled.returned,
        (pay_outs.WAYS[asked.way], asked.site_id): settled.paid,
    }
    transfer = move(
        session, asked.site_id, "pay_out", f"pay_out:{asked.id}",
        [Leg(locked[owner], Fen(amount)) for owner, amount in amounts.items() if amount],
        at=actor.at, business_date=wallets.booking_day(session, asked.site_id, actor.at),
        by=actor.name, memo=asked.reason,
    )  # fmt: skip
    asked.transfer_id = transfer.id
    asked.judge(State.DONE, actor.name, actor.at)
    actor.record(
        session, "wallet.pay_out", str(asked.diner_id),
        {"cash": asked.cash, "subsidy": asked.subsidy},
        {"paid": settled.paid, "returned": settled.returned, "asked_by": asked.asked_by},
    )  # fmt: skip
    people.publish_diner(session, asked.diner_id)

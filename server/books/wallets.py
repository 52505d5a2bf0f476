"""Top-ups (充值) by whatever way the money came, their reversal, and moves between two wallets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen
from dafan.records import Source
from server import sites
from server.books import accounts, closing
from server.books.accounts import AccountKind
from server.books.transfers import Leg, Move, Transfer, move, move_all


class NotEnoughError(BadInputError):
    """The wallet holds less than is to be taken out."""

    code = "not_enough"


@dataclass(frozen=True, slots=True)
class TopUp:
    """An amount for one wallet.

    Attributes:
        diner_id: Whose wallet.
        amount: Fen, above zero.
        key: Made when the form was opened, so that pressing twice pays once.
        source: Which wallet; an import also brings opening balances of subsidies.
        memo: For people; empty: the memo of all.
    """

    diner_id: UUID
    amount: Fen
    key: str
    source: Source = Source.CASH
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How money comes in: the kind of its transfers, and the account that it comes from."""

    kind: str
    origin: AccountKind


DESK = Way("top_up", AccountKind.CASH_DESK)
BANK = Way("bank", AccountKind.BANK)
ONLINE = Way("gateway", AccountKind.GATEWAY)
_FUND = Way("top_up", AccountKind.SUBSIDY_FUND)


def booking_day(session: Session, site_id: UUID, at: datetime) -> date:
    """The trading day that money moved at a moment counts for; never a closed one."""
    return closing.booking_date(session, site_id, sites.business_date(session, site_id, at))


def check_amount(amount: int) -> Fen:
    """The amount, where it is one that can be paid.

    Raises:
        BadInputError: zero, negative, or too large.
    """
    if not 0 < amount <= MAX_FEN:
        raise BadInputError(
            "enter an amount above zero and below ten million yuan", code="bad_amount"
        )
    return Fen(amount)


def top_up(
    session: Session,
    site_id: UUID,
    diner_id: UUID,
    amount: Fen,
    *,
    key: str,
    by: str,
    at: datetime,
    memo: str = "",
    source: Source = Source.CASH,
    way: Way = DESK,
) -> Transfer:
    """Pay into one wallet, as :func:`top_up_all`."""
    paid = TopUp(diner_id, amount, key, source)
    return top_up_all(session, site_id, [paid], by=by, at=at, memo=memo, way=way)[0]


def top_up_all(
    session: Session,
    site_id: UUID,
    paid: Sequence[TopUp],
    *,
    by: str,
    at: datetime,
    memo: str = "",
    way: Way = DESK,
) -> list[Transfer]:
    """Pay into wallets, once for each key. The caller publishes the diners.

    Args:
        session: Writes.
        site_id: The diners' site.
        paid: What is paid in.
        by: Login.
        at: Aware UTC.
        memo: For people.
        way: How the money came. A subsidy wallet is always filled from the site's fund.

    Raises:
        BadInputError: an amount is no payment, or a key paid something else.
    """
    for each in paid:
        check_amount(each.amount)
    ways = [_FUND if each.source is Source.SUBSIDY else way for each in paid]
    owners = {(accounts.WALLETS[each.source], each.diner_id) for each in paid}
    found = accounts.ensure_all(session, site_id, owners | {(one.origin, site_id) for one in ways})
    day = booking_day(session, site_id, at)
    moves = [
        Move(
            one.kind, f"{one.kind}:{each.key}",
            [
                Leg(found[one.origin, site_id], Fen(-each.amount)),
                Leg(found[accounts.WALLETS[each.source], each.diner_id], each.amount),
            ],
            at=at, business_date=day, by=by, memo=each.memo or memo,
        )
        for each, one in zip(paid, ways, strict=True)
    ]  # fmt: skip
    return move_all(session, site_id, moves)


def take_out(
    session: Session,
    site_id: UUID,
    diner_id: UUID,
    amount: Fen,
    *,
    to: AccountKind,
    kind: str,
    key: str,
    by: str,
    at: datetime,
    memo: str = "",
) -> Transfer:
    """Take money out of a diner's own wallet, once for each key, and never into debt.

    The caller has made sure that this was not done before, and publishes the diner.

    Raises:
        NotEnoughError: the wallet does not hold it any more.
    """
    wallet, target = (AccountKind.CASH, diner_id), (to, site_id)
    found = accounts.ensure_all(session, site_id, {wallet, target})
    _require(found[wallet].balance, amount)
    legs = [Leg(found[wallet], Fen(-amount)), Leg(found[target], amount)]
    day = booking_day(session, site_id, at)
    return move(
        session, site_id, kind, key, legs, at=at, business_date=day, by=by, memo=memo
    )  # fmt: skip


def move_between(
    session: Session,
    site_id: UUID,
    from_id: UUID,
    to_id: UUID,
    amount: Fen,
    *,
    key: str,
    by: str,
    at: datetime,
    memo: str,
) -> tuple[Transfer, bool]:
    """Move own money from one diner's wallet to another's; subsidies never move.

    Returns:
        The transfer, and whether it was made just now: the same key again changes nothing.

    Raises:
        NotEnoughError: the first wallet holds less.
        BadInputError: the amount is no payment, or the key moved something else.
    """
    check_amount(amount)
    source, target = (AccountKind.CASH, from_id), (AccountKind.CASH, to_id)
    found = accounts.ensure_all(session, site_id, {source, target})
    before = found[source].balance
    legs = [Leg(found[source], Fen(-amount)), Leg(found[target], amount)]
    day = booking_day(session, site_id, at)
    transfer = move(
        session, site_id, "wallet_move", f"wallet_move:{key}", legs,
        at=at, business_date=day, by=by, memo=memo,
    )  # fmt: skip
    made = found[source].balance != before
    if made:
        _require(before, amount)
    return transfer, made


def _require(balance: int, amount: Fen) -> None:
    if balance < amount:
        raise NotEnoughError(
            f"the wallet holds {balance} fen, {amount} are wanted: reload the page and look again"
        )

"""Top-ups (充值): money paid in at the cash desk, or taken over as an opening balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen
from dafan.records import Source
from server import sites
from server.books import accounts
from server.books.accounts import AccountKind
from server.books.transfers import Leg, Move, Transfer, move_all


@dataclass(frozen=True, slots=True)
class TopUp:
    """An amount for one wallet.

    Attributes:
        diner_id: Whose wallet.
        amount: Fen, above zero.
        key: Made when the form was opened, so that pressing twice pays once.
        source: Which wallet; an import also brings opening balances of subsidies.
    """

    diner_id: UUID
    amount: Fen
    key: str
    source: Source = Source.CASH


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
) -> Transfer:
    """Pay into one wallet, as :func:`top_up_all`."""
    paid = TopUp(diner_id, amount, key, source)
    return top_up_all(session, site_id, [paid], by=by, at=at, memo=memo)[0]


def top_up_all(
    session: Session, site_id: UUID, paid: Sequence[TopUp], *, by: str, at: datetime, memo: str = ""
) -> list[Transfer]:
    """Pay into wallets, once for each key. The caller publishes the diners.

    Args:
        session: Writes.
        site_id: The diners' site.
        paid: What is paid in.
        by: Login.
        at: Aware UTC.
        memo: For people.

    Raises:
        BadInputError: an amount is no payment, or a key paid something else.
    """
    if not all(0 < each.amount <= MAX_FEN for each in paid):
        raise BadInputError("enter an amount above zero and below ten million yuan")
    owners = {(accounts.WALLETS[each.source], each.diner_id) for each in paid}
    origins = {(_ORIGINS[each.source], site_id) for each in paid}
    found = accounts.ensure_all(session, site_id, owners | origins)
    day = sites.business_date(session, site_id, at)
    moves = [
        Move(
            "top_up", f"top_up:{each.key}",
            [
                Leg(found[_ORIGINS[each.source], site_id], Fen(-each.amount)),
                Leg(found[accounts.WALLETS[each.source], each.diner_id], each.amount),
            ],
            at=at, business_date=day, by=by, memo=memo,
        )
        for each in paid
    ]  # fmt: skip
    return move_all(session, site_id, moves)


_ORIGINS = {Source.SUBSIDY: AccountKind.SUBSIDY_FUND, Source.CASH: AccountKind.CASH_DESK}

"""Top-ups (充值): money paid in at the cash desk, or taken over as an opening balance."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen
from dafan.records import Source
from server import sites
from server.books import accounts
from server.books.accounts import AccountKind
from server.books.transfers import Leg, Transfer, move


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
    """Pay into a wallet, once for each key. The caller publishes the diner.

    Args:
        session: Writes.
        site_id: The diner's site.
        diner_id: Whose wallet.
        amount: Fen, above zero.
        key: Made when the form was opened, so that pressing twice pays once.
        by: Login.
        at: Aware UTC.
        memo: For people.
        source: Which wallet; an import also brings opening balances of subsidies.

    Raises:
        BadInputError: the amount is no payment, or the key paid something else.
    """
    if not 0 < amount <= MAX_FEN:
        raise BadInputError("enter an amount above zero and below ten million yuan")
    wallet = accounts.wallet(session, site_id, diner_id, source)
    origin = AccountKind.SUBSIDY_FUND if source is Source.SUBSIDY else AccountKind.CASH_DESK
    desk = accounts.ensure(session, site_id, origin, site_id)
    return move(
        session, site_id, "top_up", f"top_up:{key}",
        [Leg(desk, Fen(-amount)), Leg(wallet, amount)],
        at=at, business_date=sites.business_date(session, site_id, at), by=by, memo=memo,
    )  # fmt: skip

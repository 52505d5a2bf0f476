"""A push over HTTP: applied once, whatever the network does."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select

from dafan import db
from dafan.records import Source
from server.books import accounts, sales


def sold(engine: Engine) -> int:
    with db.reading(engine) as session:
        return session.scalar(select(func.count()).select_from(sales.Sale)) or 0


def test_a_retry_after_a_lost_answer_posts_the_sale_once(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine
) -> None:
    diner = make_diner(cash=5000)
    terminal.sell(make_sale(diner, 1200))
    first, again = terminal.push(), terminal.push()
    assert [row.outcome for row in first.outcomes] == ["applied"]
    assert [row.outcome for row in again.outcomes] == ["duplicate"]
    assert again.applied_seq == first.applied_seq == 1
    assert sold(engine) == 1
    with db.reading(engine) as session:
        assert accounts.balances(session, diner)[Source.CASH] == 3800

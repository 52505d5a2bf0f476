"""What `dafan verify` asks of refunds finds every row that was altered behind the books' back."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import SaleLine, Unit
from server import refunds
from server.actor import Actor
from server.books import refunds_proof


def faults(engine: Engine) -> list[str]:
    with db.reading(engine) as session:
        return [f"{fault.where}: {fault.what}" for fault in refunds_proof.faults(session)]


@pytest.fixture
def books(engine: Engine, actor: Actor, terminal: Any, make_diner: Any, make_sale: Any) -> UUID:
    """A void, a refund of a line, one that waits and one that was refused; the refunded sale."""
    diner, boss = make_diner(cash=9000, subsidy=900), replace(actor, name="boss")
    lines = tuple(
        SaleLine(
            dish_id=new_id(), name="菜", unit=Unit.PIECE, quantity=quantity,
            unit_price=Fen(400), amount=Fen(400 * quantity),
        )
        for quantity in (1, 2)
    )  # fmt: skip
    sales = [
        make_sale(diner, 1200, lines=lines, payments=(("subsidy", 200), ("cash", 1000)))
        for _ in range(3)
    ]
    for sale in sales:
        terminal.sell(sale)
    terminal.push()
    voided, refunded, refused = (UUID(str(sale.id)) for sale in sales)
    with db.writing(engine) as session:
        refunds.void(session, actor, voided, "x", key=new_id())
    with db.writing(engine) as session:
        asked = refunds.ask(session, actor, refunded, {2: 1}, "x", key=new_id())
        refunds.approve(session, boss, asked.id)
    with db.writing(engine) as session:
        refunds.ask(session, actor, refunded, {2: 1}, "x", key=new_id())
        asked = refunds.ask(session, actor, refused, None, "x", key=new_id())
        refunds.refuse(session, boss, asked.id, "x")
    return refunded


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE sale SET refunded = 1 WHERE refunded = 400", "it says that 1 went back"),
        ("UPDATE sale SET refunded = 400 WHERE refunded = 0", "its refunds give back 0"),
        ("UPDATE sale SET cancelled = true WHERE refunded = 400", "went back"),
        ("UPDATE sale SET cancelled = false WHERE cancelled", "1 voids"),
        ("UPDATE refund SET state = 'approved' WHERE state = 'asked'", "went back"),
        ("UPDATE refund SET state = 'approved' WHERE state = 'refused'", "see its legs"),
        ("UPDATE refund SET total = 399 WHERE APPROVED", "its lines"),
        ("UPDATE refund SET cash_back = 0 WHERE APPROVED", "its sources"),
        (
            "UPDATE refund SET cash_back = 300, subsidy_back = 100 WHERE APPROVED",
            "see its legs",
        ),
        ("DELETE FROM refund WHERE APPROVED", "a refund that is missing"),
        ("UPDATE refund_line SET quantity = 3 WHERE amount = 400 AND no = 2", "sold were"),
        ("UPDATE refund_line SET no = 9 WHERE amount = 400 AND no = 2", "sold were 0"),
        ("UPDATE refund_line SET amount = amount - 1 WHERE no = 1", "its lines"),
        ("UPDATE refund SET transfer_id = NULL WHERE APPROVED", "see its legs"),
        ("UPDATE refund SET sale_date = '2026-03-01' WHERE APPROVED", "not in the books"),
        ("UPDATE posting SET amount = amount - 1 WHERE amount = 400", "see its legs"),
    ],
)
def test_an_altered_row_is_named(engine: Engine, books: UUID, change: str, said: str) -> None:
    assert faults(engine) == []
    with db.writing(engine) as session:
        change = change.replace("APPROVED", "kind = 'refund' AND state = 'approved'")
        assert session.execute(text(change)).rowcount > 0  # type: ignore[attr-defined]
    found = faults(engine)
    assert found
    assert any(said in fault for fault in found), found
    del books

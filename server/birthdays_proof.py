"""Proof of birthday vouchers: each was paid to its diner, and no run of them paid anybody else."""

from collections.abc import Iterator

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server.birthdays import RUNS, BirthdayGift
from server.books.proving import dashed, pairs, rows
from server.books.subsidies import SubsidyRun

CODE = "birthday"


def faults(session: Session) -> Iterator[Fault]:
    """Vouchers and transfers, both ways."""
    gift, moved = BirthdayGift, pairs("subsidy")
    unpaid = (
        select(gift.diner_id, gift.given_on)
        .outerjoin(moved, moved.c.id == gift.transfer_id)
        .where(
            or_(moved.c.id.is_(None), moved.c.amount != gift.fen, moved.c.taker_id != gift.diner_id)
        )
        .order_by(gift.diner_id, gift.given_on)
    )
    for diner_id, day in rows(session, unpaid):
        yield Fault(f"voucher of diner {diner_id} of {day}", "was not paid as it says", CODE)
    run_of = func.substr(moved.c.key, len("subsidy:") + 1, 36)
    without = (
        select(moved.c.id)
        .join(SubsidyRun, dashed(session, SubsidyRun.id) == run_of)
        .outerjoin(gift, gift.transfer_id == moved.c.id)
        .where(SubsidyRun.key.startswith(f"{RUNS}:", autoescape=True), gift.diner_id.is_(None))
        .order_by(moved.c.id)
    )
    for (transfer_id,) in rows(session, without):
        yield Fault(f"transfer {transfer_id}", "was paid as a voucher that nobody was given", CODE)

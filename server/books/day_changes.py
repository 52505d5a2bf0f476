"""Which days something happened to: whoever keeps sums of a day sees here that they are old.

Every transaction that writes or changes a sale counts one more change of its till and date. A till
has a row of its own, so that no till waits for another one; the row is written behind the accounts.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from server.many import locks_rows


class DayChange(Base):
    """How often the sales of a till on a business date have changed; it only grows."""

    __tablename__ = "day_change"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID] = mapped_column(primary_key=True)
    changes: Mapped[int]


def changed(session: Session, site_id: UUID, tills: Iterable[tuple[date, UUID]]) -> None:
    """Note that sales of these dates and tills were written or changed.

    Args:
        session: Writes; in the transaction of the change, and behind its locks.
        site_id: Whose.
        tills: Business date of the sales, and the till that sold.
    """
    rows = [
        {"site_id": site_id, "business_date": day, "terminal_id": terminal_id, "changes": 1}
        for day, terminal_id in sorted(set(tills))
    ]
    if not rows:
        return
    table = DayChange.__table__
    kind = postgresql.insert if locks_rows(session) else sqlite.insert
    one_more = kind(DayChange).on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"changes": table.c.changes + 1}
    )
    session.execute(one_more, rows)

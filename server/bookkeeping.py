"""What one journal entry does to the books: the rules that park it, and those that only report."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from dafan.errors import DafanError
from dafan.records import (
    ENTRY_BODIES,
    DinerStatus,
    Entry,
    ErasureReceipt,
    Group,
    Record,
    Sale,
    TerminalNotice,
)
from server import exceptions, faces, groups, people, sites
from server.books import sales
from server.terminals import Terminal

FUTURE = timedelta(days=1)


class ParkedError(DafanError):
    """The entry cannot be booked; it is kept, and a person judges it."""

    code = "parked"


def apply(session: Session, terminal: Terminal, entry: Entry, now: datetime) -> UUID | None:
    """Do what the entry says.

    Args:
        session: A savepoint, which the caller gives up when this raises.
        terminal: Who reports.
        entry: Its chain and signature are proved already.
        now: Aware UTC.

    Returns:
        The diner whose balances changed.

    Raises:
        ParkedError: a rule is broken so that the entry cannot be booked.
    """
    body = _read(entry)
    if isinstance(body, Sale):
        return _apply_sale(session, terminal, entry, body, now)
    if isinstance(body, TerminalNotice):
        detail = f"{body.code}: {body.detail}" if body.detail else body.code
        _report(session, terminal, entry, "notice", now, detail=detail)
    elif isinstance(body, ErasureReceipt):
        faces.note_erasure(session, terminal.id, body)
    return None


def _read(entry: Entry) -> Record:
    model = ENTRY_BODIES.get(entry.kind)
    if model is None:
        raise ParkedError(f"unknown_kind: this server does not know entries of kind {entry.kind}")
    try:
        return model.model_validate(entry.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or entry.kind
        raise ParkedError(f"bad_body: {where}: {first['msg']}") from error


def _apply_sale(
    session: Session, terminal: Terminal, entry: Entry, sale: Sale, now: datetime
) -> UUID | None:
    if sale.site_id != terminal.site_id:
        raise ParkedError("other_site: the terminal belongs to another site")
    try:
        sites.get_venue(session, sale.site_id, sale.venue_id)
    except sites.UnknownSiteError as error:
        raise ParkedError("unknown_venue: the site has no such venue") from error
    if sales.known(session, sale.id):
        raise ParkedError("posted_before: a sale of this id is in the books under another entry")
    diner = _diner(session, sale)
    codes = sales.post(session, entry, sale, now)
    day = sites.business_date(session, sale.site_id, now)
    if sale.business_date > day + FUTURE:
        codes.append("wrong_date")
    if diner is not None:
        codes += _broken_rules(session, diner, sale)
    for code in codes:
        _report(
            session, terminal, entry, code, now, sale_id=sale.id, diner_id=sale.diner_id,
            detail=f"{sale.business_date} {sale.period}",
        )  # fmt: skip
    return sale.diner_id


def _diner(session: Session, sale: Sale) -> people.Diner | None:
    if sale.diner_id is None:
        return None
    try:
        return people.get_diner(session, sale.site_id, sale.diner_id)
    except people.UnknownDinerError as error:
        raise ParkedError("unknown_diner: the site has no such diner") from error


def _broken_rules(session: Session, diner: people.Diner, sale: Sale) -> list[str]:
    """Rules that tills without contact to each other can break together; the sale stands."""
    codes = []
    if diner.status != DinerStatus.ACTIVE.value:
        codes.append("not_active")
    rules = Group(
        id=diner.group_id,
        **groups.values_of(groups.get(session, sale.site_id, diner.group_id)).model_dump(),
    )
    use = sales.day_use(session, diner.id, sale.business_date)
    meal = rules.meals.get(sale.period)
    allowed = meal.subsidised_per_day if meal else 0
    if sale.subsidised and use.subsidised.get(sale.period, 0) > max(allowed, 1):
        codes.append("subsidised_twice")
    over_meal = rules.meal_limit is not None and sale.total > rules.meal_limit
    if over_meal or (rules.daily_limit is not None and use.spent > rules.daily_limit):
        codes.append("over_limit")
    return codes


def _report(
    session: Session, terminal: Terminal, entry: Entry, code: str, now: datetime, **about: Any
) -> None:
    exceptions.add(
        session, terminal.site_id, code, now, terminal_id=terminal.id, seq=entry.seq, **about
    )

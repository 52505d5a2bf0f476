"""A tray is settled: one sale for a session, one line a scoop, priced as a till would price it.

It waits until every box that served the tray has told what it did up to its end, two minutes at
most. What a box tells later is charged by a sale more of the same session (补收), billed as if it
had come in time. What comes back later than the settlement gives no money back by itself: it goes
to the list of scoops that a person judges, who refunds the sale where that is right.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.orm import Session

from dafan import records
from dafan.db import reading, retrying
from dafan.ids import new_id
from dafan.meals import Bill, bill, period_of, trading_day
from dafan.money import MAX_FEN, Fen
from dafan.records import Payment, SaleLine, Source, Tender, Unit
from dafan.units import Grams
from server import exceptions, feed, groups, line, line_journal, people, sites
from server.books import accounts, sales, settlement
from server.books.accounts import AccountKind, Owner
from server.entries import EntryRow
from server.keys import KeyRing
from server.line_book import LineScoop, LineSettlement, ScoopState, SessionState, TraySession
from server.line_join import Folded, PanTab, fold
from server.terminals import Terminal

PATIENCE = timedelta(minutes=2)
"""So long a box that served the tray is waited for."""
UNKNOWN_AFTER = timedelta(minutes=10)
"""So long a scoop waits for the word of the entrance before a person is asked."""
MAX_LINES = 60
AT_ONCE = 200

log = logging.getLogger(__name__)


def drive(engine: Engine, ring: KeyRing, now: datetime) -> str:
    """The job of every minute: settle what is due, and ask about scoops that nobody claims."""
    with reading(engine) as session:
        found = [site.id for site in sites.all_sites(session)]
    done = sum(settle_due(engine, ring, site_id, now) for site_id in found)
    asked = sum(retrying(engine, lambda s, one=one: _ask(s, one, now)) for one in found)  # type: ignore[misc]  # mypy infers no lambda with a default
    return f"{done} trays settled, {asked} scoops for a person to judge"


def settle_due(engine: Engine, ring: KeyRing, site_id: UUID, now: datetime) -> int:
    """Settle every session of a site that is due, each in a transaction of its own; how many."""
    with reading(engine) as session:
        waiting = due(session, site_id, now)
    done = 0
    for session_id in waiting:
        try:
            done += retrying(engine, lambda s, one=session_id: settle(s, ring, site_id, one, now))  # type: ignore[misc]  # as above
        except Exception:  # one tray at fault keeps no other from being settled
            log.exception("the session %s of a tray could not be settled", session_id)
    return done


def due(session: Session, site_id: UUID, now: datetime) -> list[UUID]:
    """Sessions that can be settled now."""
    late = select(LineScoop.session_id).where(
        LineScoop.site_id == site_id, LineScoop.state == ScoopState.OWED.value
    )
    query = select(TraySession).where(
        TraySession.site_id == site_id,
        or_(
            TraySession.state == SessionState.ENDED.value,
            (TraySession.state == SessionState.OPEN.value) & (TraySession.until <= now),
            TraySession.id.in_(late) & (TraySession.state == SessionState.SETTLED.value),
        ),
    )  # fmt: skip
    rows = session.scalars(query.order_by(TraySession.begins, TraySession.id).limit(AT_ONCE))
    return [row.id for row in rows if _is_due(session, row, now)]


def waits(engine: Engine, site_id: UUID) -> bool:
    """Whether a tray that has left the line waits for what its boxes may still have to tell."""
    ended = TraySession.state == SessionState.ENDED.value
    query = select(TraySession.id).where(TraySession.site_id == site_id, ended).limit(1)
    with reading(engine) as session:
        return session.scalar(query) is not None


def _is_due(session: Session, row: TraySession, now: datetime) -> bool:
    if row.state != SessionState.ENDED.value or row.told_at is None or row.ended_at is None:
        return row.state == SessionState.SETTLED.value or row.until <= now
    return now - row.told_at >= PATIENCE or _all_told(session, row, row.ended_at)


def _all_told(session: Session, row: TraySession, ended: datetime) -> bool:
    """Whether every box that served the tray has told of something later than its end."""
    boxes = {one.terminal_id: one for one in line.scoops_of(session, row.id)}
    for terminal_id, scoop in boxes.items():
        query = select(EntryRow.at).where(EntryRow.terminal_id == terminal_id)
        last = session.scalar(query.order_by(EntryRow.seq.desc()).limit(1))
        told_at = session.get_one(Terminal, terminal_id).told_at
        if told_at is not None and told_at >= ended:
            continue
        offset = scoop.taken_at - line.as_told(scoop).at
        if last is None or datetime.fromisoformat(last) + offset <= ended:
            return False
    return bool(boxes)


def settle(session: Session, ring: KeyRing, site_id: UUID, session_id: UUID, now: datetime) -> bool:
    """Settle a session; whether there was anything to do.

    Args:
        session: Writes; has locked nothing yet.
        ring: For the journal of settlements.
        site_id: Whose.
        session_id: The session; settled already, what came late of it is charged.
        now: Aware UTC.
    """
    row = line.session_of(session, site_id, session_id)
    if row is None:
        return False
    journal = line_journal.open_for(session, ring, row.venue_id, now)
    session.refresh(row)
    if not _is_due(session, row, now):
        return False
    diner = people.get_diner(session, site_id, row.diner_id)
    owners = _owners(session, row, diner.group_id)
    wallets = accounts.ensure_all(session, site_id, owners)
    subsidy = Fen(wallets[AccountKind.SUBSIDY, row.diner_id].balance)
    scoops = line.scoops_of(session, row.id, (ScoopState.OWED,))
    folded = fold(line.taken(scoops))
    _set_aside(session, row, [one for one in scoops if one.id in folded.excess], now)
    kept = _as_many_as_fit(folded)
    pans = {(one.terminal_id, one.pan_id) for one in folded.tabs} - {
        (one.terminal_id, one.pan_id) for one in kept
    }
    mine = [
        one for one in scoops
        if one.id not in folded.excess and (one.terminal_id, line.as_told(one).pan_id) not in pans
    ]  # fmt: skip
    first = row.state != SessionState.SETTLED.value
    if row.state == SessionState.OPEN.value:
        row.ended_at, row.how = row.until, "time"
    row.state = SessionState.SETTLED.value
    if mine:
        settled = _note(session, row, kept, mine, now)
        if kept:
            sale = _sale(session, row, diner, settled, kept, subsidy, now if not first else None)
            line_journal.write(session, journal, sale, now)
    line.publish(session, site_id, [row.tray])
    return bool(mine) or first


def _owners(session: Session, row: TraySession, group_id: UUID) -> set[Owner]:
    """Every account that the sale of a session may move."""
    owners = {
        (AccountKind.SUBSIDY, row.diner_id), (AccountKind.CASH, row.diner_id),
        (AccountKind.REVENUE, row.venue_id),
    }  # fmt: skip
    venues = {venue.id: venue.body_id for venue in sites.venues(session, row.site_id)}
    bodies = {group.id: group.body_id for group in groups.all_of(session, row.site_id)}
    between = settlement.belonging(session, row.site_id, venues, bodies)
    pair = between.between(group_id, row.venue_id)
    return owners | {owner for owner, _ in (settlement.legs(*pair, Fen(1)) if pair else ())}


def _set_aside(
    session: Session, row: TraySession, scoops: Sequence[LineScoop], now: datetime
) -> None:
    """What gave back more than there was to give back is judged by a person."""
    for scoop in scoops:
        scoop.state, scoop.why = ScoopState.UNASSIGNED.value, "excess"
        exceptions.add(
            session, row.site_id, "line_excess", now, terminal_id=scoop.terminal_id, seq=scoop.seq,
            diner_id=row.diner_id, detail=_told(scoop),
        )  # fmt: skip


def _told(scoop: LineScoop) -> str:
    body = line.as_told(scoop)
    return f"{body.name} {body.grams} g, {body.tray}"


def _as_many_as_fit(folded: Folded) -> tuple[PanTab, ...]:
    """The pans that one sale can hold; the rest is a sale more."""
    kept: tuple[PanTab, ...] = ()
    for one in folded.tabs:
        more = (*kept, one)
        too_much = sum(each.tab.amount for each in more) > MAX_FEN
        if kept and (too_much or len(lines(more)) > MAX_LINES):
            break
        kept = more
    return kept


def lines(tabs: Sequence[PanTab]) -> list[SaleLine]:
    """One line a scoop; more than a sale can hold: one for each dish and price."""
    each = [
        SaleLine(
            dish_id=one.dish_id, name=one.name, unit=Unit.KG, grams=scoop.grams,
            unit_price=scoop.unit_price, amount=scoop.amount,
        )
        for one in tabs
        for scoop in one.tab.scoops
    ]  # fmt: skip
    if len(each) <= MAX_LINES:
        return each
    merged: dict[tuple[UUID, Fen, bool], SaleLine] = {}
    for scooped in each:
        key = scooped.dish_id, scooped.unit_price, bool(scooped.amount)
        before = merged.get(key)
        if before is None:
            merged[key] = scooped
        else:
            more = {
                "grams": Grams((before.grams or 0) + (scooped.grams or 0)),
                "amount": Fen(before.amount + scooped.amount),
            }
            merged[key] = before.model_copy(update=more)
    return list(merged.values())


def _note(
    session: Session, row: TraySession, kept: Sequence[PanTab], mine: Sequence[LineScoop],
    now: datetime,
) -> LineSettlement:  # fmt: skip
    query = select(func.count()).where(LineSettlement.session_id == row.id)
    made = LineSettlement(
        id=new_id(), site_id=row.site_id, session_id=row.id,
        no=1 + (session.scalar(query) or 0), amount=sum(one.tab.amount for one in kept),
        grams=sum(one.tab.grams for one in kept), sold=bool(kept), at=now,
    )  # fmt: skip
    session.add(made)
    for scoop in mine:
        scoop.state, scoop.settlement_id = ScoopState.SETTLED.value, made.id
    session.flush()
    return made


def _sale(
    session: Session, row: TraySession, diner: people.Diner, settled: LineSettlement,
    kept: Sequence[PanTab], subsidy: Fen, came_late: datetime | None,
) -> records.Sale:  # fmt: skip
    """The sale of a settlement: the meal is that of the moment when the tray was taken."""
    policy = sites.policy(session, row.site_id)
    period = period_of(policy, row.begins)
    group = groups.get(session, row.site_id, diner.group_id)
    rules = records.Group(id=group.id, **groups.values_of(group).model_dump())
    paid = sales_of(session, row)
    day = trading_day(policy, row.begins)
    used = sales.day_use(session, row.diner_id, day).subsidised.get(period, 0)
    due_now = _bill(rules, period, used, subsidy, settled.amount, paid)
    return records.Sale(
        id=settled.id, site_id=row.site_id, venue_id=row.venue_id, business_date=day,
        period=period, diner_id=row.diner_id, group_id=group.id, tender=Tender(row.by),
        lines=tuple(lines(kept)), list_total=Fen(settled.amount), discount=due_now.discount,
        total=due_now.total, payments=due_now.payments, subsidised=due_now.subsidised,
        opened_at=row.begins, paid_at=came_late or row.ended_at or row.until,
        snapshot_version=feed.latest(session, row.site_id),
    )  # fmt: skip


def _bill(
    group: records.Group, period: str, used: int, subsidy: Fen, amount: int,
    paid: Sequence[sales.Sale],
) -> Bill:  # fmt: skip
    """The bill of a settlement; of a later one what the whole session's bill is more."""
    if not paid:
        return bill(group, period, used, subsidy, Fen(amount))
    counted = sum(one.subsidised for one in paid)
    had = sum(one.subsidy_paid for one in paid)
    before = sum(one.list_total for one in paid)
    whole = bill(group, period, used - counted, Fen(subsidy + had), Fen(before + amount))
    discount = min(amount, max(0, whole.discount - sum(one.discount for one in paid)))
    total = amount - discount
    from_subsidy = sum(p.amount for p in whole.payments if p.source is Source.SUBSIDY) - had
    first = max(0, min(from_subsidy, total))
    parts = ((Source.SUBSIDY, first), (Source.CASH, total - first))
    return Bill(
        discount=Fen(discount),
        total=Fen(total),
        payments=tuple(Payment(source=s, amount=Fen(fen)) for s, fen in parts if fen > 0),
        subsidised=whole.subsidised and not counted,
        full_price=whole.full_price,
    )


def sales_of(session: Session, row: TraySession) -> list[sales.Sale]:
    """The sales of a session that are in the books, the first one first."""
    query = select(LineSettlement.id).where(
        LineSettlement.session_id == row.id, LineSettlement.sold.is_(True)
    )
    ids = list(session.scalars(query.order_by(LineSettlement.no)))
    found = sales.find(session, row.site_id, ids)
    return [found[one] for one in ids if one in found]


def _ask(session: Session, site_id: UUID, now: datetime) -> int:
    """Put scoops that nobody claims on the list of exceptions."""
    query = select(LineScoop).where(
        LineScoop.site_id == site_id, LineScoop.state == ScoopState.WAITING.value,
        LineScoop.received_at <= now - UNKNOWN_AFTER,
    )  # fmt: skip
    rows = session.scalars(query.order_by(LineScoop.id).limit(AT_ONCE).with_for_update()).all()
    for scoop in rows:
        scoop.state = ScoopState.UNASSIGNED.value
        exceptions.add(
            session, site_id, "line_unassigned", now, terminal_id=scoop.terminal_id, seq=scoop.seq,
            detail=_told(scoop),
        )  # fmt: skip
    return len(rows)

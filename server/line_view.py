"""The weigh line as pages show it: sessions and their scoops, stations, alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.food import KNOWN_ENOUGH, Food
from dafan.line import ScoopTaken
from dafan.money import Fen
from kitchen import limits
from kitchen.dishes import Dish
from server import line, line_settle, line_setup, scale_book, scale_rules, sites, terminals
from server.books.sales import Sale, SaleLine
from server.feed import FeedRow
from server.line_book import (
    LinePanChange,
    LineScoop,
    LineSettlement,
    LineStationRow,
    ScoopState,
    SessionState,
    TraySession,
)
from server.line_join import Folded, fold
from server.many import among
from server.scale_book import Scale
from server.scale_rules import ScaleLimits, Standing
from server.terminals import Terminal

SILENT = timedelta(seconds=90)
"""A box asks again at least every half minute."""
LATEST = timedelta(days=90)
"""So old a tray may be of which something is charged late and told."""


@dataclass(frozen=True, slots=True)
class StationNow:
    """A station as it is now."""

    row: LineStationRow
    box: Terminal
    dish: Dish | None
    online: bool
    scale: Scale | None
    standing: Standing
    """Of its scale, as the box sees it too."""


@dataclass(frozen=True, slots=True)
class Tray:
    """A session, its scoops, and the sales that paid it."""

    row: TraySession
    scoops: Sequence[tuple[LineScoop, ScoopTaken]]
    folded: Folded
    sales: Sequence[Sale]

    @property
    def open(self) -> bool:
        """Still on the line."""
        return self.row.state == SessionState.OPEN.value

    @property
    def settled(self) -> bool:
        """Paid, as far as the boxes have told."""
        return self.row.state == SessionState.SETTLED.value

    @property
    def total(self) -> int:
        """Fen: what was paid, or what would be before any discount."""
        return sum(one.total for one in self.sales) if self.sales else self.folded.amount


@dataclass(frozen=True, slots=True)
class Late:
    """Food that was charged after its tray was settled (补收).

    Attributes:
        sale_id: The receipt.
        total: Fen.
        taken_at: When the first scoop of it was taken, in the server's time.
        food: Dish and grams, in the order of the receipt.
    """

    sale_id: UUID
    total: Fen
    taken_at: datetime
    food: Mapping[str, int]


def charged_late(
    session: Session, site_id: UUID, diner_id: UUID, since: datetime
) -> Sequence[Late]:
    """What a diner paid since a moment for a tray that was settled before, the latest first.

    The first sale of a session is paid when the tray left; what is paid later came late. Read from
    the settlements themselves, a diner hears of it in the very moment in which he is charged.
    """
    query = (
        select(Sale.id, Sale.total, func.min(LineScoop.taken_at))
        .select_from(TraySession)
        .join(LineSettlement, LineSettlement.session_id == TraySession.id)
        .join(Sale, Sale.id == LineSettlement.id)
        .join(LineScoop, LineScoop.settlement_id == LineSettlement.id)
        .where(
            TraySession.site_id == site_id, TraySession.diner_id == diner_id,
            TraySession.begins >= since - LATEST, LineSettlement.at >= since,
            Sale.paid_at > TraySession.ended_at, Sale.total > 0, Sale.cancelled.is_(False),
        )
        .group_by(Sale.id, Sale.total, Sale.paid_at)
        .order_by(Sale.paid_at.desc(), Sale.id)
    )  # fmt: skip
    found = session.execute(query).all()
    lines = select(SaleLine).where(SaleLine.sale_id.in_([row[0] for row in found]))
    food: dict[UUID, dict[str, int]] = {row[0]: {} for row in found}
    for one in session.scalars(lines.order_by(SaleLine.sale_id, SaleLine.no)) if found else ():
        of = food[one.sale_id]
        of[one.name] = of.get(one.name, 0) + (one.grams or 0)
    return [Late(row[0], Fen(row[1]), row[2], food[row[0]]) for row in found]


def stations_now(session: Session, site_id: UUID, now: datetime) -> list[StationNow]:
    """Every station of the site, box by box."""
    rows = line_setup.stations(session, site_id)
    boxes = {one.id: one for one in terminals.of_site(session, site_id)}
    wanted = [row.dish_id for row in rows if row.dish_id]
    dishes = {
        one.id: one for one in session.scalars(select(Dish).where(among(session, Dish.id, wanted)))
    }
    scales = {(one.terminal_id, one.station): one for one in scale_book.in_use(session, site_id)}
    asked = limits.of(session, site_id, ScaleLimits)
    day = scale_rules.site_date(sites.policy(session, site_id), now)
    found = []
    for row in rows:
        box, scale = boxes[row.terminal_id], scales.get((row.terminal_id, row.station))
        record = None if scale is None else scale.record
        standing = scale_rules.standing(record, row.station, asked, day, now)
        dish = dishes.get(row.dish_id) if row.dish_id else None
        found.append(StationNow(row, box, dish, _online(box, now), scale, standing))
    return found


def _online(box: Terminal, now: datetime) -> bool:
    return box.last_seen is not None and now - box.last_seen <= SILENT


def tray(session: Session, row: TraySession) -> Tray:
    """A session with all that is known of it."""
    states = (ScoopState.OWED, ScoopState.SETTLED)
    rows = line.scoops_of(session, row.id)
    counted = [one for one in rows if one.state in states]
    told = [(one, line.as_told(one)) for one in rows]
    return Tray(row, told, fold(line.taken(counted)), line_settle.sales_of(session, row))


def sessions(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[TraySession]:
    """The site's sessions, the latest first."""
    query = select(TraySession).where(TraySession.site_id == site_id)
    if before is not None:
        query = query.where(TraySession.id < before)
    return session.scalars(query.order_by(TraySession.id.desc()).limit(limit)).all()


def near(session: Session, row: LineScoop, hours: int = 2) -> Sequence[TraySession]:
    """Sessions to which a scoop may belong: those of its tray first, then the nearest ones."""
    span = timedelta(hours=hours)
    query = select(TraySession).where(
        TraySession.site_id == row.site_id,
        TraySession.begins.between(row.taken_at - span, row.taken_at + span),
    )  # fmt: skip
    found = session.scalars(query.order_by(TraySession.begins.desc()).limit(200)).all()
    return sorted(
        found, key=lambda one: (one.tray != row.tray, abs(one.begins - row.taken_at), one.id)
    )[:20]


def alarms(session: Session, site_id: UUID, limit: int = 20) -> Sequence[LinePanChange]:
    """What pans lost, or gained, that no tray explains; the latest first."""
    query = select(LinePanChange).where(
        LinePanChange.site_id == site_id, LinePanChange.alarm.is_(True)
    )
    return session.scalars(query.order_by(LinePanChange.id.desc()).limit(limit)).all()


def kcal(session: Session, site_id: UUID, shown: Tray) -> int | None:
    """What is on a tray gives, estimated by recipes; ``None`` where one dish is not known."""
    dishes = {str(one.dish_id) for one in shown.folded.tabs}
    query = select(FeedRow.key, FeedRow.body).where(
        FeedRow.site_id == site_id, FeedRow.kind == "food", among(session, FeedRow.key, dishes)
    )
    foods = {key: Food.model_validate(body) for key, body in session.execute(query) if body}
    milli = 0
    for one in shown.folded.tabs:
        food = foods.get(str(one.dish_id))
        energy = food.per_100g.get("energy_kcal") if food else None
        if energy is None or energy.known < KNOWN_ENOUGH:
            return None
        milli += energy.milli * one.tab.grams
    return round(milli / 100_000) if dishes else None

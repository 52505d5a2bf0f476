"""The weigh line (自选称重) on the server: what boxes tell is kept, and joined to sessions.

Each box is right about its own pans; whose a scoop is, when a tray's session begins and ends, the
server says, by :mod:`server.line_join`, anew whenever a box that was cut off tells more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.line import ALARMS, LineRules, OpenTray, PanChanged, ScoopTaken, TrayBound, TrayEnded
from dafan.money import MAX_FEN, Fen
from dafan.records import Entry
from kitchen.ingredients import Allergen
from server import allergies, exceptions, feed, line_setup, people, sites, wishes
from server.entries import EntryRow
from server.line_book import (
    LineEnding,
    LinePanChange,
    LineScoop,
    LineStationRow,
    ScoopState,
    SessionState,
    TraySession,
)
from server.line_join import Bound, Ended, Folded, Place, Span, Taken, fold, join, spans
from server.many import among
from server.terminals import Terminal

Body = ScoopTaken | PanChanged | TrayBound | TrayEnded
KIND = "open_tray"
OF_TRAYS = frozenset({"scoop", "tray_bound", "tray_ended"})
"""Kinds of entries that may change a tray's session."""
LATE = timedelta(days=2)
"""So long back what a box tells late is joined anew."""
FUTURE, PAST = timedelta(days=1), timedelta(days=366)
"""Outside of these the box's clock is wrong."""
_LOOKED_AT = 100
"""Entries of a box by which its clock is judged."""
_PUSHES = 3
_DELAY = timedelta(seconds=5)
"""An entry may be so long on its way."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a box told, and the journal entry that carries it."""

    entry: Entry
    body: Body


def take(
    session: Session, terminal: Terminal, told: Sequence[Told], now: datetime
) -> dict[int, str]:
    """Take in what a box of the line tells.

    Args:
        session: A savepoint of :func:`server.ingest.push`, which calls :func:`publish` at the end.
        terminal: The box.
        told: In sequence.
        now: Aware UTC.

    Returns:
        Sequence → why it is parked; empty: it is not.
    """
    if not told:
        return {}
    box = _Box.load(session, terminal, told, now)
    done = {each.entry.seq: box.unfit(each) for each in told}
    good = [each for each in told if not done[each.entry.seq]]
    for each in good:
        box.keep(each)
    session.flush()
    trays = {each.body.tray for each in good if not isinstance(each.body, PanChanged)}
    weave(session, terminal.site_id, trays, now)
    return done


@dataclass
class _Box:
    """A box whose entries are taken in."""

    session: Session
    terminal: Terminal
    now: datetime
    offset: timedelta
    rules: LineRules
    known: set[UUID]
    """Ids that are here already."""
    diners: Collection[UUID]
    gone: dict[str, str]
    """Tags of trays that are lost or retired → which of the two."""
    stations: dict[int, LineStationRow]

    @classmethod
    def load(
        cls, session: Session, terminal: Terminal, told: Sequence[Told], now: datetime
    ) -> "_Box":
        site_id = terminal.site_id
        ids = {each.body.id for each in told}
        known: set[UUID] = set()
        for column in (TraySession.id, LineEnding.id, LineScoop.id, LinePanChange.id):
            known |= set(session.scalars(select(column).where(among(session, column, ids))))
        bound = {each.body.diner_id for each in told if isinstance(each.body, TrayBound)}
        stations = select(LineStationRow).where(LineStationRow.terminal_id == terminal.id)
        return cls(
            session, terminal, now, offset_of(session, terminal.id, told, now),
            line_setup.rules(session, site_id), known,
            people.get_diners(session, site_id, bound).keys(),
            line_setup.gone(session, site_id),
            {row.station: row for row in session.scalars(stations)},
        )  # fmt: skip

    def unfit(self, each: Told) -> str:
        """Why an entry cannot be booked."""
        body = each.body
        if isinstance(body, TrayBound) and body.diner_id not in self.diners:
            return "unknown_diner: the site has no such diner"
        if not self.now - PAST < body.at < self.now + FUTURE:
            return "wrong_date: this is from tomorrow, or a year old; set the box's clock"
        if body.id in self.known:
            return "posted_before: this id is here under another entry"
        self.known.add(body.id)
        return ""

    def keep(self, each: Told) -> None:
        """Write one entry down."""
        body, at = each.body, each.body.at + self.offset
        common: dict[str, Any] = {
            "id": body.id, "site_id": self.terminal.site_id, "terminal_id": self.terminal.id,
            "seq": each.entry.seq,
        }  # fmt: skip
        if isinstance(body, TrayEnded):
            row: Any = LineEnding(
                **common, tray=body.tray, session_id=body.session_id, how=body.how, ended_at=at,
                received_at=self.now,
            )  # fmt: skip
        else:
            common["business_date"] = sites.business_date(self.session, self.terminal.site_id, at)
            row = self._dated(each, body, at, common)
        self.session.add(row)

    def _dated(
        self, each: Told, body: ScoopTaken | PanChanged | TrayBound, at: datetime,
        common: dict[str, Any],
    ) -> TraySession | LineScoop | LinePanChange:  # fmt: skip
        if isinstance(body, TrayBound):
            if body.tray in self.gone:
                self._report(each, "line_tray", f"{body.tray}: {self.gone[body.tray]}",
                             diner_id=body.diner_id)  # fmt: skip
            return TraySession(
                **common, venue_id=self.terminal.venue_id, tray=body.tray, by=body.by, begins=at,
                diner_id=body.diner_id, until=at + timedelta(minutes=self.rules.open_minutes),
                state=SessionState.OPEN.value,
            )  # fmt: skip
        self._weighed(body.station, body.pan_id, body.after, at)
        if isinstance(body, ScoopTaken):
            return LineScoop(
                **common, tray=body.tray, told=body.to_body(), taken_at=at, received_at=self.now,
                why="", state=ScoopState.WAITING.value,
            )  # fmt: skip
        alarm = body.kind in ALARMS
        if alarm:
            detail = f"{self._label(body.station)}: {body.before} g → {body.after} g"
            self._report(each, f"line_{body.kind.value}", detail)
        return LinePanChange(
            **common, station=body.station, pan_id=body.pan_id, kind=body.kind.value, alarm=alarm,
            before=body.before, after=body.after, trays=list(body.trays), staff=body.staff,
            changed_at=at,
        )  # fmt: skip

    def _weighed(self, station: int, pan_id: UUID, grams: int, at: datetime) -> None:
        row = self.stations.get(station)
        if row is not None and row.pan_id == pan_id:
            row.last_grams, row.last_at = grams, at

    def _label(self, station: int) -> str:
        row = self.stations.get(station)
        return row.label if row else f"{self.terminal.name} {station}"

    def _report(self, each: Told, code: str, detail: str, diner_id: UUID | None = None) -> None:
        exceptions.add(
            self.session, self.terminal.site_id, code, self.now, detail=detail, diner_id=diner_id,
            terminal_id=self.terminal.id, seq=each.entry.seq,
        )  # fmt: skip


def offset_of(
    session: Session, terminal_id: UUID, told: Sequence[Told], now: datetime
) -> timedelta:
    """The server's time less the box's clock, as far as its entries show it.

    Nothing arrives before it happened: a clock that says so is ahead. One is behind where even the
    quickest of its entries seem to have been long on their way, in several pushes.
    """
    query = (
        select(EntryRow.at, EntryRow.received_at)
        .where(EntryRow.terminal_id == terminal_id)
        .order_by(EntryRow.seq.desc())
        .limit(_LOOKED_AT)
    )
    seen = [(datetime.fromisoformat(at), received) for at, received in session.execute(query)]
    seen += [(each.entry.at, now) for each in told]
    least = min(received - at for at, received in seen)
    if least < timedelta():
        return least
    pushes = len({received for _, received in seen})
    return least if pushes >= _PUSHES and least > _DELAY else timedelta()


# --- joining ------------------------------------------------------------------------------------


def weave(session: Session, site_id: UUID, tags: Collection[str], now: datetime) -> None:
    """Say anew when the sessions of these trays began and ended, and whose their scoops are.

    What is settled stays as it is.
    """
    if not tags:
        return
    found = _spans(session, site_id, tags, now)
    _end(session, found, now)
    query = select(LineScoop).where(
        LineScoop.site_id == site_id, among(session, LineScoop.tray, tags),
        LineScoop.state.in_((ScoopState.WAITING.value, ScoopState.UNASSIGNED.value)),
        LineScoop.why.not_in(("excess", "person")),
    )  # fmt: skip
    rows = {row.id: row for row in session.scalars(query)}
    for scoop_id, place in join(taken(rows.values()), found, {}).items():
        _give(rows[scoop_id], place)
    session.flush()


def _spans(session: Session, site_id: UUID, tags: Collection[str], now: datetime) -> list[Span]:
    """The sessions of trays, in the server's time."""
    since = now - LATE
    bound = select(TraySession).where(
        TraySession.site_id == site_id, among(session, TraySession.tray, tags),
        TraySession.begins > since,
    )  # fmt: skip
    ended = select(LineEnding).where(
        LineEnding.site_id == site_id, among(session, LineEnding.tray, tags),
        LineEnding.ended_at > since,
    )  # fmt: skip
    begun = [
        Bound(
            row.terminal_id,
            TrayBound.model_validate(
                {
                    "id": row.id,
                    "tray": row.tray,
                    "diner_id": row.diner_id,
                    "by": row.by,
                    "at": row.begins,
                }
            ),
        )
        for row in session.scalars(bound)
    ]
    gone = [
        Ended(
            row.terminal_id,
            TrayEnded.model_validate(
                {
                    "id": row.id,
                    "tray": row.tray,
                    "session_id": row.session_id,
                    "how": row.how,
                    "at": row.ended_at,
                }
            ),
        )
        for row in session.scalars(ended)
    ]
    minutes = line_setup.rules(session, site_id).open_minutes
    return spans(begun, gone, {}, minutes)


def _end(session: Session, found: Iterable[Span], now: datetime) -> None:
    ended = {span.session_id: span for span in found if span.ended}
    query = select(TraySession).where(
        among(session, TraySession.id, ended), TraySession.state != SessionState.SETTLED.value
    )
    for row in session.scalars(query):
        row.ended_at = ended[row.id].ends
        if row.state == SessionState.OPEN.value:
            row.state, row.told_at = SessionState.ENDED.value, now
        row.how = _how(session, row)


def _how(session: Session, row: TraySession) -> str:
    """How a session ended: as the gate said, or because the tray was bound anew."""
    query = select(LineEnding.how).where(
        LineEnding.site_id == row.site_id, LineEnding.tray == row.tray,
        LineEnding.ended_at == row.ended_at,
    )  # fmt: skip
    return session.scalar(query.limit(1)) or "again"


def _give(row: LineScoop, place: Place) -> None:
    row.session_id, row.why = place.session_id, place.why.value
    if place.session_id is not None:
        row.state = ScoopState.OWED.value


# --- looking ------------------------------------------------------------------------------------


def as_told(row: LineScoop) -> ScoopTaken:
    """The scoop in the words of its station."""
    return ScoopTaken.model_validate(row.told)


def taken(rows: Iterable[LineScoop]) -> list[Taken]:
    """Rows as :mod:`server.line_join` takes them, in the server's time."""
    return [
        Taken(row.terminal_id, row.seq, as_told(row).model_copy(update={"at": row.taken_at}))
        for row in rows
    ]


def session_of(session: Session, site_id: UUID, session_id: UUID) -> TraySession | None:
    """A session of the site."""
    query = select(TraySession).where(TraySession.site_id == site_id, TraySession.id == session_id)
    return session.scalar(query)


def scoops_of(
    session: Session, session_id: UUID, states: Collection[ScoopState] = tuple(ScoopState)
) -> Sequence[LineScoop]:
    """The scoops of a session, in the order of the server's time."""
    wanted = [state.value for state in states]
    query = select(LineScoop).where(LineScoop.session_id == session_id, LineScoop.state.in_(wanted))
    return session.scalars(query.order_by(LineScoop.taken_at, LineScoop.seq)).all()


def owed(session: Session, session_id: UUID) -> Folded:
    """What a session will pay, as far as the boxes have told it."""
    return fold(taken(scoops_of(session, session_id, (ScoopState.OWED,))))


def latest(session: Session, site_id: UUID, tags: Collection[str]) -> dict[str, TraySession]:
    """Tag → the tray's last session."""
    last = (
        select(TraySession.tray, func.max(TraySession.begins).label("begins"))
        .where(TraySession.site_id == site_id, among(session, TraySession.tray, tags))
        .group_by(TraySession.tray)
        .subquery()
    )
    query = (
        select(TraySession)
        .join(last, (last.c.tray == TraySession.tray) & (last.c.begins == TraySession.begins))
        .where(TraySession.site_id == site_id)
        .order_by(TraySession.id)
    )
    return {row.tray: row for row in session.scalars(query)}


def current(session: Session, diner_id: UUID) -> TraySession | None:
    """The diner's last session."""
    query = select(TraySession).where(TraySession.diner_id == diner_id)
    return session.scalar(query.order_by(TraySession.begins.desc()).limit(1))


# --- telling boxes ------------------------------------------------------------------------------


def publish(session: Session, site_id: UUID, tags: Collection[str]) -> None:
    """Tell every box whose these trays are, or that they are nobody's."""
    if not tags:
        return
    session.flush()
    feed.lock(session, site_id)
    bodies: dict[str, OpenTray | None] = dict.fromkeys(sorted(tags))
    for tag, row in latest(session, site_id, tags).items():
        if row.state == SessionState.OPEN.value:
            bodies[tag] = _open(session, row)
    feed.publish_all(session, site_id, KIND, bodies)


def _open(session: Session, row: TraySession) -> OpenTray:
    diner = people.get_diner(session, row.site_id, row.diner_id)
    avoid = allergies.of(session, row.diner_id) if _warned(session, row) else frozenset()
    return OpenTray(
        session_id=row.id, diner_id=row.diner_id, name=f"{diner.name[:1]}*",
        bound_at=row.begins, until=row.until,
        spent=Fen(min(owed(session, row.id).amount, MAX_FEN)),
        warns=tuple(one.value for one in Allergen if one in avoid),
    )  # fmt: skip


def _warned(session: Session, row: TraySession) -> bool:
    """Without the diner's word no box knows what he must not eat."""
    return wishes.of(session, row.diner_id).warn_at_till

"""What a site sets up for its weigh line: rules, stations, trays, staff cards; boxes learn it."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.line import MAX_STATIONS, LineCard, LineRules, LineStation, SiteTray, TrayState
from dafan.records import Unit
from kitchen.dishes import Dish
from server import feed, terminals
from server.actor import Actor
from server.line_book import (
    LineCardRow,
    LineRulesRow,
    LineStationRow,
    LineTray,
    SessionState,
    TraySession,
)
from server.many import among
from server.values import read_values

MAX_IMPORT = 2000
_TAG = re.compile(r"[0-9A-Z]{4,32}")


class LineError(BadInputError):
    """This cannot be set up so."""

    code = "bad_line"


class UnknownStationError(LineError):
    """The site's line has no such station."""

    code = "unknown_row"


class StationChangedError(LineError):
    """Somebody else set the station since it was looked at."""

    code = "station_changed"


def rules(session: Session, site_id: UUID) -> LineRules:
    """The rules of the site's line."""
    row = session.get(LineRulesRow, site_id)
    return LineRules() if row is None else LineRules.model_validate(row.rules)


def set_rules(session: Session, actor: Actor, decided: dict[str, object]) -> LineRules:
    """Decide the rules; what is not named stays.

    Raises:
        BadInputError: a value does not fit.
    """
    feed.lock(session, actor.site_id)
    before = rules(session, actor.site_id)
    after = read_values(LineRules, before.to_body() | decided)
    if after != before:
        row = session.get(LineRulesRow, actor.site_id)
        if row is None:
            session.add(LineRulesRow(site_id=actor.site_id, rules=after.to_body()))
        else:
            row.rules = after.to_body()
        actor.record(session, "line.rules", "line", before.to_body(), after.to_body())
        feed.publish(session, actor.site_id, "line_rules", "line", after)
    return after


# --- stations -----------------------------------------------------------------------------------


def set_station(
    session: Session, actor: Actor, terminal_id: UUID, station: int, *, label: str,
    dish_id: UUID | None, other_pan: bool = False,
) -> LineStationRow:  # fmt: skip
    """Say what stands on a station; another dish is always another pan.

    Args:
        session: Writes.
        actor: Who says it.
        terminal_id: The box.
        station: Its number on the box.
        label: What people call the place.
        dish_id: A dish that is sold by weight at a price; ``None`` closes the station.
        other_pan: A fresh pan of the same dish was put there.

    Raises:
        UnknownTerminalError: not a terminal of this site.
        LineError: no such station, or the dish is not sold by weight.
    """
    terminals.get(session, actor.site_id, terminal_id)
    label = label.strip()
    if not 1 <= station <= MAX_STATIONS or not 1 <= len(label) <= 80:
        raise LineError(f"a station has a number from 1 to {MAX_STATIONS} and a name")
    if dish_id is not None:
        weighed_dish(session, actor.site_id, dish_id)
    feed.lock(session, actor.site_id)
    row = session.get(LineStationRow, (terminal_id, station))
    before = None if row is None else _stands(row)
    if row is None:
        row = LineStationRow(
            terminal_id=terminal_id, station=station, site_id=actor.site_id, label=label
        )
        session.add(row)
    if row.dish_id != dish_id or other_pan:
        row.dish_id, row.pan_id = dish_id, new_id() if dish_id else None
        row.last_grams = row.last_at = None
    row.label = label
    session.flush()
    if before != _stands(row):
        actor.record(session, "line.station", f"{terminal_id}:{station}", before, _stands(row))
    body = LineStation(
        terminal_id=terminal_id, station=station, label=label, dish_id=row.dish_id,
        pan_id=row.pan_id,
    )  # fmt: skip
    feed.publish(session, actor.site_id, "line_station", f"{terminal_id}:{station}", body)
    return row


def _stands(row: LineStationRow) -> dict[str, str]:
    """A station in the audit log."""
    return {"label": row.label, "dish": str(row.dish_id), "pan": str(row.pan_id)}


def swap(
    session: Session, actor: Actor, terminal_id: UUID, station: int, *, dish_id: UUID | None,
    seen: UUID | None, other_pan: bool = False,
) -> LineStationRow:  # fmt: skip
    """Put another dish, or a fresh pan, on a station that is set up.

    Args:
        session: Writes.
        actor: Who does it.
        terminal_id: The box.
        station: Its number on the box.
        dish_id: As in :func:`set_station`.
        seen: The pan that he saw there when he decided. What is done already is done: the same
            dish asked for twice is one change.
        other_pan: A fresh pan of the same dish.

    Raises:
        UnknownStationError: there is none.
        StationChangedError: another pan stands there by now.
        LineError: the dish is not sold by weight.
    """
    feed.lock(session, actor.site_id)
    row = station_of(session, actor.site_id, terminal_id, station)
    done = row.dish_id == dish_id and not other_pan
    if row.pan_id != seen and not done:
        raise StationChangedError("somebody else has just changed this station: look at it first")
    return set_station(
        session, actor, terminal_id, station, label=row.label, dish_id=dish_id, other_pan=other_pan
    )


def station_of(session: Session, site_id: UUID, terminal_id: UUID, station: int) -> LineStationRow:
    """A station of the site.

    Raises:
        UnknownStationError: there is none.
    """
    row = session.get(LineStationRow, (terminal_id, station))
    if row is None or row.site_id != site_id:
        raise UnknownStationError("the line has no such station: look at the list")
    return row


def may_stand(session: Session, site_id: UUID, search: str = "") -> Sequence[Dish]:
    """The dishes that can stand on a station, in the order of the catalogue.

    Args:
        session: Reading.
        site_id: Whose.
        search: Part of the name; empty: all.
    """
    query = select(Dish).where(
        Dish.site_id == site_id, Dish.active.is_(True), Dish.unit == Unit.KG.value, Dish.price > 0
    )
    if search:
        query = query.where(Dish.name.icontains(search, autoescape=True))
    return session.scalars(query.order_by(Dish.sort, Dish.id)).all()


def weighed_dish(session: Session, site_id: UUID, dish_id: UUID) -> Dish:
    """A dish that can stand on a station.

    Raises:
        LineError: it is not sold by weight at a price here.
    """
    dish = session.get(Dish, dish_id)
    fits = dish is not None and dish.site_id == site_id and dish.active
    if not fits or dish is None or dish.unit != Unit.KG.value or not dish.price:
        raise LineError("only a dish that is sold by weight, at a price, can stand on a station")
    return dish


def remove_station(session: Session, actor: Actor, terminal_id: UUID, station: int) -> None:
    """Take a station out of the list; gone is gone."""
    row = session.get(LineStationRow, (terminal_id, station))
    if row is None or row.site_id != actor.site_id:
        return
    session.delete(row)
    session.flush()
    actor.record(session, "line.station", f"{terminal_id}:{station}", row.label, None)
    feed.publish(session, actor.site_id, "line_station", f"{terminal_id}:{station}", None)


def stations(session: Session, site_id: UUID) -> Sequence[LineStationRow]:
    """The site's stations, box by box."""
    query = select(LineStationRow).where(LineStationRow.site_id == site_id)
    return session.scalars(query.order_by(LineStationRow.terminal_id, LineStationRow.station)).all()


# --- cards --------------------------------------------------------------------------------------


def add_card(session: Session, actor: Actor, tag: str, name: str) -> None:
    """Let a card open pans.

    Raises:
        LineError: that is no tag, or it is a tray's; the card has no name.
    """
    tag, name = read_tag(tag), name.strip()
    if not 1 <= len(name) <= 80:
        raise LineError("say whose card it is")
    if session.get(LineTray, (actor.site_id, tag)) is not None:
        raise LineError("this chip is a tray's")
    row = session.get(LineCardRow, (actor.site_id, tag))
    if row is None:
        session.add(LineCardRow(site_id=actor.site_id, tag=tag, name=name))
    else:
        row.name = name
    session.flush()
    actor.record(session, "line.card", tag, None, name)
    feed.publish(session, actor.site_id, "line_card", tag, LineCard(name=name))


def remove_card(session: Session, actor: Actor, tag: str) -> None:
    """A card opens nothing any more."""
    row = session.get(LineCardRow, (actor.site_id, tag))
    if row is not None:
        session.delete(row)
        session.flush()
        actor.record(session, "line.card", tag, row.name, None)
        feed.publish(session, actor.site_id, "line_card", tag, None)


def cards(session: Session, site_id: UUID) -> Sequence[LineCardRow]:
    """The site's staff cards, by name."""
    query = select(LineCardRow).where(LineCardRow.site_id == site_id)
    return session.scalars(query.order_by(LineCardRow.name, LineCardRow.tag)).all()


# --- trays --------------------------------------------------------------------------------------


def read_tag(text: str) -> str:
    """A tag as somebody typed or a file says it, in its one spelling.

    Raises:
        LineError: that is none.
    """
    tag = re.sub(r"[\s:.-]", "", text).upper()
    if not _TAG.fullmatch(tag):
        raise LineError(f"“{text.strip()[:40]}” is no chip number: 4 to 32 digits and letters")
    return tag


def add_trays(session: Session, actor: Actor, wanted: Iterable[tuple[str, str]]) -> int:
    """Add trays, or change what is printed on them; a lost one that is added again is found.

    Args:
        session: Writes.
        actor: Who does it.
        wanted: Tag and printed number; at most :data:`MAX_IMPORT`.

    Returns:
        How many are new.

    Raises:
        LineError: too many, or one that is no tag, or a staff card.
    """
    numbers = {read_tag(tag): number.strip()[:20] for tag, number in wanted}
    if not 1 <= len(numbers) <= MAX_IMPORT:
        raise LineError(f"give 1 to {MAX_IMPORT} chip numbers, one a line")
    feed.lock(session, actor.site_id)
    taken = {row.tag for row in cards(session, actor.site_id)} & numbers.keys()
    if taken:
        raise LineError(f"{min(taken)} is a staff card")
    query = select(LineTray).where(
        LineTray.site_id == actor.site_id, among(session, LineTray.tag, numbers)
    )
    known = {row.tag: row for row in session.scalars(query)}
    for tag, number in numbers.items():
        row = known.get(tag)
        if row is None:
            session.add(
                LineTray(
                    site_id=actor.site_id, tag=tag, number=number, added_at=actor.at,
                    state=TrayState.ACTIVE.value,
                )
            )  # fmt: skip
        else:
            row.number, row.state = number or row.number, TrayState.ACTIVE.value
    session.flush()
    new = len(numbers) - len(known)
    actor.record(session, "line.trays", "line", None, {"new": new, "known": len(known)})
    _publish_trays(session, actor.site_id)
    return new


def mark_tray(session: Session, actor: Actor, tag: str, state: TrayState) -> None:
    """Say that a tray is lost, retired, or good again.

    Raises:
        LineError: the site has no such tray.
    """
    feed.lock(session, actor.site_id)
    row = session.get(LineTray, (actor.site_id, tag))
    if row is None:
        raise LineError("the site has no such tray: look at the list")
    before, row.state = row.state, state.value
    session.flush()
    if before != row.state:
        actor.record(session, "line.tray", tag, before, row.state)
        _publish_trays(session, actor.site_id)


def publish_all(engine: Engine) -> str:
    """Tell every site's trays: a server of an earlier version has not done it."""
    with reading(engine) as session:
        site_ids = session.scalars(select(LineTray.site_id).distinct()).all()
    for site_id in site_ids:
        with writing(engine) as session:
            feed.lock(session, site_id)
            _publish_trays(session, site_id)
    return f"{len(site_ids)} sites with trays"


def _publish_trays(session: Session, site_id: UUID) -> None:
    """Tell boxes and gates of all the site's trays; what they know already is no news.

    All at every change: a gate that heard of some trays alone would take the others for foreign
    ones, as those that were registered before this kind of the feed was there.
    """
    query = select(LineTray.tag, LineTray.state).where(LineTray.site_id == site_id)
    told = {tag: SiteTray(state=TrayState(state)) for tag, state in session.execute(query)}
    feed.publish_all(session, site_id, "line_tray", told)


def trays(
    session: Session, site_id: UUID, *, after: str = "", limit: int = 100
) -> Sequence[LineTray]:
    """The site's trays by tag, from behind one."""
    query = select(LineTray).where(LineTray.site_id == site_id, LineTray.tag > after)
    return session.scalars(query.order_by(LineTray.tag).limit(limit)).all()


def numbers(session: Session, site_id: UUID, tags: Collection[str]) -> dict[str, str]:
    """Tag → the number printed on the tray, where there is one."""
    query = select(LineTray.tag, LineTray.number).where(
        LineTray.site_id == site_id, among(session, LineTray.tag, tags), LineTray.number != ""
    )
    return dict(session.execute(query).all())


def gone(session: Session, site_id: UUID) -> dict[str, str]:
    """Tags of trays that nobody should have → ``lost`` or ``retired``."""
    query = select(LineTray.tag, LineTray.state).where(
        LineTray.site_id == site_id, LineTray.state != TrayState.ACTIVE.value
    )
    return dict(session.execute(query).all())


def in_use(session: Session, site_id: UUID, now: datetime) -> int:
    """How many trays are in somebody's hands."""
    query = select(TraySession.id).where(
        TraySession.site_id == site_id, TraySession.state == SessionState.OPEN.value,
        TraySession.until > now,
    )  # fmt: skip
    return len(session.scalars(query).all())

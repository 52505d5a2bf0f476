"""What a terminal's file says of the weigh line: the feed's items, and its own entries.

Reads on a connection of its own, so that it sees only what is committed.
"""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from dafan.journal import Journal, connect
from dafan.line import (
    LINE_ENTRIES,
    LineCard,
    LineRules,
    LineStation,
    OpenTray,
    PanChanged,
    ScoopTaken,
    TrayBound,
    TrayEnded,
    TrayState,
)
from dafan.metrology import ScaleRecord
from dafan.wire import Record

_R = TypeVar("_R", bound=Record)
LOOKED_BACK = 4000
"""So many entries may tell of trays that are still in somebody's hands."""
SEEN_BY_THEN = timedelta(minutes=2)
"""What the server has taken is in the feed by then, or over."""
NAMELESS = "*"
"""Whose name only the feed tells, and has not told yet."""


class LineBook:
    """Reads a terminal's file.

    Args:
        path: The file of its :class:`pos.store.TillStore`, which must have made it.
        terminal_id: Whose it is.
    """

    def __init__(self, path: Path, terminal_id: UUID) -> None:
        self._connection = connect(path)
        self._lock = threading.Lock()
        self._terminal_id = terminal_id

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # --- the feed -------------------------------------------------------------------------------

    def rules(self) -> LineRules:
        """The line's rules; the usual ones until the feed has told them."""
        return next(iter(self._items("line_rules", LineRules).values()), LineRules())

    def stations(self) -> dict[int, LineStation]:
        """What stands on this box's stations, by their numbers."""
        return {one.station: one for one in self._own("line_station", LineStation)}

    def scales(self) -> dict[int, ScaleRecord]:
        """This box's scales, by their stations."""
        return {one.station: one for one in self._own("scale", ScaleRecord)}

    def cards(self) -> dict[str, LineCard]:
        """The cards that open pans, by their tags."""
        return self._items("line_card", LineCard)

    def open_trays(self) -> dict[str, OpenTray]:
        """The trays in somebody's hands, by their tags."""
        return self._items("open_tray", OpenTray)

    def registered_trays(self) -> dict[str, TrayState]:
        """The trays that the site has registered, by their tags."""
        rows = self._rows(
            "SELECT key, json_extract(body, '$.state') AS state FROM feed_item "
            "WHERE kind = 'line_tray'"
        )
        return {row["key"]: TrayState(row["state"]) for row in rows}

    def trays_of_site(self) -> dict[str, TrayState]:
        """The site's trays by their tags; empty: it has registered none, and any tag is a tray.

        What is in somebody's hands is a tray as well: it was bound before they were registered.
        """
        known = self.registered_trays()
        if not known:
            return {}
        bound = self._rows("SELECT key FROM feed_item WHERE kind = 'open_tray'")
        return {row["key"]: TrayState.ACTIVE for row in bound} | known

    def _own(self, kind: str, record: type[_R]) -> list[_R]:
        mine = f"{self._terminal_id}:"
        items = self._items(kind, record)
        return [body for key, body in items.items() if key.startswith(mine)]

    def _items(self, kind: str, record: type[_R]) -> dict[str, _R]:
        rows = self._rows("SELECT key, body FROM feed_item WHERE kind = ?", kind)
        return {row["key"]: record.model_validate_json(row["body"]) for row in rows}

    # --- its own entries ------------------------------------------------------------------------

    def entries(self, *kinds: str, last: int = LOOKED_BACK) -> Iterator[tuple[int, Record]]:
        """Its newest entries of some kinds of the line, oldest first, with their sequence."""
        marks = ", ".join("?" * len(kinds))
        rows = self._rows(
            f"SELECT seq, kind, body FROM journal_entry WHERE kind IN ({marks}) "  # noqa: S608 - marks only
            "AND seq > (SELECT COALESCE(MAX(seq), 0) FROM journal_entry) - ? ORDER BY seq",
            *kinds,
            last,
        )
        for row in rows:
            yield row["seq"], LINE_ENTRIES[row["kind"]].model_validate_json(row["body"])

    def newest_of_stations(self) -> Iterator[ScoopTaken | PanChanged]:
        """The newest entry of every station that ever was on this box."""
        rows = self._rows(
            "SELECT kind, body FROM journal_entry WHERE seq IN (SELECT MAX(seq) FROM journal_entry "
            "WHERE kind IN ('scoop', 'pan') GROUP BY json_extract(body, '$.station'))"
        )
        for row in rows:
            record = ScoopTaken if row["kind"] == "scoop" else PanChanged
            yield record.model_validate_json(row["body"])

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


@dataclass(frozen=True, slots=True)
class _Bound:
    seq: int
    body: TrayBound


class Trays:
    """Which trays are out: the feed's word, and this gate's own that the feed has not yet.

    Args:
        book: The gate's file.
        journal: Of the same file.
    """

    def __init__(self, book: LineBook, journal: Journal) -> None:
        self._book = book
        self._journal = journal
        self._bound: dict[str, _Bound] = {}
        self._ended: dict[str, datetime] = {}
        for seq, entry in book.entries("tray_bound", "tray_ended"):
            if isinstance(entry, TrayBound | TrayEnded):
                self.note(seq, entry)

    def note(self, seq: int, entry: TrayBound | TrayEnded) -> None:
        """An entry is on the disk."""
        if isinstance(entry, TrayBound):
            self._bound[entry.tray] = _Bound(seq, entry)
            self._ended.pop(entry.tray, None)
        else:
            self._bound.pop(entry.tray, None)
            self._ended[entry.tray] = entry.at

    def find(
        self, tag: str, diner_id: UUID | None, now: datetime
    ) -> tuple[OpenTray | None, OpenTray | None]:
        """Who has a tray, and which other tray a diner has.

        Args:
            tag: The tray.
            diner_id: The diner; ``None``: nobody has said who he is.
            now: Aware; a session that is over by its time is over.
        """
        rules, trays = self._book.rules(), self._book.open_trays()
        for tray, ended in self._ended.items():
            if tray in trays and trays[tray].bound_at <= ended:
                del trays[tray]
        acknowledged = self._journal.acknowledged()
        for tray, bound in self._bound.items():
            body = bound.body
            told = acknowledged >= bound.seq and now - body.at > SEEN_BY_THEN
            if tray not in trays and not told:
                until = body.at + timedelta(minutes=rules.open_minutes)
                trays[tray] = OpenTray(
                    session_id=body.id, diner_id=body.diner_id, name=NAMELESS, bound_at=body.at,
                    until=until,
                )  # fmt: skip
        out = {tray: body for tray, body in trays.items() if body.until > now}
        others = (
            body
            for tray, body in out.items()
            if tray != tag and diner_id is not None and body.diner_id == diner_id
        )
        return out.get(tag), next(others, None)


def entries_of_stations(
    book: LineBook, last: int = 20_000
) -> dict[int, list[ScoopTaken | PanChanged]]:
    """The newest entries of each station, oldest first: where it goes on from.

    A station without an entry among the newest is looked for in the whole journal.
    """
    found: dict[int, list[ScoopTaken | PanChanged]] = {}
    for _seq, entry in book.entries("scoop", "pan", last=last):
        if isinstance(entry, ScoopTaken | PanChanged):
            found.setdefault(entry.station, []).append(entry)
    for entry in book.newest_of_stations():
        found.setdefault(entry.station, [entry])
    return found

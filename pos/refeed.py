"""The feed once more from its beginning: what does not come again is dropped at its end.

A server that was restored from a backup may have forgotten things that the till still shows, and
a till that was brought to a newer version has passed over kinds that it did not know. Until the
last page is here the till goes on with what it has; a crash between two pages loses nothing.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from dafan.records import FeedItem

SCHEMA = """
CREATE TABLE IF NOT EXISTS feed_restart (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;
CREATE TABLE IF NOT EXISTS feed_fresh (
    kind TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
CREATE TABLE IF NOT EXISTS feed_kind (kind TEXT PRIMARY KEY) STRICT;
"""


def learn(connection: sqlite3.Connection, kinds: Iterable[str]) -> None:
    """Remember which kinds this version knows; where some are new, ask for everything again."""
    known = {row["kind"] for row in connection.execute("SELECT kind FROM feed_kind")}
    new = [(kind,) for kind in kinds if kind not in known]
    if new:
        connection.executemany("INSERT INTO feed_kind VALUES (?)", new)
        if connection.execute("UPDATE feed_mark SET version = 0").rowcount:
            begin(connection)


def runs(connection: sqlite3.Connection) -> bool:
    """Whether the feed is on its way once more."""
    return connection.execute("SELECT 1 FROM feed_restart").fetchone() is not None


def begin(connection: sqlite3.Connection) -> None:
    """From now on note what comes."""
    connection.execute("INSERT OR IGNORE INTO feed_restart VALUES (1)")
    connection.execute("DELETE FROM feed_fresh")


def note(connection: sqlite3.Connection, items: Iterable[FeedItem]) -> None:
    """These came again."""
    connection.executemany(
        "INSERT OR IGNORE INTO feed_fresh VALUES (?, ?)", [(item.kind, item.key) for item in items]
    )


def end(connection: sqlite3.Connection) -> Sequence[FeedItem]:
    """All has come: returns, as items without a body, what did not."""
    stale = connection.execute(
        "SELECT kind, key FROM feed_item EXCEPT SELECT kind, key FROM feed_fresh"
    ).fetchall()
    connection.execute("DELETE FROM feed_fresh")
    connection.execute("DELETE FROM feed_restart")
    return [FeedItem(kind=row["kind"], key=row["key"], version=0, body=None) for row in stale]

"""Versions of the feed become visible in order, whoever commits first; a sequence would not do."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Dish, Unit
from server import feed

NOBODY = new_id()


def publish(session: Session, site_id: UUID, name: str) -> None:
    dish = Dish(id=new_id(), name=name, unit=Unit.PIECE, price=Fen(100))
    feed.publish(session, site_id, "dish", name, dish)


def read(engine: Engine, site_id: UUID, since: int, now: Any) -> tuple[list[str], int]:
    with db.reading(engine) as session:
        page = feed.page(session, site_id, NOBODY, since, 100, now)
    return [item.key for item in page.items], page.version


def what_a_till_gets(engine: Engine, site_id: UUID, now: Any) -> list[str]:
    """The first writer publishes and dawdles; the second publishes; a till reads all the while."""
    _, mark = read(engine, site_id, 0, now)
    with db.writing(engine) as slow:
        publish(slow, site_id, "first")
        try:
            with db.writing(engine) as quick:
                quick.execute(text("SET LOCAL lock_timeout = '100ms'"))
                publish(quick, site_id, "second")
            waits = False
        except OperationalError as error:
            waits = "lock timeout" in str(error)
        got, mark = read(engine, site_id, mark, now)
    if waits:
        with db.writing(engine) as quick:
            publish(quick, site_id, "second")
    return got + read(engine, site_id, mark, now)[0]


@pytest.fixture(autouse=True)
def _where_two_write_at_once(postgresql: str | None) -> None:
    if not postgresql:
        pytest.skip("SQLite has one writer at a time: its versions cannot overtake each other")


def test_a_till_gets_everything_though_the_first_writer_commits_last(
    engine: Engine, site: Any, clock: Any
) -> None:
    assert what_a_till_gets(engine, site.id, clock.now()) == ["first", "second"]


def test_with_versions_from_a_sequence_a_till_would_lose_news(
    engine: Engine, site: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.writing(engine) as session:
        start = feed.latest(session, site.id) + 1
        session.execute(text(f"CREATE SEQUENCE plain START {start}"))

    class Sequence:
        """Draws instead of counting under a lock."""

        def __init__(self, session: Session) -> None:
            self._session, self._drawn = session, 0

        @property
        def version(self) -> int:
            return self._drawn

        @version.setter
        def version(self, _next: int) -> None:
            self._drawn = self._session.scalar(text("SELECT nextval('plain')"))

    def highest(session: Session, site_id: UUID) -> int:
        query = select(func.max(feed.FeedRow.version)).where(feed.FeedRow.site_id == site_id)
        return session.scalar(query) or 0

    monkeypatch.setattr(feed, "lock", lambda session, _site_id: Sequence(session))
    monkeypatch.setattr(feed, "latest", highest)
    assert what_a_till_gets(engine, site.id, clock.now()) == ["second"]

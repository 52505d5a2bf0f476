"""How a terminal with a file and a feed talks to the server: a till, or a return station."""

from collections.abc import Callable
from typing import Any, Protocol

import httpx

from dafan.clock import Clock
from dafan.config import Settings
from dafan.records import FeedPage
from dafan.sync import Evidence, SyncClient, SyncState
from pos.enrol import Enrolment
from pos.store import TillStore


class Synced(Protocol):
    """What is kept in step with the server."""

    store: TillStore

    def put_health(self, **changes: Any) -> None:
        """The line to the server changed."""
        ...


def connect_sync(
    machine: Synced,
    settings: Settings,
    enrolment: Enrolment,
    clock: Clock,
    client: httpx.Client | None,
    *,
    apply_page: Callable[[FeedPage], None] | None = None,
    evidence: Evidence | None = None,
) -> SyncClient:
    """The sync of a machine, not started yet; its health tells how the line is.

    Args:
        machine: Whose journal is pushed and whose snapshot follows the feed.
        settings: Where the server is.
        enrolment: Who it is.
        clock: Time.
        client: For tests; else one of its own.
        apply_page: Keeps a page; else all of it is kept.
        evidence: Pictures that the server may ask for.
    """
    store = machine.store

    def on_state(state: SyncState) -> None:
        store.facts.set_revoked(revoked=state.revoked)
        machine.put_health(
            offline=not state.online, stale=not state.fresh, waiting=state.waiting,
            revoked=state.revoked,
        )  # fmt: skip

    return SyncClient(
        settings.till.server_url,
        enrolment.identity,
        store.journal,
        store.feed_version,
        apply_page or store.apply_feed_page,
        clock,
        on_state,
        client,
        restart_feed=store.restart_feed,
        evidence=evidence,
        revoked=store.facts.revoked,
    )

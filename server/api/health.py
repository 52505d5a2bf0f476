"""``/livez`` and ``/healthz`` for load balancers, ``/metrics`` for Prometheus; no names."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan import __version__
from dafan.db import reading
from dafan.records import FEED_LINE
from server import observe
from server.access import public
from server.exceptions import ExceptionItem
from server.feed import FeedCounter
from server.services import services
from server.sites import Site
from server.terminals import Terminal

ONLINE_S = 90

blueprint = APIBlueprint("health", __name__, enable_openapi=False)


@blueprint.get("/livez")
@public
def livez() -> dict[str, str]:
    """Whether this worker answers at all: if not, start it anew."""
    return {"status": "ok"}


@blueprint.get("/healthz")
@public
def healthz() -> dict[str, str]:
    """Whether this worker reaches its database, so that requests may come; 503 where not."""
    with reading(services().engine) as session:
        session.execute(select(func.count()).select_from(Site))
    return {"status": "ok"}


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """State is read from the database, so that all workers say the same; requests are counted."""
    registry = CollectorRegistry()
    with reading(services().engine) as session:
        _terminals(session, registry, services().clock.now())
        _exceptions(session, registry)
    version = Gauge("dafan_info", "Version of the server", ["version"], registry=registry)
    version.labels(__version__).set(1)
    text = generate_latest(registry) + generate_latest(observe.registry())
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _behind(latest: int, heard: int) -> int:
    """Versions that a terminal lacks: all, where it heard the server of before a restore."""
    same_line = latest // FEED_LINE == heard // FEED_LINE
    return max(0, latest - heard) if same_line else latest % FEED_LINE


def _terminals(session: Session, registry: CollectorRegistry, now: datetime) -> None:
    online = Gauge("dafan_terminals_online", "Terminals seen lately", registry=registry)
    silent = Gauge(
        "dafan_terminal_silence_seconds", "Since a terminal was last seen", ["terminal"],
        registry=registry,
    )  # fmt: skip
    behind = Gauge(
        "dafan_terminal_feed_behind", "Versions of the feed that a terminal lacks", ["terminal"],
        registry=registry,
    )  # fmt: skip
    applied = Gauge("dafan_entries_applied", "Journal entries taken in", registry=registry)
    applied.set(session.scalar(select(func.sum(Terminal.applied_seq))) or 0)
    versions = dict(session.execute(select(FeedCounter.site_id, FeedCounter.version)).all())
    seen = 0
    for row in session.scalars(select(Terminal).where(Terminal.revoked_at.is_(None))):
        name = str(row.id)
        behind.labels(name).set(_behind(versions.get(row.site_id, 0), row.feed_version))
        if row.last_seen is not None:
            silence = (now - row.last_seen).total_seconds()
            silent.labels(name).set(silence)
            seen += silence < ONLINE_S
    online.set(seen)


def _exceptions(session: Session, registry: CollectorRegistry) -> None:
    gauge = Gauge("dafan_exceptions_open", "Exceptions to judge", ["code"], registry=registry)
    query = (
        select(ExceptionItem.code, func.count())
        .where(ExceptionItem.resolved_at.is_(None))
        .group_by(ExceptionItem.code)
    )
    for code, count in session.execute(query):
        gauge.labels(code).set(count)

"""``/healthz`` for load balancers, ``/metrics`` for Prometheus; both say nothing about people."""

from apiflask import APIBlueprint
from flask import Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select

from dafan.db import reading
from server.exceptions import ExceptionItem
from server.services import services
from server.sites import Site
from server.terminals import Terminal

ONLINE_S = 90

blueprint = APIBlueprint("health", __name__, enable_openapi=False)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether this worker reaches its database; 503 where not."""
    with reading(services().engine) as session:
        session.execute(select(func.count()).select_from(Site))
    return {"status": "ok"}


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counted in the database at every call, so that all workers say the same."""
    registry = CollectorRegistry()
    online = Gauge("dafan_terminals_online", "Terminals seen lately", registry=registry)
    applied = Gauge("dafan_entries_applied", "Journal entries taken in", registry=registry)
    open_items = Gauge("dafan_exceptions_open", "Exceptions to judge", registry=registry)
    parts = services()
    now = parts.clock.now()
    with reading(parts.engine) as session:
        seen = session.scalars(select(Terminal.last_seen).where(Terminal.revoked_at.is_(None)))
        online.set(sum(1 for at in seen if at and (now - at).total_seconds() < ONLINE_S))
        applied.set(session.scalar(select(func.sum(Terminal.applied_seq))) or 0)
        waiting = select(func.count()).where(ExceptionItem.resolved_at.is_(None))
        open_items.set(session.scalar(waiting) or 0)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

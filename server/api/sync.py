"""Sync of terminals: the journal comes up, the feed goes down."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field

from dafan import crypto
from dafan.db import reading, writing
from dafan.line import LINE_ENTRIES
from dafan.records import FeedPage, JournalPush, PushAnswer
from server import feed, ingest, line_settle, terminals
from server.access import machine
from server.gate import authorization
from server.problems import problem
from server.services import services
from server.terminals import Terminal

MAX_PUSH = 4 * 2**20
LONGEST_WAIT_S = 30
LOOK_EVERY_S = 0.3

blueprint = APIBlueprint("sync", __name__, url_prefix="/api/v1", tag="Sync")

P = ParamSpec("P")
R = TypeVar("R")


class FeedQuery(BaseModel):
    """What a terminal asks of the feed."""

    since: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT_S)] = 0
    """Seconds to wait for news."""
    limit: Annotated[int, Field(ge=1, le=feed.MAX_PAGE)] = 500
    written: Annotated[int, Field(ge=0, le=2**62)] | None = None
    """The last entry of the terminal's own journal."""


def by_terminal(view: Callable[Concatenate[Terminal, P], R]) -> Callable[P, R]:
    """Let only a terminal through that proves its key and is not revoked; pass it as the first.

    A refusal carries the server's time, so that a terminal with a wrong clock can correct itself.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        now = services().clock.now()
        terminal, why = _authenticate(now)
        if terminal is None:
            server_time = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            return problem(401, *why, server_time=server_time)  # type: ignore[return-value]
        g.terminal_id = terminal.id
        return view(terminal, *args, **kwargs)

    return machine(guarded)


def _authenticate(now: datetime) -> tuple[Terminal | None, tuple[str, str]]:
    given = authorization(request)
    token = given.token if given and given.type == "bearer" and given.token else ""
    claimed = crypto.token_issuer(token)
    bad = ("bad_token", "the token is missing, expired or not this terminal's: check the clock")
    if claimed is None:
        return None, bad
    with reading(services().engine) as session:
        terminal = session.get(Terminal, claimed)
    if terminal is None or not crypto.token_is_good(token, terminal.signing_key, now):
        return None, bad
    if terminal.revoked_at is not None:
        return None, ("revoked", "this terminal was revoked: enrol it again with a new code")
    return terminal, bad


@blueprint.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_PUSH


@blueprint.post("/journal")
@by_terminal
@blueprint.input(JournalPush)
@blueprint.output(PushAnswer)
@blueprint.doc(
    summary="Push a signed batch of journal entries",
    description="Harmless to repeat. A gap is answered with the mark, a fork is kept aside.",
    responses={400: "Not signed, altered or not consecutive", 401: "Not an enrolled terminal"},
)
def push_journal(terminal: Terminal, json_data: JournalPush) -> PushAnswer:
    """Take in what a terminal reports."""
    parts = services()
    now = parts.clock.now()
    answer = ingest.push(parts.engine, terminal, json_data, now)
    if any(entry.kind in LINE_ENTRIES for entry in json_data.entries):
        line_settle.settle_due(parts.engine, parts.ring, terminal.site_id, now)
    return answer


@blueprint.get("/feed")
@by_terminal
@blueprint.input(FeedQuery, location="query")
@blueprint.output(FeedPage)
@blueprint.doc(
    summary="Everything published since a version",
    description="Waits up to `wait` seconds for news.",
    responses={401: "Not an enrolled terminal"},
)
def pull_feed(terminal: Terminal, query_data: FeedQuery) -> FeedPage:
    """Give a terminal what it does not know yet."""
    _note_contact(terminal, query_data)
    _wait_for_news(terminal, query_data)
    parts = services()
    with reading(parts.engine) as session:
        page = feed.page(
            session, terminal.site_id, terminal.id, query_data.since, query_data.limit,
            parts.clock.now(),
        )  # fmt: skip
        mark = session.get_one(Terminal, terminal.id).applied_seq
    return page.model_copy(update={"applied_seq": mark})


def _note_contact(terminal: Terminal, asked: FeedQuery) -> None:
    """Now and then; at once where trays wait for what this terminal may still have to tell."""
    parts = services()
    now = parts.clock.now()
    told = asked.written is not None and asked.written <= terminal.applied_seq
    last = terminal.pulled_at
    fresh = last and 0 <= (now - last).total_seconds() < terminals.SEEN_EVERY_S
    waited_for = told and line_settle.waits(parts.engine, terminal.site_id)
    if fresh and not waited_for:
        return
    agent = request.user_agent.string
    with writing(parts.engine) as session:
        mine = session.get_one(Terminal, terminal.id)
        terminals.pulled(session, mine, now, asked.since, agent, told=told)
    if waited_for:
        line_settle.settle_due(parts.engine, parts.ring, terminal.site_id, now)


def _wait_for_news(terminal: Terminal, asked: FeedQuery) -> None:
    """Look at the counter now and then; no connection and no transaction is held between.

    Where too many wait already, the answer comes at once, and the terminal asks again.
    """
    if not services().waiters.acquire(blocking=False):
        return
    try:
        _look_for_news(terminal, asked)
    finally:
        services().waiters.release()


def _look_for_news(terminal: Terminal, asked: FeedQuery) -> None:
    engine = services().engine
    until = time.monotonic() + asked.wait
    while True:
        with reading(engine) as session:
            if feed.latest(session, terminal.site_id) != asked.since:
                return
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(LOOK_EVERY_S, left))

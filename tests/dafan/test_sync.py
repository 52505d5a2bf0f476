"""Sync survives whatever the network and the server do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from dafan.clock import ManualClock
from dafan.crypto import Identity, token_is_good
from dafan.desk import EvidencePicture
from dafan.journal import GENESIS, Journal, JournalError
from dafan.records import FeedPage, JournalPush
from dafan.sync import ForkError, RevokedError, SyncClient, SyncError, SyncState

Sell = Callable[[int], list[UUID]]
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class FakeServer:
    """Keeps what is pushed, by the rules of the contract; answers can be lost or spoilt."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.now = NOW
        self.entries: list[Any] = []
        self.lose_answers = 0
        self.spoil: Callable[[httpx.Request], httpx.Response] | None = None
        self.page: dict[str, Any] = {"items": [], "more": False, "version": 0}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.spoil is not None:
            return self.spoil(request)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if not token_is_good(token, self.identity.signing_public, self.now):
            body = {"code": "token", "message": "expired", "server_time": self.now.isoformat()}
            return httpx.Response(401, json=body)
        if request.method == "GET":
            since = int(request.url.params["since"])
            page = {"since": since, "server_time": self.now.isoformat(), **self.page}
            return httpx.Response(200, json=page)
        push = JournalPush.model_validate_json(request.content)
        for entry in push.entries:
            if entry.seq == len(self.entries) + 1:
                self.entries.append(entry)
        if self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadTimeout("the cable was pulled", request=request)
        return httpx.Response(200, json=self.mark())

    def mark(self, status: str = "ok") -> dict[str, Any]:
        last = self.entries[-1] if self.entries else None
        return {
            "status": status,
            "applied_seq": last.seq if last else 0,
            "applied_hash": last.hash if last else GENESIS,
            "server_time": self.now.isoformat(),
        }


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(Identity.create())


@pytest.fixture
def pages() -> list[FeedPage]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def client(
    journal: Journal, server: FakeServer, pages: list[FeedPage], clock: ManualClock
) -> SyncClient:
    return SyncClient(
        "http://server",
        server.identity,
        journal,
        lambda: pages[-1].version if pages else 0,
        pages.append,
        clock,
        client=httpx.Client(transport=httpx.MockTransport(server)),
    )


def test_everything_written_arrives_once_in_order(
    client: SyncClient, server: FakeServer, journal: Journal, sell: Sell
) -> None:
    ids = sell(450)
    while client.push_once():
        pass
    assert [entry.id for entry in server.entries] == ids
    assert journal.acknowledged() == 450


def test_a_lost_answer_is_retried_and_doubles_nothing(
    client: SyncClient, server: FakeServer, journal: Journal, sell: Sell
) -> None:
    ids = sell(3)
    server.lose_answers = 2
    for _ in range(2):
        with pytest.raises(SyncError, match="does not answer"):
            client.push_once()
    assert journal.acknowledged() == 0
    client.push_once()
    assert [entry.id for entry in server.entries] == ids
    assert journal.acknowledged() == 3


@pytest.mark.parametrize("hours", [-7000, -2, 3, 9000])
def test_a_till_with_a_wrong_clock_learns_the_time_and_syncs(
    client: SyncClient, server: FakeServer, clock: ManualClock, sell: Sell, hours: int
) -> None:
    clock.jump(timedelta(hours=hours).total_seconds())
    sell(1)
    client.push_once()
    assert len(server.entries) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Welcome to the hotel network</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"status": "ok"}),
        httpx.Response(200, json={"status": "ok", "applied_seq": -1, "applied_hash": "x"}),
        httpx.Response(500, json={"message": "boom"}),
        httpx.Response(302, headers={"Location": "http://login"}, json={}),
        httpx.Response(401, json={"server_time": "yesterday"}),
    ],
)
def test_nonsense_from_the_server_is_an_error_and_acknowledges_nothing(
    client: SyncClient, server: FakeServer, journal: Journal, sell: Sell, answer: httpx.Response
) -> None:
    sell(1)
    server.spoil = lambda _request: answer
    with pytest.raises(SyncError):
        client.push_once()
    with pytest.raises(SyncError):
        client.pull_once(0)
    assert journal.acknowledged() == 0


def test_a_server_that_claims_entries_we_never_wrote_is_not_believed(
    client: SyncClient, server: FakeServer, journal: Journal, sell: Sell
) -> None:
    sell(2)
    mark = {"status": "ok", "applied_seq": 2, "applied_hash": "f" * 64}
    for lie in (mark, {**mark, "applied_seq": 99}, {**mark, "status": "fork"}):
        answer = {**lie, "server_time": NOW.isoformat()}
        server.spoil = lambda _request, answer=answer: httpx.Response(200, json=answer)
        with pytest.raises(ForkError, match="administrator"):
            client.push_once()
    assert journal.acknowledged() == 0


def test_a_server_restored_from_a_backup_gets_its_missing_entries_again(
    client: SyncClient, server: FakeServer, journal: Journal, sell: Sell
) -> None:
    ids = sell(5)
    client.push_once()
    del server.entries[3:]
    server.spoil = lambda _request: httpx.Response(200, json=server.mark("gap"))
    ids += sell(1)
    assert client.push_once()
    assert journal.acknowledged() == 3
    server.spoil = None
    client.push_once()
    assert [entry.id for entry in server.entries] == ids


def test_a_feed_page_is_applied_and_an_answer_to_another_question_is_not(
    client: SyncClient, server: FakeServer, pages: list[FeedPage]
) -> None:
    item = {"kind": "dish", "key": "1", "version": 4, "body": None}
    server.page = {"items": [item], "more": True, "version": 4}
    assert client.pull_once(0)
    assert pages[-1].version == 4
    server.page["since"] = 2
    with pytest.raises(SyncError, match="another version"):
        client.pull_once(0)
    assert len(pages) == 1


def test_news_are_fresh_only_once_all_were_heard_after_a_failure(
    client: SyncClient, server: FakeServer, sell: Sell
) -> None:
    sell(1)
    client.push_once()
    assert (client.state.online, client.state.fresh) == (True, False)
    item = {"kind": "dish", "key": "1", "version": 4, "body": None}
    server.page = {"items": [item], "more": True, "version": 4}
    assert client._pull()
    assert not client.state.fresh
    server.page = {"items": [], "more": False, "version": 4}
    client._pull()
    assert client.state.fresh
    client._failed("the network is gone")
    sell(1)
    client.push_once()
    assert (client.state.online, client.state.fresh) == (True, False)


def test_sales_wait_and_are_counted_while_the_server_is_away(
    client: SyncClient, server: FakeServer, sell: Sell
) -> None:
    sell(2)

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    server.spoil = unreachable
    with pytest.raises(SyncError):
        client.push_once()
    client._failed("no route")
    assert (client.state.online, client.state.waiting) == (False, 2)
    server.spoil = None
    client.push_once()
    client._changed(waiting=client._waiting())
    assert (client.state.online, client.state.waiting) == (True, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_revocation_is_told_apart_and_only_the_server_takes_it_back(
    client: SyncClient, server: FakeServer, sell: Sell, status: int
) -> None:
    sell(1)
    body = {"code": "revoked", "message": "enrol again", "server_time": NOW.isoformat()}
    server.spoil = lambda _request: httpx.Response(status, json=body)
    with pytest.raises(RevokedError, match="enrol again"):
        client.push_once()
    client._failed("closed", revoked=True)
    client._failed("no route")
    assert (client.state.online, client.state.revoked) == (False, True)
    server.spoil = None
    client.push_once()
    assert (client.state.online, client.state.revoked) == (True, False)


def test_the_request_body_is_exactly_what_was_signed(
    client: SyncClient, server: FakeServer, sell: Sell
) -> None:
    sell(1)
    bodies = []

    def keep(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        server.spoil = None
        return server(request)

    server.spoil = keep
    client.push_once()
    assert JournalPush.model_validate(bodies[0]).entries == tuple(server.entries)


def test_a_full_disk_ends_no_sync_thread_and_what_it_did_not_take_in_is_told_again(
    client: SyncClient, server: FakeServer, sell: Sell
) -> None:
    told: list[bool] = []
    full = [True]

    def keep(state: SyncState) -> None:
        if full[0]:
            raise JournalError("the till's disk does not take writes (disk is full)")
        told.append(state.revoked)

    client._on_state = keep
    refusal = {"code": "revoked", "message": "this terminal was revoked"}
    server.spoil = lambda _request: httpx.Response(401, json=refusal)
    sell(1)
    for _ in range(3):
        with pytest.raises(RevokedError):
            client.push_once()
        client._failed("revoked", revoked=True)
    full[0] = False
    client._failed("revoked", revoked=True)
    assert told == [True]


# --- a server that came back from a backup, without anything new to push ------------------------


@pytest.fixture
def restarts() -> list[str]:
    return []


@pytest.fixture
def restored(
    journal: Journal,
    server: FakeServer,
    pages: list[FeedPage],
    clock: ManualClock,
    restarts: list[str],
) -> SyncClient:
    return SyncClient(
        "http://server",
        server.identity,
        journal,
        lambda: 0 if restarts else 7,
        pages.append,
        clock,
        client=httpx.Client(transport=httpx.MockTransport(server)),
        restart_feed=lambda: restarts.append("again"),
    )


def test_a_pull_notices_that_the_server_lost_entries_and_sends_them_again(
    restored: SyncClient,
    server: FakeServer,
    journal: Journal,
    sell: Sell,
    pages: list[FeedPage],
    restarts: list[str],
) -> None:
    ids = sell(5)
    restored.push_once()
    del server.entries[3:]
    item = {"kind": "dish", "key": "1", "version": 9, "body": None}
    server.page = {"items": [item], "more": False, "version": 9, "applied_seq": 3}
    assert restored.pull_once(0)
    assert (journal.acknowledged(), restarts, pages) == (3, ["again"], [])
    assert not restored.push_once()
    assert [entry.id for entry in server.entries] == ids
    server.page["applied_seq"] = 5
    assert not restored.pull_once(0)
    assert pages[-1].version == 9


def test_a_push_notices_it_as_well(
    restored: SyncClient, server: FakeServer, sell: Sell, restarts: list[str]
) -> None:
    sell(5)
    restored.push_once()
    del server.entries[3:]
    sell(1)
    restored.push_once()
    assert restarts == ["again"]
    restored.push_once()
    assert restarts == ["again"]
    assert len(server.entries) == 6


def test_a_mark_that_was_overtaken_while_the_answer_was_on_its_way_means_nothing(
    restored: SyncClient, server: FakeServer, journal: Journal, sell: Sell, restarts: list[str]
) -> None:
    sell(2)
    restored.push_once()

    def slow(request: httpx.Request) -> httpx.Response:
        server.spoil = None
        server.page = {"items": [], "more": False, "version": 7, "applied_seq": 2}
        answer = server(request)
        sell(1)
        restored.push_once()
        return answer

    server.spoil = slow
    restored.pull_once(0)
    assert (journal.acknowledged(), restarts) == (3, [])


def test_a_till_restored_from_an_old_disk_learns_it_without_selling(
    restored: SyncClient, server: FakeServer, sell: Sell, pages: list[FeedPage]
) -> None:
    sell(2)
    server.page = {"items": [], "more": False, "version": 9, "applied_seq": 3}
    with pytest.raises(ForkError, match="call the administrator"):
        restored.pull_once(0)
    assert pages[-1].version == 9


def test_a_terminal_that_was_closed_before_it_started_is_closed_until_the_server_says_else(
    journal: Journal, server: FakeServer, clock: ManualClock
) -> None:
    http = httpx.Client(transport=httpx.MockTransport(server))
    client = SyncClient(
        "http://server", server.identity, journal, lambda: 0, lambda _page: None, clock,
        client=http, revoked=True,
    )  # fmt: skip
    client._failed("no route")
    assert client.state.revoked
    client.pull_once(0)
    assert not client.state.revoked


class Keeper:
    """Has a picture for each of some sales."""

    def __init__(self, *sales: UUID) -> None:
        self.due = list(sales)

    def wanted(self) -> list[UUID]:
        return list(self.due)

    def picture(self, sale_id: UUID) -> EvidencePicture:
        return EvidencePicture(sale_id=sale_id, epoch=1, sealed=b"sealed")

    def answered(self, sale_id: UUID) -> None:
        self.due.remove(sale_id)


def test_evidence_is_sent_until_the_server_takes_it_or_wants_it_no_more(
    journal: Journal, server: FakeServer, clock: ManualClock
) -> None:
    one, two, three = (UUID(int=number) for number in (1, 2, 3))
    keeper = Keeper(one, two, three)
    closed = httpx.Response(404, json={"code": "unknown_evidence", "message": "closed"})
    answers: dict[UUID, list[httpx.Response | Exception]] = {
        one: [httpx.Response(500), httpx.Response(204)],
        two: [closed],
        three: [httpx.ConnectError("no route"), httpx.Response(200, json={})],
    }
    bodies: list[EvidencePicture] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "PUT":
            return server(request)
        bodies.append(EvidencePicture.model_validate_json(request.content))
        assert request.url.path == f"/api/v1/evidence/{bodies[-1].sale_id}"
        said = answers[bodies[-1].sale_id].pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    client = SyncClient(
        "http://server", server.identity, journal, lambda: 0, lambda _page: None, clock,
        client=httpx.Client(transport=httpx.MockTransport(answer)), evidence=keeper,
    )  # fmt: skip
    client.pull_once(0)
    assert keeper.due == [one, three]
    client.pull_once(0)
    assert keeper.due == []
    assert {body.sealed for body in bodies} == {b"sealed"}

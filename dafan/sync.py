"""The terminal's side of sync: push the journal, pull the feed, behind the diner's back.

Delivery is at least once; the effect is once, because the server applies each journal strictly in
sequence and answers with its mark. Nothing here is ever waited for by a sale.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import TypeAdapter, ValidationError

from dafan import __version__
from dafan.clock import Clock
from dafan.crypto import Identity, make_token
from dafan.desk import EvidencePicture
from dafan.errors import DafanError
from dafan.journal import GENESIS, Journal, sign_batch
from dafan.records import FeedPage, PushAnswer, PushStatus, Record, Utc, canonical

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
LONG_POLL_S = 20
BREATH_S = 0.5
"""Between two polls."""
STOP_S = 1.0
FEED_LIMIT = 500
NOT_ASKED = "unknown_evidence"
"""The server's code for evidence that nobody wants any more."""

_R = TypeVar("_R", bound=Record)
_TIME = TypeAdapter[datetime](Utc)

log = logging.getLogger(__name__)


class SyncError(DafanError):
    """The server could not be reached, or what it said cannot be used."""

    code = "sync"


class ForkError(SyncError):
    """Server and till disagree about what this terminal has written."""

    code = "fork"


class RefusedError(SyncError):
    """The server answered no; ``said`` is the code of its reason."""

    code = "refused"

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class RevokedError(RefusedError):
    """The server no longer takes this terminal for one of its own."""

    code = "revoked"


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the till shows of its connection."""

    online: bool = False
    fresh: bool = False
    """All news were heard since the line was lost last."""
    waiting: int = 0
    """Entries that the server has not acknowledged."""
    last_contact: datetime | None = None
    problem: str = ""
    revoked: bool = False
    """The server has said that this terminal is closed, and has not taken it back."""


class Evidence(Protocol):
    """The pictures that a till keeps of face payments, for disputes."""

    def wanted(self) -> Sequence[UUID]:
        """Sales whose picture the server has asked for and not yet taken."""
        ...

    def picture(self, sale_id: UUID) -> EvidencePicture:
        """What to answer."""
        ...

    def answered(self, sale_id: UUID) -> None:
        """The server has taken it."""
        ...


class SyncClient:
    """Two threads: one pushes when woken or when its pause is over, one long-polls the feed.

    Args:
        server_url: Base address, such as ``https://canteen.example``.
        identity: The terminal's keys.
        journal: What to push.
        feed_version: The version that the till's snapshot has reached.
        apply_page: Stores a page atomically, its version included.
        clock: For tokens; a wrong wall clock is corrected by the server's answers.
        on_state: Told of every change of state, from the sync threads.
        client: For tests; else a pooled HTTP client.
        restart_feed: Makes the till ask for the whole feed again: the server was restored from a
            backup, so that its versions no longer mean what they meant.
        evidence: Pictures that the server may ask for.
        revoked: The server had closed this terminal before the till was started.
    """

    def __init__(
        self,
        server_url: str,
        identity: Identity,
        journal: Journal,
        feed_version: Callable[[], int],
        apply_page: Callable[[FeedPage], None],
        clock: Clock,
        on_state: Callable[[SyncState], None] | None = None,
        client: httpx.Client | None = None,
        *,
        restart_feed: Callable[[], None] = lambda: None,
        evidence: Evidence | None = None,
        revoked: bool = False,
    ) -> None:
        self._identity = identity
        self._journal = journal
        self._feed_version = feed_version
        self._apply_page = apply_page
        self._clock = clock
        self._on_state = on_state or (lambda _state: None)
        self._http = client or httpx.Client(timeout=httpx.Timeout(10, read=LONG_POLL_S + 15))
        self._base = server_url.rstrip("/") + "/api/v1"
        self._restart_feed = restart_feed
        self._evidence = evidence
        self._skew = timedelta()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._untold = False
        self.state = SyncState(waiting=self._waiting(), revoked=revoked)

    @property
    def terminal_id(self) -> UUID:
        """Whose journal is pushed."""
        return self._journal.terminal_id

    def start(self) -> None:
        """Begin pushing and pulling."""
        self._stop.clear()
        for name, work in (("push", self.push_once), ("pull", self._pull)):
            thread = threading.Thread(
                target=self._loop, args=(work, name), name=f"sync-{name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End both threads; one that waits for a silent server touches nothing any more."""
        self._stop.set()
        self._wake.set()
        self._http.close()
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._threads.clear()

    def wake(self) -> None:
        """A new entry is written: push it now."""
        self._wake.set()

    def push_once(self) -> bool:
        """Push one batch.

        Returns:
            Whether more is waiting.

        Raises:
            SyncError: not reached, refused, or an answer that makes no sense.
            ForkError: the server holds other entries of this terminal than are written here.
        """
        after = self._journal.acknowledged()
        entries = self._journal.read(after)
        if not entries:
            return False
        push = sign_batch(self._identity, entries)
        raw = self._request("POST", "/journal", content=canonical(push.to_body()))
        answer = _parse(PushAnswer, raw)
        self._believe(answer)
        if answer.applied_seq < after:
            self._restart_feed()
        return self._waiting() > 0

    def _believe(self, answer: PushAnswer) -> None:
        """Take over the server's mark where it agrees with the chain that is written here.

        A mark below what it had acknowledged means that the server was restored from a backup:
        what is behind it is pushed again.
        """
        if answer.status is PushStatus.FORK:
            raise ForkError("the server holds other entries of this till: call the administrator")
        mark = answer.applied_seq
        here = self._journal.read(mark - 1, 1) if mark else []
        hash_here = here[0].hash if here else (GENESIS if mark == 0 else None)
        if hash_here != answer.applied_hash:
            raise ForkError(f"the server's entry {mark} is not this till's: call the administrator")
        self._journal.acknowledge(mark)

    def pull_once(self, wait_s: int = LONG_POLL_S) -> bool:
        """Pull one page of the feed, waiting at the server up to ``wait_s`` for news.

        Returns:
            Whether more is there already.

        Raises:
            SyncError: not reached, refused, or an answer that makes no sense.
        """
        since, acknowledged = self._feed_version(), self._journal.acknowledged()
        written = self._journal.head()[0]
        asked = {"since": since, "wait": wait_s, "limit": FEED_LIMIT, "written": written}
        raw = self._request("GET", "/feed", params=asked)
        page = _parse(FeedPage, raw)
        if page.since != since:
            raise SyncError("the server answered for another version than was asked for")
        mark = page.applied_seq
        if mark is not None and mark < acknowledged:
            log.warning("the server has gone back to entry %s: it was restored", mark)
            self._journal.acknowledge(mark)
            self._restart_feed()
            self._wake.set()
            return True
        if page.items or page.version != since:
            self._apply_page(page)
        if mark is not None and mark > self._journal.head()[0]:
            raise ForkError(
                f"the server has this till's entry {mark}, which is not written here: "
                "call the administrator"
            )
        if not page.more:
            self._send_evidence()
        return page.more

    def _pull(self) -> bool:
        """Pull; after a failure at once what there is, without waiting for more news."""
        more = self.pull_once(LONG_POLL_S if self.state.fresh else 0)
        if not more:
            self._changed(fresh=True)
        return more

    def ask(self, path: str) -> Any:
        """Ask the server something about this terminal's own entries.

        Args:
            path: Below ``/api/v1``.

        Raises:
            SyncError: not reached, or refused.
        """
        return self._request("GET", path)

    def _send_evidence(self) -> None:
        """Answer what the server asks for; what does not get through is tried again later."""
        if self._evidence is None:
            return
        for sale_id in self._evidence.wanted():
            picture = self._evidence.picture(sale_id)
            try:
                self._request("PUT", f"/evidence/{sale_id}", content=canonical(picture.to_body()))
            except RefusedError as error:
                log.warning("the evidence of sale %s: %s", sale_id, error)
                if error.said != NOT_ASKED:
                    continue
            except SyncError as error:
                log.warning("the evidence of sale %s waits: %s", sale_id, error)
                return
            self._evidence.answered(sale_id)

    def _request(self, method: str, path: str, **arguments: Any) -> Any:
        for attempt in (1, 2):
            token = make_token(self._identity, self.terminal_id, self._clock.now() + self._skew)
            try:
                response = self._http.request(
                    method,
                    self._base + path,
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Content-Type": "application/json",
                        "User-Agent": f"dafan/{__version__}",
                    },
                    **arguments,
                )
                body = response.json() if response.content else None
            except (httpx.HTTPError, RuntimeError) as error:
                raise SyncError(f"the server does not answer ({type(error).__name__})") from error
            except ValueError as error:
                raise SyncError(f"the server answered no JSON ({response.status_code})") from error
            if self._stop.is_set():
                raise SyncError("sync was stopped")
            refused = response.status_code == httpx.codes.UNAUTHORIZED
            if refused and attempt == 1 and self._learn_time(body):
                continue
            if not response.is_success:
                raise _refusal(response.status_code, body)
            self._changed(online=True, last_contact=self._clock.now(), problem="", revoked=False)
            return body
        raise AssertionError("the second attempt returns or raises")

    def _learn_time(self, body: Any) -> bool:
        """Take the server's time from a refusal, so that a till with a wrong clock still syncs."""
        try:
            server_time = _TIME.validate_python(body["server_time"])
        except (ValidationError, KeyError, TypeError):
            return False
        skew = server_time - self._clock.now()
        changed = abs(skew - self._skew) > timedelta(seconds=5)
        self._skew = skew
        return changed

    def _loop(self, work: Callable[[], bool], name: str) -> None:
        """Call ``work`` for ever; after a failure pause ever longer, whatever else happens."""
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                more = work()
                pause = FIRST_PAUSE_S
                self._changed(waiting=self._waiting())
            except SyncError as error:
                if self._stop.is_set():
                    return
                self._failed(str(error), revoked=isinstance(error, RevokedError))
                more, pause = False, min(pause * 2, LONGEST_PAUSE_S)
            except Exception:
                log.exception("sync %s failed; it tries again", name)
                self._failed("an unexpected fault: see the log")
                more, pause = False, min(pause * 2, LONGEST_PAUSE_S)
            if name == "push" and not more:
                self._wake.wait(pause if self._waiting() else LONGEST_PAUSE_S)
                self._wake.clear()
            elif not more:  # also behind a proxy that answers every long poll at once
                wait = pause if pause > FIRST_PAUSE_S else BREATH_S
                self._stop.wait(wait * random.uniform(0.7, 1.0))  # noqa: S311 - spreads reconnects

    def _failed(self, problem: str, *, revoked: bool = False) -> None:
        """Note a failure. Only an answer of the server takes a revocation back."""
        if not self._stop.is_set():
            self._changed(
                online=False,
                fresh=False,
                problem=problem,
                waiting=self._waiting(),
                revoked=revoked or self.state.revoked,
            )

    def _changed(self, **changes: Any) -> None:
        """Change the state and tell of it; what could not be taken in is told again.

        Who is told may have to write it down, and the till's disk may be full: that must end no
        thread, and the last word (a revocation) must not be forgotten.
        """
        with self._lock:
            before, self.state = self.state, replace(self.state, **changes)
            news = replace(before, last_contact=None) != replace(self.state, last_contact=None)
            tell, self._untold = news or self._untold, False
        if not tell:
            return
        try:
            self._on_state(self.state)
        except Exception:
            log.exception("the state of sync could not be taken in; it is told again")
            self._untold = True

    def _waiting(self) -> int:
        return self._journal.head()[0] - self._journal.acknowledged()


def _refusal(status: int, body: Any) -> SyncError:
    said = body if isinstance(body, dict) else {}
    text = f"the server refused ({status}): {said.get('message') or 'no reason'}"
    code = str(said.get("code") or "")
    kind = RevokedError if code == RevokedError.code else RefusedError
    return kind(text, code)


def _parse(record: type[_R], raw: Any) -> _R:
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        raise SyncError(f"the server answered no {record.__name__}") from error

"""Carries temperatures from the wire to the server: patient, in order, each at its own time.

A reading is on this machine's disk before it is sent, so that neither a network that is away nor
a pulled plug loses one. What is sent twice is the same reading to the server.
"""

import logging
import threading
from collections.abc import Callable

import httpx

from dafan.clock import Clock
from dafan.errors import DeviceError
from devices.probe_spool import ProbeSpool, Waiting
from devices.probes import ProbeReading

_LOG = logging.getLogger(__name__)

PATH = "/api/v1/kitchen/temperatures"
BATCH = 200
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 120.0
_NEVER = frozenset({400, 413, 422})
"""Answers to what the server takes at no time."""
_SERVER, _DISK = "server", "disk"
_HELP = {
    401: "the token is not good: make another one (设置 → 账号 → 令牌) and put it into token_file",
    403: "the account of this token may not do the kitchen's work: give it the role of a cook",
    404: "no such address there: look at probes.server_url, and which version the server is",
}


class Troubles:
    """Says what is wrong once, and once that it is over."""

    def __init__(self, say: Callable[[int, str], None] = _LOG.log) -> None:
        self._say = say
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def tell(self, name: str, trouble: str) -> None:
        """Note how a thing is; empty: it works."""
        with self._lock:
            before = self._known.get(name)
            self._known[name] = trouble
        if before != trouble and (trouble or before or name != _DISK):
            level = logging.WARNING if trouble else logging.INFO
            self._say(level, f"{name}: {trouble or 'works'}")


class Carrier:
    """Keeps readings and delivers them.

    Args:
        url: Of the server.
        token: Of an account that may do the kitchen's work.
        spool: Where readings wait.
        clock: When a reading was measured, and how often one is kept.
        every_s: Of each probe one reading is kept in so many seconds.
        troubles: Hears what is wrong.
        client: For tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        spool: ProbeSpool,
        clock: Clock,
        every_s: float,
        troubles: Troubles,
        client: httpx.Client | None = None,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}"}
        self._spool = spool
        self._clock = clock
        self._every_s = every_s
        self._troubles = troubles
        self._http = client or httpx.Client(timeout=httpx.Timeout(10, read=30))
        self._kept: dict[str, float] = {}
        self._fresh = threading.Event()
        self.wait_s = 0.0
        """How long to wait before the next try: 0 while the server answers."""

    def take(self, reading: ProbeReading) -> None:
        """Keep a reading of now, where one of its probe is due; from any thread."""
        moment = self._clock.monotonic()
        last = self._kept.get(reading.probe)
        if last is not None and moment - last < self._every_s:
            return
        try:
            self._spool.put(reading, self._clock.now())
        except DeviceError as error:
            self._troubles.tell(_DISK, str(error))
            return
        self._troubles.tell(_DISK, "")
        self._kept[reading.probe] = moment
        self._fresh.set()

    def deliver(self) -> int:
        """Send what waits, the oldest first, until nothing does or it cannot go now."""
        sent = 0
        while rows := self._spool.waiting(BATCH):
            if not self._send(rows):
                break
            sent += len(rows)
        return sent

    def run(self, stop: threading.Event) -> None:
        """Deliver whenever something comes, and try again whenever something waits."""
        while not stop.is_set():
            self._fresh.clear()
            self.deliver()
            if self.wait_s:
                stop.wait(self.wait_s)
            else:
                self._fresh.wait(1.0)

    def _send(self, rows: list[Waiting]) -> bool:
        """Whether these rows are done with."""
        readings = [{"probe": r.probe, "celsius": f"{r.tenths / 10:.1f}", "at": r.at} for r in rows]
        try:
            answer = self._http.post(self._url, headers=self._headers, json={"readings": readings})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._later(f"cannot be reached, readings wait here: {error}")
        if answer.status_code in _NEVER:
            if len(rows) > 1:  # one of them is to blame: the others must not wait for it
                return all(self._send([row]) for row in rows)
            self._troubles.tell(f"probe {rows[0].probe}", f"refused: {answer.text[:200]}")
        elif not answer.is_success:
            code = answer.status_code
            return self._later(_HELP.get(code, f"answers {code}, it is tried again"))
        elif not self._note(rows, answer):
            return self._later("what answers is no server of ours: look at probes.server_url")
        try:
            self._spool.done(rows)
        except DeviceError as error:
            return self._later(str(error))
        self.wait_s = 0.0
        self._troubles.tell(_SERVER, "")
        return True

    def _note(self, rows: list[Waiting], answer: httpx.Response) -> bool:
        """Tell of every probe whether its newest reading was taken; False: nobody took them."""
        newest = {row.probe: "" for row in rows}
        try:
            for one in answer.json()["refused"]:
                newest[rows[int(one["number"])].probe] = str(one["text"])
        except (ValueError, LookupError, TypeError):
            return False
        for probe, text in newest.items():
            self._troubles.tell(f"probe {probe}", text)
        return True

    def _later(self, why: str) -> bool:
        self.wait_s = min(max(2 * self.wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        self._troubles.tell(_SERVER, why)
        return False

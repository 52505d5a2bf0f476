"""A gunicorn worker that reads every request whole before a thread takes it, by waitress.

Gunicorn's own threaded worker parses within its threads: as many clients as there are threads, each
with half a request, stop it for ever. Waitress reads all connections in one loop and hands over
what is complete; gunicorn still forks, restarts and ends the processes.
"""

import os
import time

import waitress
from gunicorn.workers.base import Worker
from waitress import wasyncore

CONNECTIONS = 900
"""Open at a time in one worker; below the 1,024 files that a process may usually open."""
IDLE_S = 60
"""A connection on which nothing was said for so long, and nothing is being answered, is closed."""
LARGEST_HEADER = 64 * 2**10
LARGEST_BODY = 32 * 2**20
"""Above what the application takes: a body between is refused by it, in its own words."""
LOOK_S = 0.5


class WholeRequestWorker(Worker):  # type: ignore[misc]  # gunicorn publishes no types
    """Serves the sockets that the arbiter opened until it is told to end."""

    def run(self) -> None:
        """Serve; then finish what has begun, for as long as gunicorn's graceful timeout."""
        channels: dict[int, wasyncore.dispatcher] = {}
        server = waitress.create_server(
            self.wsgi,
            map=channels,
            sockets=[each.sock for each in self.sockets],
            threads=self.cfg.threads,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_S,
            cleanup_interval=IDLE_S // 4,
            max_request_header_size=LARGEST_HEADER,
            max_request_body_size=LARGEST_BODY,
            clear_untrusted_proxy_headers=False,  # the application decides whom it believes
            ident=None,
        )
        while self.alive and self._parent_lives():
            self._turn(channels)
        until = time.monotonic() + self.cfg.graceful_timeout
        for listening in [each for each in channels.values() if each.accepting]:
            listening.del_channel()
        while time.monotonic() < until and _answering(channels):
            self._turn(channels)
        dispatcher = server.task_dispatcher
        dispatcher.shutdown(timeout=max(0.0, until - time.monotonic()))

    def _turn(self, channels: dict[int, wasyncore.dispatcher]) -> None:
        self.notify()
        wasyncore.loop(timeout=LOOK_S, map=channels, use_poll=True, count=1)

    def _parent_lives(self) -> bool:
        return bool(os.getppid() == self.ppid)


def _answering(channels: dict[int, wasyncore.dispatcher]) -> bool:
    """Whether a request that has come whole is not answered to the end."""
    return any(getattr(each, "requests", None) for each in channels.values())

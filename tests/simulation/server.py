"""The server: the real application on a simulated disk."""

from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID

import httpx
from apiflask import APIFlask
from sqlalchemy import Engine, func, select

from dafan import crypto, db
from server.feed import FeedCounter
from server.restore import begin_line
from simulation.disk import Disk
from simulation.timing import Chance, MachineClock

DATABASE = "dafan.db"


@dataclass
class ServerMachine:
    """The one server. All that it remembers is on its disk, so a restart is a new disk.

    Attributes:
        up: Requests are answered.
        dark: It has no power, and somebody knows.
        promises: Terminal and sequence → hash, as answers have acknowledged them.
        holds: Connections stay open; else the log is emptied behind each request.
    """

    app: APIFlask
    engine: Engine
    disk: Disk
    chance: Chance
    clock: MachineClock
    up: bool = False
    dark: bool = True
    holds: bool = True
    crashes: int = 0
    promises: dict[tuple[UUID, int], str] = field(default_factory=dict)
    _image: dict[str, bytes] = field(default_factory=dict)

    def begin(self, image: dict[str, bytes], clock: MachineClock, *, holds: bool) -> None:
        """A new world."""
        self.close()
        self.clock, self.holds, self.crashes, self._image = clock, holds, 0, image
        self.promises = {}
        self.app.extensions["dafan"] = replace(self.app.extensions["dafan"], clock=clock)
        self.start()

    def start(self) -> None:
        """Switch it on, with the disk as it was found."""
        self.disk.mount(self._image)
        self.up, self.dark = True, False

    def crash(self, rng: Random | None) -> None:
        """Pull the plug, or (without ``rng``) kill the process."""
        self._image = self.disk.cut(rng)
        self.close()
        self.dark = True
        self.crashes += 1

    def close(self) -> None:
        """Nobody answers any more."""
        self.up = False
        self.engine.dispose()

    def rest(self) -> None:
        """A request is over."""
        if not self.holds:
            self.engine.dispose()

    def version(self) -> int:
        """How far the feed has come."""
        with db.reading(self.engine) as session:
            return session.scalar(select(func.max(FeedCounter.version))) or 0

    def backup(self) -> dict[str, bytes]:
        """The disk at this moment, as a consistent copy."""
        return self.disk.image()

    def restore(self, image: dict[str, bytes], promises: dict[tuple[UUID, int], str]) -> None:
        """Give up what is there for an old copy; what was promised since is taken back."""
        self.close()
        self._image = image
        self.promises = dict(promises)
        self.start()
        with self.engine.begin() as connection:
            begin_line(connection, self.clock.now())

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        """Handle a request; ``None``: the power went while it was handled."""
        before, self.chance.clock = self.chance.clock, self.clock
        try:
            response = self.app.test_client().open(
                request.url.raw_path.decode(),
                method=request.method,
                headers={k: v for k, v in request.headers.items() if k in _SENT},
                data=request.content,
            )
        finally:
            self.chance.clock = before
            self.rest()
        if self.disk.dead:
            self.up = False
            return None
        if request.method == "POST" and response.status_code == httpx.codes.OK:
            self._promised(request, response.get_json())
        return httpx.Response(response.status_code, content=response.data)

    def _promised(self, request: httpx.Request, body: dict[str, object]) -> None:
        terminal_id = crypto.token_issuer(request.headers["Authorization"].split()[-1])
        seq = body["applied_seq"]
        if terminal_id is not None and isinstance(seq, int) and seq:
            self.promises[terminal_id, seq] = str(body["applied_hash"])


_SENT = {"authorization", "content-type"}

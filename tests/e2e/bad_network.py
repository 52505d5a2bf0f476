"""A TCP proxy that is a bad network: it cuts, stalls, delays, half-closes, resets and repeats."""

import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress

HARM = ("delay", "stall", "cut", "half", "reset", "repeat")
STALL_S = 2.5
"""Longer than the impatient till of these tests waits."""


class BadNetwork:
    """Listens on loopback and passes bytes on to a port, as well as it cares to.

    Args:
        port: Of the server.
        seed: Of what happens to whom; threads make it differ a little each time.
        harm: The share of pieces to which something happens; 0: a good network.
    """

    def __init__(self, port: int, seed: int, harm: float) -> None:
        self.harm = harm
        self.done: Counter[str] = Counter()
        self._port, self._rng = port, random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._port), timeout=5)
            except OSError:  # the server is away
                near.close()
                continue
            for source, target, up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(source, target, up), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        with suppress(OSError):  # whoever carries the other way may have closed both
            source.settimeout(60)
            while piece := source.recv(self._rng.choice((64, 1024, 65536))):
                what = self._rng.choice(HARM) if self._rng.random() < self.harm else "pass"
                self.done[what] += 1
                if not self._pass_on(what, piece, target, up):
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass_on(self, what: str, piece: bytes, target: socket.socket, up: bool) -> bool:
        """Whether the connection goes on."""
        part = piece[: self._rng.randrange(len(piece) + 1)]
        if what == "cut":
            target.sendall(part)
            return False
        if what == "reset":
            target.sendall(part)
            target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if what == "half":
            target.sendall(part)
            target.shutdown(socket.SHUT_WR)
            return True
        if what in {"delay", "stall"}:
            time.sleep(STALL_S if what == "stall" else self._rng.uniform(0, 0.3))
        if what == "repeat" and up:
            self._once_more(piece)
        target.sendall(piece)
        return True

    def _once_more(self, piece: bytes) -> None:
        """The same bytes on a connection of their own, as a helpful middle box would send them."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 5) as other:
            other.settimeout(0.5)
            other.sendall(piece)
            other.recv(100)

"""A scale on a real pseudo-terminal, which can be loaded, disturbed and unplugged."""

import math
import os
import random
import threading
import time
import tty
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from dafan.errors import ConfigError
from devices.scales.simulated import MODELS, Load, next_command

Fault = Literal[
    "split",
    "merged",
    "noise",
    "bad_checksum",
    "motion",
    "overload",
    "negative",
    "silence",
    "unplug",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
TICK_S = 0.01
NEGATIVE = -50


class ScaleSimulator:
    """Plays a scale until :meth:`stop`. Methods may be called from any thread.

    Args:
        protocol: A name of :data:`devices.scales.simulated.MODELS`.
        link: Symbolic link to the pseudo-terminal; it goes when the cable is pulled and points to
            a new terminal when it is put back, as a USB adapter's node does.
        interval_s: Time between frames of a scale that talks by itself.
        seed: Makes noise and split points repeatable.

    Raises:
        ConfigError: nothing simulates that protocol.
    """

    def __init__(
        self, protocol: str, *, link: Path | None = None, interval_s: float = 0.1, seed: int = 0
    ) -> None:
        if protocol not in MODELS:
            raise ConfigError(f"no simulator for '{protocol}': use one of {', '.join(MODELS)}")
        self._model = MODELS[protocol]
        self._link = link
        self._interval_s = interval_s
        self._random = random.Random(seed)  # noqa: S311 - noise, not a secret
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"simulated {protocol}", daemon=True)
        self._master = self._slave = -1
        self._fault: Fault | None = None
        self._tare = 0
        self._from = self._to = 0
        self._placed_at = self._settled_at = 0.0
        self._received = bytearray()
        self._outgoing: list[tuple[float, bytes]] = []
        self._held: list[bytes] = []
        self._next_frame_at = 0.0

    @property
    def path(self) -> str:
        """The device to open: the link, or the pseudo-terminal itself.

        Raises:
            OSError: unplugged and without a link.
        """
        return str(self._link) if self._link else os.ttyname(self._slave)

    def start(self) -> Self:
        """Plug in and begin to talk."""
        self.replug()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, and take the link away."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.unplug()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def set_load(self, grams: int) -> None:
        """The weight lies there at once and at rest."""
        self.place(grams, settle_s=0.0)

    def place(self, grams: int, settle_s: float = 0.4) -> None:
        """Put a tray down: the weight swings for ``settle_s`` seconds, then rests."""
        with self._lock:
            now = time.monotonic()
            self._from = self._load(now).grams
            self._to, self._placed_at, self._settled_at = grams, now, now + settle_s

    def lift(self, settle_s: float = 0.2) -> None:
        """Take the tray away."""
        self.place(0, settle_s)

    def set_fault(self, fault: Fault | None) -> None:
        """Disturb the line or the scale from now on; None heals it, and plugs it in again."""
        with self._lock:
            self._fault = fault
            self._outgoing.clear()
            self._held.clear()
        if fault == "unplug":
            self.unplug()
        elif self._master < 0:
            self.replug()

    def unplug(self) -> None:
        """Pull the cable: the terminal hangs up and the link is gone."""
        with self._lock:
            if self._master < 0:
                return
            if self._link:
                self._link.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            self._received.clear()
            self._outgoing.clear()

    def replug(self) -> None:
        """Put the cable back: a new terminal under the same link."""
        with self._lock:
            if self._master >= 0:
                return
            # The simulator keeps the far side open as well: a terminal that nobody has open
            # would hang up on it.
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            if self._link:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(os.ttyname(self._slave))

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            with self._lock:
                if self._master >= 0:
                    self._tick(time.monotonic())

    def _tick(self, now: float) -> None:
        with suppress(BlockingIOError):
            self._received += os.read(self._master, 1024)
        while (asked := next_command(self._received, self._model.commands)) is not None:
            self._obey(asked, now)
        if self._model.streams and now >= self._next_frame_at:
            self._next_frame_at = now + self._interval_s
            self._send(self._model.frame(self._load(now)), now)
        while self._outgoing and self._outgoing[0][0] <= now:
            # Nobody reads: a serial line loses the bytes, it does not wait.
            with suppress(BlockingIOError):
                os.write(self._master, self._outgoing[0][1])
            del self._outgoing[0]

    def _obey(self, asked: str | bytes, now: float) -> None:
        load = self._load(now)
        if isinstance(asked, bytes):
            if self._fault != "silence":
                self._outgoing.append((now, asked))
        elif asked in ("weigh", "why"):
            no = self._model.refuses(load) if asked == "weigh" else b""
            self._send(no or self._model.frame(load), now)
        elif load.stable:
            self._tare = load.grams if asked == "tare" else 0
            if asked == "zero":
                self._from = self._to = 0
            self._outgoing.append((now, self._model.done(asked, replace(load, tare=self._tare))))

    def _load(self, now: float) -> Load:
        """The load at a moment: on its way up or down it swings, and the faults change it."""
        load = Load(self._to, tare=self._tare)
        if now < self._settled_at:
            part = (now - self._placed_at) / (self._settled_at - self._placed_at)
            swing = abs(self._to - self._from) * 0.1 * (1 - part) * math.sin(part * 25)
            way = (self._to - self._from) * min(1.0, 2 * part)
            load = replace(load, grams=max(0, round(self._from + way + swing)), stable=False)
        if self._fault == "motion":
            swing = 40 * math.sin(now * 9)
            load = replace(load, grams=max(0, round(load.grams + swing)), stable=False)
        if self._fault == "negative":
            load = replace(load, grams=NEGATIVE, tare=0)
        return replace(load, over=self._fault == "overload")

    def _send(self, frame: bytes, now: float) -> None:
        """Queue a frame as the line's fault lets it through."""
        if not frame or self._fault == "silence":
            return
        pieces = [frame]
        if self._fault == "bad_checksum":
            pieces = [self._model.corrupt(frame)]
        elif self._fault == "noise":
            pieces = [self._noise() + frame + self._noise()]
        elif self._fault == "split":
            cut = self._random.randrange(1, len(frame))
            pieces = [frame[:cut], frame[cut:]]
        elif self._fault == "merged":
            self._held.append(frame)
            pieces = [b"".join(self._held)] if len(self._held) == 3 else []
            if pieces:
                self._held.clear()
        for number, piece in enumerate(pieces):
            self._outgoing.append((now + number * 0.02, piece))

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.randrange(1, 6))

"""Thermometers on a real pseudo-terminal: they speak by themselves, and can be unplugged."""

import math
import os
import threading
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dafan.errors import DeviceError

SWING_TENTHS, SWING_S = 6, 1200
"""A compressor lets the temperature rise and fall by so much, so often."""


class ProbeSimulator:
    """Plays the thermometers of one line until :meth:`stop`.

    Args:
        link: A symbolic link that names the device; it vanishes while unplugged.
        usual: Probe → tenths of a degree around which it swings.
        every_s: Time between its lines.
    """

    def __init__(self, link: Path, usual: Mapping[str, int], every_s: float = 1.0) -> None:
        self.link = link
        self._usual = dict(usual)
        self._every_s = every_s
        self._ends: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated probes", daemon=True)

    def __enter__(self) -> Self:
        self.plug_in()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End, and take the link away."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.unplug()

    def plug_in(self) -> None:
        """Appear under the link."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        with self._lock:
            self._ends = (master, slave)

    def unplug(self) -> None:
        """Vanish."""
        with self._lock:
            if self._ends is not None:
                self.link.unlink(missing_ok=True)
                for end in self._ends:
                    os.close(end)
                self._ends = None

    def send(self, data: bytes) -> None:
        """Send any bytes.

        Raises:
            DeviceError: it is unplugged.
        """
        with self._lock:
            if self._ends is None:
                raise DeviceError("the simulated thermometers are unplugged")
            try:
                os.write(self._ends[0], data)
            except BlockingIOError:  # nobody reads: a line of wire keeps nothing either
                return

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            swing = SWING_TENTHS * math.sin(2 * math.pi * time.monotonic() / SWING_S)
            lines = [f"{name} {(t + swing) / 10:+05.1f}C\r\n" for name, t in self._usual.items()]
            with self._lock:
                plugged = self._ends is not None
            if plugged:
                self.send("".join(lines).encode("ascii"))

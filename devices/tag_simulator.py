"""A tag reader on a real pseudo-terminal: trays come and go, and the cable can be pulled."""

import os
import threading
import tty
from contextlib import suppress
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Self

from dafan.errors import ConfigError
from devices.tags import TAG_PROTOCOLS

EVERY_S = 0.1
RSSI = 0xC9


def frame_of(protocol: str, tag: str) -> bytes:
    """The frame by which a reader of a protocol tells a tag.

    Raises:
        ConfigError: no such protocol.
        ValueError: the tag is no hexadecimal number.
    """
    chip = bytes.fromhex(tag)
    pc = bytes([len(chip) // 2 << 3, 0])
    match protocol:
        case "uhf-a0":
            body = bytes([len(chip) + 7, 0x01, 0x89, 0x04]) + pc + chip + bytes([RSSI])
            return b"\xa0" + body + bytes([-(0xA0 + sum(body)) & 0xFF])
        case "uhf-bb":
            said = bytes([RSSI]) + pc + chip + b"\x3a\x76"
            body = b"\x02\x22" + len(said).to_bytes(2, "big") + said
            return b"\xbb" + body + bytes([sum(body) & 0xFF, 0x7E])
        case "hf-stx":
            body = bytes([len(chip) + 5, 0x01]) + chip
            return b"\x02" + body + bytes([reduce(xor, body), 0x03])
        case "em-ascii":
            return b"\x02" + (chip + bytes([reduce(xor, chip)])).hex().upper().encode() + b"\x03"
        case "hex-lines":
            return tag.encode("ascii") + b"\r\n"
    raise ConfigError(f"no simulator for '{protocol}': use one of {', '.join(TAG_PROTOCOLS)}")


class TagSimulator:
    """Plays a tag reader; methods may be called from any thread.

    A reader that is asked answers each question; others tell what is there ten times a second.

    Args:
        protocol: A name of :data:`devices.tags.TAG_PROTOCOLS`.
        link: A symbolic link that names the device; it vanishes while unplugged.

    Raises:
        ConfigError: nothing simulates that protocol.
    """

    def __init__(self, protocol: str, link: Path | None = None) -> None:
        frame_of(protocol, "00000000AA")
        self._protocol = protocol
        self._ask = TAG_PROTOCOLS[protocol].ask
        self._link = link
        self._tags: tuple[str, ...] = ()
        self._ends: tuple[int, int] | None = None
        self._asked = b""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated tags", daemon=True)

    @property
    def path(self) -> str:
        """The device to open.

        Raises:
            OSError: unplugged, and without a link.
        """
        if self._link:
            return str(self._link)
        if self._ends is None:
            raise OSError("the simulated reader is unplugged")
        return os.ttyname(self._ends[1])

    def __enter__(self) -> Self:
        self.plug_in()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.unplug()

    def put(self, *tags: str) -> None:
        """These are there from now on, and no others.

        Raises:
            ValueError: a tag that this reader cannot tell.
        """
        for tag in tags:
            frame_of(self._protocol, tag)
        with self._lock:
            self._tags = tags

    def plug_in(self) -> None:
        """Appear under the link."""
        with self._lock:
            if self._ends is not None:
                return
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            if self._link:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(os.ttyname(slave))
            self._ends = (master, slave)

    def unplug(self) -> None:
        """Vanish."""
        with self._lock:
            if self._ends is None:
                return
            if self._link:
                self._link.unlink(missing_ok=True)
            for end in self._ends:
                os.close(end)
            self._ends = None

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            with self._lock:
                if self._ends is not None and self._wanted(self._ends[0]):
                    frames = b"".join(frame_of(self._protocol, tag) for tag in self._tags)
                    with suppress(BlockingIOError):  # nobody reads: a wire keeps nothing
                        os.write(self._ends[0], frames)

    def _wanted(self, master: int) -> bool:
        """Whether it is to tell: it was asked, or it tells by itself."""
        if not self._ask:
            return True
        with suppress(BlockingIOError):
            self._asked = (self._asked + os.read(master, 1024))[-64:]
        if self._ask not in self._asked:
            return False
        self._asked = b""
        return True

"""Where a simulated printer is plugged in: TCP on loopback, a pseudo-terminal, a folder."""

import contextlib
import os
import select
import socket
import threading
import tty
from pathlib import Path
from typing import Self

from PIL import Image

from dafan.errors import DeviceError
from devices.escpos_text import Paper
from devices.printer_paper import PrintedReceipt
from devices.printer_simulator import VirtualPrinter

_TICK_S = 0.05
_SEAM = 8


class FolderPrinter:
    """``sim:FOLDER``: each receipt is left as ``0001.png`` and ``0001.txt``; a transport.

    Raises:
        DeviceError: the folder cannot be made.
    """

    def __init__(self, folder: Path, paper: Paper = 80) -> None:
        self.printer = VirtualPrinter(paper)
        self.printer.on_receipt = self._keep
        self._folder = folder
        self._answers = b""
        make_folder(folder)

    def _keep(self, receipt: PrintedReceipt) -> None:
        save_receipt(receipt, self._folder)

    def write(self, data: bytes) -> None:
        """Print."""
        self._answers += self.printer.feed(data)

    def read(self, seconds: float) -> bytes:  # noqa: ARG002 - answers are there at once or never
        """The answers to what was written."""
        answers, self._answers = self._answers, b""
        return answers

    def close(self) -> None:
        """Nothing to let go of."""


def make_folder(folder: Path) -> None:
    """Make the folder that receipts go to.

    Raises:
        DeviceError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(f"cannot write receipts to {folder}: {error.strerror}") from error


def join_pictures(pictures: list[Image.Image]) -> Image.Image:
    """Pieces of paper one below the other, on grey."""
    width = max((picture.width for picture in pictures), default=1)
    height = sum(picture.height + _SEAM for picture in pictures) or 1
    sheet = Image.new("RGB", (width, height), (128, 128, 128))
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height + _SEAM
    return sheet


def save_receipt(receipt: PrintedReceipt, folder: Path) -> Path:
    """Write a receipt's picture and text under the next free number; returns the picture's path."""
    number = sum(1 for _ in folder.glob("*.txt")) + 1
    while (folder / f"{number:04d}.txt").exists():
        number += 1
    (folder / f"{number:04d}.txt").write_text(receipt.text + "\n", encoding="utf-8")
    picture = folder / f"{number:04d}.png"
    receipt.picture().save(picture)
    return picture


class _Port:
    """A thread between a line and a printer, which can be cut after so many bytes."""

    def __init__(self, printer: VirtualPrinter) -> None:
        self.printer = printer
        self._cut_after: int | None = None
        self._plugged = threading.Event()
        self._plugged.set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated printer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread and free the line."""
        self._stopping.set()
        self._plugged.set()
        self._thread.join()

    def unplug(self, after_bytes: int = 0) -> None:
        """Pull the plug, now or in mid-job; the printer forgets what it has not printed."""
        if after_bytes:
            self._cut_after = after_bytes
        else:
            self._plugged.clear()

    def plug_in(self) -> None:
        """Put the plug back."""
        self._plugged.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._plugged.wait(_TICK_S):
                with contextlib.suppress(OSError):
                    self._serve()
                if not self._plugged.is_set():
                    self.printer.power_off()

    def _serve(self) -> None:
        raise NotImplementedError

    @property
    def _up(self) -> bool:
        return self._plugged.is_set() and not self._stopping.is_set()

    def _take(self, data: bytes) -> bytes:
        """Feed the printer, up to the cut."""
        if self._cut_after is not None:
            data = data[: self._cut_after]
            self._cut_after -= len(data)
            if self._cut_after <= 0:
                self._cut_after = None
                self.printer.feed(data)
                self._plugged.clear()
                return b""
        return self.printer.feed(data)


class TcpPrinter(_Port):
    """A network printer on loopback; like real ones it serves one connection at a time.

    Args:
        printer: What prints.
        port: TCP port; 0 takes a free one.

    Raises:
        DeviceError: the port is taken.
    """

    def __init__(self, printer: VirtualPrinter, port: int = 0) -> None:
        super().__init__(printer)
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise DeviceError(f"TCP port {port} is not free: name another") from error
        self._listener.settimeout(_TICK_S)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Its address for ``open_printer``."""
        return f"tcp:127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving."""
        super().close()
        self._listener.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except TimeoutError:
            return
        with connection:
            while self._up:
                ready, _, _ = select.select([connection], [], [], _TICK_S)
                data = connection.recv(4096) if ready else b""
                if ready and not data:
                    return
                connection.sendall(self._take(data))


class PtyPrinter(_Port):
    """A serial printer on a pseudo-terminal.

    Args:
        printer: What prints.
        link: A symbolic link that names it; it vanishes while unplugged and may then point to
            another terminal, as a USB serial adapter does.
    """

    def __init__(self, printer: VirtualPrinter, link: Path) -> None:
        super().__init__(printer)
        self.link = link
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        super().__enter__()
        self._ready.wait()
        return self

    @property
    def url(self) -> str:
        """Its address for ``open_printer``."""
        return f"serial:{self.link}"

    def _serve(self) -> None:
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(os.ttyname(slave))
            self._ready.set()
            while self._up:
                ready, _, _ = select.select([master], [], [], _TICK_S)
                os.write(master, self._take(os.read(master, 4096) if ready else b""))
        finally:
            self.link.unlink(missing_ok=True)
            os.close(slave)
            os.close(master)

"""The thread that empties the spool onto paper and never loses a receipt.

A job leaves the spool only when its paper is known, as far as the printer can tell, to be out. A
job that was interrupted after its first byte is printed again as a copy (补打): the diner may hold
half a receipt already, and two unmarked ones would look like two sales.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from dafan.clock import Clock
from dafan.errors import DeviceError
from devices.printer import Printer, PrinterStatus
from devices.receipt_doc import ReceiptDoc

_LOG = logging.getLogger(__name__)

IDLE_S = 10.0
"""How often an idle printer is asked how it is."""

ATTEND_S = 2.0
"""How often a printer that waits for paper or a lid is asked again."""

LONGEST_RETRY_S = 30.0
"""Where the doubling wait for an unreachable printer ends."""

Code = Literal["ready", "paper_low", "paper_out", "cover_open", "error", "unreachable"]


@dataclass(frozen=True)
class PrinterState:
    """What a screen needs to know: a stable code and the reason in words."""

    code: Code
    detail: str = ""


@dataclass(frozen=True)
class PrintJob:
    """A receipt in the spool.

    Args:
        id: Its key in the spool.
        doc: What to print.
        copy: A reprint that a person asked for.
        started: Bytes of it went to a printer before.
    """

    id: UUID
    doc: ReceiptDoc
    copy: bool = False
    started: bool = False


class Spool(Protocol):
    """Receipts that still have to come out, on the till's disk; called from the worker's thread."""

    def next_job(self) -> PrintJob | None:
        """The oldest job that is not done: the same one again until :meth:`done`."""
        ...

    def started(self, job_id: UUID) -> None:
        """Write down durably, before its first byte leaves, that the job is being printed."""
        ...

    def done(self, job_id: UUID) -> None:
        """The receipt is on paper."""
        ...

    def failed(self, job_id: UUID, reason: str) -> None:
        """Note why the job is not out yet; it stays where it is."""
        ...


class _NotReadyError(DeviceError):
    """The printer is there but wants a person."""

    def __init__(self, status: PrinterStatus) -> None:
        super().__init__(f"printer not ready: {status.detail or 'offline'}")
        self.status = status


class PrintWorker:
    """Prints jobs in order on a thread of its own.

    Args:
        spool: Where jobs come from.
        open_printer: Opens the printer anew; raises DeviceError where it cannot.
        render: Bytes of a document for this printer's paper and font.
        clock: Time for the wait on a printer's confirmation.
        on_state: Told, from the worker's thread, whenever the state changes.
    """

    def __init__(
        self,
        spool: Spool,
        open_printer: Callable[[], Printer],
        render: Callable[[ReceiptDoc], bytes],
        clock: Clock,
        on_state: Callable[[PrinterState], None] = lambda _: None,
    ) -> None:
        self._spool = spool
        self._open = open_printer
        self._render = render
        self._clock = clock
        self._on_state = on_state
        self._printer: Printer | None = None
        self._state: PrinterState | None = None
        self._answered = False
        self._retry_s = 1.0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)

    def start(self) -> None:
        """Begin to print what the spool holds."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after at most a few seconds; a job in mid-print is printed again as a copy."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._close()

    def wake(self) -> None:
        """A new job waits."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                pause = self.step()
            except Exception as error:  # noqa: BLE001 - the thread must outlive any fault of a spool
                _LOG.exception("printing failed")
                self._tell(PrinterState("error", str(error)))
                pause = LONGEST_RETRY_S
            if pause:
                self._wake.wait(pause)

    def step(self) -> float:
        """Print one job, or look after the printer; returns the seconds to rest."""
        job = self._spool.next_job()
        try:
            if self._printer is None:
                self._printer = self._open()
            status = self._ready(self._printer)
            if job is not None:
                self._print(self._printer, job)
                self._spool.done(job.id)
        except DeviceError as error:
            if job is not None:
                self._spool.failed(job.id, str(error))
            return self._after_fault(error)
        self._retry_s = 1.0
        self._tell(PrinterState("paper_low" if status.paper_low else "ready"))
        return 0 if job is not None else IDLE_S

    def _print(self, printer: Printer, job: PrintJob) -> None:
        doc = job.doc.as_copy() if job.copy or job.started else job.doc
        data = self._render(doc)
        self._spool.started(job.id)
        printer.send(data)
        self._confirm(printer, patience_s=10 + len(data) / 500)

    def _confirm(self, printer: Printer, patience_s: float) -> None:
        """Wait until the receipt is out.

        Raises:
            DeviceError: it is not, or not known to be.
        """
        deadline = self._clock.monotonic() + patience_s
        while not self._stopping.is_set():
            finished = printer.finished(1.0)
            if finished:
                return
            self._ready(printer)
            if finished is None:
                return
            if self._clock.monotonic() > deadline:
                # Healthy all the while: this model does not know the question.
                printer.cannot_confirm()
                return
        raise DeviceError("the till was stopped while printing")

    def _ready(self, printer: Printer) -> PrinterStatus:
        """Ask the printer.

        Raises:
            DeviceError: it wants a person, or it answered before and is mute now: to take it for
                one that never answers would call receipts printed that nobody has seen.
        """
        status = printer.status()
        if status.online is None and self._answered:
            raise DeviceError(f"printer {printer.url} no longer answers: check cable and power")
        self._answered = status.online is not None
        if not status.ready:
            raise _NotReadyError(status)
        return status

    def _after_fault(self, error: DeviceError) -> float:
        if isinstance(error, _NotReadyError):
            self._tell(PrinterState(_code(error.status), error.status.detail))
            return ATTEND_S
        self._close()
        self._tell(PrinterState("unreachable", str(error)))
        pause, self._retry_s = self._retry_s, min(2 * self._retry_s, LONGEST_RETRY_S)
        return pause

    def _tell(self, state: PrinterState) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state)

    def _close(self) -> None:
        if self._printer is not None:
            self._printer.close()
            self._printer = None


def _code(status: PrinterStatus) -> Code:
    if status.cover_open:
        return "cover_open"
    return "paper_out" if status.paper_out else "error"

"""The spool, the line and the printer's faults: no receipt is lost, no copy goes unmarked."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import usb.core

from dafan.clock import ManualClock, SystemClock
from dafan.errors import ConfigError, DeviceError
from dafan.ids import new_id
from devices import printer as printer_module
from devices.escpos_render import to_escpos
from devices.print_worker import PrinterState, PrintJob, PrintWorker
from devices.printer import Printer, PrinterStatus, open_printer, parse_status
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import FolderPrinter, PtyPrinter, TcpPrinter
from devices.receipt_doc import Cut, Feed, ReceiptDoc, Text


class MemorySpool:
    """A spool as the till's, without a disk; ``history`` is what happened in order."""

    def __init__(self, *docs: ReceiptDoc) -> None:
        self.jobs = [PrintJob(new_id(), doc) for doc in docs]
        self.history: list[str] = []
        self.changed = threading.Condition()

    def _note(self, what: str) -> None:
        with self.changed:
            self.history.append(what)
            self.changed.notify_all()

    def next_job(self) -> PrintJob | None:
        return self.jobs[0] if self.jobs else None

    def started(self, job_id: UUID) -> None:
        job = self.jobs[0]
        assert job.id == job_id
        self.jobs[0] = PrintJob(job.id, job.doc, job.copy, started=True)
        self._note("started")

    def done(self, job_id: UUID) -> None:
        assert self.jobs.pop(0).id == job_id
        self._note("done")

    def failed(self, job_id: UUID, reason: str) -> None:
        assert self.jobs[0].id == job_id
        self._note(f"failed: {reason}")

    def wait_for(self, start: str, count: int = 1) -> None:
        def seen() -> bool:
            return sum(note.startswith(start) for note in self.history) >= count

        with self.changed:
            assert self.changed.wait_for(seen, timeout=30), self.history


def receipt(number: int, lines: int = 6) -> ReceiptDoc:
    body = tuple(Text(text=f"小票{number} 第{n}行") for n in range(lines))
    return ReceiptDoc(lines=(*body, Feed(lines=2), Cut()))


class Wire:
    """A printer on a wire that a test can look at; answers are there at once."""

    def __init__(self, printer: VirtualPrinter) -> None:
        self.printer = printer
        self.answers = b""

    def write(self, data: bytes) -> None:
        self.answers += self.printer.feed(data)

    def read(self, seconds: float) -> bytes:  # noqa: ARG002 - a wire does not wait
        answers, self.answers = self.answers, b""
        return answers

    def close(self) -> None:
        pass


def worker_on(spool, printer: VirtualPrinter, states=None, clock=None) -> PrintWorker:
    on_state = states.append if states is not None else lambda _: None
    clock = clock or ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    return PrintWorker(spool, lambda: Printer("wire", Wire(printer)), to_escpos, clock, on_state)


def test_jobs_come_out_in_order_each_once():
    printer, spool = VirtualPrinter(), MemorySpool(receipt(1), receipt(2), receipt(3))
    worker = worker_on(spool, printer)
    assert [worker.step() for _ in range(4)] == [0, 0, 0, 10.0]
    assert [piece.text.splitlines()[0] for piece in printer.receipts] == [
        "小票1 第0行",
        "小票2 第0行",
        "小票3 第0行",
    ]
    assert spool.history == ["started", "done"] * 3


def test_paper_out_before_a_job_keeps_it_and_prints_it_unmarked_later():
    printer, spool, states = VirtualPrinter(), MemorySpool(receipt(1)), []
    printer.set_fault("paper_out")
    worker = worker_on(spool, printer, states)
    worker.step()
    worker.step()
    assert "started" not in spool.history
    assert states == [PrinterState("paper_out", "out of paper")]
    printer.load_paper()
    worker.step()
    assert spool.jobs == []
    assert "补打" not in printer.text
    assert states[-1] == PrinterState("ready")


def test_paper_that_ends_in_mid_receipt_loses_nothing_and_the_second_print_says_copy():
    printer, spool, states = VirtualPrinter(), MemorySpool(receipt(1), receipt(2)), []
    printer.load_paper(lines=3)
    worker = worker_on(spool, printer, states)
    worker.step()
    assert spool.jobs[0].started
    assert states[-1].code == "paper_out"
    printer.load_paper()
    worker.step()
    worker.step()
    assert spool.jobs == []
    assert printer.text.count("补打 COPY") == 1
    assert printer.text.count("小票1 第5行") == 2  # the rest of the first, and the copy
    assert printer.text.count("小票2 第5行") == 1
    assert printer.text.index("补打 COPY") < printer.text.index("小票2")


@pytest.mark.parametrize(
    ("fault", "code"), [("cover_open", "cover_open"), ("jam", "error"), ("offline", "error")]
)
def test_a_fault_while_printing_keeps_the_job_until_it_is_put_right(fault, code):
    printer, spool, states = VirtualPrinter(), MemorySpool(receipt(1)), []

    class Faulty(Wire):
        def write(self, data: bytes) -> None:
            if data.startswith(b"\x1b@") and spool.history == ["started"]:
                printer.set_fault(fault)
            super().write(data)

    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    opened = Printer("wire", Faulty(printer))
    worker = PrintWorker(spool, lambda: opened, to_escpos, clock, states.append)
    worker.step()
    assert [state.code for state in states] == [code]
    assert spool.jobs[0].started
    printer.set_fault(fault, on=False)
    worker.step()
    assert spool.jobs == []
    assert printer.receipts[-1].text.startswith("补打 COPY")


def test_a_copy_that_a_person_asked_for_is_marked():
    printer, spool = VirtualPrinter(), MemorySpool()
    spool.jobs.append(PrintJob(new_id(), receipt(1), copy=True))
    worker_on(spool, printer).step()
    assert printer.receipts[0].text.startswith("补打 COPY")


def test_a_job_found_half_printed_after_a_restart_is_printed_as_a_copy():
    printer, spool = VirtualPrinter(), MemorySpool()
    spool.jobs.append(PrintJob(new_id(), receipt(1), started=True))
    worker_on(spool, printer).step()
    assert printer.receipts[0].text.startswith("补打 COPY")


def test_a_printer_that_is_not_there_is_tried_again_ever_more_slowly():
    spool, states = MemorySpool(receipt(1)), []

    def nothing() -> Printer:
        raise DeviceError("no printer")

    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    worker = PrintWorker(spool, nothing, to_escpos, clock, states.append)
    assert [worker.step() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert states == [PrinterState("unreachable", "no printer")]
    assert len(spool.jobs) == 1


def test_a_printer_that_never_answers_is_printed_on_and_never_asked_in_vain():
    class Mute(Wire):
        def read(self, seconds: float) -> None:  # noqa: ARG002 - a one-way line
            return None

    printer, spool = VirtualPrinter(), MemorySpool(receipt(1))
    mute = Printer("mute", Mute(printer))
    worker = PrintWorker(spool, lambda: mute, to_escpos, SystemClock())
    worker.step()
    assert spool.jobs == []
    assert mute.status() == PrinterStatus(
        online=None, detail="the printer does not answer status queries"
    )
    assert mute.status().ready


def test_a_printer_that_falls_silent_after_a_reconnect_is_not_taken_for_a_mute_one():
    class Mute(Wire):
        def read(self, seconds: float) -> None:  # noqa: ARG002 - nothing comes back any more
            return None

    printer, spool, states = VirtualPrinter(), MemorySpool(receipt(1), receipt(2)), []
    wires = [Wire(printer), Mute(printer), Wire(printer)]
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    worker = PrintWorker(
        spool, lambda: Printer("wire", wires.pop(0)), to_escpos, clock, states.append
    )
    worker.step()
    worker._close()  # the cable was pulled
    worker.step()
    assert len(spool.jobs) == 1
    assert states[-1].code == "unreachable"
    worker.step()
    assert spool.jobs == []
    assert printer.receipts[1].text.startswith("小票2")


def test_a_healthy_printer_that_cannot_confirm_does_not_hold_up_the_queue():
    class NoConfirmation(Wire):
        def write(self, data: bytes) -> None:
            super().write(data.replace(b"\x1dr\x01", b""))

    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))

    class Impatient(Printer):
        def finished(self, seconds: float) -> bool | None:
            clock.advance(seconds)
            return super().finished(0.0)

    printer, spool = VirtualPrinter(), MemorySpool(receipt(1), receipt(2))
    opened = Impatient("wire", NoConfirmation(printer))
    worker = PrintWorker(spool, lambda: opened, to_escpos, clock)
    worker.step()
    waited = clock.elapsed
    worker.step()
    assert clock.elapsed - waited <= 1.0  # asked once in vain, not again
    assert [p.text[:3] for p in printer.receipts] == ["小票1", "小票2"]


def test_a_spool_that_fails_does_not_end_the_thread():
    class Broken(MemorySpool):
        def next_job(self) -> PrintJob | None:
            self._note("asked")
            if len(self.history) == 1:
                raise OSError("disk full")
            return super().next_job()

    printer, spool, states = VirtualPrinter(), Broken(receipt(1)), []
    worker = worker_on(spool, printer, states)
    worker.start()
    spool.wait_for("asked")
    worker.wake()
    spool.wait_for("done")
    worker.stop()
    assert states[0].code == "error"


@pytest.mark.process
def test_a_network_printer_unplugged_in_mid_job_gets_the_job_again_marked_copy():
    printer, spool, states = VirtualPrinter(), MemorySpool(receipt(1, lines=40), receipt(2)), []
    with TcpPrinter(printer) as port:
        port.unplug(after_bytes=400)
        worker = PrintWorker(
            spool, lambda: open_printer(port.url), to_escpos, SystemClock(), states.append
        )
        worker.start()
        spool.wait_for("failed")
        assert spool.jobs[0].started
        port.plug_in()
        worker.wake()
        spool.wait_for("done", 2)
        worker.stop()
    assert printer.text.count("补打 COPY") == 1
    assert printer.text.count("小票1 第39行") == 1
    assert printer.text.count("小票2 第5行") == 1
    assert "unreachable" in [state.code for state in states]


def test_a_serial_printer_unplugged_in_mid_job_gets_the_job_again_marked_copy(tmp_path):
    printer, spool = VirtualPrinter(58), MemorySpool(receipt(1, lines=40), receipt(2))
    with PtyPrinter(printer, tmp_path / "printer") as port:
        port.unplug(after_bytes=400)
        worker = PrintWorker(spool, lambda: open_printer(port.url), to_escpos, SystemClock())
        worker.start()
        spool.wait_for("failed")
        port.plug_in()
        worker.wake()
        spool.wait_for("done", 2)
        worker.stop()
    assert printer.text.count("补打 COPY") == 1
    assert printer.text.count("小票1 第39行") == 1
    assert printer.text.count("小票2 第5行") == 1


def test_a_serial_printer_tells_each_fault_over_the_line(tmp_path):
    printer = VirtualPrinter()
    with PtyPrinter(printer, tmp_path / "printer") as port, open_printer(port.url) as opened:
        assert opened.status() == PrinterStatus(online=True)
        printer.set_fault("paper_low")
        assert opened.status() == PrinterStatus(online=True, paper_low=True)
        printer.set_fault("cover_open")
        status = opened.status()
        assert (status.ready, status.cover_open, status.detail) == (False, True, "cover open")
        printer.set_fault("cover_open", on=False)
        printer.set_fault("paper_out")
        status = opened.status()
        assert (status.ready, status.paper_out, status.detail) == (False, True, "out of paper")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}, PrinterStatus(online=True)),
        ({1: 0x1A, 2: 0x12, 3: 0x12, 4: 0x12}, PrinterStatus(online=False, detail="offline")),
        ({1: 0x16}, PrinterStatus(online=True)),  # drawer pin high
        ({1: 0x1A, 2: 0x16}, PrinterStatus(False, cover_open=True, detail="cover open")),
        ({1: 0x1A, 2: 0x32}, PrinterStatus(False, paper_out=True, detail="out of paper")),
        (
            {1: 0x12, 4: 0x7E},
            PrinterStatus(True, paper_out=True, paper_low=True, detail="out of paper"),
        ),
        ({1: 0x12, 4: 0x1E}, PrinterStatus(online=True, paper_low=True)),
        ({1: 0x1A, 2: 0x52, 3: 0x1A}, PrinterStatus(False, error=True, detail="cutter jammed")),
        ({1: 0x1A, 3: 0x32}, PrinterStatus(False, error=True, detail="needs service")),
        (
            {1: 0x00, 2: 0xFF},
            PrinterStatus(None, detail="the printer does not answer status queries"),
        ),
        ({}, PrinterStatus(None, detail="the printer does not answer status queries")),
    ],
)
def test_status_bytes_are_read_as_the_manual_says(answers, expected):
    assert parse_status(answers) == expected


@pytest.mark.parametrize(
    "url",
    ["", "lpt1", "usb:", "usb:04b8", "usb:zz:yy", "tcp:host:port", "tcp::9100", "tcp:h:70000",
     "serial:", "serial:/dev/ttyS0?baud=fast", "serial:/dev/ttyS0?speed=9600", "http://x"],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_names_the_forms_that_can(url):
    with pytest.raises(ConfigError, match=r"tcp:HOST:9100"):
        open_printer(url)


@pytest.mark.parametrize(
    "url", ["usb:04b8:0e15", "serial:/dev/no-such-tty", "/dev/no/such/printer"]
)
def test_a_printer_that_is_not_plugged_in_is_one_clear_error(url):
    with pytest.raises(DeviceError):
        open_printer(url)


def test_a_plain_file_collects_bytes_and_has_no_status(tmp_path: Path):
    path = tmp_path / "roll.bin"
    for text in (b"one\n", b"two\n"):
        with open_printer(f"file:{path}") as printer:
            printer.send(text)
            assert printer.status().online is None
            assert printer.finished(0.1) is None
    assert path.read_bytes() == b"one\ntwo\n"


def test_the_simulated_address_leaves_numbered_pictures_and_texts(tmp_path: Path):
    for number in (1, 2):
        with open_printer(f"sim:{tmp_path / 'out'}") as printer:
            printer.send(to_escpos(receipt(number)))
            assert printer.finished(0.1) in (True, None)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["0001.png", "0001.txt", "0002.png", "0002.txt"]
    assert (tmp_path / "out" / "0002.txt").read_text(encoding="utf-8").startswith("小票2")


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match="cannot write receipts"):
        FolderPrinter(tmp_path / "file" / "folder")


class FakeUsb:
    """As much of a USB printer as python-escpos would hand over."""

    class Endpoint:
        def __init__(self, address: int) -> None:
            self.bEndpointAddress = address

    def __init__(self, *addresses: int) -> None:
        self.device = self
        self.in_ep = self.out_ep = 0
        self.written: list[tuple[int, bytes]] = []
        self._endpoints = [self.Endpoint(address) for address in addresses]

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def get_active_configuration(self):
        return {(0, 0): self._endpoints}

    def _raw(self, data: bytes) -> None:
        self.written.append((self.out_ep, data))

    def read(self, endpoint: int, _size: int, _wait_ms: int) -> bytes:
        if endpoint != 0x83 or not self.written:
            raise usb.core.USBTimeoutError("nothing to read")
        return b"\x12"


def test_a_usb_printer_is_used_on_the_endpoints_it_has():
    fake = FakeUsb(0x83, 0x02)
    opened = Printer("usb", printer_module._UsbLine(fake))
    opened.send(b"x")
    assert fake.written == [(0x02, b"x")]
    assert opened.status() == PrinterStatus(online=True)


def test_a_usb_printer_that_says_nothing_has_an_unknown_status():
    opened = Printer("usb", printer_module._UsbLine(FakeUsb(0x82, 0x01)))
    assert opened.status().online is None


def test_a_printer_without_permission_names_the_groups(monkeypatch):
    def denied(_rest: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(printer_module._OPENERS, "file", denied)
    with pytest.raises(DeviceError, match="groups lp and dialout"):
        open_printer("/dev/usb/lp0")


def test_a_device_without_a_voice_is_printed_on():
    with open_printer("/dev/null") as opened:
        assert opened.status().online is None
        opened.send(b"x")

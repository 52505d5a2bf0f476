"""Commands of the printer, the cameras and the readers; ``devices/cli.py`` hangs them up."""

from pathlib import Path
from typing import IO, Literal

import click

from dafan.clock import SystemClock
from dafan.ending import asked_to_end
from dafan.errors import BadInputError, DeviceError
from devices.escpos_text import Paper
from devices.receipt_doc import QR, Columns, Cut, Drawer, Feed, Item, ReceiptDoc, Rule, Text

LARGEST_CAPTURE = 16 * 1024 * 1024

_TO = click.option("--to", "url", required=True, metavar="URL", help="Address of the printer.")
_PAPER = click.option(
    "--paper", type=click.Choice(["58", "80"]), default="80", show_default=True, help="Width in mm."
)


def _paper(text: str) -> Paper:
    return 58 if text == "58" else 80


def sample_receipt(drawer: bool = False) -> ReceiptDoc:
    """A receipt that shows whether a printer does all it should: Chinese, widths, QR, cut."""
    items: tuple[Item, ...] = (
        Text(text="打印测试", align="center", bold=True, size=2),
        Text(text="Dafan printer test", align="center"),
        Rule(),
        Columns(left="红烧肉（大份）", right="¥12.80"),
        Columns(left="农家小炒时令鲜蔬，名字很长的一道菜，看看怎样换行", right="¥8.00"),
        Columns(left="米饭 186 g", right="¥0.56"),
        Rule(),
        Columns(left="合计", right="¥21.36", bold=True),
        QR(data="dafan:printer-test"),
        Text(text="汉字、对齐、二维码都正确，打印机就可以用了。", align="center"),
        Feed(lines=1),
        Cut(),
    )
    return ReceiptDoc(lines=(Drawer(), *items) if drawer else items)


@click.group()
def printer() -> None:
    """Receipt printers: test, ask, simulate, render captured bytes."""


@printer.command("test")
@_TO
@_PAPER
@click.option("--raster", is_flag=True, help="Send dots: for printers without a Chinese font.")
@click.option("--drawer", is_flag=True, help="Open the cash drawer as well.")
def printer_test(url: str, paper: str, raster: bool, drawer: bool) -> None:
    """Print a test receipt."""
    from devices.escpos_render import to_escpos  # noqa: PLC0415 - loads Pillow only here
    from devices.printer import print_now  # noqa: PLC0415 - loads USB and serial only here

    data = to_escpos(sample_receipt(drawer), _paper(paper), mode="raster" if raster else "gb18030")
    finished = print_now(url, data, f"printer {url}")
    told = {
        True: "printed",
        False: "sent, not confirmed",
        None: "sent (this printer cannot confirm)",
    }
    click.echo(f"{told[finished]}: {len(data)} bytes")


@printer.command("status")
@_TO
def printer_status(url: str) -> None:
    """Ask a printer how it is."""
    from devices.printer import open_printer  # noqa: PLC0415 - loads USB and serial only here

    with open_printer(url) as opened:
        status = opened.status()
    state = "unknown" if status.online is None else "ready" if status.ready else "not ready"
    low = ", paper low" if status.paper_low and not status.paper_out else ""
    click.echo(f"{state}{low}{': ' if status.detail else ''}{status.detail}")


@printer.command("simulate")
@click.option("--tcp", "port", type=click.IntRange(0, 65535), default=9100, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@_PAPER
@click.option("--no-chinese", is_flag=True, help="Behave as a printer without a Chinese font.")
def printer_simulate(port: int, out: Path, paper: str, no_chinese: bool) -> None:
    """Be a network printer that leaves each receipt as a picture and a text in a folder."""
    from devices.printer_paper import PrintedReceipt  # noqa: PLC0415 - loads Pillow only here
    from devices.printer_simulator import VirtualPrinter  # noqa: PLC0415 - same
    from devices.printer_simulator_ports import (  # noqa: PLC0415 - same
        TcpPrinter,
        make_folder,
        save_receipt,
    )

    def keep(receipt: PrintedReceipt) -> None:
        click.echo(save_receipt(receipt, out))

    make_folder(out)
    simulated = VirtualPrinter(_paper(paper), chinese_font=not no_chinese)
    simulated.on_receipt = keep
    with TcpPrinter(simulated, port) as served:
        click.echo(f"simulated printer at {served.url}, receipts in {out}; stop with Ctrl+C")
        asked_to_end().wait()


@printer.command("render")
@click.argument("file", type=click.File("rb"))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@_PAPER
def printer_render(file: IO[bytes], out: Path, paper: str) -> None:
    """Draw captured printer bytes (a FILE, or - for standard input) as a picture."""
    from devices.printer_simulator import VirtualPrinter  # noqa: PLC0415 - loads Pillow only here
    from devices.printer_simulator_ports import join_pictures  # noqa: PLC0415 - same

    data = file.read(LARGEST_CAPTURE + 1)
    if len(data) > LARGEST_CAPTURE:
        raise BadInputError("more than 16 MB: that is no receipt")
    simulated = VirtualPrinter(_paper(paper))
    for start in range(0, len(data), 65536):
        simulated.feed(data[start : start + 65536])
    pieces = [*simulated.receipts, *([simulated.current] if simulated.current.parts else [])]
    try:
        join_pictures([piece.picture() for piece in pieces]).save(out)
    except (OSError, ValueError) as error:
        raise BadInputError(f"cannot write {out}: name a .png file in a folder") from error
    click.echo(simulated.text)


@click.group()
def camera() -> None:
    """Cameras: look through one."""


@camera.command("show")
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def camera_show(source: str, out: Path) -> None:
    """Save one frame of SOURCE (0, /dev/video0, rtsp://…, a video, a picture, a folder)."""
    from devices.camera import open_source  # noqa: PLC0415 - loads OpenCV only here
    from devices.pictures import save_picture  # noqa: PLC0415 - same

    opened = open_source(source)
    try:
        frame = opened.read()
    finally:
        opened.close()
    if frame is None:
        raise DeviceError(f"camera {source} sends no picture: check cable and address")
    save_picture(frame.image, out)
    height, width = frame.image.shape[:2]
    click.echo(f"{width}x{height} {out}")


@click.group()
def reader() -> None:
    """Card readers."""


@reader.command("watch")
@click.argument("device")
@click.option(
    "--base", type=click.Choice(["decimal", "hex", "raw"]), default="decimal", show_default=True
)
@click.option("--reversed", "reversed_bytes", is_flag=True, help="Bytes come last first.")
@click.option("--checksum", is_flag=True, help="Two hexadecimal check digits follow.")
def reader_watch(
    device: str, base: Literal["decimal", "hex", "raw"], reversed_bytes: bool, checksum: bool
) -> None:
    """Print the number of each card held to DEVICE (/dev/input/event3, serial:/dev/ttyUSB1)."""
    from devices.reader import CardFormat, CardSeen  # noqa: PLC0415 - loads OpenCV only here
    from devices.reader_port import ReaderState, ReaderThread, check  # noqa: PLC0415 - same

    def seen(card: CardSeen) -> None:
        click.echo(card.number)

    def changed(state: ReaderState, reason: str) -> None:
        click.echo(f"{state} {reason}".strip(), err=True)

    check(device)
    style = CardFormat(base, reversed_bytes, checksum)
    thread = ReaderThread(device, SystemClock(), seen, changed, style)
    thread.start()
    asked_to_end().wait()
    thread.stop()

"""The demo that a person watches: server, till page, diners one after another, until Ctrl-C."""

import contextlib
import logging
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from rich.console import Console

from dafan.config import Settings
from dafan.money import format_yuan
from devices import loopback
from pos.demo.backoffice import BackOffice, DemoError
from pos.demo.history import make_history
from pos.demo.kitchenbox import KitchenBox
from pos.demo.kitchenside import KitchenSide
from pos.demo.lineside import LineSide
from pos.demo.plateside import PlateSide
from pos.demo.stage import Stage
from pos.demo.till import enrol_till, find_diners, open_till, wait_for_snapshot
from pos.demo.visits import Outcome, TooPoorError, Visits
from pos.kiosk.app import create_kiosk
from pos.kiosk.manner import manner_of
from pos.runtime import Till
from vision.packs import load_pack
from vision.samples import sample_faces

FOLDER = "demo"
_HISTORY_DONE = "history.done"
_WATCHED_S = 2.5
LINE_DINERS = range(1031, 1041)
"""Staff numbers of those who eat at the weigh line."""


def run_live(settings: Settings, seed: int, *, fresh: bool, line: bool = False) -> None:
    """Start everything, print the addresses, and let diners come until the person ends it.

    Args:
        settings: Ports, devices and pack; real devices replace the simulated ones.
        seed: Makes the diners repeatable.
        fresh: Throw the data of the last demo away first.
        line: A weigh line as well.

    Raises:
        DemoError: the canteen could not be set up.
    """
    say = Console(highlight=False)
    folder = settings.data_dir / FOLDER
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    (folder / "server").mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    pack = load_pack(settings.vision.pack)
    if pack.liveness is None:
        say.print(f"[yellow]Faces by pack {pack.name}, without a liveness model: a real till would")
        say.print("[yellow]ask for the PIN as well. dafan models pull says what was tried.")
    office = BackOffice(
        folder / "server", settings.server.port, pack.name,
        devices_url=f"http://{settings.tablet.host}:{settings.tablet.port}",
    )  # fmt: skip
    with say.status("Opening the canteen: people, dishes, money, faces, and the kitchen's day …"):
        said = office.command("server", "seed-demo", "--kitchen")
        office.start()
    for told in said.splitlines():
        if told.startswith("the kitchen"):
            say.print(told)
    try:
        _set_up_tills(office, folder, seed, say)
        devices = settings.till
        with Stage(
            devices.scale.protocol,
            folder / "scale",
            seed,
            scale=not devices.scale.device,
            camera=not devices.camera,
            printer=not devices.printer.url,
        ) as stage:
            till = open_till(office, folder / "till", stage, devices, pack)
            try:
                with (
                    KitchenSide(settings, office.url) as beside,
                    KitchenBox(office, folder / "box") as box,
                    PlateSide(office, folder / "plates", devices.host, seed) as plates,
                    _beside(office, folder, devices.host, seed, say, wanted=line),
                ):
                    _show(settings, office, till, stage, seed, say, beside.hand_url, box, plates)
            finally:
                till.stop()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        office.stop()
        say.print("The canteen is closed. Its data stays in", str(folder))


@contextmanager
def _beside(
    office: BackOffice, folder: Path, host: str, seed: int, say: Console, *, wanted: bool
) -> Iterator[None]:
    if not wanted:
        yield
        return
    with LineSide(office, folder / "line", host, seed) as side:
        say.print(f"  Line      [bold]{side.stations_url}[/]   its scoop stations")
        say.print(f"            [bold]{side.gate_url}[/]   where trays are taken and come back")
        side.serve(*(f"000000{number}" for number in LINE_DINERS))
        yield


def _set_up_tills(office: BackOffice, folder: Path, seed: int, say: Console) -> None:
    enrol_till(office, folder / "till", "1 号台")
    enrol_till(office, folder / "past", "2 号台")
    done = folder / _HISTORY_DONE
    if done.exists():
        return
    with say.status("Selling for the last three days …") as status:
        count = make_history(office, folder / "past", seed, status.update)
    done.write_text(str(count), encoding="utf-8")


def _show(
    settings: Settings,
    office: BackOffice,
    till: Till,
    stage: Stage,
    seed: int,
    say: Console,
    hand_url: str,
    box: KitchenBox,
    plates: PlateSide,
) -> None:
    wait_for_snapshot(till)
    manner = manner_of(settings.till.voice, settings.till.screen)
    page = create_kiosk(till, manner=manner)
    kiosk = loopback.serve(page, settings.till.host, settings.till.port, "till")
    try:
        say.print()
        say.print(f"  Till      [bold]http://{settings.till.host}:{kiosk.port}/[/]")
        say.print(f"  Plates    [bold]{plates.url}[/]   where trays come back")
        say.print(f"  Manager   [bold]{office.url}/manage[/]   demo / demo-dafan")
        say.print(f"  Kitchen   [bold]{office.url}/kitchen/[/]   sign with 1004 and the PIN")
        say.print(f"  Its scale [bold]{hand_url}[/]   put weights on it, see its labels")
        say.print(f"  Boards    [bold]{box.board('kitchen')}[/]", soft_wrap=True)
        say.print(f"            [bold]{box.board('canteen')}[/]", soft_wrap=True)
        say.print("  Approver  demo2 / demo-dafan: nobody approves his own order")
        say.print(f"  API       [bold]{office.url}/docs[/]")
        say.print("  Diners    PIN 246810, staff numbers 1001 to 1060")
        say.print("  End       Ctrl-C")
        say.print()
        if stage.scale is None or stage.feed is None:
            say.print("Real devices: put down a tray.")
            threading.Event().wait()
        diners = find_diners(till, sample_faces(), others=4)
        visits = Visits(till, stage, diners, Random(seed), _WATCHED_S)  # noqa: S311 - appetite
        while True:
            _serve(visits, stage, plates, office, say)
    finally:
        kiosk.stop()
        manner.close()


def _serve(
    visits: Visits, stage: Stage, plates: PlateSide, office: BackOffice, say: Console
) -> None:
    """One diner after another, until one gives up: a busy machine closes no canteen."""
    try:
        for outcome in visits.take():
            say.print(_line(outcome))
            plates.ate(outcome.diner)
    except TooPoorError as error:
        stage.leave()
        say.print(f"  [yellow]{error}[/], and pays ¥100 in at the desk")
        with contextlib.suppress(DemoError):  # the server is away: he tries it another time
            office.command("server", "seed-top-up", error.diner.staff_no)
    except DemoError as error:
        say.print(f"  [yellow]{error}[/]: the next diner tries again")
        stage.leave()


def _line(outcome: Outcome) -> str:
    how = "face" if outcome.by_face else outcome.sale.tender.value
    if outcome.sale.second_factor:
        how += f" + {outcome.sale.second_factor}"
    wrong = "  [red]WRONG PERSON[/]" if outcome.wrong_person else ""
    grams = outcome.sale.lines[0].grams or 0
    return (
        f"  {outcome.diner.staff_no}  {grams:4d} g  ¥{format_yuan(outcome.sale.total):>6}  "
        f"{how}{wrong}"
    )


logging.getLogger("httpx").setLevel(logging.WARNING)

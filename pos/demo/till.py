"""The demo's till: enrolled by a real one-time code, with the stage's devices."""

import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from dafan.config import PrinterSettings, ScaleSettings, Settings, TillSettings, VisionSettings
from pos.build import build_till
from pos.demo.backoffice import BackOffice, DemoError
from pos.demo.stage import DemoDiner, Stage
from pos.enrol import TERMINAL, enrol, load_enrolment
from pos.runtime import Till
from pos.state import Timing
from vision import samples
from vision.packs import Pack

FIRST_STAFF_NO = 1001
PIN = "246810"
"""Of every diner whom ``dafan server seed-demo`` makes."""


def enrol_till(office: BackOffice, folder: Path, name: str) -> None:
    """Make the folder a till of the demo's site, unless it is one."""
    if (folder / TERMINAL).exists():
        return
    code = office.command("server", "enrol-code", "--name", name).split()[-1]
    folder.mkdir(parents=True, exist_ok=True)
    with httpx.Client(timeout=20) as client:
        enrol(folder, office.url, code, client)


def open_till(
    office: BackOffice,
    folder: Path,
    stage: Stage,
    settings: TillSettings,
    pack: Pack,
    timing: Timing | None = None,
) -> Till:
    """Build the till with the stage's devices where the settings name no real ones.

    The demo does not ask for the PIN only because a pack has no liveness model.
    """
    devices = TillSettings(
        server_url=office.url,
        camera=settings.camera,
        scale=ScaleSettings(
            device=settings.scale.device or (stage.scale.path if stage.scale else ""),
            protocol=settings.scale.protocol,
        ),
        printer=PrinterSettings(
            url=settings.printer.url or (stage.printer.url if stage.printer else "")
        ),
    )
    chosen = Settings.model_construct(
        data_dir=folder,
        database_url="",
        log_level="INFO",
        till=devices,
        vision=VisionSettings(pack=pack.name),
    )
    till = build_till(
        chosen,
        load_enrolment(folder),
        timing=timing,
        pack=pack,
        camera=stage.feed,
        ask_without_liveness=False,
    )
    till.start()
    return till


def wait_for_snapshot(till: Till, seconds: float = 60.0) -> None:
    """Wait until the feed has brought everything there is.

    Raises:
        DemoError: it has not.
    """
    deadline = time.monotonic() + seconds
    version = -1
    while time.monotonic() < deadline:
        now = till.store.feed_version()
        if till.store.catalogue.ready and now == version:
            return
        version = now
        time.sleep(0.5)
    raise DemoError("the till got no snapshot from the server")


def find_diners(till: Till, faces: Sequence[samples.Sample], others: int = 0) -> list[DemoDiner]:
    """The demo's diners as the till knows them: one a face, then some who have none.

    Raises:
        DemoError: the server has not been seeded.
    """
    diners = []
    for index in range(len(faces) + others):
        staff_no = str(FIRST_STAFF_NO + index)
        diner_id = till.store.diner_of_staff_no(staff_no)
        if diner_id is None:
            raise DemoError(f"diner {staff_no} is missing: run dafan server seed-demo")
        sample = faces[index] if index < len(faces) else None
        diners.append(DemoDiner(diner_id, staff_no, f"000000{staff_no}", PIN, sample))
    return diners

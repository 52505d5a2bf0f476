"""A till from its settings: file, models, devices, sync."""

import httpx

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from devices.camera import FrameSource
from pos.enrol import Enrolment
from pos.hardware import connect_camera, connect_printer, connect_reader, connect_scale
from pos.recognising import open_store
from pos.runtime import Till
from pos.state import Timing
from pos.syncing import connect_sync
from vision.packs import Pack


def build_till(
    settings: Settings,
    enrolment: Enrolment,
    *,
    clock: Clock | None = None,
    timing: Timing | None = None,
    cash: bool = True,
    pack: Pack | None = None,
    camera: FrameSource | None = None,
    ask_without_liveness: bool = True,
    client: httpx.Client | None = None,
) -> Till:
    """Put a till together and connect its devices; :meth:`Till.start` begins to sell.

    A till whose models or devices are missing sells by the ways that remain.

    Args:
        settings: ``data_dir``, ``till`` and ``vision`` are used.
        enrolment: Who the till is.
        clock: Time.
        timing: Waits; a demo shortens them.
        cash: Cash is taken at this till.
        pack: Loaded models; else those that the settings name.
        camera: An open source of frames; else what the settings name.
        ask_without_liveness: Ask for the PIN where there is no liveness model.
        client: HTTP client of sync, for tests.

    Raises:
        ConfigError: a device's setting cannot be understood.
        JournalError: the till's file belongs to another terminal.
    """
    clock = clock or SystemClock()
    source = camera or settings.till.camera
    store, faces = open_store(settings, enrolment, clock, source, pack)
    till = Till(
        store,
        clock,
        timing=timing or Timing(jitter_grams=settings.till.scale.division_grams),
        cash=cash,
        print_receipts=bool(settings.till.printer.url),
    )
    if faces is not None:
        till.face = faces.watch(
            settings, store, source, till.put_face, ask_without_liveness=ask_without_liveness
        )
    elif source:
        till.put_health(models=False)
        store.note("no_faces", "the models cannot be used: run dafan models check on the till")
    _connect(till, settings, source, clock)
    sync = connect_sync(till, settings, enrolment, clock, client, evidence=store.evidence)
    till.on_written.append(sync.wake)
    till.on_stop.append(sync.stop)
    sync.start()
    return till


def _connect(till: Till, settings: Settings, source: str | FrameSource, clock: Clock) -> None:
    if settings.till.scale.device:
        connect_scale(till, settings.till.scale, clock)
    if settings.till.printer.url:
        wake = connect_printer(till, settings.till.printer, clock)
        till.on_written.append(wake)
    if source:
        connect_camera(till, source, clock)
    if settings.till.reader:
        connect_reader(till, settings.till.reader, clock)

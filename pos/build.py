"""A till from its settings: file, models, devices, sync."""

import logging

import cv2
import httpx

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from devices.camera import FrameSource
from pos.enrol import JOURNAL, Enrolment
from pos.facewatch import FaceWatch, everybody
from pos.hardware import (
    connect_camera,
    connect_printer,
    connect_reader,
    connect_scale,
    is_lens,
)
from pos.payment_zone import looking
from pos.runtime import Till
from pos.state import Timing
from pos.store import TillStore
from pos.syncing import connect_sync
from vision.errors import ModelError
from vision.gallery import Gallery
from vision.packs import Pack, load_pack
from vision.recognise import Recogniser

log = logging.getLogger(__name__)


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
    pack = pack or (_pack(settings.vision.pack) if source else None)
    gallery = Gallery(pack.embedding_size) if pack is not None else None
    store = TillStore(
        settings.data_dir / JOURNAL,
        enrolment.terminal.id,
        enrolment.keys,
        clock,
        gallery,
        pack.name if pack is not None else "",
    )
    till = Till(
        store,
        clock,
        timing=timing or Timing(jitter_grams=settings.till.scale.division_grams),
        cash=cash,
        print_receipts=bool(settings.till.printer.url),
    )
    if pack is not None and gallery is not None:
        live = camera is None and (not isinstance(source, str) or is_lens(source))
        till.face = FaceWatch(
            Recogniser(pack, gallery, looking(settings.till.place)), pack.name, till.put_face,
            live=live, ask_without_liveness=ask_without_liveness,
            look_alikes=store.roster.look_alikes,
            roster=store.roster.of_this_meal if settings.till.faces == "meal" else everybody,
        )  # fmt: skip
    elif source:
        till.put_health(models=False)
        store.note("no_faces", "the models cannot be used: run dafan models check on the till")
    _connect(till, settings, source, clock)
    sync = connect_sync(till, settings, enrolment, clock, client, evidence=store.evidence)
    till.on_written.append(sync.wake)
    till.on_stop.append(sync.stop)
    sync.start()
    return till


def _pack(name: str | None) -> Pack | None:
    cv2.setNumThreads(1)  # its threads and the models' would fight for the same cores
    try:
        return load_pack(name)
    except ModelError as error:
        log.warning("no faces at this till: %s", error)
        return None


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

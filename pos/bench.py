"""How long from a usable frame to a sale on the disk, on this machine, with a full gallery.

Everything is real but the hardware: a simulated scale on a pseudo-terminal, sample faces varied
as a camera would, the models, the gallery, the till's loop and its file. The diner's time to
cancel is set to nothing, because it is no computing. The liveness models run, but their vote is
not heeded: this measures time, and the sample pictures are too small for a sure vote.
"""

import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from datetime import time as day_time
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
from rich.progress import track

from dafan.clock import SystemClock
from dafan.config import ScaleSettings
from dafan.crypto import new_key, seal
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import (
    DayUse,
    Diner,
    DinerStatus,
    Dish,
    FeedItem,
    FeedPage,
    Group,
    MealPeriod,
    Policy,
    Record,
    Template,
    TerminalInfo,
    Unit,
)
from devices.camera import FrameFeed
from devices.scales.simulator import ScaleSimulator
from pos.facewatch import FaceWatch
from pos.hardware import connect_camera, connect_scale
from pos.runtime import SaleTiming, Till
from pos.state import Timing
from pos.store import TillStore
from pos.view import Screen
from vision.decide import Observation, Rules
from vision.gallery import Gallery, Id, Vector, random_unit
from vision.images import BgrImage
from vision.packs import Pack, load_pack
from vision.recognise import Recogniser, Scene, reference_vector
from vision.samples import Sample, jitter, random_variation, sample_faces, vary

PAGE = 500
FRAME_S = 1 / 30
FRAMES_A_PERSON = 24
PATIENCE_S = 6.0
PROTOCOL = "cas-soh"


class _Measured:
    """A recogniser whose frames are timed and whose liveness vote is not heeded."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self.frames: deque[float] = deque(maxlen=5000)

    def observe(
        self, image: BgrImage, at: float, roster: frozenset[Id] | None = None
    ) -> Observation:
        seen = self._recogniser.observe(image, at, roster)
        self.frames.append(sum(ms for _, ms in seen.ms))
        return seen

    def survey(self, image: BgrImage) -> Scene:
        return self._recogniser.survey(image)

    def rules(self) -> Rules:
        return replace(self._recogniser.rules(), live=0.0, not_live=0.0)


def bench_till(templates: int, sales: int, pack_name: str | None = None) -> dict[str, Any]:
    """Sell to sample faces and report.

    Args:
        templates: Size of the gallery; all but the sample faces are random directions.
        sales: How many to measure.
        pack_name: Which models.

    Raises:
        ModelError: the pack's files are missing.
    """
    cv2.setNumThreads(1)
    pack = load_pack(pack_name)
    people = [sample for sample in sample_faces() if sample.frontal]
    with tempfile.TemporaryDirectory() as folder, ScaleSimulator(PROTOCOL) as scale:
        till, measured = _till(Path(folder), pack, people, templates, scale.path)
        feed = FrameFeed()
        connect_camera(till, feed, SystemClock())
        till.start()
        try:
            done = _sell(till, scale, feed, people, sales)
        finally:
            till.stop()
        return _report(list(till.timings), list(measured.frames), pack, templates, sales, done)


def _till(
    folder: Path, pack: Pack, people: list[Sample], templates: int, device: str
) -> tuple[Till, _Measured]:
    gallery = Gallery(pack.embedding_size)
    site_key, terminal_id = new_key(), new_id()
    clock = SystemClock()
    store = TillStore(folder / "till.db", terminal_id, site_key, clock, gallery, pack.name)
    rng = np.random.default_rng(7)
    vectors = [
        reference_vector(pack, vary(sample, rng, random_variation(rng))) for sample in people
    ]
    vectors += list(random_unit(max(0, templates - len(people)), pack.embedding_size, rng))
    for page in track(_pages(terminal_id, site_key, pack.name, vectors), "filling the gallery",
                      total=-(-len(vectors) // PAGE), transient=True):  # fmt: skip
        store.apply_feed_page(page)
    timing = Timing(cooldown=0.0, paid=0.0, paid_longest=0.2)
    till = Till(store, clock, timing=timing)
    measured = _Measured(Recogniser(pack, gallery))
    till.face = FaceWatch(measured, pack.name, till.put_face, live=False)
    connect_scale(till, ScaleSettings(device=device, protocol=PROTOCOL), clock)
    return till, measured


def _sell(
    till: Till, scale: ScaleSimulator, feed: FrameFeed, people: list[Sample], sales: int
) -> int:
    """Let people come one after another; how many came."""
    rng = np.random.default_rng(11)
    ended = threading.Event()
    frames: list[list[BgrImage]] = [[]]
    threading.Thread(target=_film, args=(feed, frames, ended), daemon=True).start()
    written = threading.Event()
    till.on_sale.append(lambda _sale: written.set())
    came = 0
    for number in track(range(sales), "selling", transient=True):
        stance = random_variation(rng)
        who = people[number % len(people)]
        frames[0] = [vary(who, rng, jitter(stance, rng)) for _ in range(FRAMES_A_PERSON)]
        _wait_for(till, Screen.PLACE)
        written.clear()
        scale.place(int(rng.integers(200, 800)), 0.1)
        came += 1
        written.wait(PATIENCE_S)
        frames[0] = []
        scale.lift(0.05)
    ended.set()
    return came


def _wait_for(till: Till, screen: Screen) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if till.view().screen is screen and till.state.armed:
            return
        time.sleep(0.02)


def _film(feed: FrameFeed, frames: list[list[BgrImage]], ended: threading.Event) -> None:
    number = 0
    while not ended.wait(FRAME_S):
        film = frames[0]
        if film:
            number += 1
            feed.push(film[number % len(film)])


def _pages(
    terminal_id: UUID, site_key: bytes, pack: str, vectors: list[Vector]
) -> Iterator[FeedPage]:
    """A feed with one diner a vector."""
    dish = Dish(id=new_id(), name="自选称重", unit=Unit.KG, price=Fen(2800))
    group = Group(id=new_id(), name="职工")
    terminal = TerminalInfo(
        id=terminal_id, name="1号台", site_id=new_id(), site_name="测量", venue_id=new_id(),
        venue_name="测量", weigh_dish_id=dish.id,
    )  # fmt: skip
    meal = MealPeriod(code="meal", name="全天", starts=day_time(0), ends=day_time(0))
    policy = Policy(periods=(meal,), confirm_ms=0, offline_exposure=Fen(10**8))
    items = [
        _item("policy", "policy", policy), _item("dish", str(dish.id), dish),
        _item("group", str(group.id), group), _item("terminal", str(terminal_id), terminal),
    ]  # fmt: skip
    version = 0
    for number, vector in enumerate(vectors):
        items += _person(number, vector, group, site_key, pack)
        if len(items) >= 2 * PAGE or number == len(vectors) - 1:
            now = datetime.now(UTC)
            yield FeedPage(
                since=version, version=version + 1, items=tuple(items), more=True, server_time=now
            )
            items, version = [], version + 1


def _person(
    number: int, vector: Vector, group: Group, site_key: bytes, pack: str
) -> list[FeedItem]:
    diner = Diner(
        id=new_id(), staff_no=str(number), name="甲子", group_id=group.id,
        status=DinerStatus.ACTIVE, cash=Fen(10**8), today=DayUse(date=datetime.now(UTC).date()),
    )  # fmt: skip
    template_id = new_id()
    sealed = seal(site_key, vector.astype("<f4").tobytes(), f"template:{template_id}")
    template = Template(
        id=template_id, diner_id=diner.id, pack=pack, consent_version="2026-02", sealed=sealed
    )
    return [_item("diner", str(diner.id), diner), _item("template", str(template_id), template)]


def _item(kind: str, key: str, record: Record) -> FeedItem:
    return FeedItem(kind=kind, key=key, version=1, body=record.to_body())


def _report(
    timings: list[SaleTiming],
    frames: list[float],
    pack: Pack,
    templates: int,
    sales: int,
    came: int,
) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "templates": templates,
        "sales_asked": sales,
        "diners_came": came,
        "sales_by_face": len(timings),
        "usable_frame_to_fsynced_sale_ms": _summary([t.whole for t in timings]),
        "usable_frame_to_decision_ms": _summary([t.decided for t in timings]),
        "write_and_fsync_ms": _summary([t.written for t in timings]),
        "computing_per_frame_ms": _summary(frames),
        "rss_mb": _rss_mb(),
        "confirm_ms": 0,
        "note": "the diner's time to cancel is no computing and is set to 0; the camera gives 30 "
        "frames a second and three must agree; the liveness models run, their vote is not heeded",
    }


def _summary(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {
        "median": round(float(np.median(values)), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
    }


def _rss_mb() -> int:
    """Resident memory of this process, from the kernel's own account."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20

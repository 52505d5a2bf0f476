"""How many scoop stations a box carries, and how long a charge takes, on this machine.

Everything is real but the hardware: scales and readers are simulated on pseudo-terminals, by a
process of their own; drivers, ports, stations, displays and file are those of a box.
A frame is late when it waits for its turn longer than the next one takes to come; a box carries
its stations while no more than one frame in a hundred is.
"""

import os
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from dafan.clock import SystemClock
from dafan.config_line import PanScaleSettings, StationSettings, TagReaderSettings
from dafan.crypto import new_key
from dafan.ids import new_id
from dafan.line import MAX_STATIONS, LineRules, LineStation, OpenTray
from dafan.metrology import ScaleRecord
from dafan.money import Fen
from dafan.records import Dish, FeedItem, FeedPage, Policy, Record, TerminalInfo, Unit
from devices.scales.framing import FrameDecoder
from devices.scales.protocols import driver_named
from devices.scales.reading import Reading
from devices.scales.simulated import MODELS, Load
from devices.tag_simulator import frame_of
from pos import events as ev
from pos import scoop
from pos import scoop_state as at_station
from pos.hardware import weighed
from pos.line_book import LineBook
from pos.scoop_box import ScoopBox, connect_station
from pos.scoop_view import view
from pos.store import TillStore

PROTOCOL, READER = "aclas-os2", "hf-stx"
FRAME_S = 0.1
LATE_S = 0.1
LATE_PERMILLE = 10
MEASURE_S = 4.0
STEPS = (4, 8, 16, 24, MAX_STATIONS)
PAN, SCOOP = 8000, 120
FRAMES = 4000
TRAY = "E2003016"
PLAYED = "played"


def bench_line(stations: int = MAX_STATIONS, scoops: int = 20) -> dict[str, Any]:
    """Measure and report.

    Args:
        stations: No more than so many at once.
        scoops: How many charges to time.
    """
    load = [_carried(number) for number in STEPS if number <= max(stations, STEPS[0])]
    carried = [one["stations"] for one in load if one["late_permille"] <= LATE_PERMILLE]
    return {
        "cores": os.cpu_count(),
        "frames_per_s_one_thread": _frames_per_second(),
        "load": load,
        "stations_10hz_carried": max(carried, default=0),
        "limited_by_contract": bool(carried) and max(carried) == MAX_STATIONS,
        "tray_out_to_charged_ms": _charges(scoops),
        "settle_ms": LineRules().settle_ms,
        "note": "frames through driver, step and view on one thread; then real stations on "
        "pseudo-terminals, ten frames a second each with a tray that comes and goes; devices are "
        "played by a process of its own on the same cores; late: a frame that waited longer "
        f"than {round(1000 * LATE_S)} ms; charged: the entry is on the disk",
    }


# --- driver, step and view ----------------------------------------------------------------------


def _frames_per_second() -> int:
    """Of one station on one thread, weights and trays changing as they do at noon."""
    model, decoder = MODELS[PROTOCOL], driver_named(PROTOCOL).decoder()
    raw = [model.frame(_load(number)) for number in range(FRAMES)]
    zero = time.monotonic()
    state = scoop.begin(_moment(zero), 1, _line_of(1, new_id())[1])
    began = time.perf_counter()
    for number, frame in enumerate(raw):
        at = _moment(zero + number * FRAME_S)
        state = _frame(state, at, decoder, frame, number)
        view(state)
    return round(FRAMES / (time.perf_counter() - began))


def _frame(
    state: at_station.State, at: ev.Moment, decoder: FrameDecoder, frame: bytes, number: int
) -> at_station.State:
    tags = frozenset({TRAY}) if number % 100 < 50 else frozenset[str]()
    events: list[at_station.Event] = [at_station.TagsSeen(at, tags)]
    events += [weighed(at, reading, at.elapsed) for reading in decoder.feed(frame)]
    for event in events:
        state, effects = scoop.step(state, event)
        for effect in effects:
            state, _more = scoop.step(state, at_station.Written(at, effect.entry.id))
    return state


def _load(number: int) -> Load:
    """One scoop in each hundred frames; the weight swings for a few of them."""
    taken, phase = divmod(number, 100)
    swings = 20 <= phase < 26
    return Load(
        PAN - (taken % 50) * SCOOP - (phase >= 20) * SCOOP + swings * phase, stable=not swings
    )


def _moment(elapsed: float) -> ev.Moment:
    return ev.Moment(elapsed, datetime.now(UTC), new_id())


# --- a whole box --------------------------------------------------------------------------------


class _TimedBox(ScoopBox):
    """Notes how long each frame waited for its turn."""

    waits: list[float]

    def put_reading(self, number: int, reading: Reading, arrived: float) -> None:
        """A scale's frame; its wait is noted when it is taken in."""

        def make(at: ev.Moment) -> ev.Weighed:
            self.waits.append(at.elapsed - arrived)
            return weighed(at, reading, arrived)

        self.put(number, make)


def _carried(stations: int) -> dict[str, Any]:
    """A box with so many stations: frames that came, and those that waited too long."""
    with _box(stations) as (box, folder):
        _wait_for(lambda: all(v.screen in {"ready", "tray"} for v in box.views().values()), 20)
        box.waits.clear()
        played = _played(folder)
        began, used = time.monotonic(), time.process_time()
        time.sleep(MEASURE_S)
        waits, seconds = list(box.waits), time.monotonic() - began
        played = stations * (_played(folder) - played)
        used = time.process_time() - used
    late = sum(wait > LATE_S for wait in waits)
    missing = max(0.0, played * 0.95 - len(waits))
    return {
        "stations": stations,
        "frames_per_s": round(len(waits) / seconds),
        "frames_played_per_s": round(played / seconds),
        "late_permille": round(1000 * (late + missing) / max(1, played)),
        "wait_ms": _summary([1000 * wait for wait in waits]),
        "box_cpu_percent": round(100 * used / seconds),
    }


def _charges(scoops: int) -> dict[str, float] | None:
    """From the moment the tray leaves the reader to the entry on the disk, milliseconds."""
    times: list[float] = []
    with _box(1, by_hand=True) as (box, _folder), ExitStack() as stack:
        scale, reader = _hand_devices(stack, box)
        _wait_for(lambda: box.views()[1].screen == "ready", 20)
        for number in range(scoops):
            reader.put(TRAY)
            _wait_for(lambda: box.views()[1].screen == "tray", 5)
            scale.place(PAN - (number + 1) * SCOOP // 2, 0.3)
            time.sleep(0.5)
            head = box.store.journal.head()[0]
            reader.put()
            out = time.monotonic()
            _wait_for(lambda head=head: box.store.journal.head()[0] > head, 10)  # type: ignore[misc]
            times.append(1000 * (time.monotonic() - out))
            _wait_for(lambda: not box.state(1).here, 5)
    charged = [one for one in times if one < 9000]
    return _summary(charged)


def _hand_devices(stack: ExitStack, box: ScoopBox) -> tuple[Any, Any]:
    from devices.scales.simulator import ScaleSimulator  # noqa: PLC0415 - only for charges
    from devices.tag_simulator import TagSimulator  # noqa: PLC0415 - same

    scale = stack.enter_context(ScaleSimulator(PROTOCOL))
    scale.set_load(PAN)
    reader = stack.enter_context(TagSimulator(READER))
    connect_station(box, _said(1, scale.path, reader.path), SystemClock())
    return scale, reader


@contextmanager
def _box(stations: int, *, by_hand: bool = False) -> Iterator[tuple[_TimedBox, Path]]:
    """A box, its file and its devices; without devices where they are played by hand."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, terminal_id, clock = Path(name), new_id(), SystemClock()
        store = TillStore(folder / "till.db", terminal_id, new_key(), clock)
        store.apply_feed_page(_page(terminal_id, stations))
        if not by_hand:
            _start_devices(stack, folder, stations)
        book = LineBook(folder / "till.db", terminal_id)
        box = _TimedBox(store, book, clock, tuple(range(1, stations + 1)))
        box.waits = []
        if not by_hand:
            for number in box.numbers:
                said = _said(number, str(folder / f"scale{number}"), str(folder / f"tags{number}"))
                connect_station(box, said, clock)
        box.start()
        try:
            yield box, folder
        finally:
            box.stop()


def _start_devices(stack: ExitStack, folder: Path, stations: int) -> None:
    program = f"from pos.bench_line import play; play({str(folder)!r}, {stations})"
    player = subprocess.Popen([sys.executable, "-c", program])
    stack.callback(player.wait)
    stack.callback(player.terminate)
    _wait_for((folder / PLAYED).is_file, 20)


def play(folder: str, stations: int) -> None:
    """Be the scales and readers of so many stations, for ever; each tells ten times a second."""
    model, ends = MODELS[PROTOCOL], []
    for number in range(1, stations + 1):
        for name in ("scale", "tags"):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            (Path(folder) / f"{name}{number}").symlink_to(os.ttyname(slave))
            ends.append(master)
    counter = os.open(Path(folder) / PLAYED, os.O_RDWR | os.O_CREAT)
    tag, due, frame = frame_of(READER, TRAY), time.monotonic(), 0
    while True:
        for station in range(stations):
            due += FRAME_S / stations
            time.sleep(max(0.0, due - time.monotonic()))
            number = frame + 37 * station
            with suppress(BlockingIOError):
                os.write(ends[2 * station], model.frame(_load(number)))
                if number % 100 < 50:
                    os.write(ends[2 * station + 1], tag)
        frame += 1
        os.pwrite(counter, f"{frame:12}".encode("ascii"), 0)


def _played(folder: Path) -> int:
    """How many frames each scale has told; a busy machine may hold the player up as well."""
    return int((folder / PLAYED).read_text(encoding="ascii"))


def _said(number: int, scale: str, reader: str) -> StationSettings:
    return StationSettings(
        no=number,
        scale=PanScaleSettings(device=scale, protocol=PROTOCOL),
        reader=TagReaderSettings(device=reader, protocol=READER),
    )


# --- what the server would publish --------------------------------------------------------------


def _line_of(number: int, terminal_id: UUID) -> tuple[Dish, at_station.Line]:
    dish = Dish(id=new_id(), name=f"第{number}道菜", unit=Unit.KG, price=Fen(2800))
    now = datetime.now(UTC)
    station = LineStation(
        terminal_id=terminal_id, station=number, label=f"{number}号", dish_id=dish.id,
        pan_id=new_id(),
    )  # fmt: skip
    scale = ScaleRecord(
        terminal_id=terminal_id, station=number, model="OS2", max_grams=15_000, e_grams=2,
        verified_until=(now + timedelta(days=30)).date(),
    )  # fmt: skip
    tray = OpenTray(
        session_id=new_id(), diner_id=new_id(), name="张*", bound_at=now,
        until=now + timedelta(hours=1),
    )  # fmt: skip
    return dish, at_station.Line(LineRules(), station, dish, None, scale, {TRAY: tray})


def _page(terminal_id: UUID, stations: int) -> FeedPage:
    terminal = TerminalInfo(
        id=terminal_id, name="称重线", site_id=new_id(), site_name="测量", venue_id=new_id(),
        venue_name="测量",
    )  # fmt: skip
    items = [
        _item("policy", "policy", Policy(periods=())),
        _item("terminal", str(terminal_id), terminal),
    ]
    for number in range(1, stations + 1):
        dish, line = _line_of(number, terminal_id)
        items.append(_item("dish", str(dish.id), dish))
        key = f"{terminal_id}:{number}"
        for kind, body in (("line_station", line.station), ("scale", line.scale)):
            if body is not None:
                items.append(_item(kind, key, body))
        items += [_item("open_tray", tag, tray) for tag, tray in line.trays.items()]
    now = datetime.now(UTC)
    return FeedPage(since=0, version=1, items=tuple(items), more=False, server_time=now)


def _item(kind: str, key: str, record: Record) -> FeedItem:
    return FeedItem(kind=kind, key=key, version=1, body=record.to_body())


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Until it holds, or the time is over: then the figures say so."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)


def _summary(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {
        "median": round(float(np.median(values)), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
    }

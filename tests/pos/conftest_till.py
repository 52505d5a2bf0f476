"""A till of real parts before simulated devices: scale, printer, reader, camera, server."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
from argon2 import PasswordHasher
from conftest_pos import Canteen, card, item, make_policy

from dafan.clock import SystemClock
from dafan.config import PrinterSettings, ScaleSettings, Settings, TillSettings
from dafan.crypto import Identity, new_key, seal, token_is_good
from dafan.journal import GENESIS
from dafan.money import Fen, format_yuan
from dafan.records import FeedPage, JournalPush, Template
from devices.camera import FrameFeed
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.reader_port import SimulatedReader
from devices.scales.simulator import ScaleSimulator
from pos.build import build_till
from pos.enrol import Enrolment
from pos.keyring import KeyRing
from pos.kiosk.texts import NOTICES
from pos.state import Timing
from pos.view import Notice

CARD, OTHER_CARD = "0000001001", "0000001002"
"""Both are the diner's: a reader takes the same card again only after two seconds."""
PIN = "246810"
QUICK = Timing(paid=0.3, cooldown=0.0, notice=1.5, problem=2.0, held=1.0)


def all_day(**policy):
    """A canteen where it is always a meal and nothing is discounted, at any time of day."""
    canteen = Canteen(policy=make_policy(**{"periods": (), "confirm_ms": 200, **policy}))
    canteen.group = canteen.group.model_copy(update={"meals": {}, "discount_percent": 0})
    return canteen


def sentence(notice: Notice | None) -> str:
    """What a Chinese reader sees of a notice: the matter and the advice."""
    if notice is None:
        return ""
    params = {
        name: f"¥{format_yuan(Fen(value))}" if name.endswith("_fen") else value
        for name, value in notice.params.items()
    }
    return "，".join(part.format(**params) for part in NOTICES[notice.code]["zh"] if part)


class JumpingClock(SystemClock):
    """The machine's clock, which somebody sets."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self):
        return super().now() + self.offset


class Office:
    """The server as sync sees it, by the rules of the contract, or whatever ``says`` answers."""

    def __init__(self, identity: Identity) -> None:
        self.entries = []
        self.asked = 0
        self.says = None
        self._identity = identity

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.says is not None:
            return self.says(request)
        now = SystemClock().now()
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if not token_is_good(token, self._identity.signing_public, now):
            body = {"code": "bad_token", "message": "x", "server_time": now.isoformat()}
            return httpx.Response(401, json=body)
        if request.method == "GET":
            time.sleep(0.05)
            since = int(request.url.params["since"])
            page = FeedPage(since=since, version=since, items=(), more=False, server_time=now)
            return httpx.Response(200, json=page.to_body())
        for entry in JournalPush.model_validate_json(request.content).entries:
            if entry.seq == len(self.entries) + 1:
                self.entries.append(entry)
        last = self.entries[-1].hash if self.entries else GENESIS
        mark = {"applied_seq": len(self.entries), "applied_hash": last}
        return httpx.Response(200, json={"status": "ok", "server_time": now.isoformat(), **mark})


class Lens:
    """Shows a till its frames over and over, fifteen a second."""

    def __init__(self, *frames) -> None:
        self.feed = FrameFeed()
        self.frames = frames
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._ended.wait(0.066):
            frames = self.frames
            self.feed.push(frames[number % len(frames)])
            number += 1

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


class Counter:
    """A till, and everything that stands on its counter. One diner is known, with card and PIN.

    Args:
        folder: For its file and devices.
        canteen: What it sells.
        lens: A camera.
        pack: Models for it.
        timing: Waits.
        **diner: How the diner differs.
    """

    def __init__(
        self, folder: Path, canteen: Canteen, *, lens=None, pack=None, timing=QUICK, **diner
    ) -> None:
        self.canteen, self.lens, self.folder = canteen, lens, folder
        self.clock = JumpingClock()
        self.identity, self.site_key = Identity.create(), new_key()
        self.office = Office(self.identity)
        self.paper = VirtualPrinter(80)
        self.printer = TcpPrinter(self.paper).__enter__()
        self.scale = ScaleSimulator("cas-soh", link=folder / "scale", interval_s=0.05).start()
        self.reader = SimulatedReader(folder / "reader")
        devices = TillSettings(
            server_url="http://server",
            reader=str(self.reader.link),
            scale=ScaleSettings(device=self.scale.path),
            printer=PrinterSettings(url=self.printer.url),
        )
        self.till = build_till(
            Settings(data_dir=folder, till=devices),
            Enrolment(self.identity, canteen.terminal, KeyRing({1: self.site_key}, self.identity)),
            clock=self.clock,
            timing=timing,
            pack=pack,
            camera=lens.feed if lens else None,
            client=httpx.Client(transport=httpx.MockTransport(self.office)),
        )
        self.diner = canteen.diner(pin_hash=PasswordHasher(1, 8, 1).hash(PIN), **diner)
        self.publish(
            ("diner", str(self.diner.id), self.diner),
            *(("card", number, card(number, self.diner)) for number in (CARD, OTHER_CARD)),
        )
        self.till.start()
        self.until(lambda: self.till.state.armed, "an empty scale")

    def close(self) -> None:
        """Stop, and prove what must hold whatever was done to the till."""
        faults = list(self.till.store.journal.verify())
        self.till.stop()
        if self.lens:
            self.lens.stop()
        self.reader.unplug()
        self.scale.stop()
        self.printer.close()
        assert faults == []

    # what happens to it

    def publish(self, *items):
        """Publish everything anew, with these."""
        since = self.till.store.feed_version()
        self.till.store.apply_feed_page(self.canteen.page(*items, since=since, version=since + 1))

    def enrol_face(self, vector, pack_name):
        """A template of the diner; returns its key in the feed."""
        template_id = self.diner.id
        sealed = seal(self.site_key, vector.astype("<f4").tobytes(), f"template:{template_id}")
        template = Template(
            id=template_id, diner_id=self.diner.id, pack=pack_name, consent_version="2026-02",
            sealed=sealed,
        )  # fmt: skip
        self.publish(("template", str(template_id), template))
        return str(template_id)

    def withdraw_face(self, key):
        """The diner takes his consent back."""
        since = self.till.store.feed_version()
        gone = item("template", key, None, version=since + 1)
        page = self.canteen.page(since=since, version=since + 1)
        self.till.store.apply_feed_page(page.model_copy(update={"items": (gone,)}))

    def place(self, grams=412):
        """A tray swings, rests, and has a price."""
        self.scale.place(grams, settle_s=0.2)
        self.until(lambda: self.view.total and self.view.stable, "a priced tray")

    def lift(self):
        """The tray is taken away."""
        self.scale.lift(0.05)

    def hold_card(self, number=CARD):
        """A card of the diner at the reader."""
        self.reader.present(number)

    # what is seen of it

    @property
    def view(self):
        return self.till.view()

    def sales(self):
        """What has been paid, as the journal has it."""
        return [entry.body for entry in self.till.store.journal.read(0) if entry.kind == "sale"]

    def until(self, condition, what, seconds=15.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (
                f"never came: {what}; screen {self.view.screen}, {sentence(self.view.notice)!r}, "
                f"ask {self.view.ask}, sales {len(self.sales())}"
            )
            time.sleep(0.01)

    def until_screen(self, *screens):
        self.until(lambda: self.view.screen in screens, screens)

    def until_said(self, text, *screens):
        """The sentence stands on the screen (on one of these screens)."""
        self.until(
            lambda: (
                sentence(self.view.notice) == text and (not screens or self.view.screen in screens)
            ),
            text,
        )

    def never(self, condition, seconds):
        """It does not happen for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert not condition(), (self.view.screen, sentence(self.view.notice))
            time.sleep(0.01)

    def receipts(self):
        """Pieces of paper that were cut off."""
        return [receipt.text for receipt in self.paper.receipts]

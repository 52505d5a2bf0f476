"""The gate as it is built for the weigh line: camera, models, tray reader, card reader, journal."""

import time

import httpx
import numpy as np
import pytest
from conftest_pos import card, item
from conftest_till import CARD, Lens, Office, all_day

from dafan.clock import SystemClock
from dafan.config import Settings, TillSettings
from dafan.config_line import GateSettings, LineSettings, TagReaderSettings
from dafan.crypto import Identity, new_key, seal
from dafan.line import LineRules, SiteTray, TrayState
from dafan.records import Template
from devices.reader_port import SimulatedReader
from devices.tag_simulator import TagSimulator
from pos.enrol import Enrolment
from pos.gate_station import build_gate
from pos.keyring import KeyRing
from pos.view import Device, NoticeCode
from vision import samples
from vision.packs import load_pack
from vision.recognise import reference_vector

pytestmark = [pytest.mark.models, pytest.mark.process, pytest.mark.timeout(120)]
TRAY, SHIRT = "E2003016", "0477AA12"
OWN, STRANGER = 0, 2


class Entrance:
    """A gate of real parts before simulated devices; one diner has enrolled his face.

    Args:
        folder: For its file and devices.
        pack: Models.
        frames: What its camera shows.
        photo: The diner's, at his enrolment.
    """

    def __init__(self, folder, pack, frames, photo):
        self.canteen, self.key, self.lens = all_day(), new_key(), Lens(*frames)
        self.identity = Identity.create()
        self.diner = self.canteen.diner()
        self.tags = TagSimulator("uhf-bb", folder / "trays").__enter__()
        self.reader = SimulatedReader(folder / "cards")
        self.gate = build_gate(
            Settings(
                data_dir=folder,
                till=TillSettings(server_url="http://server", reader=str(self.reader.link)),
                line=LineSettings(
                    gate=GateSettings(reader=TagReaderSettings(device=self.tags.path))
                ),
            ),
            Enrolment(
                self.identity, self.canteen.terminal, KeyRing({1: self.key}, self.identity)
            ),
            clock=SystemClock(), pack=pack, camera=self.lens.feed,
            client=httpx.Client(transport=httpx.MockTransport(Office(self.identity))),
        )  # fmt: skip
        self._publish(reference_vector(pack, photo), pack.name)
        self.gate.start()
        self.until(lambda: self.gate.state.health.camera is Device.OK, "the camera")
        self.until(lambda: self.gate.state.health.scale is Device.OK, "the tray reader")

    def _publish(self, vector, pack_name):
        self.template = str(self.diner.id)
        sealed = seal(self.key, vector.astype("<f4").tobytes(), f"template:{self.template}")
        template = Template(
            id=self.diner.id, diner_id=self.diner.id, pack=pack_name, consent_version="2026-02",
            sealed=sealed,
        )  # fmt: skip
        self.gate.store.apply_feed_page(self.canteen.page(
            ("diner", str(self.diner.id), self.diner),
            ("card", CARD, card(CARD, self.diner)),
            ("template", self.template, template),
            ("line_rules", "line", LineRules()),
            ("line_tray", TRAY, SiteTray(state=TrayState.ACTIVE)),
        ))  # fmt: skip

    def withdraw(self):
        """The diner takes his consent back."""
        gone = item("template", self.template, None, version=2)
        page = self.canteen.page(since=1, version=2)
        self.gate.store.apply_feed_page(page.model_copy(update={"items": (gone,)}))

    def bound(self):
        """Tray, whose it is and by what, as the journal has it."""
        return [
            (one.body["tray"], one.body["diner_id"], one.body["by"])
            for one in self.gate.store.journal.read(0)
            if one.kind == "tray_bound"
        ]

    def until(self, condition, what):
        end = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < end, f"never came: {what}; {self.gate.view()}"
            time.sleep(0.01)

    def looks_in_vain(self):
        """The camera's person has been looked at, is nobody, and only a card gives the tray out."""
        self.until(lambda: self.gate.state.looking_since is not None, "a tray that waits")
        self.until(lambda: self.gate.state.hint is NoticeCode.UNKNOWN_FACE, "a face of nobody")
        assert self.bound() == []
        self.reader.present(CARD)
        self.until(self.bound, "a tray given out")
        return self.bound() == [(TRAY, str(self.diner.id), "card")]

    def close(self):
        faults = list(self.gate.store.journal.verify())
        self.gate.stop()
        self.lens.stop()
        self.reader.unplug()
        self.tags.__exit__()
        assert faults == []


@pytest.fixture(scope="module")
def pack(models_dir):
    return load_pack("mobilefacenet", [models_dir])


@pytest.fixture
def entrance(tmp_path, pack):
    """Builds a gate before whose camera somebody stands."""
    made, people, rng = [], samples.sample_faces(), np.random.default_rng(7)

    def build(number):
        shown = [
            samples.vary(people[number], rng, samples.jitter(samples.Variation(), rng))
            for _turn in range(6)
        ]
        photo = samples.vary(people[OWN], rng, samples.ENROLMENT)
        made.append(Entrance(tmp_path, pack, shown, photo))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_a_tray_on_the_reader_becomes_that_of_the_diner_whose_face_the_camera_sees(entrance):
    at = entrance(OWN)
    assert at.gate.state.looking_since is None
    assert at.gate.jpeg() is None, "nobody is looked for while no tray waits"
    at.tags.put(SHIRT)
    at.until(lambda: at.gate.state.foreign, "a chip that is no tray")
    assert at.gate.state.looking_since is None
    at.tags.put(SHIRT, TRAY)
    at.until(at.bound, "a tray given out")
    assert at.bound() == [(TRAY, str(at.diner.id), "face")]
    at.until(lambda: at.gate.state.looking_since is None, "the end of looking")
    assert at.gate.jpeg() is None


def test_the_face_of_a_stranger_binds_no_tray(entrance):
    at = entrance(STRANGER)
    at.tags.put(TRAY)
    assert at.looks_in_vain()


def test_the_face_of_a_diner_who_took_his_consent_back_binds_no_tray(entrance):
    at = entrance(OWN)
    at.withdraw()
    at.tags.put(TRAY)
    assert at.looks_in_vain()

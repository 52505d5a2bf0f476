"""Cameras at work: what lasts becomes an incident, and a blind camera is one itself."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from click.testing import CliRunner

from dafan.clock import ManualClock
from dafan.errors import BadInputError, DeviceError
from devices.camera import Frame
from kitchen.camera_health import COVERED, FROZEN, GARBAGE, LOST, Health
from kitchen.cli_watch import watch
from kitchen.watch import Eye, Found, Live, Setup, play, read_setup
from kitchen.watch_report import Reporter
from kitchen.watch_spool import Spool
from vision.boxes import Box
from vision.hide import encode, without_faces
from vision.images import BgrImage, read_image
from vision.looks import Look, Zone, violations
from vision.persons import Person, Verdict

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
COOK = Box(40, 40, 60, 160)
GUEST = Box(180, 40, 60, 160)


def noise(seed: int, level: int = 128) -> BgrImage:
    """A frame like any other of a camera at work: nothing in it, but never the same."""
    return np.random.default_rng(seed).integers(level - 40, level + 40, (240, 320, 3), np.uint8)


class Scripted:
    """A kitchen in which a cook stands without a mask and a guest with one."""

    def __init__(self, rule: str = "no_mask") -> None:
        self.rule = rule

    def look(self, image: BgrImage, zones: Sequence[Zone] = ()) -> Look:
        def person(box: Box, verdict: Verdict) -> Person:
            head = Box(box.x + 10, box.y, 40, 40)
            torso = Box(box.x, head.bottom, box.w, 80)
            return Person(box, 0.9, head, torso, head, {self.rule: verdict})

        wrong = Verdict("wrong", 0.9, Box(50, 40, 40, 40))
        persons = (person(COOK, wrong), person(GUEST, Verdict("right", 0.9)))
        size = (image.shape[1], image.shape[0])
        return Look(persons, (), tuple(violations(persons, (), zones, size)), ())


def folder_of(path: Path, frames: Sequence[BgrImage | bytes]) -> Path:
    path.mkdir()
    for number, frame in enumerate(frames):
        data = frame if isinstance(frame, bytes) else cv2.imencode(".png", frame)[1].tobytes()
        (path / f"{number:03}.png").write_bytes(data)
    return path


def played(tmp_path: Path, frames: Sequence[BgrImage | bytes], setup: Setup) -> list[Found]:
    folder = folder_of(tmp_path / "frames", frames)
    found = list(play(folder, Eye(setup, Scripted(), played=True), START, 2.0))
    shutil.rmtree(folder)
    return found


def test_a_breach_that_lasts_is_told_once_and_the_same_frames_tell_the_same(tmp_path: Path) -> None:
    frames = [noise(n) for n in range(30)]
    first = played(tmp_path, frames, Setup("热厨"))
    assert [one.kind for one in first] == ["no_mask"]
    assert first[0].at == START + timedelta(seconds=2)
    assert (first[0].persons, first[0].box, first[0].wrong) == (2, COOK, 5)
    again = played(tmp_path, frames, Setup("热厨"))
    assert [one.as_json() for one in again] == [one.as_json() for one in first]


def test_three_frames_are_no_incident(tmp_path: Path) -> None:
    assert played(tmp_path, [noise(n) for n in range(3)], Setup("热厨")) == []


def test_a_rule_counts_in_its_zone_and_where_it_is_watched(tmp_path: Path) -> None:
    frames = [noise(n) for n in range(10)]
    right_half = Zone(((0.5, 0), (1, 0), (1, 1), (0.5, 1)), frozenset({"no_mask"}))
    assert played(tmp_path, frames, Setup("热厨", (right_half,))) == []
    assert played(tmp_path, frames, Setup("热厨", rules=frozenset({"phone"}))) == []
    left_half = Zone(((0, 0), (0.5, 0), (0.5, 1), (0, 1)), frozenset({"no_mask"}))
    assert len(played(tmp_path, frames, Setup("热厨", (left_half,)))) == 1


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        ([b"not a picture"] * 14, GARBAGE),
        ([b""] * 24, LOST),
        ([noise(1)] * 14, FROZEN),
        ([np.full((240, 320, 3), 4, np.uint8)] * 14, COVERED),
    ],
)
def test_a_camera_that_shows_nothing_is_an_incident_itself_once(
    tmp_path: Path, bad: list[BgrImage | bytes], kind: str
) -> None:
    found = played(tmp_path, [noise(0), *bad, noise(2)], Setup("热厨", rules=frozenset({"phone"})))
    assert [one.kind for one in found] == [kind]


def test_a_fault_must_last_and_one_that_comes_again_soon_is_quiet() -> None:
    health = Health()

    def at(second: float, kind: str) -> bool:
        return health.step(START + timedelta(seconds=second), kind) is not None

    assert not at(0, LOST)
    assert not at(9.9, LOST)
    assert at(10, LOST)
    assert not at(60, LOST)
    assert not at(70, "")
    assert not at(80, LOST)
    assert not at(95, LOST)
    assert not at(96, "")
    assert not at(400, LOST)
    assert at(411, LOST)


def test_only_the_head_that_proves_the_breach_stays_on_the_evidence(tmp_path: Path) -> None:
    frame = noise(5)
    look = Scripted().look(frame)
    kept = without_faces(frame, look, 0)
    cook, guest = np.s_[40:80, 50:90], np.s_[40:80, 190:230]
    assert (kept[cook] == frame[cook]).all()
    assert len(np.unique(kept[guest].reshape(-1, 3), axis=0)) <= 64
    nobody = without_faces(frame, look)
    assert len(np.unique(nobody[cook].reshape(-1, 3), axis=0)) <= 64
    found = played(tmp_path, [noise(n) for n in range(8)], Setup("热厨"))
    assert found[0].picture is not None
    assert found[0].picture.startswith(b"\xff\xd8\xff")


def test_a_phone_is_told_without_anybodys_face() -> None:
    eye = Eye(Setup("热厨"), Scripted("phone"))
    found = [
        one
        for n in range(8)
        for one in eye.see(cv2.GaussianBlur(noise(n), (0, 0), 3), START + timedelta(seconds=n / 2))
    ]
    assert [one.kind for one in found] == ["phone"]
    assert found[0].picture is not None
    drawn = cv2.imdecode(np.frombuffer(found[0].picture, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    inner = drawn[45:49, 52:54].reshape(-1, 3).astype(int)
    assert np.ptp(inner, axis=0).max() < 12  # inside one square there is one colour


def test_evidence_is_small_enough_to_be_sent() -> None:
    large = np.random.default_rng(1).integers(0, 255, (1500, 2000, 3), np.uint8)
    data = encode(large)
    assert max(read_size(data)) == 1280


def read_size(data: bytes) -> tuple[int, int]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.shape[1], image.shape[0]


class Dying:
    """A camera that sends three frames and is gone."""

    live = True

    def __init__(self, clock: ManualClock) -> None:
        self.left = 3
        self.clock = clock

    def read(self) -> Frame | None:
        self.left -= 1
        if self.left < 0:
            raise DeviceError("cannot open camera: check cable and address")
        return Frame(noise(self.left), self.clock.monotonic(), 3 - self.left)

    def close(self) -> None:
        pass


def test_a_live_camera_that_is_away_is_told_after_ten_seconds() -> None:
    clock = ManualClock(START)
    told: list[Found] = []
    live = Live(Eye(Setup("热厨"), Scripted()), Dying(clock), clock, told.append, fps=30)
    live._state(type("State", (), {"code": "disconnected", "detail": "no route"})())  # type: ignore[arg-type]
    live.tick()
    clock.advance(9)
    live.tick()
    assert told == []
    clock.advance(1)
    live.tick()
    live.tick()
    assert [(one.kind, one.detail) for one in told] == [(LOST, "no route")]


def test_a_folder_without_pictures_and_a_camera_that_cannot_be_read_are_said(
    tmp_path: Path,
) -> None:
    with pytest.raises(DeviceError, match="no pictures"):
        list(play(tmp_path, Eye(Setup("a"), Scripted()), START, 2))
    for wrong in ({}, {"name": "a", "rules": ["dancing"]},
                  {"name": "a", "zone": [{"polygon": [[0, 0], [1, 1]], "rules": ["phone"]}]},
                  {"name": "a", "zone": [{"rules": ["phone"]}]}):  # fmt: skip
        with pytest.raises(BadInputError):
            read_setup(wrong)
    assert read_setup({"name": "a", "rules": ["phone"]}).rules == {"phone"}


# --- the spool and the way to the server ---------------------------------------------------------


def a_line(
    name: str = "0190b1f0-0000-7000-8000-000000000001", second: int = 0
) -> dict[str, object]:
    at = (START + timedelta(seconds=second)).isoformat()
    return {"id": name, "kind": "phone", "camera": "热厨", "at": at, "evidence": None}


def test_what_waits_is_sealed_on_the_disk_and_goes_when_it_is_delivered(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    line = a_line()
    spool.put(line, b"\xff\xd8\xff a face")
    assert not any(b"a face" in path.read_bytes() for path in tmp_path.iterdir())
    assert Spool(tmp_path).picture(str(line["id"])) == b"\xff\xd8\xff a face"
    assert [one["kind"] for one in spool.waiting()] == ["phone"]
    spool.done(str(line["id"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box.key"]


def test_old_evidence_goes_whether_it_was_delivered_or_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(a_line(), b"\xff\xd8\xff")
    now = datetime.now(UTC)
    assert spool.erase_old(now, 90) == 0
    assert spool.erase_old(now + timedelta(days=91), 90) == 2
    assert list(spool.waiting()) == []


def test_a_server_that_is_away_loses_nothing_and_one_that_refuses_blocks_nothing(
    tmp_path: Path,
) -> None:
    spool, answers, asked = Spool(tmp_path), [503, 200, 400, 200], []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(answers.pop(0), json={})

    names = [f"0190b1f0-0000-7000-8000-00000000000{n}" for n in range(3)]
    for second, name in enumerate(names):
        spool.put(a_line(name, second), b"\xff\xd8\xff")
    client = httpx.Client(transport=httpx.MockTransport(server))
    reporter = Reporter("http://127.0.0.1:1", "dafan_x", spool, client)
    assert reporter.deliver() == 0
    assert reporter.wait_s > 0
    assert reporter.deliver() == 2
    assert reporter.wait_s == 0
    assert [path for _, path, _ in asked[1:]] == [f"/api/v1/incidents/{name}" for name in names]
    assert asked[1][2]["picture"]
    assert list(spool.waiting()) == []
    assert {path.stem for path in (tmp_path / "refused").iterdir()} == {names[1]}


def test_the_server_says_how_cameras_are_set(tmp_path: Path) -> None:
    said = {"cameras": [{"name": "热厨", "rules": ["phone"]}]}
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=said)))
    reporter = Reporter("http://127.0.0.1:1", "dafan_x", Spool(tmp_path), client)
    assert reporter.cameras() == said["cameras"]
    away = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(502)))
    assert Reporter("http://127.0.0.1:1", "dafan_x", Spool(tmp_path), away).cameras() is None


# --- the command, with real weights --------------------------------------------------------------


@pytest.mark.models
def test_the_command_prints_incidents_and_opens_their_evidence(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = Path(__file__).resolve().parents[3] / "shared" / "kitchen" / "nomask_307.jpg"
    if not photograph.is_file():
        pytest.skip("no photographs of kitchens beside the checkout")
    monkeypatch.setenv("DAFAN_MODELS", str(models_dir))
    bare = read_image(photograph)
    draw = np.random.default_rng(7)
    frames = [
        np.clip(bare.astype(int) + draw.integers(-3, 4, bare.shape), 0, 255).astype(np.uint8)
        for _ in range(6)
    ]
    folder = folder_of(tmp_path / "frames", frames)
    kept = tmp_path / "kept"
    asked = ["--source", str(folder), "--json-lines", "--folder", str(kept), "--camera", "热厨"]
    answer = CliRunner().invoke(watch, asked, catch_exceptions=False)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(line["kind"], line["camera"]) for line in lines] == [("no_mask", "热厨")]
    assert lines[0]["evidence"]["file"].endswith(".sealed")
    again = CliRunner().invoke(watch, asked, catch_exceptions=False)
    assert again.stdout == answer.stdout
    opened = CliRunner().invoke(watch, ["--open", lines[0]["id"], "--folder", str(kept)])
    assert opened.stdout_bytes.startswith(b"\xff\xd8\xff")

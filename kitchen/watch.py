"""Cameras at work: frames in, incidents out, and the picture that proves each.

Of the kitchen's rooms this one alone knows pictures and devices. One frame proves nothing
(:mod:`vision.debounce`), and a camera that shows nothing is an incident itself: away, hanging,
covered, or sending what is no picture.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

from dafan.clock import Clock
from dafan.errors import BadInputError, DeviceError
from dafan.ids import new_id
from devices.camera import CameraState, CameraThread, Frame, FrameSource, Watcher
from kitchen.camera_health import COVERED, FROZEN, GARBAGE, LOST, Health
from vision.boxes import Box
from vision.debounce import PATIENCE, Debounce, Incident
from vision.errors import ImageError
from vision.features import load_backbone
from vision.hide import encode, without_faces
from vision.hygiene import load_hygiene
from vision.images import SUFFIXES, BgrImage, read_image
from vision.looks import Look, Zone, sights
from vision.persons import RULES
from vision.taught_file import from_bytes

HEAD_RULES = frozenset({"no_mask", "no_hat"})
"""What only the head of the person shows: his face stays in the evidence, all others go."""
_STATES = {"covered": COVERED, "frozen": FROZEN}


class Looking(Protocol):
    """What judges one frame: :class:`vision.hygiene.Hygiene`."""

    def look(self, image: BgrImage, zones: Sequence[Zone] = ()) -> Look:
        """Who is there, and which rules are broken."""
        ...


@dataclass(frozen=True)
class Setup:
    """What holds at one camera.

    Attributes:
        name: As the server knows it.
        zones: Where rules count; a rule that no zone names counts everywhere.
        rules: The rules that are watched here.
    """

    name: str
    zones: tuple[Zone, ...] = ()
    rules: frozenset[str] = frozenset(RULES)


@dataclass(frozen=True)
class Found:
    """An incident, as it is told.

    Attributes:
        id: The same incident told twice has the same.
        kind: One of :data:`vision.persons.RULES` or :data:`kitchen.camera_health.FAULTS`.
        camera: Its name.
        at: When it became sure.
        since: When it began.
        size: Width and height of the frame, pixels; ``None`` where there was none.
        persons: How many were seen in it.
        box: Who or what, in pixels of the frame.
        part: What shows it: head, face, torso, thing.
        score: How sure, 0 to 1.
        wrong: Wrong frames among those judged.
        judged: Frames that could be judged.
        track: Number of who was followed.
        detail: What a fault says.
        picture: The evidence, JPEG; ``None`` where there was no frame.
    """

    id: UUID
    kind: str
    camera: str
    at: datetime
    since: datetime
    size: tuple[int, int] | None = None
    persons: int = 0
    box: Box | None = None
    part: Box | None = None
    score: float | None = None
    wrong: int = 0
    judged: int = 0
    track: int = 0
    detail: str = ""
    picture: bytes | None = field(default=None, repr=False)

    def as_json(self, file: str = "") -> dict[str, Any]:
        """One line of ``--json-lines``: boxes are x, y, width, height in pixels of the frame.

        Args:
            file: Where the sealed picture lies.
        """
        evidence = None
        if self.picture is not None:
            digest = hashlib.sha256(self.picture).hexdigest()
            evidence = {"file": file, "sha256": digest, "bytes": len(self.picture)}
        return {
            "id": str(self.id), "kind": self.kind, "camera": self.camera,
            "at": self.at.isoformat(), "since": self.since.isoformat(),
            "size": self.size, "persons": self.persons,
            "box": _numbers(self.box), "part": _numbers(self.part),
            "score": None if self.score is None else round(self.score, 4),
            "wrong": self.wrong, "judged": self.judged, "track": self.track,
            "detail": self.detail, "evidence": evidence,
        }  # fmt: skip


class Watching:
    """The detectors of a box, loaded once for all its cameras.

    Args:
        small: Take the smaller mask detector.

    Raises:
        ModelError: the detector of persons is missing, or a file is damaged.
    """

    def __init__(self, *, small: bool = False) -> None:
        keys = ["yolox_nano", "facemask_260"] if small else None
        self._hygiene, self.notes = load_hygiene(keys=keys)

    def at(self, taught: Mapping[str, str]) -> Looking:
        """What looks at the frames of one camera.

        Args:
            taught: Rule → what :func:`vision.taught_file.to_bytes` wrote, of the rules that are
                live there.

        Raises:
            ModelError: a taught rule is damaged, or was taught with other weights.
        """
        if not taught:
            return self._hygiene
        backbone = load_backbone()
        return self._hygiene.with_taught(
            [from_bytes(text.encode(), backbone) for _, text in sorted(taught.items())]
        )


def read_setup(said: Mapping[str, Any]) -> Setup:
    """What a file or the server says of a camera: ``name``, ``rules``, and each ``zone``.

    Raises:
        BadInputError: it cannot be read.
    """
    try:
        zones = tuple(
            Zone(tuple((float(x), float(y)) for x, y in zone["polygon"]), frozenset(zone["rules"]))
            for zone in said.get("zone") or ()
        )
        rules = frozenset(said.get("rules") or RULES)
        name = str(said["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"this camera cannot be read: {error}") from error
    unknown = (rules | frozenset().union(*(zone.rules for zone in zones))) - set(RULES)
    if unknown or any(len(zone.polygon) < 3 for zone in zones):
        raise BadInputError(
            f"camera {name}: a zone has three corners or more, and rules of {', '.join(RULES)}"
        )
    return Setup(name, zones, rules)


class Eye:
    """One camera's frames, looked at one after another by one thread.

    Args:
        setup: What holds there.
        looking: Judges frames.
        played: Frames of a folder: the same frames give the same ids.
    """

    def __init__(self, setup: Setup, looking: Looking, *, played: bool = False) -> None:
        self._setup = setup
        self._looking = looking
        self._played = played
        self._health = Health()
        self._watcher = Watcher(live=True)
        self._seq = 0
        self._debounce = _debounce(setup)

    @property
    def name(self) -> str:
        """The camera's."""
        return self._setup.name

    def change(self, setup: Setup, looking: Looking) -> None:
        """Watch by other rules from the next frame on."""
        if setup != self._setup:
            self._setup, self._debounce = setup, _debounce(setup)
        self._looking = looking

    def see(self, image: BgrImage, at: datetime) -> list[Found]:
        """Take in one frame.

        Raises:
            ModelError: a detector's answer is not what its manifest entry says.
        """
        self._seq += 1
        state = self._watcher.judge(Frame(image, at.timestamp(), self._seq))
        fault = _STATES.get(state, "")
        since = self._health.step(at, fault)
        if fault:
            return [] if since is None else [self._fault(fault, at, since, "", image)]
        try:
            look = self._looking.look(image, self._setup.zones)
        except ImageError as error:
            return self.blind(at, GARBAGE, str(error))
        return [
            self._incident(incident, look, image)
            for incident in self._debounce.step(at, sights(look))
        ]

    def blind(self, at: datetime, kind: str, detail: str) -> list[Found]:
        """There is no frame to look at now."""
        since = self._health.step(at, kind)
        return [] if since is None else [self._fault(kind, at, since, detail, None)]

    def still(self, image: BgrImage) -> bytes | None:
        """A frame for boards and for drawing zones, JPEG: nobody can be known on it."""
        try:
            look = self._looking.look(image)
        except ImageError:  # too few pixels to show anybody
            return None
        return encode(without_faces(image, look), 960, 80)

    def _fault(
        self, kind: str, at: datetime, since: datetime, detail: str, image: BgrImage | None
    ) -> Found:
        picture = None if image is None else self.still(image)
        return Found(
            self._id(kind, 0, at), kind, self.name, at, since, detail=detail[:200], picture=picture
        )

    def _incident(self, incident: Incident, look: Look, image: BgrImage) -> Found:
        index = next((i for i, p in enumerate(look.persons) if p.box == incident.box), None)
        part = incident.box
        if index is not None:
            part = look.persons[index].verdicts[incident.rule].box or part
        kept = index if incident.rule in HEAD_RULES else None
        return Found(
            id=self._id(incident.rule, incident.track, incident.at),
            kind=incident.rule, camera=self.name, at=incident.at, since=incident.since,
            size=(image.shape[1], image.shape[0]), persons=len(look.persons),
            box=incident.box, part=part, score=incident.score,
            wrong=incident.wrong, judged=incident.judged, track=incident.track,
            picture=encode(without_faces(image, look, kept)),
        )  # fmt: skip

    def _id(self, kind: str, track: int, at: datetime) -> UUID:
        if not self._played:
            return new_id()
        return uuid5(NAMESPACE_URL, f"dafan:{self.name}:{kind}:{track}:{at.isoformat()}")


def play(folder: Path, eye: Eye, start: datetime, fps: float) -> Iterator[Found]:
    """Look at a folder's pictures in order of name, on a clock of their own.

    A file that is no picture is one bad frame, an empty file one that did not come.

    Args:
        folder: Of JPEG and PNG files.
        eye: Looks.
        start: When the first was taken; aware.
        fps: Pictures a second.

    Raises:
        DeviceError: no picture is there.
    """
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise DeviceError(f"folder {folder} holds no pictures: put JPEG or PNG files there")
    for number, path in enumerate(files):
        at = start + timedelta(seconds=number / fps)
        try:
            image = read_image(path)
        except BadInputError as error:
            kind = GARBAGE if path.stat().st_size else LOST
            yield from eye.blind(at, kind, str(error))
        else:
            yield from eye.see(image, at)


class Live:
    """A camera that is watched for ever; it is opened again whenever it is lost.

    Args:
        eye: Looks at its frames.
        source: For :func:`devices.camera.open_source`, or a source that is open already.
        clock: Time of incidents.
        tell: Takes each incident, from a second thread.
        show: Takes a still now and then, from a second thread.
        fps: Frames a second that are looked at.
        show_s: Seconds between stills.
    """

    def __init__(
        self,
        eye: Eye,
        source: str | FrameSource,
        clock: Clock,
        tell: Callable[[Found], None],
        *,
        show: Callable[[str, bytes], None] | None = None,
        fps: float = 2.0,
        show_s: float = 5.0,
    ) -> None:
        self.eye = eye
        self._clock = clock
        self._tell = tell
        self._show = show
        self._show_s = show_s
        self._shown: float | None = None
        self._away = ""
        self._lock = Lock()
        self._camera = CameraThread(source, clock, self._frame, self._state, max_fps=fps)

    def start(self) -> None:
        """Begin."""
        self._camera.start()

    def stop(self) -> None:
        """End, after the read in progress at the latest."""
        self._camera.stop()

    def tick(self) -> None:
        """Ask now and then: nobody else notices that no frame comes."""
        with self._lock:
            found = self.eye.blind(self._clock.now(), LOST, self._away) if self._away else []
        for one in found:
            self._tell(one)

    def change(self, setup: Setup, looking: Looking) -> None:
        """Watch by other rules from the next frame on."""
        with self._lock:
            self.eye.change(setup, looking)

    def _frame(self, frame: Frame) -> None:
        with self._lock:
            found = self.eye.see(frame.image, self._clock.now())
            still = self._still(frame)
        for one in found:
            self._tell(one)
        if still is not None and self._show is not None:
            self._show(self.eye.name, still)

    def _still(self, frame: Frame) -> bytes | None:
        due = self._shown is None or frame.at - self._shown >= self._show_s
        if self._show is None or not due:
            return None
        self._shown = frame.at
        return self.eye.still(frame.image)

    def _state(self, state: CameraState) -> None:
        with self._lock:
            away = state.detail or "the camera sends no pictures"
            self._away = away if state.code == "disconnected" else ""


def _debounce(setup: Setup) -> Debounce:
    return Debounce(setup.name, {r: p for r, p in PATIENCE.items() if r in setup.rules})


def _numbers(box: Box | None) -> list[float] | None:
    return None if box is None else [round(v, 1) for v in (box.x, box.y, box.w, box.h)]

"""Cameras by OpenCV: USB, RTSP, video files, pictures, folders; the newest frame only.

Sources: ``0`` or ``/dev/video0`` – ``rtsp://…`` (or ``http://…``) – ``clip.mp4`` – ``face.jpg`` –
``folder/`` of pictures, played in order of name. Files and folders start again at their end.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np

from dafan.clock import Clock, SystemClock
from dafan.errors import ConfigError, DafanError, DeviceError
from devices.pictures import Image, checked, load_picture

_LOG = logging.getLogger(__name__)

# OpenCV would print a warning of its own at every attempt to open a camera that is away.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
OPEN_MS, READ_MS = 5000, 3000
"""How long a network camera may take to answer, and then to send each frame."""

LONGEST_RETRY_S = 30.0
FROZEN_S = 5.0
"""A live camera's noise changes every frame: the same picture for so long means that it hangs."""

COVERED_LEVEL, COVERED_SPREAD = 40.0, 6.0
"""A covered lens: mean grey below, and standard deviation below (0 to 255)."""


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    Args:
        image: Height × width × 3, uint8, BGR.
        at: Monotonic seconds when it arrived.
        seq: Counts up by one from 0 within a source.
    """

    image: Image
    at: float
    seq: int


class FrameSource(Protocol):
    """Where frames come from. Whoever opened it closes it."""

    live: bool
    """Frames come in their own time, and a standing picture is a fault."""

    def read(self) -> Frame | None:
        """The next frame; None where there is none now (a live source: it is broken).

        Raises:
            DeviceError: the source sends what is no picture.
        """
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


class FrameFeed:
    """Frames pushed in by the same program: tests, the demo. ``read`` takes each at most once."""

    live = False

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._frames: deque[Frame] = deque(maxlen=1)
        self._seq = 0

    def push(self, image: Image) -> None:
        """Replace the waiting frame by this picture (height × width × 3, uint8, BGR)."""
        self._frames.append(Frame(checked(image), self._clock.monotonic(), self._seq))
        self._seq += 1

    def read(self) -> Frame | None:
        """The waiting frame, or None."""
        try:
            return self._frames.popleft()
        except IndexError:
            return None

    def close(self) -> None:
        """Nothing to let go of."""


class PictureSource:
    """Pictures shown one after another, again from the first after the last."""

    live = False

    def __init__(self, files: list[Path], clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._seq = 0

    def read(self) -> Frame:
        """The next picture."""
        image = load_picture(self._files[self._seq % len(self._files)])
        frame = Frame(image, self._clock.monotonic(), self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        """Nothing to let go of."""


class CaptureSource:
    """A device, stream or video that OpenCV opened."""

    def __init__(self, capture: cv2.VideoCapture, name: str, live: bool, clock: Clock) -> None:
        self.live = live
        self._capture = capture
        self._name = name
        self._clock = clock
        self._seq = 0

    def read(self) -> Frame | None:
        """The next frame; a video begins again at its end."""
        image = self._grab()
        if image is None and not self.live and self._seq:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            image = self._grab()
        if image is None:
            return None
        frame = Frame(checked(image), self._clock.monotonic(), self._seq)
        self._seq += 1
        return frame

    def _grab(self) -> Any:
        try:
            good, image = self._capture.read()
        except cv2.error as error:
            raise DeviceError(
                f"camera {self._name} sends what is no picture: restart it"
            ) from error
        return image if good else None

    def close(self) -> None:
        """Let go of the device."""
        self._capture.release()


def open_source(source: str, clock: Clock | None = None) -> FrameSource:
    """Open a camera, stream, video, picture or folder.

    Raises:
        ConfigError: the text names nothing that could be a camera.
        DeviceError: it cannot be opened now.
    """
    clock = clock or SystemClock()
    if source.isdecimal():
        return _open_device(int(source), source, clock)
    if source.startswith(("rtsp://", "rtsps://", "http://", "https://")):
        return _open_stream(source, clock)
    path = Path(source)
    if not source or (not path.exists() and not source.startswith("/dev/")):
        raise ConfigError(
            f"no camera '{source}': name 0, /dev/video0, rtsp://…, a video, a picture or a folder"
        )
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        if not files:
            raise DeviceError(f"folder {source} holds no pictures: put JPEG or PNG files there")
        return PictureSource(files, clock)
    if path.suffix.lower() in PICTURES:
        return PictureSource([path], clock)
    if source.startswith("/dev/"):
        return _open_device(source, source, clock)
    return CaptureSource(_capture(source, source, cv2.CAP_FFMPEG), source, live=False, clock=clock)


def _open_device(device: int | str, name: str, clock: Clock) -> CaptureSource:
    capture = _capture(device, name, cv2.CAP_V4L2)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return CaptureSource(capture, name, live=True, clock=clock)


def _open_stream(url: str, clock: Clock) -> CaptureSource:
    # TCP: lost UDP packets smear faces. OpenCV reads these only from the environment.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    name = without_password(url)
    return CaptureSource(_capture(url, name, cv2.CAP_FFMPEG, limits), name, live=True, clock=clock)


def without_password(url: str) -> str:
    """An address fit for logs and screens: a user and password before ``@`` are left out."""
    scheme, mark, rest = url.partition("://")
    return scheme + mark + rest.rpartition("@")[2] if mark else url


def _capture(
    target: int | str, name: str, backend: int, options: list[int] | None = None
) -> cv2.VideoCapture:
    try:
        capture = cv2.VideoCapture(target, backend, options or [])
    except cv2.error as error:
        raise DeviceError(f"cannot open camera {name}: check cable and address") from error
    if not capture.isOpened():
        capture.release()
        raise DeviceError(f"cannot open camera {name}: check cable and address")
    return capture


def is_covered(image: Image) -> bool:
    """Whether a hand, a cap or paint is on the lens: dark, and the same all over."""
    small = image[::8, ::8].astype(np.float32)
    return bool(small.mean() < COVERED_LEVEL and small.std() < COVERED_SPREAD)


CameraCode = Literal["connected", "frozen", "covered", "disconnected"]


@dataclass(frozen=True)
class CameraState:
    """What a screen needs to know: a stable code and the reason in words."""

    code: CameraCode
    detail: str = ""


class Watcher:
    """Judges whether the frames of a camera show the world.

    Args:
        live: Whether standing pictures are a fault.
    """

    def __init__(self, live: bool) -> None:
        self._live = live
        self._last: bytes = b""
        self._changed_at: float | None = None

    def judge(self, frame: Frame) -> CameraCode:
        """The state after one more frame."""
        print_ = frame.image[::16, ::16].tobytes()
        if self._changed_at is None or print_ != self._last:
            self._last, self._changed_at = print_, frame.at
        if is_covered(frame.image):
            return "covered"
        if self._live and frame.at - self._changed_at >= FROZEN_S:
            return "frozen"
        return "connected"


class CameraThread:
    """Reads a camera for ever and hands over its newest frame; opens it again when it is lost.

    Args:
        source: For :func:`open_source`, or a source that is open already.
        clock: Time of frames and waits.
        on_frame: Called from a second thread with the newest frame; while it works, frames are
            dropped, so that none it gets is old.
        on_state: Called from the reading thread whenever the state changes.
        max_fps: Frames handed over a second at most.
    """

    def __init__(
        self,
        source: str | FrameSource,
        clock: Clock,
        on_frame: Callable[[Frame], None],
        on_state: Callable[[CameraState], None] = lambda _: None,
        max_fps: float = 15.0,
    ) -> None:
        self._source = source
        self._clock = clock
        self._on_frame = on_frame
        self._on_state = on_state
        self._interval = 1.0 / max_fps
        self._state: CameraState | None = None
        self._newest: Frame | None = None
        self._slot = threading.Condition()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._read_for_ever, name="camera", daemon=True),
            threading.Thread(target=self._deliver, name="camera frames", daemon=True),
        ]

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, after the read in progress at the latest."""
        self._stopping.set()
        with self._slot:
            self._slot.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _read_for_ever(self) -> None:
        retry = 1.0
        while not self._stopping.is_set():
            try:
                if self._read_until_lost():
                    retry = 1.0
            except (DafanError, cv2.error, OSError) as error:
                self._tell(CameraState("disconnected", str(error)))
            self._stopping.wait(retry)
            retry = min(2 * retry, LONGEST_RETRY_S)

    def _read_until_lost(self) -> bool:
        """Take frames until the source breaks; whether there were any."""
        given = self._source
        source = open_source(given, self._clock) if isinstance(given, str) else given
        watcher = Watcher(source.live)
        seen = False
        try:
            while not self._stopping.is_set():
                frame = source.read()
                if frame is not None:
                    seen = True
                    self._tell(CameraState(watcher.judge(frame)))
                    self._put(frame)
                elif not isinstance(source, FrameFeed):
                    self._tell(CameraState("disconnected", "the camera sends no more pictures"))
                    break
                if not source.live:  # nothing else paces a file, a folder or a feed
                    self._stopping.wait(self._interval)
        finally:
            source.close()
        return seen

    def _put(self, frame: Frame) -> None:
        with self._slot:
            self._newest = frame
            self._slot.notify_all()

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            with self._slot:
                self._slot.wait_for(lambda: self._newest is not None or self._stopping.is_set())
                frame, self._newest = self._newest, None
            if frame is None:
                return
            try:
                self._on_frame(frame)
            except Exception:  # noqa: BLE001 - one bad picture must not blind the till
                _LOG.exception("a frame could not be used")
            self._stopping.wait(max(0.0, frame.at + self._interval - self._clock.monotonic()))

    def _tell(self, state: CameraState) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state)

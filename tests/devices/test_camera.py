"""Frames from files, folders, feeds; and cameras that lie, hang or vanish."""

import contextlib
import socket
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from dafan.clock import SystemClock
from dafan.errors import ConfigError, DeviceError
from devices import camera
from devices.camera import CameraState, CameraThread, Frame, FrameFeed, Watcher, open_source


def picture(level: int, height: int = 48, width: int = 64):
    image = np.full((height, width, 3), level, dtype=np.uint8)
    image[: height // 2, : width // 2] = 255 - level
    return image


def write_video(path: Path, levels) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    assert writer.isOpened()
    for level in levels:
        writer.write(picture(level))
    writer.release()


class Collector:
    """Frames and states of a thread, with a way to wait for them."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.states: list[CameraState] = []
        self._changed = threading.Condition()

    def on_frame(self, frame: Frame) -> None:
        with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()

    def on_state(self, state: CameraState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    def wait(self, until) -> None:
        with self._changed:
            assert self._changed.wait_for(until, timeout=30), (len(self.frames), self.states)

    def codes(self) -> list[str]:
        return [state.code for state in self.states]


def test_a_folder_plays_its_pictures_by_name_and_starts_again(tmp_path):
    for name, level in (("b.png", 90), ("a.png", 30), ("notes.txt", 0)):
        (tmp_path / name).write_bytes(cv2.imencode(".png", picture(level))[1].tobytes())
    source = open_source(str(tmp_path))
    frames = [source.read() for _ in range(3)]
    assert [frame.image[40, 60, 0] for frame in frames] == [30, 90, 30]
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert not source.live
    source.close()


def test_a_picture_is_a_camera_that_stands_still(tmp_path):
    path = tmp_path / "face.JPG"
    path.write_bytes(cv2.imencode(".jpg", picture(30))[1].tobytes())
    source = open_source(str(path))
    assert source.read().image.shape == (48, 64, 3)
    assert source.read().seq == 1


def test_a_video_starts_again_at_its_end(tmp_path):
    path = tmp_path / "clip.avi"
    write_video(path, [20, 60, 100])
    source = open_source(str(path))
    levels = [int(source.read().image[40, 60, 0]) for _ in range(5)]
    source.close()
    assert np.allclose(levels, [20, 60, 100, 20, 60], atol=6)


def test_a_grey_picture_arrives_as_three_channels(tmp_path):
    path = tmp_path / "grey.png"
    path.write_bytes(cv2.imencode(".png", picture(30)[:, :, 0])[1].tobytes())
    assert open_source(str(path)).read().image.shape == (48, 64, 3)


@pytest.mark.parametrize("garbage", [b"", b"\xff\xd8\xff\xe0garbage", b"GIF89a", bytes(5000)])
def test_a_picture_full_of_garbage_is_one_clear_error(tmp_path, garbage):
    path = tmp_path / "x.jpg"
    path.write_bytes(garbage)
    with pytest.raises(DeviceError, match="no picture that can be read"):
        open_source(str(path)).read()


def test_a_picture_of_100_mb_is_refused_unread(tmp_path):
    path = tmp_path / "x.png"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(DeviceError, match="64 MB"):
        open_source(str(path)).read()


def test_a_video_full_of_garbage_is_one_clear_error(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"garbage" * 100)
    with pytest.raises(DeviceError, match="cannot open camera"):
        open_source(str(path))


@pytest.mark.parametrize("source", ["", "no-such-file.mp4", "webcam"])
def test_a_name_that_is_no_camera_lists_what_could_be_one(source):
    with pytest.raises(ConfigError, match="/dev/video0"):
        open_source(source)


@pytest.mark.parametrize("source", ["97", "/dev/video97", "rtsp://user:secret@127.0.0.1:1/stream"])
def test_a_camera_that_is_not_there_is_one_clear_error_without_its_password(source):
    with pytest.raises(DeviceError, match="cannot open camera") as caught:
        open_source(source)
    assert "secret" not in str(caught.value)


def test_an_empty_folder_says_what_to_put_there(tmp_path):
    with pytest.raises(DeviceError, match="JPEG or PNG"):
        open_source(str(tmp_path))


def test_a_feed_keeps_only_the_newest_frame():
    feed = FrameFeed()
    feed.push(picture(1))
    feed.push(picture(2))
    assert feed.read().image[40, 60, 0] == 2
    assert feed.read() is None


@pytest.mark.parametrize(
    "garbage",
    [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_a_feed_refuses_what_is_no_picture(garbage):
    with pytest.raises(DeviceError):
        FrameFeed().push(garbage)


def test_a_hanging_camera_is_frozen_and_recovers():
    watcher = Watcher(live=True)
    noisy = np.random.default_rng(0).integers(0, 255, (5, 48, 64, 3), dtype=np.uint8)
    codes = [watcher.judge(Frame(noisy[0], at, 0)) for at in (0.0, 2.0, 4.9, 5.0)]
    assert codes == ["connected", "connected", "connected", "frozen"]
    assert watcher.judge(Frame(noisy[1], 6.0, 1)) == "connected"


def test_a_standing_picture_of_a_file_is_no_fault():
    watcher = Watcher(live=False)
    assert [watcher.judge(Frame(picture(30), at, 0)) for at in (0.0, 60.0)] == ["connected"] * 2


def test_a_covered_lens_is_told_from_a_dark_room():
    rng = np.random.default_rng(0)
    covered = rng.integers(5, 15, (480, 640, 3), dtype=np.uint8)
    dark = covered.copy()
    dark[100:300, 200:400] = 70  # someone stands there
    assert camera.is_covered(covered)
    assert not camera.is_covered(dark)


def test_the_thread_hands_over_frames_of_a_folder_and_says_connected(tmp_path):
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", picture(30))[1].tobytes())
    seen = Collector()
    thread = CameraThread(str(tmp_path), SystemClock(), seen.on_frame, seen.on_state, max_fps=200)
    thread.start()
    seen.wait(lambda: len(seen.frames) >= 3)
    thread.stop()
    assert seen.codes() == ["connected"]


class Flaky:
    """A live camera that gives the pictures it is told, then what it is told to do."""

    live = True

    def __init__(self, script) -> None:
        self.script = list(script)
        self.closed = 0

    def read(self):
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


def test_a_camera_that_is_pulled_comes_back_by_itself(monkeypatch):
    monkeypatch.setattr(camera, "LONGEST_RETRY_S", 0.01)
    rng = np.random.default_rng(0)
    frames = [
        Frame(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8), float(n), n) for n in range(4)
    ]
    plugs = [
        Flaky([frames[0], None]),
        DeviceError("cannot open camera"),
        Flaky([frames[1], DeviceError("garbage")]),
        Flaky([frames[2], cv2.error("OpenCV says no")]),
        Flaky([frames[3]]),
    ]
    opened = []

    def plug(_source, _clock):
        source = plugs.pop(0) if plugs else DeviceError("gone for good")
        if isinstance(source, Exception):
            raise source
        opened.append(source)
        return source

    monkeypatch.setattr(camera, "open_source", plug)
    seen = Collector()
    thread = CameraThread("0", SystemClock(), seen.on_frame, seen.on_state)
    thread._stopping.wait = lambda _seconds: threading.Event().wait(0.001)  # no real back-off here
    thread.start()
    seen.wait(lambda: seen.states and seen.states[-1].detail == "gone for good")
    thread.stop()
    assert seen.codes().count("connected") == 4
    assert all(source.closed == 1 for source in opened)


def test_an_error_in_whoever_takes_frames_does_not_blind_the_till():
    feed, seen = FrameFeed(), Collector()

    def fussy(frame: Frame) -> None:
        seen.on_frame(frame)
        if frame.seq == 0:
            raise RuntimeError("model failed")

    thread = CameraThread(feed, SystemClock(), fussy, seen.on_state, max_fps=500)
    thread.start()
    feed.push(picture(1))
    seen.wait(lambda: len(seen.frames) == 1)
    feed.push(picture(2))
    seen.wait(lambda: len(seen.frames) == 2)
    thread.stop()


def test_a_slow_taker_gets_the_newest_frame_not_the_oldest():
    go, feed, seen = threading.Event(), FrameFeed(), Collector()

    def slow(frame: Frame) -> None:
        seen.on_frame(frame)
        go.wait(30)

    thread = CameraThread(feed, SystemClock(), slow, max_fps=1000)
    thread.start()
    feed.push(picture(0))
    seen.wait(lambda: len(seen.frames) == 1)
    for level in range(1, 10):
        feed.push(picture(level))
        while feed._frames:
            threading.Event().wait(0.001)
    go.set()
    seen.wait(lambda: len(seen.frames) == 2)
    thread.stop()
    assert seen.frames[1].seq >= 8


class StreamingCamera:
    """A network camera on loopback: MJPEG over HTTP, which hangs after so many frames."""

    def __init__(self, frames_before_it_hangs: int) -> None:
        self._left = frames_before_it_hangs
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream.mjpg"
        self.connections = 0
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self):
        self._accepting.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._accepting.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection) -> None:
        rng = np.random.default_rng(self.connections)
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n"
            )
            for _ in range(self._left):
                image = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
                data = cv2.imencode(".jpg", image)[1].tobytes()
                head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                connection.sendall(head.encode() + data + b"\r\n")
                self._over.wait(0.01)
            self._over.wait(30)  # the camera hangs: open, but silent


@pytest.mark.process
def test_a_network_camera_that_hangs_is_left_and_opened_again(monkeypatch):
    monkeypatch.setattr(camera, "READ_MS", 500)
    seen = Collector()
    with StreamingCamera(frames_before_it_hangs=60) as served:
        thread = CameraThread(served.url, SystemClock(), seen.on_frame, seen.on_state, max_fps=100)
        thread.start()
        seen.wait(lambda: seen.codes().count("connected") >= 2)
        thread.stop()
        assert served.connections >= 2
    assert seen.codes()[:3] == ["connected", "disconnected", "connected"]
    assert seen.frames[0].image.shape == (48, 64, 3)

"""The sniffer names a protocol on evidence, or none."""

import os
import threading
import tty
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from dafan.errors import DeviceError
from devices.scales.detect import Detection, detect, judge
from devices.scales.driver import Serial
from devices.scales.protocols import PROTOCOLS
from devices.scales.simulated import MODELS, Load
from devices.scales.simulator import ScaleSimulator

LISTEN_S = 0.4
ANSWER_S = 0.15


def found_for(protocol: str) -> tuple[str, Detection]:
    with ScaleSimulator(protocol) as scale:
        scale.set_load(650)
        return protocol, detect(scale.path, LISTEN_S, ANSWER_S)


def test_each_simulated_scale_is_recognised_unless_nothing_tells_it_from_other_devices() -> None:
    with ThreadPoolExecutor(len(PROTOCOLS)) as pool:
        for protocol, found in pool.map(found_for, PROTOCOLS):
            if not PROTOCOLS[protocol].distinctive:
                assert found.best is None, protocol
                continue
            assert found.best is not None, protocol
            assert found.best.protocol == protocol
            assert found.best.sample.grams == 650
            assert found.best.frames >= 2
            assert found.best.explained > 0.5


@contextmanager
def device(play: Callable[[int, threading.Event], None]) -> Iterator[str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()
    thread = threading.Thread(target=play, args=(master, stop))
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


def echo(master: int, stop: threading.Event) -> None:
    while not stop.wait(0.01):
        with suppress(BlockingIOError):
            os.write(master, os.read(master, 1024))


def adam(master: int, stop: threading.Event) -> None:
    while not stop.wait(0.01):
        with suppress(BlockingIOError):
            os.read(master, 1024)
            os.write(master, b"1.250kg\r\n")


def satellites(master: int, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        with suppress(BlockingIOError):
            os.write(
                master, b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
            )


def mute(_master: int, stop: threading.Event) -> None:
    stop.wait()


@pytest.mark.parametrize("other", [echo, adam, satellites, mute])
def test_a_device_that_is_no_scale_of_ours_is_not_claimed(
    other: Callable[[int, threading.Event], None],
) -> None:
    with device(other) as path:
        found = detect(path, 0.1, 0.05)
    assert found.best is None
    assert found.to_json()["best"] is None


def test_a_missing_device_is_named_in_the_error(tmp_path) -> None:
    with pytest.raises(DeviceError, match="ttyUSB9"):
        detect(str(tmp_path / "ttyUSB9"))


def test_one_frame_is_no_evidence() -> None:
    frame = MODELS["yaohua-a9"].frame(Load(1250))
    assert judge(frame, PROTOCOLS["yaohua-a9"], Serial()) is None
    assert judge(frame * 2, PROTOCOLS["yaohua-a9"], Serial()) is not None


def test_no_protocol_is_taken_for_another_unless_their_frames_are_the_same() -> None:
    shared = [{"cas-soh", "aclas-os2", "aclas-os2-passive"}, {"cas-22", "st-gs"}]
    for name, model in MODELS.items():
        data = model.frame(Load(1250)) * 5
        fits = {
            other
            for other, driver in PROTOCOLS.items()
            if driver.distinctive and judge(data, driver, Serial()) is not None
        }
        assert name in fits or not PROTOCOLS[name].distinctive
        assert fits <= {name} or any(fits <= same for same in shared)

"""A real port on a real pseudo-terminal, with everything that happens to cables."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from dafan.clock import SystemClock
from dafan.errors import ConfigError, DeviceError
from devices.scales.port import PortSettings, PortState, ScalePort
from devices.scales.protocols import PROTOCOLS, driver_named
from devices.scales.simulator import ScaleSimulator

if TYPE_CHECKING:
    from devices.scales.reading import Reading

FIRST = ["aclas-os2", "cas-soh", "mt-sics", "toledo-8217", "yaohua-a9"]
EVERY = pytest.mark.parametrize("protocol", FIRST)
REST = sorted(set(PROTOCOLS) - set(FIRST))
NO_WORD_FOR_OVERLOAD = {"yaohua-a9", "epelsa", "ohaus"}
"""They say nothing then, so the line goes silent."""
NO_BEGINNING = {"adam", "cas-10"}
"""Nothing marks where their line begins, so noise in front of every one leaves none whole."""
FAST = PortSettings(silent_after_s=0.6, reopen_after_s=60.0, retry_s=0.02, retry_max_s=0.1)
Wait = Callable[..., None]


class Till:
    """A simulated scale, a port on it, and all that the port said."""

    def __init__(self, protocol: str, folder: Path, settings: PortSettings = FAST) -> None:
        self.scale = ScaleSimulator(protocol, link=folder / "ttyUSB0", interval_s=0.03)
        self.seen: list[tuple[Reading, float]] = []
        self.states: list[PortState] = []
        self.port = ScalePort(
            str(folder / "ttyUSB0"),
            driver_named(protocol),
            SystemClock(),
            lambda reading, at: self.seen.append((reading, at)),
            self.states.append,
            settings,
        )

    def __enter__(self) -> Self:
        self.scale.start()
        self.port.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.port.stop()
        self.scale.stop()

    def shows(self, grams: int) -> bool:
        reading = self.port.latest(1.0)
        return reading is not None and reading.grams == grams and reading.stable

    def kinds(self) -> list[str]:
        return [state.kind for state in self.states]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@EVERY
def test_a_tray_is_weighed_and_its_swing_is_never_billed(
    protocol: str, tmp_path: Path, wait_until: Wait
) -> None:
    with Till(protocol, tmp_path) as till:
        wait_until(lambda: till.shows(0))
        till.scale.place(650, settle_s=0.5)
        wait_until(lambda: till.shows(650))
        till.scale.lift()
        wait_until(lambda: till.shows(0))
        billed = {reading.grams for reading, _ in till.seen if reading.billable}
    assert billed == {650}
    assert till.kinds()[0] == "connected"
    arrivals = [at for _, at in till.seen]
    assert arrivals == sorted(arrivals)


@EVERY
@pytest.mark.parametrize("fault", ["split", "merged", "noise"])
def test_a_dirty_line_slows_the_weight_but_never_changes_it(
    protocol: str, fault: str, tmp_path: Path, wait_until: Wait
) -> None:
    with Till(protocol, tmp_path) as till:
        till.scale.set_load(650)
        till.scale.set_fault(fault)  # type: ignore[arg-type]
        wait_until(lambda: till.shows(650))
        billed = {reading.grams for reading, _ in till.seen if reading.billable}
    assert billed == {650}


@EVERY
@pytest.mark.parametrize("fault", ["bad_checksum", "motion", "overload", "negative"])
def test_a_faulty_scale_bills_nothing_until_it_is_healed(
    protocol: str, fault: str, tmp_path: Path, wait_until: Wait
) -> None:
    till = Till(protocol, tmp_path)
    till.scale.set_load(650)
    till.scale.set_fault(fault)  # type: ignore[arg-type]
    with till:
        if fault == "overload" and protocol in NO_WORD_FOR_OVERLOAD:
            wait_until(lambda: "silent" in till.kinds())
        else:
            wait_until(lambda: len(till.seen) >= 5)
        assert not any(reading.billable for reading, _ in till.seen)
        till.scale.set_fault(None)
        wait_until(lambda: till.shows(650))


def test_the_other_protocols_weigh_all_at_once_and_their_faults_bill_nothing(
    tmp_path: Path, wait_until: Wait
) -> None:
    with ExitStack() as stack:
        tills = {}
        for protocol in REST:
            (tmp_path / protocol).mkdir()
            tills[protocol] = stack.enter_context(Till(protocol, tmp_path / protocol))
        wait_until(lambda: all(till.shows(0) for till in tills.values()))
        for till in tills.values():
            till.scale.place(650, settle_s=0.4)
        wait_until(lambda: all(till.shows(650) for till in tills.values()))
        for fault in ("noise", "merged", "bad_checksum", "motion", "overload", "negative"):
            fatal = fault not in ("noise", "merged")
            for till in tills.values():
                till.scale.set_fault(fault)
            time.sleep(0.2)
            for till in tills.values():
                till.seen.clear()
            heard = [
                till
                for protocol, till in tills.items()
                if not (fault == "overload" and protocol in NO_WORD_FOR_OVERLOAD)
                and not (fault == "noise" and protocol in NO_BEGINNING)
            ]
            wait_until(lambda now=heard: all(len(till.seen) >= 2 for till in now))
            billed = {
                reading.grams for till in heard for reading, _ in till.seen if reading.billable
            }
            assert billed <= (set() if fatal else {650})
            for till in tills.values():
                till.scale.set_fault(None)
            wait_until(lambda: all(till.shows(650) for till in tills.values()))
        for till in tills.values():
            till.scale.lift()
        wait_until(lambda: all(till.shows(0) for till in tills.values()))


@EVERY
def test_a_pulled_cable_is_reported_and_found_again(
    protocol: str, tmp_path: Path, wait_until: Wait
) -> None:
    with Till(protocol, tmp_path) as till:
        till.scale.set_load(650)
        wait_until(lambda: till.shows(650))
        till.scale.unplug()
        wait_until(lambda: till.kinds()[-1] == "disconnected")
        assert till.port.latest(60.0) is None
        assert till.states[-1].reason
        till.scale.set_load(300)
        till.scale.replug()
        wait_until(lambda: till.shows(300))
    assert till.kinds()[-1] == "connected"


def test_a_silent_scale_leaves_no_old_weight(tmp_path: Path, wait_until: Wait) -> None:
    with Till("cas-soh", tmp_path) as till:
        till.scale.set_load(650)
        wait_until(lambda: till.shows(650))
        till.scale.set_fault("silence")
        wait_until(lambda: till.kinds()[-1] == "silent")
        assert till.port.latest(60.0) is None
        till.scale.set_fault(None)
        wait_until(lambda: till.shows(650))


def test_a_line_that_stays_silent_is_opened_again(tmp_path: Path, wait_until: Wait) -> None:
    impatient = PortSettings(silent_after_s=0.1, reopen_after_s=0.2, retry_s=0.01, retry_max_s=0.02)
    with Till("st-gs", tmp_path, impatient) as till:
        till.scale.set_fault("silence")
        wait_until(lambda: "silent" in till.kinds())
        till.scale.set_load(650)
        till.scale.set_fault(None)
        wait_until(lambda: till.shows(650))


def test_a_scale_of_another_protocol_is_silent_with_a_reason_not_a_weight(
    tmp_path: Path, wait_until: Wait
) -> None:
    till = Till("st-gs", tmp_path)
    till.port._driver = driver_named("yaohua-a9")
    till.scale.set_load(650)
    with till:
        wait_until(lambda: "silent" in till.kinds())
    assert till.seen == []
    assert "wrong protocol" in till.states[-1].reason


def test_a_device_that_is_not_there_is_tried_again_until_it_comes(
    tmp_path: Path, wait_until: Wait
) -> None:
    till = Till("toledo-8217", tmp_path)
    till.port.start()
    try:
        wait_until(lambda: till.kinds() == ["disconnected"])
        till.scale.set_load(650)
        till.scale.start()
        wait_until(lambda: till.shows(650))
    finally:
        till.port.stop()
        till.scale.stop()


def test_a_weight_older_than_asked_for_is_refused(tmp_path: Path, wait_until: Wait) -> None:
    with Till("st-gs", tmp_path) as till:
        till.scale.set_load(650)
        wait_until(lambda: till.shows(650))
        assert till.port.latest(max_age_s=-1.0) is None


def test_the_tare_is_taken_off_and_zero_gives_it_back(tmp_path: Path, wait_until: Wait) -> None:
    with Till("st-gs", tmp_path) as till:
        till.scale.set_load(350)
        wait_until(lambda: till.shows(350))
        till.port.tare()
        wait_until(lambda: till.shows(0))
        till.scale.set_load(1000)
        wait_until(lambda: till.shows(650))
        reading = till.port.latest(1.0)
        assert reading is not None
        assert reading.net
        till.port.zero()
        wait_until(lambda: till.shows(0))


def test_tare_before_the_weight_rests_is_refused(tmp_path: Path, wait_until: Wait) -> None:
    with Till("mt-sics", tmp_path) as till:
        till.scale.set_fault("motion")
        wait_until(lambda: len(till.seen) >= 2)
        with pytest.raises(DeviceError, match="not steady"):
            till.port.tare()


def test_a_scale_without_remote_keys_says_which_key_to_press(tmp_path: Path) -> None:
    till = Till("yaohua-a9", tmp_path)
    with pytest.raises(DeviceError, match="press its tare key"):
        till.port.tare()
    with pytest.raises(DeviceError, match="press its zero key"):
        till.port.zero()


def test_nothing_simulates_an_unknown_protocol() -> None:
    with pytest.raises(ConfigError, match="mt-sics"):
        ScaleSimulator("nonesuch")

"""Thermometers: bytes in, readings out; a real pseudo-terminal, a real broker's protocol."""

import queue
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.clock import ManualClock, SystemClock
from dafan.config import BrokerSettings, ProbesSettings, SerialProbeSettings, Settings
from dafan.errors import BadInputError, ConfigError
from devices import doctor, probe_lines
from devices.probe_lines import listening, named_by
from devices.probe_simulator import ProbeSimulator
from devices.probe_spool import FILE, ProbeSpool
from devices.probes import MqttProbe, ProbeReading, SerialProbe


@given(st.integers(-99, 150), st.integers(1, 50))
def test_whole_lines_are_read_wherever_the_bytes_are_cut(celsius, size):
    data = f"noise\r\nT1 {celsius:+05.1f}C\r\nT-2 4\n??\rT1 99999C\r\nT3 7.".encode()
    probe = SerialProbe()
    read = []
    for start in range(0, len(data), size):
        read += probe.feed(data[start : start + size])
    assert read == [ProbeReading("T1", celsius * 10), ProbeReading("T-2", 40)]
    assert probe.feed(b"25C\r\n") == [ProbeReading("T3", 73)]


def test_a_line_without_an_end_does_not_fill_the_memory():
    probe = SerialProbe()
    for _ in range(50):
        assert not probe.feed(b"\xff" * 10_000)
    assert len(probe._rest) <= 200
    assert probe.feed(b"\nT1 4.3C\n") == [ProbeReading("T1", 43)]


def test_a_site_may_have_its_own_kind_of_line():
    probe = SerialProbe(r"#(?P<id>\d+);(?P<celsius>-?\d+,?\d*\.?\d*)")
    assert probe.feed(b"#7;-18.25\n") == [ProbeReading("7", -183)]
    for wrong in ("(", r"(?P<id>\d+)"):
        with pytest.raises(BadInputError, match="pattern"):
            SerialProbe(wrong)


@pytest.mark.parametrize(
    ("payload", "read"),
    [
        (b'{"id": "T1", "celsius": 4.25}', ("T1", 43)),
        (b'{"id": "T1", "celsius": "-18.0"}', ("T1", -180)),
        (b'{"celsius": 5}', ("topic", 50)),
        (b'{"id": "", "celsius": 5}', ("topic", 50)),
        (b'{"id": 7, "celsius": 5}', ("7", 50)),
        (b"4.3", ("topic", 43)),
        (b"-0.04", ("topic", 0)),
    ],
)
def test_a_payload_is_a_number_or_names_its_probe(payload, read):
    assert MqttProbe("topic").feed(payload) == [ProbeReading(*read)]


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"warm", b"NaN", b"Infinity", b"true", b"null", b"[4]", b"151", b"1e9",
        b'{"id": "T1"}',
        b'{"celsius": true}', b'{"celsius": "x"}', b"\xff\xfe", b"[" * 150, b"4" * 500,
        b'{"celsius": NaN}', b'{"celsius": "sNaN"}', b"1e999999999",
        b'{"id": "T\\u0000", "celsius": 4}',
    ],
)  # fmt: skip
def test_garbage_is_no_temperature(payload):
    assert not MqttProbe("topic").feed(payload)


class Heard:
    """What came from lines and brokers."""

    def __init__(self) -> None:
        self.readings: queue.Queue[ProbeReading] = queue.Queue()
        self.told: queue.Queue[tuple[str, str]] = queue.Queue()

    def tell(self, name: str, trouble: str) -> None:
        self.told.put((name, trouble))

    def said(self, words: str) -> None:
        """Wait until somebody is told so."""
        while words not in self.told.get(timeout=20)[1]:
            pass

    @contextmanager
    def to(self, said: ProbesSettings) -> Iterator[None]:
        with listening(said, SystemClock(), self.readings.put, self.tell):
            yield

    def next(self) -> ProbeReading:
        return self.readings.get(timeout=20)


def test_a_line_is_read_past_garbage_and_again_after_it_was_unplugged(tmp_path, monkeypatch):
    monkeypatch.setattr(probe_lines, "FIRST_RETRY_S", 0.1)
    monkeypatch.setattr(probe_lines, "SILENT_S", 0.3)
    heard, device = Heard(), tmp_path / "line"
    said = ProbesSettings(serial=(SerialProbeSettings(device=str(device)),))
    with ProbeSimulator(device, {}, every_s=60) as probes, heard.to(said):
        heard.said("nothing arrives")
        probes.send(b"1 +04.3C\r\n")  # the end of a line that began before anybody listened
        probes.send(b"\xff\x00garbage\r\nT1 +04.3C\r\nT1 warm\r\n")
        assert heard.next() == ProbeReading("T1", 43)
        heard.said("")
        probes.send(b"T1 4,3\r\n")
        heard.said("no temperature")
        probes.unplug()
        heard.said("tried again")
        probes.plug_in()
        heard.said("nothing arrives")
        probes.send(b"\r\nT1 -18.0C\r\n")
        assert heard.next() == ProbeReading("T1", -180)
    assert heard.readings.empty()


def test_a_pattern_that_cannot_be_used_is_said_at_once():
    said = ProbesSettings(serial=(SerialProbeSettings(device="/dev/null", pattern="("),))
    with pytest.raises(BadInputError, match="pattern"), Heard().to(said):
        pass


class Broker:
    """As much of an MQTT 3.1.1 broker as a listener needs: it refuses, tells, and hangs up."""

    def __init__(self, *, refuse: int = 0) -> None:
        self._refuse = refuse
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.topics: queue.Queue[str] = queue.Queue()
        self.logins: queue.Queue[bytes] = queue.Queue()
        self._peer: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self._peer, _ = self._listening.accept()
                with self._peer, self._peer.makefile("rb") as stream:
                    while head := stream.read(2):
                        self._answer(head[0] >> 4, stream.read(head[1]))
            except OSError:
                if self._listening.fileno() < 0:
                    return

    def _answer(self, kind: int, body: bytes) -> None:
        assert self._peer is not None
        if kind == 1:
            self.logins.put(body)
            self._peer.sendall(bytes([0x20, 2, 0, self._refuse]))
        elif kind == 8:
            size = struct.unpack(">H", body[2:4])[0]
            self._peer.sendall(b"\x90\x03" + body[:2] + b"\x00")
            self.topics.put(body[4 : 4 + size].decode())

    def publish(self, topic: bytes, payload: bytes, *, retained: bool = False) -> None:
        assert self._peer is not None
        body = struct.pack(">H", len(topic)) + topic + payload
        size = (
            bytes([len(body)])
            if len(body) < 128
            else bytes([len(body) % 128 | 128, len(body) // 128])
        )
        self._peer.sendall(bytes([0x30 | retained]) + size + body)

    def hang_up(self) -> None:
        assert self._peer is not None
        with suppress(OSError):
            self._peer.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):  # wakes who waits for somebody to come
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        if self._peer is not None:
            self.hang_up()


@pytest.mark.process
def test_a_broker_is_heard_past_garbage_and_again_after_it_hung_up():
    broker, heard = Broker(), Heard()
    said = ProbesSettings(
        mqtt=BrokerSettings(
            host="127.0.0.1", port=broker.port, topics=("kitchen/+/air",), field="temperature"
        )
    )
    with heard.to(said):
        assert broker.topics.get(timeout=20) == "kitchen/+/air"
        broker.publish(b"kitchen/T1/air", b"-18.0", retained=True)  # of some time before
        broker.publish(b"kitchen/\xff/air", b"4")
        broker.publish(b"kitchen/T1/air", b"\x00" * 300)
        broker.publish(b"kitchen/T1/air", b'{"temperature": 4.25, "battery": 93}')
        assert heard.next() == ProbeReading("T1", 43)
        broker.hang_up()
        heard.said("connection is lost")
        assert broker.topics.get(timeout=20)
        broker.publish(b"kitchen/T2/air", b"5")
        assert heard.next() == ProbeReading("T2", 50)
    broker.close()


@pytest.mark.process
def test_a_broker_that_refuses_or_is_away_is_named(tmp_path):
    broker, heard = Broker(refuse=5), Heard()
    password = tmp_path / "password"
    wanted = BrokerSettings(host="127.0.0.1", port=broker.port, user="k", password_file=password)
    with pytest.raises(ConfigError, match=r"probes\.mqtt\.password_file"):
        heard.to(ProbesSettings(mqtt=wanted)).__enter__()
    password.write_text("secret word\n")
    with heard.to(ProbesSettings(mqtt=wanted)):
        heard.said("look at user and password")
        assert broker.logins.get(timeout=20).endswith(b"\x00\x01k\x00\x0bsecret word")
        broker.close()
        heard.said("cannot be reached")


def test_what_stands_for_the_first_plus_names_the_probe():
    assert named_by("kitchen/+/air", "kitchen/T1/air") == "T1"
    assert named_by("kitchen/#", "kitchen/cold/T2") == "T2"
    assert named_by("t", "t") == "t"


def test_the_spool_is_in_order_bounded_and_begins_anew_when_its_file_is_damaged(tmp_path):
    clock = ManualClock(SystemClock().now())
    path = tmp_path / "box" / "probes.db"
    spool = ProbeSpool(path, most=3)
    for tenths in range(5):
        spool.put(ProbeReading("T1", tenths), clock.now())
        clock.advance(60)
    assert [row.tenths for row in spool.waiting(10)] == [2, 3, 4]
    spool.done(spool.waiting(2))
    spool.close()
    again = ProbeSpool(path)
    assert [row.tenths for row in again.waiting(10)] == [4]
    again.close()
    path.write_bytes(b"no database" * 1000)
    anew = ProbeSpool(path)
    assert anew.waiting(10) == []
    anew.close()
    assert path.with_suffix(".damaged").exists()


def test_the_doctor_names_a_token_a_line_and_temperatures_that_wait(tmp_path):
    line, token = tmp_path / "line", tmp_path / "token"

    def found() -> list[tuple[str, str]]:
        said = ProbesSettings(token_file=token, serial=(SerialProbeSettings(device=str(line)),))
        found = doctor.probes(Settings(probes=said))
        return [(one.light.value, one.what) for one in found]

    assert list(doctor.probes(Settings())) == []
    lights, texts = zip(*found(), strict=True)
    assert lights == ("stop", "stop", "warn")
    assert "token" in texts[0]
    assert "there is no" in texts[1]
    token.write_text("dafan_x\n")
    line.touch()
    spool = ProbeSpool(Settings().data_dir / FILE)
    assert [light for light, _ in found()] == ["ok", "ok"]
    spool.put(ProbeReading("T1", 43), SystemClock().now() - timedelta(hours=2))
    assert found()[1] == ("warn", "1 temperatures wait for the server, the oldest for 120 min")
    spool.close()

"""Thermometers on the wire: a serial line or an MQTT broker, read for ever, opened again when lost.

Nothing is read twice and nothing old is taken for new: a line that was cut when the port was
opened, and a message that the broker had kept (retained), have no time of their own.
"""

import re
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import serial
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from dafan.clock import Clock
from dafan.config import BrokerSettings, ProbesSettings, SerialProbeSettings, first_line
from devices.probes import SERIAL_LINE, MqttProbe, ProbeReading, SerialProbe

FIRST_RETRY_S, LONGEST_RETRY_S = 1, 30
SILENT_S = 300.0
_TICK_S = 0.2

NOTHING = "nothing arrives: is the thermometer switched on, is the cable in the right socket?"
NO_READING = "bytes arrive, but no temperature: look at baud and pattern of this line"

Take = Callable[[ProbeReading], None]
"""Called from a thread with each reading; raises nothing."""
Tell = Callable[[str, str], None]
"""Called from a thread with a name and what is wrong there; with an empty text when it works."""


@contextmanager
def listening(said: ProbesSettings, clock: Clock, take: Take, tell: Tell) -> Iterator[None]:
    """Read every line and the broker of the settings, as long as the block lasts.

    Raises:
        ConfigError: the broker wants a password and none can be read.
        BadInputError: the pattern of a line cannot be used.
    """
    sources: list[ProbeLine | ProbeBroker] = [
        ProbeLine(line, clock, take, tell) for line in said.serial
    ]
    if said.mqtt.host:
        sources.append(ProbeBroker(said.mqtt, take, tell))
    with ExitStack() as stack:
        for source in sources:
            stack.callback(source.stop)
            source.start()
        yield


class ProbeLine:
    """Reads one serial line on a thread of its own.

    Args:
        settings: Which, how fast, and how its lines look.
        clock: For silence.
        take: Gets readings.
        tell: Gets troubles.

    Raises:
        BadInputError: the pattern cannot be used.
    """

    def __init__(self, settings: SerialProbeSettings, clock: Clock, take: Take, tell: Tell) -> None:
        self._settings = settings
        self._clock = clock
        self._take = take
        self._tell = tell
        self._parser()  # a pattern that cannot be read is said at once
        self._stopping = threading.Event()
        name = f"probes {settings.device}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End within a fifth of a second."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _parser(self) -> SerialProbe:
        return SerialProbe(self._settings.pattern or SERIAL_LINE)

    def _run(self) -> None:
        device, retry = self._settings.device, FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                with serial.Serial(device, self._settings.baud, timeout=_TICK_S) as port:
                    retry = FIRST_RETRY_S
                    self._listen(port)
            except (OSError, termios.error, ValueError) as error:
                self._tell(device, f"cannot be read, it is tried again: {error}")
                self._stopping.wait(retry)
                retry = min(2 * retry, LONGEST_RETRY_S)

    def _listen(self, port: serial.Serial) -> None:
        parser, since, trouble = self._parser(), self._clock.monotonic(), NOTHING
        whole = False
        while not self._stopping.is_set():
            data = port.read(1)
            if data:
                data += port.read(port.in_waiting)
                trouble = NO_READING
            if not whole:
                end = re.search(rb"[\r\n]", data)
                whole, data = end is not None, data[end.end() :] if end else b""
            readings = parser.feed(data)
            for reading in readings:
                self._take(reading)
            if readings:
                since, trouble = self._clock.monotonic(), NOTHING
                self._tell(self._settings.device, "")
            elif self._clock.monotonic() - since > SILENT_S:
                self._tell(self._settings.device, trouble)


class ProbeBroker:
    """Listens to an MQTT broker.

    The session is clean: what was said while nobody listened is gone, because nobody could say
    any more when it was measured.

    Args:
        settings: Where it is, and the topics.
        take: Gets readings.
        tell: Gets troubles.

    Raises:
        ConfigError: its password cannot be read.
    """

    def __init__(self, settings: BrokerSettings, take: Take, tell: Tell) -> None:
        self._settings = settings
        self._take = take
        self._name = f"broker {settings.host}:{settings.port}"
        self._tell = tell
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.suppress_exceptions = True  # a strange message must not end the thread
        client.reconnect_delay_set(FIRST_RETRY_S, LONGEST_RETRY_S)
        if settings.user:
            setting, what = "probes.mqtt.password_file", f"the password of {settings.user}"
            password = first_line(settings.password_file, setting, what)
            client.username_pw_set(settings.user, password)
        if settings.tls:
            client.tls_set()
        client.on_connect = self._connected
        client.on_connect_fail = self._not_reached
        client.on_disconnect = self._lost
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        self._client = client

    def start(self) -> None:
        """Begin to listen."""
        self._client.connect_async(self._settings.host, self._settings.port)
        self._client.loop_start()

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _more: Any
    ) -> None:
        if reason.is_failure:
            self._tell(self._name, f"it refuses us ({reason}): look at user and password")
            return
        client.subscribe([(topic, 1) for topic in self._settings.topics])

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[Any], _more: Any
    ) -> None:
        pairs = zip(self._settings.topics, reasons, strict=False)
        refused = [topic for topic, reason in pairs if reason.is_failure]
        self._tell(self._name, f"we may not read {', '.join(refused)}" if refused else "")

    def _not_reached(self, _client: mqtt.Client, _data: Any) -> None:
        self._tell(self._name, "cannot be reached, it is tried again: look at host, port and tls")

    def _lost(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._tell(self._name, f"the connection is lost ({reason}), it is tried again")

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            return
        topics = self._settings.topics
        matching = next((one for one in topics if mqtt.topic_matches_sub(one, message.topic)), "")
        probe = MqttProbe(named_by(matching, message.topic), self._settings.field)
        for reading in probe.feed(bytes(message.payload)):
            self._take(reading)


def named_by(pattern: str, topic: str) -> str:
    """What stands in a topic for the first ``+`` of a pattern; without one, its last part."""
    parts = topic.split("/")
    wanted = pattern.split("/")
    return parts[wanted.index("+")] if "+" in wanted else parts[-1]

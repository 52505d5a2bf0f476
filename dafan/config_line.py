"""The settings of a weigh line: ``[line]``, ``[[line.station]]``, ``[line.gate]``."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dafan.config_scales import ScaleSettings

MOST = 32
"""As :data:`dafan.line.MAX_STATIONS`, whose module would load the whole wire."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TagReaderSettings(_Section):
    """A reader of trays."""

    device: str = ""
    """``/dev/ttyUSB1``, ``serial:/dev/ttyUSB1?baud=57600``; of a gate also
    ``/dev/input/event3``; empty: there is none."""
    protocol: str = "uhf-bb"
    """``uhf-a0``, ``uhf-bb``, ``hf-stx``, ``em-ascii`` or ``hex-lines``."""
    reversed_bytes: bool = False
    """It sends a chip's bytes last first: two readers of one line must spell a tray alike."""


class PanScaleSettings(ScaleSettings):
    """The scale under a pan; the same words as for a till's."""

    device: str
    """``/dev/ttyUSB0``."""


class StationSettings(_Section):
    """One station of the box: a scale and a reader of trays."""

    no: int = Field(ge=1, le=MOST)
    """Its number, as on the manager's page."""
    scale: PanScaleSettings
    reader: TagReaderSettings

    @model_validator(mode="after")
    def _reader_tells_what_is_there(self) -> Self:
        if not self.reader.device or self.reader.device.startswith("/dev/input/"):
            raise ValueError("a station needs a serial reader, which tells whether a tray stays")
        return self


class GateSettings(_Section):
    """The entrance, the exit, or both; its card reader and camera are those of ``[till]``."""

    role: Literal["entrance", "exit", "both"] = "both"
    """``both``: a tray that somebody has comes back, any other waits for its diner."""
    how: Literal["exit", "return"] = "return"
    """Where a tray's meal ends: at an exit, or where trays come back."""
    reader: TagReaderSettings = TagReaderSettings()


class LineSettings(_Section):
    """A box of the weigh line (自选称重), and its gate."""

    host: str = "127.0.0.1"
    """Address of the displays' pages; ``0.0.0.0`` where displays are machines of their own."""
    names: tuple[str, ...] = ()
    """Names and addresses under which such displays ask, such as ``192.168.1.20``."""
    port: int = Field(default=8092, ge=1, le=65535)
    """TCP port of the displays' pages."""
    station: tuple[StationSettings, ...] = Field(default=(), max_length=MOST)
    """The stations, each a ``[[line.station]]``."""
    gate: GateSettings = GateSettings()

    @model_validator(mode="after")
    def _numbers_are_used_once(self) -> Self:
        numbers = [station.no for station in self.station]
        if len(numbers) != len(set(numbers)):
            raise ValueError("two stations have the same number")
        return self

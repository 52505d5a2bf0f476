"""How a till speaks and looks for everyone: ``[till.voice]`` and ``[till.screen]``."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class VoiceHours(_Section):
    """Hours with a volume of their own."""

    begin: str
    """Site time, ``21:00``."""
    end: str
    """Site time; earlier than ``begin``: of the next morning."""
    volume: int = Field(ge=0, le=100)
    """Percent; 0: silence."""

    @field_validator("begin", "end")
    @classmethod
    def _must_be_a_clock(cls, clock: str) -> str:
        if not _CLOCK.fullmatch(clock):
            raise ValueError("it looks like 21:00")
        return clock

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begin == self.end:
            raise ValueError("begin and end are the same: these hours would never come")
        return self


class VoiceSettings(_Section):
    """What is heard at a till: tones, and sentences where a speaking program is installed."""

    speak: bool = True
    """Say sentences; else only tones are heard."""
    volume: int = Field(default=80, ge=0, le=100)
    """Percent, outside ``hours``."""
    hours: tuple[VoiceHours, ...] = ()
    """Each a ``[[till.voice.hours]]``; where two overlap, the first counts."""
    zh: tuple[str, ...] = ("espeak-ng", "-v", "cmn-latn-pinyin", "-s", "210", "--stdin", "--stdout")
    """A program and its arguments: text comes in on its standard input, in UTF-8, and a WAV goes
    out on its standard output. Empty: no Chinese is spoken."""
    en: tuple[str, ...] = ("espeak-ng", "-v", "en-gb", "-s", "175", "--stdin", "--stdout")
    """The same for English."""


class ScreenSettings(_Section):
    """How the page looks for whoever comes; each diner can change it for his own meal."""

    large: bool = False
    """Large type."""
    contrast: bool = False
    """Bright on black."""
    low: bool = False
    """Whatever is touched is in the lower half of an upright screen: for a till that mostly people
    in wheelchairs use, or that hangs high."""

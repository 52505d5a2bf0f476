"""How the page speaks, and how it looks before anybody has touched it."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any

from dafan.config_voice import ScreenSettings, VoiceSettings
from devices.voice import Voice
from pos.speech import Spoken, spoken, volume
from pos.view import View

OFFERED = 64
"""So many of the newest sentences can be fetched: no page can have the till say others."""


class Manner:
    """What is said with each view, and its sound.

    The page fetches a sentence when it wants it, on a thread of the page's server: whoever pays
    waits for no voice.

    Args:
        settings: When, and how loud.
        screen: How the page looks at first.
        voice: Makes the sound; else sentences are not said.
    """

    def __init__(
        self,
        settings: VoiceSettings | None = None,
        screen: ScreenSettings | None = None,
        voice: Voice | None = None,
    ) -> None:
        self._settings = settings or VoiceSettings()
        self._screen = screen or ScreenSettings()
        self._voice = voice
        self._offered: OrderedDict[str, Spoken] = OrderedDict()
        self._lock = threading.Lock()

    def first(self) -> dict[str, Any]:
        """What the page knows when it opens: its look, and which languages are spoken."""
        return self._screen.model_dump() | {"speaks": self._languages()}

    def heard(self, before: View | None, now: View) -> dict[str, Any]:
        """What goes with a view: the volume in percent, and the sentence, if one is to be said."""
        loud = volume(self._settings, now.clock)
        said = spoken(before, now) if self._languages() and loud else None
        if said is None:
            return {"volume": loud, "say": None}
        return {"volume": loud, "say": {"key": self._offer(said), "urgent": said.urgent}}

    def wav(self, language: str, key: str) -> bytes | None:
        """The sound of a sentence that was offered; ``None`` where there is none in time."""
        with self._lock:
            said = self._offered.get(key)
        if said is None or self._voice is None or language not in self._languages():
            return None
        return self._voice.wav(language, said.of(language))

    def close(self) -> None:
        """The voice is needed no more."""
        if self._voice is not None:
            self._voice.close()

    def _languages(self) -> tuple[str, ...]:
        return self._voice.languages if self._voice is not None and self._settings.speak else ()

    def _offer(self, said: Spoken) -> str:
        key = hashlib.sha256(f"{said.zh}\n{said.en}".encode()).hexdigest()[:16]
        with self._lock:
            self._offered[key] = said
            self._offered.move_to_end(key)
            while len(self._offered) > OFFERED:
                self._offered.popitem(last=False)
        return key


def manner_of(voice: VoiceSettings, screen: ScreenSettings) -> Manner:
    """As the settings say; the programs that speak are looked for on this machine."""
    speaks = Voice({"zh": voice.zh, "en": voice.en}) if voice.speak else None
    return Manner(voice, screen, speaks)

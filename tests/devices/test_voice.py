import io
import sys
import threading
import wave
from collections.abc import Sequence

import pytest

from devices.voice import Voice, VoiceError, run_program, whole_wav

HERE = {"zh": ("speaker", "-zh"), "en": ("speaker", "-en"), "fr": ()}


def _wav(sound: bytes = b"\x01\x02" * 40, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(22_050)
        writer.writeframes(sound)
    return out.getvalue()


def _piped(sound: bytes = b"\x01\x02" * 40) -> bytes:
    """As a program writes it that does not know yet how long it will speak."""
    data = bytearray(_wav(sound))
    data[4:8], data[40:44] = b"\x24\xf0\xff\x7f", b"\x00\xf0\xff\x7f"
    return bytes(data)


class _Speaker:
    """A program that notes what it is given, and speaks when it may."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.begun = threading.Event()
        self.may = threading.Event()
        self.may.set()

    def __call__(self, command: Sequence[str], text: str) -> bytes:
        self.said.append((command[-1], text))
        self.begun.set()
        assert self.may.wait(10)
        if text == "fails":
            raise VoiceError("no voice")
        return _piped()


def test_a_sentence_is_made_once_and_kept() -> None:
    speaker = _Speaker()
    voice = Voice(HERE, say=speaker, find=lambda name: f"/usr/bin/{name}")
    assert voice.languages == ("zh", "en")
    first, again = voice.wav("zh", "请看这里"), voice.wav("zh", "请看这里")
    assert first == again == _wav()
    assert voice.wav("en", "Please look here") == _wav()
    assert speaker.said == [("-zh", "请看这里"), ("-en", "Please look here")]
    assert voice.wav("fr", "Bonjour") is None
    assert voice.wav("zh", "fails") is None
    assert voice.wav("zh", "请慢用") == _wav()
    voice.close()
    assert voice.wav("zh", "再见") is None


def test_where_no_program_is_installed_nothing_is_spoken() -> None:
    voice = Voice(HERE, find=lambda _name: None)
    assert voice.languages == ()
    assert voice.wav("zh", "请看这里") is None
    voice.close()


def test_the_newest_sentence_wins_and_an_older_one_keeps_nobody_waiting() -> None:
    speaker = _Speaker()
    speaker.may.clear()
    voice = Voice(HERE, say=speaker, find=lambda name: name)
    got: dict[str, bytes | None] = {}

    def ask(text: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: got.update({text: voice.wav("zh", text)}))
        thread.start()
        return thread

    first = ask("one")
    assert speaker.begun.wait(10)
    second = ask("two")
    while voice._wanted != ("zh", "two"):  # until it stands in line
        threading.Event().wait(0.001)
    third = ask("three")
    second.join(10)
    assert got == {"two": None}
    speaker.may.set()
    first.join(10)
    third.join(10)
    assert got == {"one": _wav(), "two": None, "three": _wav()}
    voice.close()


@pytest.mark.process
def test_a_program_gets_the_sentence_and_never_as_an_argument() -> None:
    echo = (sys.executable, "-S", "-c", "import sys; print(sys.argv[1:], sys.stdin.read(), end='')")
    assert run_program((*echo, "-x"), "$(reboot); 请看").decode() == "['-x'] $(reboot); 请看"
    with pytest.raises(VoiceError, match="ended with 3"):
        run_program((sys.executable, "-S", "-c", "raise SystemExit(3)"), "text")


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"no such voice", _wav(b""), _wav(channels=2), _wav()[:36], bytes(5_000_000)],
)
def test_what_is_no_sound_is_not_played(data: bytes) -> None:
    with pytest.raises(VoiceError):
        whole_wav(data)


def test_a_piped_sound_gets_the_length_it_has() -> None:
    assert whole_wav(_piped()) == _wav()
    assert whole_wav(_wav(b"\x01\x02\x03\x04") + b"LIST") == _wav(b"\x01\x02\x03\x04")

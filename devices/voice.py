"""Sentences become sound: a speaking program of the machine, run for each new sentence.

The program is one of its own, such as ``espeak-ng``, and gets the sentence on its standard input:
nothing of it is linked into this process, and no text ever becomes an argument of a command.
"""

import logging
import shutil
import struct
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger(__name__)

PROGRAM_S = 5.0
"""A program that needs longer for a sentence is stopped: nobody stands there any more."""
KEPT = 100
"""Sentences whose sound is kept; one is about 0.15 MB."""
MOST_BYTES = 4_000_000
_PCM, _MONO, _BITS = 1, 1, 16
_HEADER = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")

Say = Callable[[Sequence[str], str], bytes]
"""A command and a sentence become a WAV."""


class VoiceError(Exception):
    """A sentence has no sound; it stands on the screen all the same."""


class Voice:
    """Speaks on a thread of its own; of several sentences that wait, the newest is made.

    Args:
        commands: Language → program and arguments.
        say: Runs a command; a test gives another.
        find: Whether a program is installed.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        say: Say | None = None,
        find: Callable[[str], str | None] = shutil.which,
    ) -> None:
        self._commands = {name: line for name, line in commands.items() if line and find(line[0])}
        self._say = say or run_program
        self._made: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._wanted: tuple[str, str] | None = None
        self._at_work: tuple[str, str] | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that a program speaks here."""
        return tuple(self._commands)

    def wav(self, language: str, text: str, wait_s: float = PROGRAM_S) -> bytes | None:
        """The sound of a sentence.

        Args:
            language: One of :attr:`languages`.
            text: The sentence.
            wait_s: So long the caller has time.

        Returns:
            A WAV; ``None`` where the language is not spoken, its program failed, the time is over
            or a newer sentence was asked for meanwhile.
        """
        wish = (language, text)
        with self._changed:
            if wish in self._made:
                self._made.move_to_end(wish)
                return self._made[wish]
            if language not in self._commands or self._closed:
                return None
            self._wanted = wish
            self._changed.notify_all()
            self._changed.wait_for(lambda: wish not in {self._wanted, self._at_work}, wait_s)
            return self._made.get(wish)

    def close(self) -> None:
        """Make no more."""
        with self._changed:
            self._closed = True
            self._wanted = None
            self._changed.notify_all()
        self._thread.join(PROGRAM_S + 1)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or self._closed)
                if self._wanted is None:
                    return
                wish = self._wanted
                self._at_work, self._wanted = wish, None
            sound = self._sound(*wish)
            with self._changed:
                if sound is not None:
                    self._made[wish] = sound
                    while len(self._made) > KEPT:
                        self._made.popitem(last=False)
                self._at_work = None
                self._changed.notify_all()

    def _sound(self, language: str, text: str) -> bytes | None:
        try:
            return whole_wav(self._say(self._commands[language], text))
        except (VoiceError, OSError, ValueError) as error:
            log.warning("nothing is said in %s: %s", language, error)
            return None


def run_program(command: Sequence[str], text: str) -> bytes:
    """Have a program speak.

    Args:
        command: Program and arguments.
        text: What it gets on its standard input, as UTF-8.

    Returns:
        What it writes to its standard output.

    Raises:
        VoiceError: it failed, or took too long.
        OSError: it cannot be started.
    """
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=PROGRAM_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VoiceError(f"{command[0]} took more than {PROGRAM_S:.0f} s") from error
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise VoiceError(f"{command[0]} ended with {done.returncode}: {why}")
    return done.stdout


def whole_wav(data: bytes) -> bytes:
    """A WAV with the lengths that it has: one that is piped is written before its end is known.

    Args:
        data: RIFF/WAVE with 16-bit PCM of one channel.

    Raises:
        VoiceError: it is something else, holds no sound, or is too long for a sentence.
    """
    if len(data) > MOST_BYTES:
        raise VoiceError(f"{len(data)} bytes are no sentence")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise VoiceError("the program did not write a WAV")
    at, form = _HEADER.size, b""
    while at + _CHUNK.size <= len(data):
        name, length = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data":
            return _written(form, data[at : at + length])
        if name == b"fmt ":
            form = data[at : at + length]
        at += length + length % 2
    raise VoiceError("the WAV holds no sound")


def _written(form: bytes, sound: bytes) -> bytes:
    plain = len(form) >= _BITS and struct.unpack_from("<HH", form) == (_PCM, _MONO)
    if not plain or struct.unpack_from("<H", form, 14)[0] != _BITS:
        raise VoiceError("the WAV is not 16-bit PCM of one channel")
    sound = sound[: len(sound) // 2 * 2]
    if not sound:
        raise VoiceError("the WAV holds no sound")
    body = _CHUNK.pack(b"fmt ", 16) + form[:16] + _CHUNK.pack(b"data", len(sound)) + sound
    return _HEADER.pack(b"RIFF", 4 + len(body), b"WAVE") + body

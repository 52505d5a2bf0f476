"""What a simulated scale says: frames and answers to commands, protocol by protocol.

Kept apart from the parsers on purpose: each side is written from the maker's frame, so that a
mistake in one shows against the other.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Load:
    """What lies on the scale: gross and tare in grams, at rest or not, too much or not."""

    grams: int = 0
    tare: int = 0
    stable: bool = True
    over: bool = False

    @property
    def shown(self) -> int:
        """Grams on the display."""
        return self.grams - self.tare


def kilograms(grams: int, width: int, fill: str = " ") -> str:
    """``1250`` → ``1.250``, padded on the left; the sign stands in front of the padding zeros."""
    sign = "-" if grams < 0 else ""
    digits = f"{abs(grams) // 1000}.{abs(grams) % 1000:03d}"
    if fill == "0":
        return sign + digits.rjust(width - len(sign), "0")
    return (sign + digits).rjust(width)


def _block_check(data: bytes) -> int:
    total = 0
    for byte in data:
        total ^= byte
    return total


def mt_sics(load: Load) -> bytes:
    """An answer to ``SI``."""
    if load.over:
        return b"S +\r\n"
    return f"S {'S' if load.stable else 'D'} {kilograms(load.shown, 10)} kg\r\n".encode()


def mt_sics_done(asked: str, load: Load) -> bytes:
    """The confirmation of zero, tare and clear."""
    if asked == "tare":
        return f"T S {kilograms(load.tare, 10)} kg\r\n".encode()
    return b"Z A\r\n" if asked == "zero" else b"TAC A\r\n"


def toledo_8217(load: Load) -> bytes:
    """An answer to ``W``."""
    status = (
        0x40 | (not load.stable) | load.over << 1 | (load.shown < 0) << 2 | bool(load.tare) << 5
    )
    if status & 0x07:
        return bytes((0x02, 0x3F, status, 0x0D))
    return b"\x02" + kilograms(load.shown, 6, "0").encode() + b"N" * bool(load.tare) + b"\r"


def cas_soh(load: Load) -> bytes:
    """An answer to DC1."""
    if load.over:
        body = b"UF" + b"F" * 6 + b"kg"
    else:
        sign = "-" if load.shown < 0 else " "
        state = "S" if load.stable else "U"
        body = f"{state}{sign}{kilograms(abs(load.shown), 6, '0')}kg".encode()
    return b"\x01\x02" + body + bytes((_block_check(body),)) + b"\x03\x04"


def aclas_os2_passive(load: Load) -> bytes:
    """An answer to DC1, with the block check of the manual."""
    state = "F" if load.over else "S" if load.stable else "U"
    sign = "-" if load.shown < 0 else " "
    body = f"\x01\x02{state}{sign}{kilograms(abs(load.shown), 6, '0')}kg".encode()
    return body + bytes((_block_check(body),)) + b"\x03\x04"


def aclas_os2(load: Load) -> bytes:
    """A frame of the active mode, with FLAG2."""
    flag2 = (load.shown == 0) << 4 | bool(load.tare) << 5 | load.over << 6
    return aclas_os2_passive(load) + bytes((flag2,))


def st_gs(load: Load) -> bytes:
    """An A&D indicator's frame of 18 bytes."""
    kind = "NT" if load.tare else "GS"
    if load.over:
        return f"OL,{kind},+99999.9kg\r\n".encode()
    sign = "-" if load.shown < 0 else "+"
    state = "ST" if load.stable else "US"
    return f"{state},{kind},{sign}{kilograms(abs(load.shown), 7, '0')}kg\r\n".encode()


def yaohua_a9(load: Load) -> bytes:
    """A frame of the continuous output; it has no word for overload, so none is sent then."""
    if load.over:
        return b""
    body = f"{'-' if load.shown < 0 else '+'}{abs(load.shown):06d}3".encode()
    return b"\x02" + body + f"{_block_check(body):02X}".encode() + b"\x03"


def cas_22(load: Load) -> bytes:
    """CAS's frame of 22 bytes, device 1."""
    state = b"OL" if load.over else b"ST" if load.stable else b"US"
    kind = b"NT" if load.tare else b"GS"
    lamps = 0xA0 | load.stable << 6 | bool(load.tare) << 1 | (load.shown == 0)
    data = b"        " if load.over else kilograms(load.shown, 8).encode()
    return state + b"," + kind + b",1" + bytes((lamps,)) + b"," + data + b" kg\r\n"


def cas_10(load: Load) -> bytes:
    """CAS's frame of 10 bytes."""
    return ("      OL" if load.over else kilograms(load.shown, 8)).encode() + b"\r\n"


def mt_continuous_17(load: Load) -> bytes:
    """Toledo's continuous frame: three decimals, a step of one gram."""
    swb = 0x30 | bool(load.tare) | (load.shown < 0) << 1 | load.over << 2 | (not load.stable) << 3
    body = f"{abs(load.shown):6d}{load.tare:6d}".encode()
    return b"\x02" + bytes((0x2D, swb, 0x20)) + body + b"\r"


def mt_continuous(load: Load) -> bytes:
    """The same with its check."""
    frame = mt_continuous_17(load)
    return frame + bytes(((0x80 - sum(frame) % 0x80) % 0x80,))


def epelsa(load: Load) -> bytes:
    """The extended frame; six characters hold no more, and it has no word for overload."""
    if load.over:
        return b""
    state = "S" if load.stable else "U"
    sign = "-" if load.shown < 0 else " "
    return f"\x1b{state}{sign}{kilograms(abs(load.shown), 6, '0')}\r\n".encode()


def nci(load: Load) -> bytes:
    """An answer to ``W``."""
    status = bytes((0x30 | (not load.stable) | (load.shown == 0) << 1, 0x30 | load.over << 1))
    if load.tare:
        status = bytes((status[0], status[1] | 0x40, 0x34))
    field = "^^^^^^^" if load.over else kilograms(load.shown, 7)
    return f"\n{field}KG\r\n".encode() + status + b"\r\x03"


def sma(load: Load) -> bytes:
    """An answer to ``W``."""
    state = "O" if load.over else "Z" if load.shown == 0 else " "
    kind, motion = "N" if load.tare else "G", " " if load.stable else "M"
    field = "----------" if load.over else kilograms(load.shown, 10)
    return f"\n{state}1{kind}{motion} {field}kg \r".encode()


def ohaus(load: Load) -> bytes:
    """An answer to ``IP``; it has no word for overload."""
    if load.over:
        return b""
    moving, net = "" if load.stable else " ?", " NET" if load.tare else ""
    return f"{kilograms(load.shown, 10)} kg{moving}{net}\r\n".encode()


def dibal(load: Load) -> bytes:
    """An answer to a price of nothing; it says another status where no weight holds."""
    status = 0 if not load.over and load.shown >= 0 else 1
    body = f"99{status}{max(load.shown, 0) if not status else 0:05d}0000000".encode()
    return body + bytes((_block_check(body),)) + b"\r\n"


def dialog06_refuses(load: Load) -> bytes:
    """NAK where there is no weight to give."""
    return b"" if load.stable and not load.over and load.shown > 0 else b"\x15"


def dialog06(load: Load) -> bytes:
    """Record 02 at ten a kilogram, or record 09."""
    if not dialog06_refuses(load):
        grams = f"{load.shown:05d}"
        return f"\x0202\x1b3\x1b{grams}\x1b001000\x1b0{grams}\x03".encode()
    why = "32" if load.over else "20" if not load.stable else "30" if load.shown == 0 else "31"
    return f"\x0209\x1b{why}\x03".encode()


def adam(load: Load) -> bytes:
    """An answer to ``P``."""
    return b"OL\r\n" if load.over else f"{kilograms(load.shown, 8)}kg\r\n".encode()


@dataclass(frozen=True, slots=True)
class Model:
    """A protocol's side of the scale.

    Attributes:
        frame: The frame for a load.
        streams: Sends by itself.
        commands: Bytes from the till → ``weigh``, ``why``, ``zero``, ``tare``, ``clear``, or a
            fixed answer.
        check_at: Where the block check stands; None without one.
        done: What the scale says after ``zero``, ``tare`` or ``clear``.
        refuses: What it says to ``weigh`` where it has no weight; it gives its frame when asked
            ``why``.
    """

    frame: Callable[[Load], bytes]
    streams: bool
    commands: dict[bytes, str | bytes]
    check_at: int | None = None
    done: Callable[[str, Load], bytes] = lambda asked, load: b""  # noqa: ARG005 - says nothing
    refuses: Callable[[Load], bytes] = lambda load: b""  # noqa: ARG005 - answers always

    def corrupt(self, frame: bytes) -> bytes:
        """The frame with its block check wrong, or, without one, a digit destroyed."""
        damaged = bytearray(frame)
        at = self.check_at if self.check_at is not None else max(frame.find(b"."), 0)
        damaged[at] ^= 0x55
        return bytes(damaged)


_OS2_COMMANDS: dict[bytes, str | bytes] = {
    b"\x3c\x5a\x4b\x3e\x09": "zero",
    b"\x3c\x54\x4b\x3e\x09": "tare",
}
_CAS_COMMANDS: dict[bytes, str | bytes] = {b"\x05": b"\x06", b"\x11": "weigh"}
_ONE_LETTER: dict[bytes, str | bytes] = {b"Z": "zero", b"T": "tare"}

MODELS: dict[str, Model] = {
    "mt-sics": Model(
        mt_sics,
        streams=False,
        commands={
            b"SI\r\n": "weigh",
            b"S\r\n": "weigh",
            b"Z\r\n": "zero",
            b"T\r\n": "tare",
            b"TAC\r\n": "clear",
            b"@\r\n": b'I4 A "0000000000"\r\n',
            b"I4\r\n": b'I4 A "0000000000"\r\n',
            b"\n": b"ES\r\n",
        },
        done=mt_sics_done,
    ),
    "toledo-8217": Model(
        toledo_8217,
        streams=False,
        commands={
            b"W": "weigh",
            b"Z": "zero",
            b"T": "tare",
            b"C": "clear",
            b"Ehello": b"\x02E\rhello",
        },
    ),
    "cas-soh": Model(cas_soh, streams=False, commands=_CAS_COMMANDS, check_at=12),
    "aclas-os2": Model(aclas_os2, streams=True, commands=_OS2_COMMANDS, check_at=12),
    "aclas-os2-passive": Model(
        aclas_os2_passive, streams=False, commands=_OS2_COMMANDS | _CAS_COMMANDS, check_at=12
    ),
    "cas-22": Model(
        cas_22, streams=True, commands={b"MZ\r\n": "zero", b"MT\r\n": "tare"}, check_at=13
    ),
    "st-gs": Model(
        st_gs,
        streams=True,
        commands={b"Q\r\n": "weigh", b"Z\r\n": "zero", b"T\r\n": "tare"},
    ),
    "yaohua-a9": Model(yaohua_a9, streams=True, commands={}, check_at=9),
    "mt-continuous": Model(mt_continuous, streams=True, commands=_ONE_LETTER, check_at=17),
    "mt-continuous-17": Model(mt_continuous_17, streams=True, commands=_ONE_LETTER, check_at=9),
    "epelsa": Model(epelsa, streams=True, commands={}),
    "nci": Model(nci, streams=False, commands={b"W\r": "weigh", b"Z\r": "zero"}),
    "sma": Model(
        sma,
        streams=False,
        commands={b"\nW\r": "weigh", b"\nZ\r": "zero", b"\nT\r": "tare"},
    ),
    "ohaus": Model(
        ohaus, streams=False, commands={b"IP\r\n": "weigh", b"Z\r\n": "zero", b"T\r\n": "tare"}
    ),
    "dibal": Model(dibal, streams=False, commands={b"98000001\r\n": "weigh"}, check_at=15),
    "dialog06": Model(
        dialog06,
        streams=False,
        commands={
            b"\x04\x0201\x1b001000\x1b\x03": b"\x06",
            b"\x04\x05": "weigh",
            b"\x04\x0208\x03": "why",
        },
        check_at=8,
        refuses=dialog06_refuses,
    ),
    "cas-10": Model(
        cas_10, streams=True, commands={b"MZ\r\n": "zero", b"MT\r\n": "tare"}, check_at=4
    ),
    "adam": Model(
        adam, streams=False, commands={b"P\r\n": "weigh", b"Z\r\n": "zero", b"T\r\n": "tare"}
    ),
}


def next_command(received: bytearray, commands: dict[bytes, str | bytes]) -> str | bytes | None:
    """Take one whole command off the front; bytes that begin none are dropped.

    Returns:
        What the command asks for; None while there is no whole command.
    """
    while received:
        for command in sorted(commands, key=len, reverse=True):
            if received.startswith(command):
                del received[: len(command)]
                return commands[command]
        if any(command.startswith(bytes(received)) for command in commands):
            return None
        del received[:1]
    return None

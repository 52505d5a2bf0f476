"""What a valid frame of each protocol is, said once more and apart from the drivers.

The drivers are judged by this: a weight above zero counts only where the bytes that the driver
names for it are a frame by these words, with the same grams, and at rest only where the frame says
so. One expression and one check a protocol, nothing shared with the drivers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from operator import xor

_FACTORS = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "t": Decimal(1000000),
    "jin": Decimal(500),
    "斤": Decimal(500),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}


@dataclass(frozen=True, slots=True)
class Carried:
    """A weight that a frame carries: grams, and whether the frame says that it rests."""

    grams: int
    rests: bool


Part = tuple[bytes | str, bytes | str, bool]
"""Number, unit, rests."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A frame's shape, and what the match carries; None where a check or a flag forbids it."""

    shape: re.Pattern[bytes]
    told: Callable[[re.Match[bytes]], Part | None]


def carried(protocol: str, frame: bytes) -> Carried | None:
    """What exactly these bytes carry by the protocol's rule; None for no weight above zero.

    Raises:
        KeyError: no rule for that protocol.
    """
    rule = RULES[protocol]
    match = rule.shape.fullmatch(frame)
    told = rule.told(match) if match else None
    if told is None:
        return None
    number, unit, rests = told
    factor = _FACTORS.get(_text(unit).strip().lower())
    if factor is None:
        return None
    grams = (Decimal(_text(number).strip()) * factor).quantize(Decimal(1), ROUND_HALF_UP)
    return Carried(int(grams), rests) if grams > 0 else None


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("gb18030", "replace")


def _xor(data: bytes) -> int:
    return reduce(xor, data, 0)


def _toledo(match: re.Match[bytes]) -> Part | None:
    raw = match.group()
    plain = bytes(byte & 0x7F for byte in raw)
    number = re.fullmatch(rb"\x02([ \d]{0,5}\.?\d+)N?\r", plain)
    fits = number and re.fullmatch(rb" *\d+\.\d\d\d?", number[1]) and len(number[1]) == 6
    tops = {byte >> 7 for byte in raw}
    parities = {byte.bit_count() % 2 for byte in raw}
    if not fits or number is None or (len(tops) > 1 and len(parities) > 1):
        return None
    return number[1], "kg", True


def _soh(match: re.Match[bytes]) -> Part | None:
    state, body, unit, check = match["state"], match["weight"], match["unit"], match["check"][0]
    inside = state + b" " + body + unit
    signed = state + b"+" + body + unit
    sums = {_xor(inside), _xor(signed)} if match["sign"] in b" +" else set()
    if match["sign"] == b" ":
        sums = {_xor(inside)}
    elif match["sign"] == b"+":
        sums = {_xor(signed)}
    late = match.groupdict().get("flag2")
    either = {total ^ 0x03 for total in sums} if "flag2" in match.groupdict() else set()
    if check not in sums | either or (late and late[0] & 0x40):
        return None
    number = body if b"." in body else _thousandths(body, unit)
    return (number, unit, state == b"S") if number else None


def _thousandths(digits: bytes, unit: bytes) -> bytes:
    if unit.strip().lower() not in (b"kg", b"lb"):
        return b""
    return digits.replace(b" ", b"0")[:3] + b"." + digits.replace(b" ", b"0")[3:]


def _st_gs(match: re.Match[bytes]) -> Part | None:
    if not 14 <= len(match.group()) <= 20:
        return None
    return match["number"], match["unit"], match["state"] == b"ST"


def _lamps(match: re.Match[bytes]) -> Part | None:
    if match["data"].replace(b"+", b" ").strip().count(b" "):
        return None
    lamps = match["lamps"][0]
    rests = match["state"] == b"ST" and bool(lamps & 0x40) and not lamps & 0x10
    return match["data"].replace(b"+", b" "), match["unit"], rests


def _either_st_gs(match: re.Match[bytes]) -> Part | None:
    return _lamps(match) if match["lamps"] is not None else _st_gs(match)


def _yaohua(match: re.Match[bytes]) -> Part | None:
    digits, point, check = match["digits"], int(match["point"]), int(match["check"], 16)
    if check != _xor(match.group()[1:9]):
        return None
    return str(Decimal(digits.decode()).scaleb(-point)), "kg", False


def _continuous(match: re.Match[bytes]) -> Part | None:
    swa, swb, swc = match["status"]
    check = match.groupdict().get("check")
    if check and (check[0] > 127 or (sum(match.group()[:-1]) + check[0]) % 128):
        return None
    if not (swa & 0x20 and swa & 0x18 and swb & 0x20 and swc & 0x20) or swb & 0x46 or swc & 0x16:
        return None
    unit = "g" if swc & 1 else "kg" if swb & 0x10 else "lb"
    number = f"{Decimal(match['weight'].decode()).scaleb(2 - (swa & 7)):f}"
    return number, unit, not swb & 0x08


def _nci(match: re.Match[bytes]) -> Part | None:
    h1, h2, *more = match["status"]
    h3 = more[0] if more else 0x30
    last = (h1, h2, *more)[-1]
    chained = h1 < 0x40 and last < 0x40 and all(byte & 0x40 for byte in (h2, *more)[:-1])
    if not chained or any(byte & 0x30 != 0x30 for byte in (h1, h2, *more)):
        return None
    if h1 & 0x0C or h2 & 0x0F or h3 & 0x08:
        return None
    return match["number"], match["unit"], not h1 & 1


def _sma(match: re.Match[bytes]) -> Part | None:
    if len(match.group()) != 20:
        return None
    return match["number"], match["unit"], match["motion"] == b" "


def _ohaus(match: re.Match[bytes]) -> Part | None:
    if len(match["field"]) < 8:
        return None
    return match["number"], match["unit"], match["moving"] is None


def _dibal(match: re.Match[bytes]) -> Part | None:
    digits = match.group()[:15]
    value = 0
    for digit in digits:
        value ^= digit - 0x30
    given = match.group()[15:16]
    letter = bytes((0x30 + value,))
    return (match["grams"], "g", False) if given in (letter, b"%X" % value, b"%x" % value) else None


def _dialog06(match: re.Match[bytes]) -> Part | None:
    same = int(match["amount"]) == int(match["grams"])
    return (match["grams"], "g", True) if same else None


def _plain(match: re.Match[bytes]) -> Part:
    return match["number"], match["unit"], match["state"] in (b"S", b"A")


def _bare(match: re.Match[bytes]) -> Part:
    return match["number"], match.groupdict().get("unit") or "kg", False


def _rule(shape: bytes, told: Callable[[re.Match[bytes]], Part | None]) -> Rule:
    return Rule(re.compile(shape, re.DOTALL), told)


_NUMBER = rb"(?P<number>\d+(?:\.\d+)?)"
_SOH = (
    rb"(?P<state>[SU])(?P<sign>[ +])(?P<weight> *\d+(?:\.\d+)?)(?<=.{6})(?P<unit>..)"
    rb"(?P<check>.)\x03\x04"
)
_LAMPED = (
    rb"(?P<state>ST|US),(?P<kind>GS|NT),.(?P<lamps>.),"
    rb"(?P<data>(?=.{8} )[ +]*\d+(?:\.\d+)? *)(?<=,.{8}) (?P<unit>..)\r\n"
)
_MT = rb"\x02(?P<status>[\x20-\x7f]{3})(?=.{12}\r)(?P<weight> {0,5}\d{1,6})(?<=\x02.{9}) *\d*\r"

RULES: dict[str, Rule] = {
    "mt-sics": _rule(rb"S (?P<state>[SD]) +" + _NUMBER + rb" (?P<unit>[^ \r\n]{1,4})\r\n", _plain),
    "toledo-8217": _rule(rb"[\x02\x82].{6,7}[\x0d\x8d]", _toledo),
    "cas-soh": _rule(rb"\x01?\x02" + _SOH, _soh),
    "aclas-os2": _rule(rb"\x01\x02" + _SOH + rb"(?P<flag2>.)?", _soh),
    "aclas-os2-passive": _rule(rb"\x01\x02" + _SOH + rb"(?P<flag2>.)?", _soh),
    "cas-22": _rule(_LAMPED, _lamps),
    "st-gs": _rule(
        rb"(?:" + _LAMPED.replace(b"<state>", b"<lamped>").replace(b"<unit>", b"<lunit>")
        + rb"|(?P<state>ST|US),(?:(?:GS|NT),)? *\+? *" + _NUMBER
        + rb" *(?P<unit>[^\s\d.,+-]{0,4}) *\r\n)", _either_st_gs,
    ),
    "yaohua-a9": _rule(
        rb"\x02\+(?P<digits>\d{6})(?P<point>[0-4])(?P<check>[0-9A-Fa-f]{2})\x03", _yaohua
    ),
    "mt-continuous": _rule(_MT + rb"(?P<check>.)", _continuous),
    "mt-continuous-17": _rule(_MT, _continuous),
    "epelsa": _rule(
        rb"(?:\x1b(?P<state>[SU])[ +](?P<number>[ \d]\d\.\d{3})\r\n"
        rb"|\x02(?P<auto>[AI!]) *\+? *(?P<anumber>\d{1,3}\.\d{3})\r\x03)",
        lambda match: (
            match["number"] or match["anumber"],
            "kg",
            match["state"] == b"S" or match["auto"] == b"A",
        ),
    ),
    "nci": _rule(
        rb"\n(?=[^\r]{5,12}\r) *\+? *(?P<number>\d*\.?\d+|\d+\.\d*)"
        rb"(?P<unit>[a-zA-Z]{2}|[ ][a-zA-Z]|[a-zA-Z][ ])\r\n(?P<status>[\x30-\x7f]{2,4})\r\x03",
        _nci,
    ),
    "sma": _rule(
        rb"\n[ Z][ 0-9][GN](?P<motion>[ M])[ -~](?=.{13}\r) *\+? *" + _NUMBER
        + rb"(?P<unit> {0,2}[a-zA-Z]{1,3} {0,2})\r", _sma,
    ),
    "ohaus": _rule(
        rb"(?P<field> +\+? *" + _NUMBER + rb") (?P<unit>[a-zA-Z]{1,5}(?::[a-zA-Z]{1,4})?) *"
        rb"(?P<moving>\?)?(?: +(?:G|N|B|GROSS|NET))? *\r\n", _ohaus,
    ),
    "dibal": _rule(rb"990(?P<grams>\d{5})\d{7}[0-?A-Fa-f]\r\n", _dibal),
    "dialog06": _rule(
        rb"\x0202\x1b3\x1b(?P<grams>\d{5})\x1b001000\x1b(?P<amount>\d{6})\x03", _dialog06
    ),
    "cas-10": _rule(rb"(?=.{8}\r\n) *\+? *(?P<number>\d+\.\d+)\r\n", _bare),
    "adam": _rule(
        rb"(?:ST,)? *(?:(?:GS|NT|G|N|Net|Gross)(?:/W)?[,:]? *)?\+? *" + _NUMBER
        + rb" *(?P<unit>[a-zA-Z]{1,3}) *\r?\n", _bare,
    ),
}  # fmt: skip

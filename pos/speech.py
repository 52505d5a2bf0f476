"""What a till says aloud, when, and how loud. Pure.

Whatever is said stands on the screen as well. Names are never said, and nothing that others need
not hear of a diner: neither his balance, nor what he lacks, nor what he avoids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from dafan.config_voice import VoiceSettings
from dafan.money import Fen
from pos.kiosk.texts import LABELS, NOTICES
from pos.view import AskWhat, Notice, NoticeCode, Screen, View

_HOLE = re.compile(r"\{(\w+)\}")
_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_WAN = 10_000

_UNSAID = frozenset({
    NoticeCode.NOT_ENROLLED, NoticeCode.NOT_READY, NoticeCode.REVOKED,
    NoticeCode.CLERK_WRONG, NoticeCode.CLERK_LOCKED, NoticeCode.VOID_BEFORE, NoticeCode.VOID_LATE,
    NoticeCode.SOLD_MEANWHILE, NoticeCode.DESK_FAILED,
})  # fmt: skip
"""For the staff, who read: nobody who waits is told of them."""
_ADVICE_ALONE = frozenset({
    NoticeCode.FROZEN, NoticeCode.LEFT, NoticeCode.INSUFFICIENT, NoticeCode.NOT_LIVE,
    NoticeCode.WITHDRAWN, NoticeCode.MEAL_LIMIT, NoticeCode.DAILY_LIMIT, NoticeCode.OFFLINE_LIMIT,
    NoticeCode.CARD_LOST, NoticeCode.NOT_KNOWN_HERE,
})  # fmt: skip
"""What is the matter is the diner's own affair; what to do now is said."""
_HINTS = frozenset({
    NoticeCode.UNSTABLE, NoticeCode.NO_FACE, NoticeCode.TOO_FAR, NoticeCode.OFF_CENTRE,
    NoticeCode.TURNED_AWAY, NoticeCode.TOO_DARK, NoticeCode.BLURRED, NoticeCode.TWO_FACES,
    NoticeCode.UNKNOWN_FACE, NoticeCode.NOT_LIVE,
})  # fmt: skip
"""They change as often as the camera looks: none cuts off another."""
_INSTEAD = {
    NoticeCode.ALLERGENS: (
        "里面有您要避开的，请看屏幕。不想要请点取消",
        "This holds something you avoid: see the screen. Press Cancel if you do not want it",
    ),
}
_QUESTIONS = {
    AskWhat.PIN: "enter_pin",
    AskWhat.STAFF_NO: "enter_staff_no",
    AskWhat.CARD: "show_card",
    AskWhat.QR: "show_qr",
    AskWhat.CASH: "pay_cash",
}
"""The diner's questions by the label that is their title; that of ``AGAIN`` is a notice."""
_UNREAD = frozenset({Screen.SETUP, Screen.DESK})


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence to say; ``urgent`` cuts off what is being said, the others wait for its end."""

    zh: str
    en: str
    urgent: bool = True

    def of(self, language: str) -> str:
        """The sentence in ``zh`` or ``en``."""
        return self.zh if language == "zh" else self.en


def spoken(before: View | None, now: View) -> Spoken | None:
    """What is to be said when the screen changes.

    Args:
        before: What was shown; ``None`` where a page has just opened: it says nothing yet.
        now: What is shown.
    """
    if before is None or now.screen in _UNREAD:
        return None
    arrived = now.screen is not before.screen
    if now.screen is Screen.PAID:
        return _paid(now) if arrived else None
    if now.screen is Screen.ASK and now.ask != before.ask:
        return _question(now)
    news = now.notice is not None and now.notice != before.notice
    told = _notice(now.notice) if news else None
    if now.screen is Screen.CONFIRM:
        return _together(_confirm(now), told) if arrived and now.countdown_ms else told
    if now.screen is Screen.LOOK and now.total is not None and (arrived or before.total is None):
        return _together(_look(now), told)
    return told


def volume(settings: VoiceSettings, clock: str) -> int:
    """Percent of the loudest, at this site time.

    Args:
        settings: Of the till.
        clock: ``11:42``; empty while the till does not know its site: the ordinary volume.
    """
    for hours in settings.hours:
        over_midnight = hours.end < hours.begin
        inside = hours.begin <= clock, clock < hours.end
        if clock and (any(inside) if over_midnight else all(inside)):
            return hours.volume
    return settings.volume


# --- amounts ------------------------------------------------------------------------------------


def amount_zh(fen: Fen) -> str:
    """As a cashier says it: 2350 is 二十三元五角, 2305 is 二十三元零五分, 200 is 两元.

    Args:
        fen: Not below zero, less than a million yuan.
    """
    yuan, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    parts = [f"{counted_zh(yuan)}元"] if yuan or not rest else []
    if jiao:
        parts.append(f"{_DIGITS[jiao] if parts else counted_zh(jiao)}角")
    elif cent and parts:
        parts.append("零")
    if cent:
        parts.append(f"{_DIGITS[cent] if parts else counted_zh(cent)}分")
    return "".join(parts)


def amount_en(fen: Fen) -> str:
    """``23 yuan 50 fen``: whole numbers, which every voice reads alike."""
    yuan, rest = divmod(fen, 100)
    parts = [f"{yuan} yuan"] if yuan or not rest else []
    return " ".join([*parts, *([f"{rest} fen"] if rest else [])])


def counted_zh(number: int) -> str:
    """A number before the word for what is counted: 2 is 两, 12 十二, 20 二十, 102 一百零二.

    Args:
        number: Not below zero, less than a hundred million.
    """
    if number == 2:
        return "两"
    wan, rest = divmod(number, _WAN)
    words = _below_wan(rest) if rest or not wan else ""
    if wan:
        gap = "零" if 0 < rest < _WAN // 10 else ""
        words = f"{counted_zh(wan)}万{gap}{words}"
    return words.removeprefix("一") if words.startswith("一十") else words


def _below_wan(number: int) -> str:
    if number == 0:
        return "零"
    digits = [int(digit) for digit in str(number)]
    words = [
        _digit(digit, place) if digit else "零"
        for digit, place in zip(digits, range(len(digits) - 1, -1, -1), strict=True)
    ]
    text = words[0] + "".join(b for a, b in pairwise(words) if (a, b) != ("零", "零"))
    return text.rstrip("零")


def _digit(digit: int, place: int) -> str:
    word = "两" if digit == 2 and place > 1 else _DIGITS[digit]
    return word + _PLACES[place]


# --- sentences ----------------------------------------------------------------------------------


def _paid(now: View) -> Spoken:
    total = now.total or Fen(0)
    return Spoken(f"支付成功，{amount_zh(total)}", f"Paid, {amount_en(total)}")


def _confirm(now: View) -> Spoken:
    total = now.total or Fen(0)
    return Spoken(
        f"{amount_zh(total)}，不是您请点取消", f"{amount_en(total)}. Not you? Press Cancel"
    )


def _look(now: View) -> Spoken:
    total = now.total or Fen(0)
    asked = LABELS["look" if now.face else "other_ways"]
    return Spoken(f"{amount_zh(total)}，{asked['zh']}", f"{amount_en(total)}. {asked['en']}")


def _question(now: View) -> Spoken | None:
    told = _notice(now.notice)
    if now.ask is None or now.ask.what not in _QUESTIONS:
        return told if now.ask is not None and now.ask.what is AskWhat.AGAIN else None
    title = LABELS[_QUESTIONS[now.ask.what]]
    return _together(told, Spoken(title["zh"], title["en"]))


def _notice(notice: Notice | None) -> Spoken | None:
    if notice is None or notice.code in _UNSAID:
        return None
    if notice.code in _INSTEAD:
        return Spoken(*_INSTEAD[notice.code])
    sentence = NOTICES[notice.code]
    first = 1 if notice.code in _ADVICE_ALONE else 0
    zh = [part for part in sentence["zh"][first:] if part]
    en = [part for part in sentence["en"][first:] if part]
    return Spoken(
        _filled("，".join(zh), notice.params, chinese=True),
        _filled(". ".join(en), notice.params, chinese=False),
        urgent=notice.code not in _HINTS,
    )


def _filled(text: str, params: Mapping[str, int | str], *, chinese: bool) -> str:
    def word(found: re.Match[str]) -> str:
        value = params.get(found[1], "")
        if not isinstance(value, int):
            return value
        if found[1].endswith("_fen"):
            return amount_zh(Fen(value)) if chinese else amount_en(Fen(value))
        return counted_zh(value) if chinese else str(value)

    said = _HOLE.sub(word, text)
    return re.sub("[ “”]", "", said) if chinese else said


def _together(first: Spoken | None, second: Spoken | None) -> Spoken | None:
    if first is None or second is None:
        return first or second
    return Spoken(
        f"{first.zh}。{second.zh}", f"{first.en}. {second.en}", first.urgent or second.urgent
    )

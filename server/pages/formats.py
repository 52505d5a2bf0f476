"""How figures, times and names are written on pages."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from dafan.money import Fen, format_yuan

DASH = "—"


def yuan(amount: Fen | None) -> str:
    """``123456`` → ``¥1,234.56``; nothing known → a dash."""
    if amount is None:
        return DASH
    sign = "-" if amount < 0 else ""
    whole, part = format_yuan(Fen(abs(amount))).split(".")
    return f"{sign}¥{int(whole):,}.{part}"


def plain_yuan(amount: Fen | None) -> str:
    """``1280`` → ``12.80``, as a form field shows it; nothing known → empty."""
    return "" if amount is None else format_yuan(amount)


def weight(grams: int | None) -> str:
    """``412`` → ``412 g``; from one kilogram on ``1.204 kg``."""
    if grams is None:
        return DASH
    return f"{grams} g" if abs(grams) < 1000 else f"{grams / 1000:.3f} kg"


def seconds(value: float | None) -> str:
    """``2.345`` → ``2.3``; nothing known → a dash."""
    return DASH if value is None else f"{value:.1f}"


def share(part: int, whole: int) -> str:
    """``41 of 100`` → ``41%``; of nothing → a dash."""
    return DASH if whole <= 0 else f"{round(100 * part / whole)}%"


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Date and minute in the site's zone."""
    return DASH if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def clock(at: datetime | None, zone: ZoneInfo, with_seconds: bool = True) -> str:
    """Time of day in the site's zone."""
    if at is None:
        return DASH
    return at.astimezone(zone).strftime("%H:%M:%S" if with_seconds else "%H:%M")


def weekday(day: date) -> str:
    """``周五``, or ``Fri`` on English pages."""
    names = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
    return str(names[day.weekday()])


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit."""
    if at is None:
        return str(_("从未"))
    passed = int(max(now.astimezone(UTC) - at, timedelta()).total_seconds())
    if passed < 60:
        text = _("%(n)s 秒前", n=passed)
    elif passed < 3600:
        text = _("%(n)s 分钟前", n=passed // 60)
    elif passed < 86400:
        text = _("%(n)s 小时前", n=passed // 3600)
    else:
        text = _("%(n)s 天前", n=passed // 86400)
    return str(text)


def masked(name: str) -> str:
    """The first character and a star: enough to recognise oneself, not to look others up."""
    return f"{name[:1]}*" if name else DASH


def short(value: object, digits: int = 8) -> str:
    """The last digits of an identifier, enough to tell two apart."""
    return str(value)[-digits:]


def plain_json(value: Any) -> str:
    """A JSON value on one line, Chinese as Chinese."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def browser(agent: str) -> str:
    """Browser and system of a ``User-Agent``, as people call them; it is a hint, not a proof."""
    names = ("Edg", "MicroMessenger", "OPR", "Firefox", "Chrome", "Safari")
    systems = ("Android", "iPhone", "iPad", "HarmonyOS", "Windows", "Mac OS", "Linux")
    spoken = {"Edg": "Edge", "MicroMessenger": "WeChat", "OPR": "Opera", "Mac OS": "macOS"}
    found = [next((one for one in among if one in agent), "") for among in (names, systems)]
    return " · ".join(spoken.get(one, one) for one in found if one) or agent[:40] or "—"

"""Scales in words: how one stands, and what wants a hand, the same on every page."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import g, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from server import scales
from server.access import may
from server.pages import site_view
from server.scale_rules import TO_SEE_TO, Standing, Watch
from server.services import services

STANDINGS: Mapping[Standing, tuple[str, LazyString]] = {
    Standing.GOOD: ("ok", _l("可以计价")),
    Standing.SOON: ("warn", _l("检定快到期")),
    Standing.LOOSE: ("warn", _l("没有检定")),
    Standing.UNVERIFIED: ("stop", _l("没有检定")),
    Standing.EXPIRED: ("stop", _l("检定过期")),
    Standing.FAILED: ("stop", _l("核查不合格")),
    Standing.CHECK_DUE: ("stop", _l("今天没核查")),
}
"""Colour and words of how a scale stands."""

WANTED: Mapping[Standing, tuple[str, LazyString, LazyString]] = {
    Standing.FAILED: ("stop", _l("秤不合格"), _l("%(n)s 台不能计价，修好再核查或检定")),
    Standing.EXPIRED: ("stop", _l("秤的检定过期"), _l("%(n)s 台不能计价，请送检")),
    Standing.UNVERIFIED: ("stop", _l("秤没有检定"), _l("%(n)s 台不能计价，请登记检定证书")),
    Standing.CHECK_DUE: (
        "stop", _l("秤今天没核查"), _l("%(n)s 台不能计价，请先用砝码核查"),
    ),
    Standing.SOON: ("warn", _l("秤的检定快到期"), _l("%(n)s 台，请安排送检")),
}  # fmt: skip
"""Colour, title and words of what wants a hand; ``n`` is how many."""


@dataclass(frozen=True, slots=True)
class Line:
    """Scales that want the same hand."""

    light: str
    title: str
    text: str
    address: str
    """The page of scales; empty where the person may not see it."""


def watch(session: Session) -> Watch:
    """How the scales of the signed-in person's site stand, looked at once a request."""
    if "dafan_scales" not in g:
        site, now = site_view.current(), services().clock.now()
        g.dafan_scales = scales.watch(session, site.id, site.policy, now)
    seen: Watch = g.dafan_scales
    return seen


def lines(seen: Watch) -> list[Line]:
    """One line for each thing to be done about scales, the worst first."""
    address = url_for("manage.scales_list") if may("see_kitchen") else ""
    found = []
    for standing in TO_SEE_TO:
        if standing in seen.counts:
            light, title, _text = WANTED[standing]
            found.append(Line(light, str(title), text(standing, seen.counts[standing]), address))
    return found


def text(standing: Standing, count: int | str) -> str:
    """How many, and what is to be done."""
    return str(WANTED[standing][2]) % {"n": count}

"""The inbox in words: who looks, what each thing is called, where it is decided."""

from collections.abc import Mapping
from typing import Any

from flask import g, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.orm import Session

from server import inbox
from server.access import may
from server.inbox import Ask, Kind, Who
from server.pages import scale_words
from server.pages.shared import reading, site_id
from server.scale_rules import TO_SEE_TO, Standing

SCALES: Mapping[Kind, Standing] = {Kind(f"scale_{one.value}"): one for one in TO_SEE_TO}
"""Kinds that count scales, and how those stand."""

KINDS: Mapping[Kind, tuple[str, LazyString]] = {
    Kind.ORDER: ("info", _l("采购单")),
    Kind.ASKED: ("info", _l("申请")),
    Kind.STOCK: ("info", _l("领料和报损")),
    Kind.STOCKTAKE: ("info", _l("盘点差异")),
    Kind.REFUND: ("info", _l("退款")),
    Kind.REVERSAL: ("info", _l("充值冲正")),
    Kind.PAY_OUT: ("info", _l("离开结清")),
    Kind.DISPUTE: ("warn", _l("人脸争议")),
    Kind.INCIDENT: ("warn", _l("违规待确认")),
    Kind.ALARM: ("warn", _l("留样报警的说明")),
    Kind.FINDING: ("info", _l("整改待复核")),
    Kind.REPAIR: ("info", _l("维修待验收")),
    Kind.WAIVER: ("warn", _l("申请免做")),
    **{kind: scale_words.WANTED[one][:2] for kind, one in SCALES.items()},
}
"""Colour of its mark, and its name."""

_SEEN_WITH: Mapping[Kind, str] = {
    Kind.ORDER: "see_buying",
    Kind.STOCKTAKE: "see_kitchen",
    Kind.REFUND: "see_sales",
    Kind.REVERSAL: "top_up",
    Kind.PAY_OUT: "pay_out",
    Kind.DISPUTE: "see_disputes",
    Kind.INCIDENT: "see_kitchen",
    Kind.ALARM: "see_kitchen",
    Kind.FINDING: "see_kitchen",
    Kind.REPAIR: "see_kitchen",
    Kind.WAIVER: "see_kitchen",
    **dict.fromkeys(SCALES, "see_kitchen"),
}
"""What a person must be allowed to see to follow the link."""


def who(session: Session) -> Who:
    """The signed-in person, as the inbox knows him."""
    return Who(
        site_id(), current_user.login, tuple(current_user.roles), lambda: scale_words.watch(session)
    )


def count(session: Session) -> int:
    """How much waits for the signed-in person, counted once a request."""
    if "dafan_asks" not in g:
        g.dafan_asks = inbox.count(session, who(session))
    found: int = g.dafan_asks
    return found


def waiting_count() -> int:
    """As :func:`count`, for the navigation of a page."""
    with reading() as session:
        return count(session)


def address(ask: Ask) -> str:
    """Where it is looked at and decided; empty where that is the inbox itself."""
    right = _SEEN_WITH.get(ask.kind)
    if right is None or not may(right):
        return ""
    endpoint, name = inbox.PLACES[ask.kind]
    values: dict[str, Any] = {name: ask.id} if name else {}
    return url_for(endpoint, **values)

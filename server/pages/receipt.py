"""A sale as the paper slip shows it, in plain text for the screen."""

import unicodedata
from collections.abc import Sequence

from flask_babel import gettext as _

from dafan.money import Fen, format_yuan
from dafan.records import Portion
from server.access import may
from server.books.sales import SaleLine
from server.pages import formats
from server.pages.site_view import SiteView
from server.reports.sales import Row

COLUMNS = 32
"""What 58 mm paper holds."""


def text(row: Row, lines: Sequence[SaleLine], venue: str, site: SiteView) -> str:
    """The slip; the diner's name as far as the signed-in person may see it."""
    sale = row.sale
    name = row.diner if may("see_names") else formats.masked(row.diner)
    slip = [_centred(site.name), _centred(f"{venue} {row.terminal}".strip()), "-" * COLUMNS]
    for line in lines:
        slip.append(line.name + {Portion.HALF: _("（半份）"), Portion.SMALL: _("（小碗）")}.get(
            Portion(line.portion), ""))  # fmt: skip
        count = formats.weight(line.grams) if line.grams else f"x{line.quantity}"
        slip.append(_pair(f"  {count} @ {_money(line.unit_price)}", _money(line.amount)))
    slip.append("-" * COLUMNS)
    if sale.discount:
        slip.append(_pair(_("原价"), _money(sale.list_total)))
        slip.append(_pair(_("优惠"), _money(-sale.discount)))
    slip.append(_pair(_("合计"), f"¥{_money(sale.total)}"))
    for label, amount in (
        (_("补贴账户"), sale.subsidy_paid),
        (_("充值账户"), sale.cash_paid),
        (_("现金"), sale.drawer_paid),
    ):
        if amount:
            slip.append(_pair(label, _money(amount)))
    if sale.cancelled:
        slip.append(_centred(_("*** 已全部退回 ***")))
    elif sale.refunded:
        slip.append(_pair(_("已退"), _money(-sale.refunded)))
    slip.append("-" * COLUMNS)
    if row.diner:
        slip.append(_pair(_("就餐人"), name))
    slip.append(_pair(site.period_name(sale.period), formats.moment(sale.paid_at, site.zone)))
    slip.append(_pair(_("单号"), formats.short(sale.id, 12)))
    if site.policy.receipt_footer:
        slip.append(_centred(site.policy.receipt_footer))
    return "\n".join(slip)


def _money(amount: int) -> str:
    return format_yuan(Fen(amount))


def _width(words: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in words)


def _pair(left: str, right: str) -> str:
    return left + " " * max(1, COLUMNS - _width(left) - _width(right)) + right


def _centred(words: str) -> str:
    return " " * max(0, (COLUMNS - _width(words)) // 2) + words

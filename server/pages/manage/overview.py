"""总览: the canteen now, beside the same weekday a week ago up to the same time."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from server import exceptions, faces
from server.access import may, needs
from server.books import refunds
from server.pages import charts, formats, site_view
from server.pages.manage.blueprint import manage
from server.pages.manage.terminals import State, states
from server.pages.shared import reading, site_id
from server.pages.words import exception_text
from server.reports import sales as report
from server.services import services

LATEST = 12
TO_DO = 8
MOST = 200
"""Exceptions looked through for the list of what to do."""
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its light, its comparison and its last seven days."""

    title: str
    value: str
    unit: str
    foot: str
    light: str
    points: str
    address: str
    """Endpoint that explains the figure; empty where the person may not see it."""


@manage.get("/", endpoint="overview")
@needs("see_overview")
def page() -> str:
    """The page."""
    return render_template("manage/overview.html", **_now())


@manage.get("/live")
@needs("see_overview")
def live() -> str:
    """The part of the page that keeps itself up to date."""
    return render_template("manage/_live.html", **_now())


def _now() -> dict[str, Any]:
    at = services().clock.now()
    site = site_view.current()
    day = site.today(at)
    with reading() as session:
        days = report.day_figures(session, site.id, day - WEEK + timedelta(days=1), day)
        then = report.day_figures(session, site.id, day - WEEK, day - WEEK, at - WEEK)
        period = report.latest_period(session, site.id, day)
        covers = (
            report.covers_by_minute(session, site.id, day, period) if period else report.Covers()
        )
        shares = report.tender_shares(session, site.id, day)
        labels = [formats.clock(start, site.zone, with_seconds=False) for start in covers.starts]
        tills = states(session, at)
        return {
            "at": at,
            "day": day,
            "tiles": _sales_tiles(session, day, days, then.get(day - WEEK))
            + _work_tiles(session, tills),
            "period": site.period_name(period) if period else "",
            "covers": covers,
            "labels": labels,
            "chart": charts.columns(labels, covers.now, covers.then),
            "shares": shares,
            "shares_total": sum(part.sales for part in shares),
            "latest": report.latest(session, site.id, limit=LATEST, day=day),
            "to_do": _to_do(session, tills),
        }


def _sales_tiles(
    session: Session, day: date, days: dict[date, report.Figures], then: report.Figures | None
) -> list[Tile]:
    now = days.get(day, report.Figures())
    week = [days.get(day - timedelta(days=back)) for back in range(6, -1, -1)]
    slow = report.slow_payment(session, site_id(), day, now.sales)
    name = formats.weekday(day)

    def against(old: str) -> str:
        if then is None:
            return str(_("上%(day)s此时没有数据", day=name))
        return str(_("上%(day)s此时 %(old)s", day=name, old=old))

    def line(pick: Any) -> str:
        return charts.sparkline([pick(one) if one and one.sales else None for one in week])

    old = then or report.Figures()
    return [
        Tile(_("就餐人次"), f"{now.covers:,}", _("人"), against(f"{old.covers:,}"), "",
             line(lambda one: one.covers), "manage.sales"),
        Tile(_("今日收入"), formats.yuan(now.net), "", against(formats.yuan(old.net)), "",
             line(lambda one: one.net), "manage.sales"),
        Tile(_("补贴占比"), formats.share(now.subsidy, now.income), "",
             against(formats.share(old.subsidy, old.income)), "",
             line(lambda one: one.subsidy / one.income if one.income else None), "manage.sales"),
        Tile(_("平均付款用时"), formats.seconds(now.pay_seconds), _("秒"),
             _("95%% 在 %(slow)s 秒内", slow=formats.seconds(slow)) if slow is not None
             else _("从放下餐盘到付完"), "",
             line(lambda one: one.pay_seconds), "manage.sales"),
    ]  # fmt: skip


def _work_tiles(session: Session, tills: list[State]) -> list[Tile]:
    online = sum(till.online for till in tills)
    behind = max((till.behind for till in tills if till.online), default=0)
    if online < len(tills):
        foot, light = _("%(n)s 台离线，照常收款", n=len(tills) - online), "warn"
    elif behind:
        foot, light = _("最多落后 %(n)s 条更新", n=behind), "ok"
    else:
        foot, light = (_("全部同步"), "ok") if tills else (_("还没有结算台"), "")
    waiting = exceptions.count_open(session, site_id())
    return [
        Tile(_("结算台在线"), f"{online} / {len(tills)}", _("台"), foot, light, "",
             "manage.terminals_list" if may("see_terminals") else ""),
        Tile(_("例外待处理"), str(waiting), _("条"),
             _("请今天看完") if waiting else _("没有要处理的"), "warn" if waiting else "ok", "",
             "manage.exceptions_list" if may("see_exceptions") else ""),
    ]  # fmt: skip


def _to_do(session: Session, tills: list[State]) -> list[dict[str, str]]:
    """What needs a hand, the most urgent first."""
    found: list[dict[str, str]] = []
    codes = Counter(item.code for item in exceptions.page(session, site_id(), limit=MOST))
    for code, count in codes.most_common():
        light, title, advice = exception_text(code)
        found.append({"light": light, "title": f"{title} ×{count}", "text": advice})
    found.sort(key=lambda one: ("stop", "warn", "info").index(one["light"]))
    found += [
        {"light": "warn", "title": _("结算台离线"),
         "text": _("%(name)s：收款不受影响，联网后自动补传", name=till.terminal.name)}
        for till in tills if not till.online
    ]  # fmt: skip
    asked = refunds.count_open(session, site_id()) if may("approve_refunds") else 0
    if asked:
        found.insert(0, {"light": "warn", "title": _("退款待审批"),
                         "text": _("%(n)s 笔，请在“退款”里处理", n=asked)})  # fmt: skip
    waiting = len(faces.waiting_erasures(session, site_id()))
    if waiting:
        found.append(
            {"light": "info", "title": _("等待删除回执"),
             "text": _("%(n)s 份人脸特征还没有收到结算台的删除回执", n=waiting)}
        )  # fmt: skip
    return found[:TO_DO]

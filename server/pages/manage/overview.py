"""总览: the canteen now, each figure with its light, and what needs a hand."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from kitchen.stock_alerts import Alert
from server import exceptions, faces, glance, glance_words
from server.access import may, needs
from server.books import refunds
from server.glance_rules import Gauge, Light
from server.pages import asks, charts, formats, scale_words, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import reading, site_id
from server.pages.words import exception_text
from server.reports import sales as report
from server.services import services

LATEST = 12
TO_DO = 8
MOST = 200
"""Exceptions looked through for the list of what to do."""
SHOWN = 3
"""Of one sort in the list of what to do."""
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its light, what it is compared with, and its last seven days."""

    words: glance_words.Words
    light: Light
    points: str
    address: str
    """Where its rows are; empty where the person may not see them."""


@dataclass(frozen=True, slots=True)
class ToDo:
    """Something that needs a hand."""

    light: str
    title: str
    text: str
    address: str = ""


@manage.get("/", endpoint="overview")
@needs("see_overview")
def page() -> str:
    """The page."""
    return render_template("manage/overview.html", **_now(), wall=False)


@manage.get("/wall")
@needs("see_overview")
def wall() -> str:
    """The same in the dark, over the whole screen: for a wall of the office."""
    return render_template("manage/wall.html", **_now(), wall=True)


@manage.get("/live")
@needs("see_overview")
def live() -> str:
    """The part of the page that keeps itself up to date."""
    return render_template("manage/_live.html", **_now(), wall="wall" in request.args)


def _now() -> dict[str, Any]:
    at = services().clock.now()
    site = site_view.current()
    day = site.today(at)
    with reading() as session:
        weighing = scale_words.watch(session)
        seen = glance.look_at(session, site.id, site.policy, day, at, weighing)
        days = report.day_figures(session, site.id, day - WEEK, day)
        then = report.day_figures(session, site.id, day - WEEK, day - WEEK, at - WEEK)
        period = report.latest_period(session, site.id, day)
        covers = (
            report.covers_by_minute(session, site.id, day, period) if period else report.Covers()
        )
        shares = report.tender_shares(session, site.id, day)
        labels = [formats.clock(start, site.zone, with_seconds=False) for start in covers.starts]
        return {
            "at": at,
            "day": day,
            "tiles": _tiles(seen, days, then.get(day - WEEK)),
            "light_words": glance_words.LIGHTS,
            "period": site.period_name(period) if period else "",
            "covers": covers,
            "labels": labels,
            "chart": charts.columns(labels, covers.now, covers.then),
            "shares": shares,
            "shares_total": sum(part.sales for part in shares),
            "latest": report.latest(session, site.id, limit=LATEST, day=day),
            "to_do": _to_do(session, seen),
        }


_SPARKS: dict[Gauge, Callable[[report.Figures], float | None]] = {
    Gauge.COVERS: lambda one: one.covers,
    Gauge.TAKINGS: lambda one: one.net,
    Gauge.PAYING: lambda one: one.pay_seconds,
}
"""Gauges that have a line of seven days."""


def _tiles(
    seen: glance.Seen, days: dict[date, report.Figures], then: report.Figures | None
) -> list[Tile]:
    """The gauges; covers and takings stand beside the same weekday a week ago, up to this time."""
    day = seen.glance.day
    week = [days.get(day - timedelta(days=back)) for back in range(6, -1, -1)]
    old = (
        {}
        if then is None
        else {Gauge.COVERS: f"{then.covers:,}", Gauge.TAKINGS: formats.yuan(then.net)}
    )
    found = []
    for gauge, verdict in seen.lights.items():
        words = glance_words.say(seen.glance, gauge, verdict, site_view.current().zone)
        if gauge in old:
            foot = _("上%(day)s此时 %(old)s", day=formats.weekday(day), old=old[gauge])
            words = replace(words, foot=f"{words.foot} · {foot}")
        pick = _SPARKS.get(gauge)
        points = (
            ""
            if pick is None
            else charts.sparkline([pick(one) if one and one.sales else None for one in week])
        )
        found.append(Tile(words, verdict.light, points, _address(gauge, day)))
    return found


_PLACES: dict[Gauge, tuple[str, str]] = {
    Gauge.COVERS: ("manage.sales", "see_sales"),
    Gauge.TAKINGS: ("manage.report_sales", "see_sales"),
    Gauge.PAYING: ("manage.sales", "see_sales"),
    Gauge.QUEUE: ("manage.report_sales", "see_sales"),
    Gauge.TILLS: ("manage.terminals_list", "see_terminals"),
    Gauge.WASTE: ("manage.report_waste", "see_kitchen"),
    Gauge.SAMPLES: ("kitchen.samples", "see_kitchen"),
    Gauge.SUPERVISION: ("kitchen.today", "see_kitchen"),
    Gauge.INCIDENTS: ("manage.incidents_list", "see_incidents"),
    Gauge.STOCK: ("kitchen.stock", "see_kitchen"),
    Gauge.COMPLAINTS: ("manage.feedback_list", "run_kitchen"),
    Gauge.EXCEPTIONS: ("manage.exceptions_list", "see_exceptions"),
}
"""Where the rows behind a gauge are, and who may see them."""


def _address(gauge: Gauge, day: date) -> str:
    endpoint, right = _PLACES[gauge]
    if not may(right):
        return ""
    if endpoint.startswith("manage.report_"):
        return url_for(endpoint, preset="today")
    return url_for(endpoint, since=day) if endpoint == "manage.sales" else url_for(endpoint)


def _to_do(session: Session, seen: glance.Seen) -> list[ToDo]:
    """What needs a hand, the most urgent first."""
    found = [*_kitchen_to_do(seen), *_money_to_do(session, seen)]
    found.sort(key=lambda one: ("stop", "warn", "info").index(one.light))
    return found[:TO_DO]


def _kitchen_to_do(seen: glance.Seen) -> list[ToDo]:
    """Late acts, and lots that must not be used."""
    zone, linked = site_view.current().zone, may("see_kitchen")
    acts = [
        ToDo(
            "stop", _("超时"),
            _("%(title)s，%(post)s，%(at)s 前要做", title=item.title, post=item.post,
              at=formats.clock(item.due_at, zone, with_seconds=False)),
            url_for("kitchen.act", item_id=item.id) if linked else "",
        )
        for item in seen.late_acts[:SHOWN]
    ]  # fmt: skip
    bad = [one for one in seen.warned if one.lot_id and one.alert in {Alert.EXPIRED, Alert.HELD}]
    lots = [
        ToDo(
            "stop" if one.alert is Alert.EXPIRED else "warn",
            _("已过期") if one.alert is Alert.EXPIRED else _("被封存"),
            _("%(name)s，批次 %(number)s", name=one.name, number=one.number),
            url_for("kitchen.stock_lot", lot_id=one.lot_id) if linked else "",
        )
        for one in bad[:SHOWN]
    ]  # fmt: skip
    return acts + lots


def _money_to_do(session: Session, seen: glance.Seen) -> list[ToDo]:
    """Decisions that wait, what could not be booked, tills that are away."""
    found = []
    inbox = url_for("manage.approvals_inbox") if may("see_buying") else ""
    if asked := refunds.count_open(session, site_id()) if may("approve_refunds") else 0:
        found.append(ToDo("warn", _("退款待审批"), _("%(n)s 笔", n=asked), inbox))
    if waiting := asks.count(session) - asked:
        found.append(
            ToDo("warn", _("等您审批"), _("%(n)s 件，等得最久的在最前面", n=waiting), inbox)
        )
    linked = url_for("manage.exceptions_list") if may("see_exceptions") else ""
    codes = Counter(item.code for item in exceptions.page(session, site_id(), limit=MOST))
    for code, count in codes.most_common():
        light, title, advice = exception_text(code)
        found.append(ToDo(light, f"{title} ×{count}", advice, linked))
    found += _scales_to_do(seen)
    found += _tills_to_do(seen)
    if waiting := len(faces.waiting_erasures(session, site_id())):
        text = _("%(n)s 份人脸特征还没有收到结算台的删除回执", n=waiting)
        found.append(ToDo("info", _("等待删除回执"), text))
    return found


def _scales_to_do(seen: glance.Seen) -> list[ToDo]:
    lines = scale_words.lines(seen.weighing)
    return [ToDo(one.light, one.title, one.text, one.address) for one in lines]


def _tills_to_do(seen: glance.Seen) -> list[ToDo]:
    linked = url_for("manage.terminals_list") if may("see_terminals") else ""
    away = [till.terminal.name for till in seen.tills if not till.online]
    if not away:
        return []
    names = _("、").join(away[:SHOWN])
    if len(away) > SHOWN:
        names = _("%(names)s 等 %(n)s 台", names=names, n=len(away))
    text = _("%(name)s：收款不受影响，联网后自动补传", name=names)
    return [ToDo("warn", _("结算台离线"), text, linked)]

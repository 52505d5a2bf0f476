"""The daily report in words: what the one screen knows of the day, as plain text with a link.

Outside of a request it is Chinese; who asks for it on a page reads it in his own language.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dafan.records import Policy
from server import buying, glance, glance_words, scales, sites
from server.glance_rules import Light
from server.reports import measures
from server.reports.frame import GRAMS_A_COVER, KILOGRAMS, PERCENT, YUAN, permille
from server.reports.measures import Values
from server.reports.scope import Dimension, Scope

MOST_ACTS = 8
"""Late acts that are named."""
_MARKS: Mapping[Light, str] = {Light.WARN: "▲", Light.STOP: "■"}
_CODES = (
    "covers", "net", "income", "subsidy", "standard_cost", "cost_per_cover", "actual_cost",
    "margin_permille", "uncosted_portions", "waste_grams", "waste_per_cover", "waste_fen",
)  # fmt: skip


def compose(
    session: Session, site_id: UUID, policy: Policy, day: date, now: datetime, address: str = ""
) -> tuple[str, str]:
    """Title and text of a day's report.

    Args:
        session: Reads.
        site_id: Whose.
        policy: Of the site.
        day: Business date.
        now: Aware UTC; alarms are told as they stand at this moment.
        address: Of the pages, as people reach them; empty: no link.
    """
    name = sites.get_site(session, site_id).name
    weighing = scales.watch(session, site_id, policy, now)
    seen = glance.look_at(session, site_id, policy, day, now, weighing)
    whole = measures.ask(session, site_id, _CODES, Scope(day, day))[()]
    lines = [*_covers(session, site_id, policy, day, whole), *_money(whole), *_waste(seen, whole)]
    lines += ["", *_alarms(seen, ZoneInfo(policy.time_zone))]
    if seen.late_acts:
        lines += ["", _("没有按时做的：")]
        lines += [f"- {item.title}（{item.post}）" for item in seen.late_acts[:MOST_ACTS]]
        if len(seen.late_acts) > MOST_ACTS:
            lines.append(_("……共 %(n)s 项", n=len(seen.late_acts)))
    if address:
        link = f"{address.rstrip('/')}/manage/reports/sales?since={day}&until={day}"
        lines += ["", _("详情：%(link)s", link=link)]
    title = _("%(site)s %(day)s 日报", site=name, day=day.isoformat())
    return title[:120], "\n".join(lines)


def _covers(session: Session, site_id: UUID, policy: Policy, day: date, whole: Values) -> list[str]:
    codes = [period.code for period in policy.periods]
    expected: dict[str, int] = {}
    for venue in sites.venues(session, site_id):
        for one in buying.coming(session, site_id, venue.id, codes, day, day, day):
            expected[one.forecast.period] = expected.get(one.forecast.period, 0) + one.covers
    by_meal = measures.ask(session, site_id, ["covers"], Scope(day, day), [Dimension.MEAL])
    meals = []
    for period in policy.periods:
        came = by_meal.get((period.code,), {}).get("covers") or 0
        if came or expected.get(period.code):
            told = _("%(meal)s %(n)s（预估 %(expected)s）", meal=period.name, n=came,
                     expected=expected.get(period.code) or "—")  # fmt: skip
            meals.append(told)
    return [_("就餐 %(n)s 人次", n=whole["covers"] or 0), *([_("，").join(meals)] if meals else [])]


def _money(whole: Values) -> list[str]:
    share = permille(whole["subsidy"] or 0, whole["income"] or 0)
    taken = _("收入 %(net)s", net=YUAN.told(whole["net"]))
    if share is not None:
        taken += _("，补贴占 %(share)s", share=PERCENT.told(share))
    lines = [taken]
    if whole["standard_cost"]:
        lines.append(
            _("标准成本 %(cost)s，人均 %(each)s，毛利率 %(margin)s",
              cost=YUAN.told(whole["standard_cost"]), each=YUAN.told(whole["cost_per_cover"]),
              margin=PERCENT.told(whole["margin_permille"]))
        )  # fmt: skip
    if whole["actual_cost"]:
        lines.append(_("实际领料 %(cost)s", cost=YUAN.told(whole["actual_cost"])))
    if whole["uncosted_portions"]:
        lines.append(_("有 %(n)s 份菜没有配方或价格，成本少计", n=whole["uncosted_portions"]))
    return lines


def _waste(seen: glance.Seen, whole: Values) -> list[str]:
    if not whole["waste_grams"]:
        return [_("没有称过餐厨垃圾")]
    told = _("浪费 %(much)s", much=KILOGRAMS.told(whole["waste_grams"]))
    if whole["waste_fen"]:
        told += _("，值 %(fen)s", fen=YUAN.told(whole["waste_fen"]))
    if whole["waste_per_cover"] is not None:
        told += _("，人均 %(each)s 克", each=GRAMS_A_COVER.text(whole["waste_per_cover"]))
    then = seen.glance.waste.tenths_then
    if then is not None:
        told += _("，上周 %(n)s 克", n=GRAMS_A_COVER.text(then))
    return [told]


def _alarms(seen: glance.Seen, zone: ZoneInfo) -> list[str]:
    lines = []
    for gauge, verdict in seen.lights.items():
        if verdict.light in _MARKS:
            words = glance_words.say(seen.glance, gauge, verdict, zone)
            lines.append(f"{_MARKS[verdict.light]} {words.title}：{words.why}")
    return lines or [_("没有亮灯的")]

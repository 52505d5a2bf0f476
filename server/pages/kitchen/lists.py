"""日管控, 周排查, 月调度, and the template that the list of the day is made from."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import supervision_templates as templates
from kitchen.rows import UnknownRowError
from kitchen.supervision import SupervisionItem
from kitchen.supervision_score import State, state_of
from kitchen.supervision_templates import TENTHS, Act, Edge, Evidence, Listed
from server.access import needs
from server.pages import site_view
from server.pages.kitchen import fields
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, change, reading, site_id
from server.services import services

BACK: dict[Listed, int] = {Listed.DAILY: 14, Listed.WEEKLY: 92, Listed.MONTHLY: 400}
"""So many days each list is shown."""
LISTS: dict[Listed, LazyString] = {
    Listed.DAILY: _l("日管控"),
    Listed.WEEKLY: _l("周排查"),
    Listed.MONTHLY: _l("月调度"),
}
KINDS: dict[Listed, LazyString] = {Listed.WORK: _l("每日工作"), **LISTS}
EVIDENCE: dict[Evidence, LazyString] = {
    Evidence.TICK: _l("打勾"),
    Evidence.PHOTO: _l("拍照"),
    Evidence.NUMBER: _l("数字"),
    Evidence.SIGNATURE: _l("签字"),
    Evidence.LINK: _l("相关记录做完后自动完成"),
    Evidence.NONE: _l("不用证明"),
}
STATES: dict[State, LazyString] = {
    State.OPEN: _l("待做"),
    State.LATE: _l("超时"),
    State.ESCALATED: _l("超时，已通知"),
    State.DONE: _l("已完成"),
    State.DONE_LATE: _l("超时完成"),
    State.WAIVED: _l("免做"),
    State.WITHDRAWN: _l("已撤下"),
}
EDGES: dict[str, LazyString] = {
    "": _l("当天时刻"),
    Edge.STARTS.value: _l("从开餐算"),
    Edge.ENDS.value: _l("从收餐算"),
}

TILES.append(Tile("kitchen.control", _l("日周月清单"), _l("日管控、周排查、月调度")))
TILES.append(
    Tile("kitchen.template", _l("监管清单模板"), _l("每天要做的事、时限和证明"), "run_kitchen")
)


@kitchen.get("/lists")
@kitchen.get("/lists/<any(daily_control, weekly_check, monthly_meeting):listed>")
@needs("see_kitchen")
def control(listed: str = Listed.DAILY.value) -> str:
    """One of the three lists, the newest day first."""
    chosen, last, now = Listed(listed), fields.day(), services().clock.now()
    with reading() as session:
        query = select(SupervisionItem).where(
            SupervisionItem.site_id == site_id(),
            SupervisionItem.listed == listed,
            SupervisionItem.business_date.between(last - timedelta(days=BACK[chosen]), last),
            SupervisionItem.withdrawn_at.is_(None),
        )
        order = (SupervisionItem.business_date.desc(), SupervisionItem.opens_at)
        found = session.scalars(query.order_by(*order, SupervisionItem.place)).all()
    days = [(day, list(acts)) for day, acts in groupby(found, key=lambda act: act.business_date)]
    return render_template(
        "kitchen/control.html", listed=chosen, days=days, LISTS=LISTS, STATES=STATES,
        state_of=lambda row: state_of(row, now),
    )  # fmt: skip


@kitchen.get("/template")
@needs("run_kitchen")
def template() -> str:
    """What the list of the day is made from."""
    with reading() as session:
        found = templates.in_force(session, site_id())
    return render_template(
        "kitchen/template.html", found=found, offered=templates.offered(found), KINDS=KINDS,
        EVIDENCE=EVIDENCE, when=_when,
    )  # fmt: skip


@kitchen.post("/template/<code>/<any(take, refuse):answer>")
@needs("run_kitchen")
def act_offered(code: str, answer: str) -> AnyResponse:
    """Take an act of a newer version on the site's list, or refuse it for good."""
    taken = answer == "take"

    def work(session: Session) -> None:
        before = templates.in_force(session, site_id())
        if code in {act.code for act in before.acts}:
            raise BadInputError(_("清单里已有这一项"))
        fresh = _find(templates.shipped(), code)
        acts = templates.with_shipped(before.acts, fresh) if taken else before.acts
        templates.save(session, actor(), acts, _seen(), refused="" if taken else code)

    change(work, _("已加进清单，从下一次生成清单起生效") if taken else _("不会再提这一项"))
    return redirect(url_for("kitchen.template"))


@kitchen.route("/template/new", methods=["GET", "POST"])
@needs("run_kitchen")
def act_new() -> str | AnyResponse:
    """Add an act of the site's own."""

    def work(session: Session) -> None:
        before = templates.in_force(session, site_id())
        made = _act(None)
        if any(one.code == made.code for one in before.acts):
            raise BadInputError(_("已有这个代码：请换一个"))
        templates.save(session, actor(), [*before.acts, made], _seen())

    if request.method == "POST" and change(work, _("已添加，从下一次生成清单起生效")):
        return redirect(url_for("kitchen.template"))
    with reading() as session:
        version = templates.in_force(session, site_id()).version
    return _form(None, version)


@kitchen.route("/template/<code>", methods=["GET", "POST"])
@needs("run_kitchen")
def act_edit(code: str) -> str | AnyResponse:
    """Change an act, or take it off the list."""

    def work(session: Session) -> None:
        before = templates.in_force(session, site_id())
        old = _find(before.acts, code)
        acts: Sequence[Act] = [one for one in before.acts if one.code != code]
        if "remove" not in request.form:
            made = _act(old)
            acts = [made if one.code == code else one for one in before.acts]
        templates.save(session, actor(), acts, _seen())

    if request.method == "POST" and change(work, _("已保存，没做的事按新的要求")):
        return redirect(url_for("kitchen.template"))
    with reading() as session:
        found = templates.in_force(session, site_id())
    return _form(_find(found.acts, code), found.version)


def _form(act: Act | None, version: int) -> str:
    return render_template(
        "kitchen/act_edit.html", act=act, version=version, KINDS=KINDS, EVIDENCE=EVIDENCE,
        EDGES=EDGES, periods=site_view.current().policy.periods, number=_number,
    )  # fmt: skip


def _find(acts: Sequence[Act], code: str) -> Act:
    for act in acts:
        if act.code == code:
            return act
    raise UnknownRowError("there is no such act in the template: take one from the list")


def _seen() -> int:
    typed = fields.said("version")
    return int(typed) if typed.isdecimal() else -1


def _act(old: Act | None) -> Act:
    """The form as an act; what the form does not show stays as it was."""
    number = fields.said("evidence") == Evidence.NUMBER.value
    unit = fields.said("unit") if number else ""
    tenths = unit.startswith(TENTHS)
    known: dict[str, Any] = {
        "code": old.code if old else fields.said("code"),
        "opens": _moment("opens"),
        "due": _moment("due"),
        "low": _limit("low", tenths=tenths) if number else None,
        "high": _limit("high", tenths=tenths) if number else None,
        "unit": unit,
        "meals": tuple(request.form.getlist("meals")),
        "fulfilled_by": old.fulfilled_by if old else None,
    }
    return fields.given(Act, _("时间、餐次和上下限要互相对得上：请再看一遍"), **known)


def _moment(name: str) -> dict[str, Any]:
    edge = fields.said(f"{name}_edge")
    if not edge:
        return {"at": fields.said(f"{name}_at") or None}
    return {"meal": edge, "minutes": fields.said(f"{name}_minutes") or 0}


def _limit(name: str, *, tenths: bool) -> int | None:
    typed = fields.said(name).replace("−", "-")
    if not typed:
        return None
    try:
        return round(float(typed) * (10 if tenths else 1))
    except (ValueError, OverflowError) as error:
        raise BadInputError("type digits, such as 4.1", code="bad_number") from error


def _number(value: int | None, unit: str) -> str:
    return "" if value is None else f"{value / 10:g}" if unit.startswith(TENTHS) else str(value)


def _when(moment: templates.Moment) -> str:
    if moment.at is not None:
        return f"{moment.at:%H:%M}"
    if not moment.minutes:
        return str(_("开餐时") if moment.meal is Edge.STARTS else _("收餐时"))
    before, minutes = moment.minutes < 0, abs(moment.minutes)
    if moment.meal is Edge.STARTS:
        text = _("开餐前 %(n)s 分", n=minutes) if before else _("开餐后 %(n)s 分", n=minutes)
    else:
        text = _("收餐前 %(n)s 分", n=minutes) if before else _("收餐后 %(n)s 分", n=minutes)
    return str(text)

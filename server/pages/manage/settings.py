"""设置: the policy that the site's tills follow."""

from itertools import combinations
from zoneinfo import available_timezones

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange

from dafan.errors import BadInputError
from dafan.records import Policy
from server import sites
from server.access import needs
from server.pages import site_view
from server.pages.forms import Form, YuanField
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, site_id
from server.values import read_values

MAX_PERIODS = 6
_RULES = (
    "time_zone", "day_starts_hour", "confirm_ms", "min_grams", "max_grams", "tray_grams",
    "offline_exposure", "face_enabled", "print_receipts", "receipt_footer",
)  # fmt: skip


class PolicyForm(Form):
    """The rules; the meal periods are read beside them, one line each."""

    time_zone = StringField(
        _l("时区"), [AnyOf(available_timezones(), _l("请填写时区名，例如 Asia/Shanghai"))]
    )
    day_starts_hour = IntegerField(_l("营业日从几点开始"), [InputRequired(), NumberRange(0, 23)])
    confirm_ms = IntegerField(
        _l("确认时间（毫秒）"), [InputRequired(), NumberRange(0, 10_000)],
        description=_l("认出后，就餐人可以取消的时间"),
    )  # fmt: skip
    min_grams = IntegerField(_l("最小重量（克）"), [InputRequired(), NumberRange(1, 1000)])
    max_grams = IntegerField(_l("最大重量（克）"), [InputRequired(), NumberRange(100, 50_000)])
    tray_grams = IntegerField(_l("餐盘重量（克）"), [InputRequired(), NumberRange(0, 5000)])
    offline_exposure = YuanField(
        _l("断网额度（元）"), [InputRequired()],
        description=_l("断网时，一位就餐人在一台结算台上最多可消费的金额"),
    )  # fmt: skip
    face_enabled = BooleanField(_l("开启刷脸"))
    print_receipts = BooleanField(_l("打印小票"))
    receipt_footer = StringField(_l("小票末行"), [Length(max=200)])


@manage.route("/settings", methods=["GET", "POST"], endpoint="settings")
@needs("see_settings")
def policy() -> str | AnyResponse:
    """Show and change the policy."""
    now = site_view.current().policy
    form = PolicyForm(obj=now)

    def work(session: Session) -> None:
        told = {name: form[name].data for name in _RULES} | {"periods": _periods()}
        new = read_values(Policy, told)
        sites.set_policy(session, site_id(), new)
        actor().record(session, "policy.update", "policy", now.to_body(), new.to_body())

    if form.validate_on_submit() and change(work, _("已保存，各结算台随即更新")):
        return redirect(url_for("manage.settings"))
    return render_template("manage/settings.html", form=form, periods=_shown_periods(now))


def _periods() -> list[dict[str, str]]:
    """The filled lines of the table of meal periods.

    Raises:
        BadInputError: there is none, a code stands twice, a meal has no length, or two overlap.
    """
    found = [line for line in _lines() if line["name"] or line["code"]]
    codes = [line["code"] for line in found]
    if not found:
        raise BadInputError(_("至少要有一个餐次"))
    if len(set(codes)) < len(codes):
        raise BadInputError(_("两个餐次的代码相同，请改一个"))
    for line in found:
        if line["starts"] == line["ends"]:
            raise BadInputError(_("%(name)s的开始和结束是同一时刻，请改一个", name=line["name"]))
    for one, other in combinations(found, 2):
        if _within(one, other["starts"]) or _within(other, one["starts"]):
            raise BadInputError(
                _("%(one)s和%(other)s的时间重叠，请改一个", one=one["name"], other=other["name"])
            )
    return found


def _within(period: dict[str, str], moment: str) -> bool:
    """Whether a ``HH:MM`` lies in a period, which may run over midnight."""
    starts, ends = period["starts"], period["ends"]
    if starts < ends:
        return starts <= moment < ends
    return moment >= starts or moment < ends


def _lines() -> list[dict[str, str]]:
    names = ("code", "name", "starts", "ends")
    return [
        {name: request.form.get(f"{name}_{no}", "").strip() for name in names}
        for no in range(MAX_PERIODS)
    ]


def _shown_periods(now: Policy) -> list[dict[str, str]]:
    if request.method == "POST":
        return _lines()
    known = [
        {
            "code": period.code,
            "name": period.name,
            "starts": period.starts.strftime("%H:%M"),
            "ends": period.ends.strftime("%H:%M"),
        }
        for period in now.periods
    ]
    blank = {"code": "", "name": "", "starts": "", "ends": ""}
    return [*known, *([blank] * max(0, min(MAX_PERIODS - len(known), 2)))]

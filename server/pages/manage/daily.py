"""日报: when it goes to whom, what it would say now, and what became of those before."""

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from server import auth, daily_report, daily_text, delivery
from server.access import needs
from server.daily_report import State
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, next_page, reading
from server.services import services

PAGE = 20
STATES: dict[State, tuple[str, LazyString]] = {
    State.WAITING: ("warn", _l("等待再发")),
    State.SENDING: ("info", _l("正在发送")),
    State.SENT: ("ok", _l("已送出")),
    State.FAILED: ("stop", _l("没有送到")),
}


@manage.get("/daily")
@needs("see_sales")
def daily() -> str:
    """The last report as it would be now, the settings, and the list."""
    now, site = services().clock.now(), site_view.current()
    with reading() as session:
        rules = daily_report.rules_of(session, site.id)
        day = daily_report.day_over(site.policy, now)
        title, text = daily_text.compose(
            session, site.id, site.policy, day, now, rules.address
        )  # fmt: skip
        found = daily_report.latest(session, site.id, before=_day(), limit=PAGE)
        people = [user for user in auth.users(session, site.id) if user.active]
    others = set(rules.to) - {user.login for user in people}
    return render_template(
        "manage/daily.html",
        active="manage.overview",
        rules=rules,
        title=title,
        text=text,
        found=found,
        people=people,
        others=sorted(others),
        states=STATES,
        ways=len(delivery.ways(services().settings)),
        host=request.host_url.rstrip("/"),
        following=next_page(
            len(found), PAGE, before=found[-1][0].business_date.isoformat() if found else ""
        ),
    )


@manage.post("/daily")
@needs("see_settings")
def daily_save() -> AnyResponse:
    """Say when it goes to whom."""
    form = request.form
    to = [*form.getlist("to"), *form.get("others", "").replace("，", ",").split(",")]
    change(
        lambda session: daily_report.decide(
            session, actor(), form.get("at", ""), to, form.get("address", "")
        ),
        _("已保存") if form.get("at") else _("已保存：不再发日报"),
    )
    return redirect(url_for("manage.daily"))


@manage.post("/daily/send")
@needs("see_sales")
def daily_send() -> AnyResponse:
    """Send it to whoever presses the button, now."""
    parts = services()
    why = daily_report.send_now(parts.engine, parts.settings, actor())
    if why:
        flash(_("没有送出：%(why)s", why=why), "stop")
    else:
        flash(_("已发给您"), "ok")
    return redirect(url_for("manage.daily"))


def _day() -> date | None:
    try:
        return date.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None

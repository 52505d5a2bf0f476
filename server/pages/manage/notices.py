"""通知: what the canteen tells the diners on their phones."""

from datetime import timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from server import groups, notices
from server.access import needs
from server.notices import NoticeValues
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services
from server.values import read_values

PAGE = 50
_WEEK = timedelta(days=7)


@manage.get("/notices")
@needs("run_kitchen")
def notices_list() -> str:
    """All notices, the latest first, and the form for the next one."""
    return _page()


@manage.post("/notices")
@needs("run_kitchen")
def notice_write() -> AnyResponse | str:
    """Put it on the phones."""
    given = request.form
    key = as_uuid(given.get("key"))

    def work(session: Session) -> None:
        if key is None:
            raise BadInputError(_("请刷新页面再填一次"))
        if not given.get("shown_from") or not given.get("shown_until"):
            raise BadInputError(_("请选择起止日期"))
        told = {
            name: given.get(name, "") for name in ("title", "text", "shown_from", "shown_until")
        }
        values = read_values(NoticeValues, {**told, "groups": given.getlist("group")})
        notices.write(session, actor(), key, values)

    if change(work, _("已发布，手机上随即看到")):
        return redirect(url_for("manage.notices_list"))
    return _page()


@manage.post("/notices/<uuid:notice_id>/withdraw")
@needs("run_kitchen")
def notice_withdraw(notice_id: UUID) -> AnyResponse:
    """Take it off the phones."""
    change(lambda session: notices.withdraw(session, actor(), notice_id), _("已撤下"))
    return redirect(url_for("manage.notices_list"))


def _page() -> str:
    today = site_view.current().today(services().clock.now())
    with reading() as session:
        rows = notices.page(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        found = groups.all_of(session, site_id())
        return render_template(
            "manage/notices.html",
            active="manage.notices_list",
            rows=rows,
            readers=notices.readers(session, rows),
            groups=found,
            names={str(one.id): one.name for one in found},
            today=today,
            until=today + _WEEK,
            given=request.form,
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )

"""报表: the list by question, and each report as a page, a workbook and a PDF."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server import access, sites
from server.pages import formats, messages, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import reading, site_id
from server.reports import (
    clearing,
    cost,
    export,
    fed,
    filters,
    kept,
    plot,
    satisfaction,
    self_assessment,
    selling,
    sheets,
    supplying,
    waste,
)
from server.reports.basis import Basis
from server.reports.filters import Asked
from server.reports.frame import Link, Report
from server.services import services


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that can be opened.

    Attributes:
        key: In the address.
        question: What it answers, in the list.
        about: What is in it.
        advice: What to do where it is empty.
        right: Who may see it.
        build: Makes it.
        preset: Its days where the address names none.
    """

    key: str
    question: LazyString
    about: LazyString
    advice: LazyString
    right: str
    build: Callable[[Basis], Report]
    preset: str = "week"


KINDS = (
    Kind(
        "waste", _l("每餐浪费了多少，为什么？"),
        _l("按餐、原因、菜品和人均看浪费，值多少钱，和同行、上期、预估比。"),
        _l("后厨在平板的“厨余”里称过以后，这里就有数字。"),
        "see_kitchen", waste.build,
    ),
    Kind(
        "cost", _l("一份饭的成本是多少，差在哪里？"),
        _l("按菜、餐、人次和日期看标准成本和实际成本、毛利、进价涨跌，以及成本为什么变。"),
        _l("写好配方、录入进价、领料以后，这里就有数字。"),
        "see_sales", cost.build, "month",
    ),
    Kind(
        "sales", _l("卖了多少，什么时候人最多，谁付的钱？"),
        _l("销售额、人次、每 15 分钟的高峰、付款方式、人员类别、补贴、场所和菜品。"),
        _l("结算台有了第一笔付款，这里就有数字。"),
        "see_sales", selling.build,
    ),
    Kind(
        "self-assessment", _l("这个季度反食品浪费做得怎么样？"),
        _l("反食品浪费自评：采购、储存、加工、消费、餐厨垃圾各环节的指标，可以直接打印上报。"),
        _l("后厨称过餐厨垃圾、结算台有了销售以后，这里就有数字。"),
        "see_kitchen", self_assessment.build, "quarter",
    ),
    Kind(
        "nutrition", _l("吃得够不够，油盐多不多？"),
        _l("每人次的能量、蛋白质、脂肪、碳水和钠，和膳食指南比，按餐、日期和菜品看。"),
        _l("菜品写好配方、食材有营养数据以后，这里就有数字。"),
        "see_kitchen", fed.build,
    ),
    Kind(
        "suppliers", _l("哪家供应商送得好，价钱公道？"),
        _l("准时、退回、供货金额，和其他供应商、和询价比价格，以及出过问题的到货。"),
        _l("收过货以后，这里就有数字。"),
        "see_buying", supplying.build, "month",
    ),
    Kind(
        "satisfaction", _l("就餐人满意吗，意见都答复了吗？"),
        _l("按场所和菜品的评分、投诉和金点子的件数，是否按时答复。"),
        _l("就餐人在手机上评价或提过意见以后，这里就有数字。"),
        "see_overview", satisfaction.build, "month",
    ),
    Kind(
        "settlement", _l("各主体之间互相欠多少，结清了吗？"),
        _l("按月看跨主体的消费、退款、应付和清算，和清算单一致。"),
        _l("就餐人在别的主体的场所消费以后，这里就有数字。"),
        "see_settlement", clearing.build, "last_month",
    ),
)  # fmt: skip


@manage.get("/reports", endpoint="reports")
@access.needs("see_overview")
def reports_list() -> str:
    """What can be asked."""
    kinds = [one for one in KINDS if access.may(one.right)]
    return render_template("manage/reports.html", kinds=kinds)


@manage.get("/reports/plotly-<version>.js")
@access.public
def plotly_script(version: str) -> Response:
    """Plotly's own script; its name changes with the version, so that it is kept for a year."""
    del version
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    answer = Response(_packed() if packed else plot.SCRIPT.read_bytes(), mimetype="text/javascript")
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@cache
def _packed() -> bytes:
    return gzip.compress(plot.SCRIPT.read_bytes(), 6, mtime=0)


def _asked(kind: Kind) -> tuple[Asked, list[Any]]:
    """The filter in the address, and the site's venues."""
    site = site_view.current()
    with reading() as session:
        venues = list(sites.venues(session, site.id))
    asked = filters.read(
        request.args,
        site.today(services().clock.now()),
        {one.id for one in venues},
        {one.code for one in site.policy.periods},
        kind.preset,
    )
    return asked, venues


def _build(kind: Kind, asked: Asked, venues: list[Any]) -> Report:
    periods = {one.code: one.name for one in site_view.current().policy.periods}
    with reading() as session:
        kept.keep(session)
        names = {one.id: one.name for one in venues}
        now = services().clock.now()
        return kind.build(Basis(session, site_id(), asked, periods, names, now))


def _page(kind: Kind) -> str:
    asked, venues = _asked(kind)
    report = _build(kind, asked, venues)
    figures = {
        part.code: plot.figure(part.chart, address)
        for part in report.parts
        if part.chart is not None and not part.chart.empty
    }
    return render_template(
        "manage/report.html",
        kind=kind,
        report=report,
        asked=asked,
        venues=venues,
        presets=filters.PRESETS.items(),
        figures=figures,
        link=address,
        script=url_for("manage.plotly_script", version=plot.VERSION),
        map_style=plot.MAP_STYLE,
    )


def _workbook(kind: Kind) -> Response:
    asked, venues = _asked(kind)
    report = _build(kind, asked, venues)
    heading = f"{site_view.current().name} · {asked.span}"
    return _file(kind, asked, "xlsx", sheets.MIME, sheets.write(export.sheets(report, heading)))


def _paper(kind: Kind) -> AnyResponse:
    from server.reports import pdf  # noqa: PLC0415 - the tools of fonts are large, and seldom used

    asked, venues = _asked(kind)
    report = _build(kind, asked, venues)
    site = site_view.current()
    made = formats.moment(services().clock.now(), site.zone)
    heading = pdf.Heading(
        site.name,
        _("%(now)s，对比 %(then)s", now=asked.span, then=asked.then_span),
        _("%(name)s 制于 %(at)s", name=current_user.name, at=made),
    )
    try:
        return _file(kind, asked, "pdf", pdf.MIME, pdf.write(report, heading))
    except pdf.NoFontError as error:
        flash(messages.say(error), "stop")
        return redirect(_to(Link(f"manage.report_{kind.key}", asked.args())))


def _file(kind: Kind, asked: Asked, ending: str, mime: str, body: bytes) -> Response:
    answer = Response(body, mimetype=mime)
    name = f"{kind.key}-{asked.since}-{asked.until}.{ending}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def address(link: Link | None) -> str:
    """Where a figure leads; empty where it leads nowhere, or the person may not go there."""
    if link is None or not access.may(_RIGHTS[link.endpoint]):
        return ""
    return _to(link)


def _to(link: Link) -> str:
    args: dict[str, Any] = {**link.args}
    return url_for(link.endpoint, **args)


_RIGHTS = {
    "manage.sales": "see_sales",
    "manage.report_waste_records": "see_kitchen",
    "manage.report_stock_entries": "see_sales",
    "manage.report_lots": "see_buying",
    "manage.feedback_list": "run_kitchen",
    "manage.survey_page": "run_kitchen",
    "manage.settlement": "see_settlement",
    "manage.report_satisfaction": "see_overview",
}
"""What is behind figures, and who may see it."""


def _add(kind: Kind) -> None:
    """A page, a workbook and a PDF of a report."""
    for ending, work in (("", _page), (".xlsx", _workbook), (".pdf", _paper)):
        view = access.needs(kind.right)(_view(kind, work))
        endpoint = f"report_{kind.key}{ending.replace('.', '_')}"
        manage.add_url_rule(f"/reports/{kind.key}{ending}", endpoint, view)


def _view(kind: Kind, work: Callable[[Kind], Any]) -> Callable[[], Any]:
    def view() -> Any:
        return work(kind)

    return view


for _kind in KINDS:
    _add(_kind)

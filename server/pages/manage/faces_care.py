"""刷脸情况: whose photograph should be taken anew, and how often a face is mistaken here."""

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from kitchen import limits
from server import face_care, face_figures, people
from server.access import needs
from server.faces import Template
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import next_page, reading, site_id
from server.reports import plot
from server.reports.frame import Chart, Series, Unit
from server.services import services
from vision.manifest import load_manifest

PAGE = 50
SIZES = (200, 1000, 5000, 50_000)


@manage.get("/faces")
@needs("see_faces")
def faces_care() -> str:
    """Reminders, and the error curves for this site's gallery."""
    now = services().clock.now()
    with reading() as session:
        rows = face_care.page(
            session, site_id(), now, after=request.args.get("after", "")[:80], limit=PAGE
        )
        due = face_care.count(session, site_id(), now)
        templates = select(func.count()).where(Template.site_id == site_id())
        enrolled = session.scalar(templates) or 0
        pairs = len(people.all_lookalikes(session, site_id()))
    problem, measured = "", None
    try:
        measured = face_figures.read(services().settings.data_dir)
    except face_figures.FiguresError as error:
        problem = messages.say(error)
    curve = face_figures.points(measured, enrolled or 1) if measured else []
    threshold = _threshold(measured.pack) if measured else None
    here = face_figures.nearest(curve, threshold) if threshold is not None and curve else None
    return render_template(
        "manage/faces.html",
        rows=rows,
        due=due,
        rules=limits.subject_of(face_care.FaceCareRules),
        enrolled=enrolled,
        lookalikes=pairs,
        following=next_page(len(rows), PAGE, after=rows[-1].staff_no if rows else ""),
        measured=measured,
        problem=problem,
        here=here,
        sizes=_sizes(measured, threshold, enrolled),
        figure=plot.figure(_chart(curve), lambda _link: "") if curve else "",
        of=face_figures.OF,
        file=face_figures.FILE,
        script=url_for("manage.plotly_script", version=plot.VERSION),
        map_style=plot.MAP_STYLE,
    )


def _threshold(pack: str) -> float | None:
    entry = load_manifest().packs.get(pack)
    return entry.threshold if entry else None


def _sizes(
    measured: face_figures.Measured | None, threshold: float | None, enrolled: int
) -> list[tuple[int, face_figures.Point]]:
    """What a larger or smaller gallery would do, at the pack's threshold."""
    if measured is None or threshold is None:
        return []
    sizes = sorted({*SIZES, enrolled} - {0})
    return [
        (size, face_figures.nearest(face_figures.points(measured, size), threshold))
        for size in sizes
    ]


def _chart(curve: list[face_figures.Point]) -> Chart:
    return Chart(
        title=_("阈值与差错"),
        unit=Unit(_("次/一万次")),
        labels=[f"{point.threshold:.2f}" for point in curve],
        series=[
            Series(_("陌生人被认成别人"), "spoilage", [point.mistaken for point in curve]),
            Series(_("本人没有被认出"), "income", [point.refused for point in curve]),
        ],
        line=True,
    )

"""秤: which scales weigh for money, their verifications, and the check with a test weight."""

from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.line import MAX_STATIONS
from dafan.metrology import permitted_error
from dafan.units import Grams
from kitchen import limits, pictures, rows
from kitchen.pictures import Picture
from kitchen.rows import UnknownRowError
from server import scale_book, scale_rules, scales, sites, terminals, uploads
from server.access import may, needs
from server.pages import scale_words, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.scale_book import Scale, ScaleValues, VerificationValues
from server.scale_rules import ScaleLimits
from server.scales import BadScaleError, BadVerificationError
from server.services import services

PAGE = 100
CHECKS = 30
MOST_DAYS = 180
CLASSES = ("III", "IIII", "II", "I")


@manage.get("/scales")
@needs("see_kitchen")
def scales_list() -> str:
    """All of them, what stands without a record, and what the site asks."""
    now = services().clock.now()
    day = scale_rules.site_date(site_view.current().policy, now)
    with reading() as session:
        asked = limits.of(session, site_id(), ScaleLimits)
        try:
            after = as_uuid(request.args.get("after"))
            found = scale_book.page(session, site_id(), after=after, limit=PAGE)
        except UnknownRowError:
            abort(404)
        return render_template(
            "manage/scales.html",
            found=[
                (row, place, scale_rules.standing(row.record, row.station, asked, day, now))
                for row, place in found
            ],
            last=scale_book.last_checks(session, [row.id for row, _place in found]),
            without=scale_book.without(session, site_id()),
            watch=scale_words.watch(session),
            asked=asked,
            today=day,
            standings=scale_words.STANDINGS,
            most_days=MOST_DAYS,
            following=next_page(len(found), PAGE, after=str(found[-1][0].id) if found else ""),
        )


@manage.post("/scales/rules")
@needs("run_kitchen")
def scales_rules() -> AnyResponse:
    """What the site asks of its scales."""
    given = request.form

    def work(session: Session) -> None:
        days = _number(given.get("soon_days", ""))
        if not 1 <= days <= MOST_DAYS:
            raise BadInputError(_("提前 1 到 %(n)s 天提醒", n=MOST_DAYS))
        switches = {name: given.get(name) == "1" for name in _SWITCHES}
        scales.decide(session, actor(), ScaleLimits(**switches, soon_days=days))

    change(work, _("已保存，结算台随即照它"))
    return redirect(url_for("manage.scales_list"))


_SWITCHES = ("required", "check_daily", "small_free")


@manage.route("/scales/new", methods=["GET", "POST"])
@needs("run_kitchen")
def scale_new() -> str | AnyResponse:
    """Write down a scale."""
    given = request.values
    made: list[UUID] = []

    def work(session: Session) -> None:
        terminal_id = as_uuid(given.get("terminal"))
        if terminal_id is None:
            raise BadScaleError("choose the terminal", code="unknown_terminal")
        station = _number(given.get("station", "0"))
        made.append(scales.create(session, actor(), terminal_id, station, _plate()).id)

    if request.method == "POST" and change(work, _("已登记，请补上检定证书")):
        return redirect(url_for("manage.scale", scale_id=made[0]))
    with reading() as session:
        return render_template(
            "manage/scale_edit.html", active="manage.scales_list", row=None, given=given,
            terminals=terminals.active(session, site_id()), classes=CLASSES, stations=MAX_STATIONS,
        )  # fmt: skip


@manage.route("/scales/<uuid:scale_id>/edit", methods=["GET", "POST"])
@needs("run_kitchen")
def scale_edit(scale_id: UUID) -> str | AnyResponse:
    """Change what stands on the plate; another serial number is another scale."""
    with reading() as session:
        row = _or_404(session, scale_id)
    posted = request.method == "POST"
    if posted and change(
        lambda session: scales.update(session, actor(), scale_id, _plate()), _("已保存")
    ):
        return redirect(url_for("manage.scale", scale_id=scale_id))
    plate = {name: getattr(row, name) for name in ScaleValues.model_fields}
    return render_template(
        "manage/scale_edit.html", active="manage.scales_list", row=row,
        given=request.form if posted else plate, classes=CLASSES,
    )  # fmt: skip


@manage.get("/scales/<uuid:scale_id>")
@needs("see_kitchen")
def scale(scale_id: UUID) -> str:
    """One scale: how it stands, its certificates, its checks."""
    now = services().clock.now()
    with reading() as session:
        row = _or_404(session, scale_id)
        policy = sites.policy(session, site_id())
        before = as_uuid(request.args.get("before"))
        checks = scale_book.checks(session, row, before=before, limit=CHECKS)
        return render_template(
            "manage/scale.html",
            active="manage.scales_list",
            row=row,
            place=terminals.get(session, site_id(), row.terminal_id),
            standing=scales.stands(session, row, now),
            standings=scale_words.STANDINGS,
            papers=scale_book.verifications(session, row),
            checks=checks,
            following=next_page(len(checks), CHECKS, before=str(checks[-1].id) if checks else ""),
            asked=limits.of(session, site_id(), ScaleLimits),
            today=scale_rules.site_date(policy, now),
            errors=_errors(row),
            new_key=new_id,
        )


@manage.post("/scales/<uuid:scale_id>/check")
@needs("do_kitchen")
def scale_check(scale_id: UUID) -> AnyResponse:
    """What it shows of a test weight."""
    given = request.form
    passed: list[bool] = []

    def work(session: Session) -> None:
        nominal, shown = (Grams(_number(given.get(name, ""))) for name in ("nominal", "shown"))
        made = scales.check(
            session, actor(), given.get("key", ""), scale_id, nominal, shown,
            heal=given.get("reason", ""), may_heal=may("run_kitchen"),
        )  # fmt: skip
        passed.append(made.passed)

    if not change(work, ""):
        return redirect(url_for("manage.scale", scale_id=scale_id))
    if passed[0]:
        flash(_("核查合格，已记下"), "ok")
        return redirect(url_for("manage.scales_list"))
    flash(_("核查不合格：这台秤从现在起不能计价"), "stop")
    return redirect(url_for("manage.scale", scale_id=scale_id))


@manage.post("/scales/<uuid:scale_id>/verify")
@needs("run_kitchen")
def scale_verify(scale_id: UUID) -> AnyResponse:
    """What an inspector found, with the photograph of his certificate."""
    given = request.form

    def work(session: Session) -> None:
        values = rows.read(
            VerificationValues,
            {
                "passed": given.get("passed") == "1",
                "certificate": given.get("certificate", ""),
                "verified_on": given.get("verified_on", ""),
                "verified_until": given.get("verified_until") or None,
            },
            "verification",
            BadVerificationError,
        )
        key = given.get("key", "")
        scales.verify(session, actor(), key, scale_id, values, _photo(session))

    change(work, _("检定已登记"))
    return redirect(url_for("manage.scale", scale_id=scale_id))


@manage.post("/scales/<uuid:scale_id>/verifications/<uuid:verification_id>/photo")
@needs("run_kitchen")
def scale_photo(scale_id: UUID, verification_id: UUID) -> AnyResponse:
    """The photograph of a certificate that came after its verification was entered."""

    def work(session: Session) -> None:
        photo = _photo(session)
        if not photo:
            raise BadInputError(_("请选一张证书的照片"))
        scales.add_photo(session, actor(), scale_id, verification_id, photo)

    change(work, _("证书照片已保存"))
    return redirect(url_for("manage.scale", scale_id=scale_id))


@manage.post("/scales/<uuid:scale_id>/away")
@needs("run_kitchen")
def scale_away(scale_id: UUID) -> AnyResponse:
    """It stands there no more."""
    reason = request.form.get("reason", "")
    if change(
        lambda session: scales.take_away(session, actor(), scale_id, reason),
        _("已撤下，检定和核查的记录都留着"),
    ):
        return redirect(url_for("manage.scales_list"))
    return redirect(url_for("manage.scale", scale_id=scale_id))


@manage.get("/scales/certificates/<uuid:picture_id>.jpg")
@needs("see_kitchen")
def scale_certificate(picture_id: UUID) -> Response:
    """The photograph of a certificate."""
    with reading() as session:
        if not scale_book.is_photo(session, site_id(), str(picture_id)):
            abort(404)
        row = rows.get(session, Picture, site_id(), picture_id, "photograph")
        return Response(row.jpeg, mimetype="image/jpeg")


def _or_404(session: Session, scale_id: UUID) -> Scale:
    try:
        return scale_book.get(session, site_id(), scale_id)
    except UnknownRowError:
        abort(404)


def _photo(session: Session) -> str:
    """The photograph that the form brings, kept; empty where it brings none."""
    file = request.files.get("photo")
    if file is None or not file.filename:
        return ""
    return pictures.keep(session, actor(), uploads.read_picture(file.stream))


def _plate() -> ScaleValues:
    given = request.form
    values = {
        "model": given.get("model", ""),
        "serial": given.get("serial", ""),
        "max_grams": given.get("max_grams", ""),
        "e_grams": given.get("e_grams", ""),
        "accuracy": given.get("accuracy", ""),
    }
    return rows.read(ScaleValues, values, "scale", BadScaleError)


def _number(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError as error:
        raise BadInputError(_("请写整数，不带单位")) from error


def _errors(row: Scale) -> list[tuple[int, str]]:
    """Up to which load which error is permitted in service, in grams."""
    edges = [Grams(min(row.max_grams, row.e_grams * steps)) for steps in (500, 2000, 10_000)]
    return [
        (edge, f"{permitted_error(edge, row.e_grams):g}") for edge in dict.fromkeys(edges)
    ]  # fmt: skip

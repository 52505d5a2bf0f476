"""晨检 and 签到: who is here this morning, who may touch food, and why somebody may not."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import attendance, limits, morning, staff
from kitchen.attendance import Direction, SignedBy
from kitchen.morning import CheckValues, Symptom, Trouble
from kitchen.staff import CertificateKind, Fault, Morning, StaffRules
from server.access import needs
from server.actor import Actor
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, reading, site_id

SYMPTOMS: dict[Symptom, LazyString] = {
    Symptom.FEVER: _l("发热"), Symptom.NAUSEA: _l("恶心"), Symptom.VOMITING: _l("呕吐"),
    Symptom.DIARRHOEA: _l("腹泻"), Symptom.BELLYACHE: _l("腹痛"), Symptom.WOUND: _l("外伤"),
    Symptom.BURN: _l("烫伤"), Symptom.ECZEMA: _l("湿疹"), Symptom.JAUNDICE: _l("黄疸"),
    Symptom.SORE_THROAT: _l("咽痛"), Symptom.COUGH: _l("咳嗽"), Symptom.OTHER: _l("其他"),
}  # fmt: skip
TROUBLES: dict[Trouble, LazyString] = {
    Trouble.TEMPERATURE: _l("体温偏高"), Trouble.SYMPTOMS: _l("有症状"),
    Trouble.HANDS: _l("手不清洁或有伤口"), Trouble.NAILS: _l("指甲不合格"),
    Trouble.JEWELLERY: _l("戴了饰物"), Trouble.UNIFORM: _l("着装不合格"),
}  # fmt: skip
FAULTS: dict[Fault, LazyString] = {
    Fault.LEFT: _l("已离岗"),
    Fault.NO_HEALTH_CERTIFICATE: _l("没有健康证"),
    Fault.HEALTH_CERTIFICATE_EXPIRED: _l("健康证已过期"),
    Fault.HEALTH_CERTIFICATE_ENDS_SOON: _l("健康证快到期"),
    Fault.NOT_CHECKED: _l("还没有晨检"),
    Fault.CHECK_FAILED: _l("晨检不合格"),
}
KINDS: dict[CertificateKind, LazyString] = {
    CertificateKind.HEALTH: _l("健康证"), CertificateKind.FOOD_SAFETY: _l("食品安全员证"),
    CertificateKind.COOK: _l("厨师证"), CertificateKind.OTHER: _l("其他证书"),
}  # fmt: skip
_WORDS = {"SYMPTOMS": SYMPTOMS, "TROUBLES": TROUBLES, "FAULTS": FAULTS, "KINDS": KINDS}

TILES.append(Tile("kitchen.morning_list", _l("晨检"), _l("体温、症状、着装；不合格的不上岗")))
TILES.append(Tile("kitchen.attendance_list", _l("签到"), _l("上班签到，下班签退")))


@kitchen.get("/morning")
@needs("see_kitchen")
def morning_list() -> str:
    """Everybody: who is missing first, then who is off duty."""
    day = fields.day()
    with reading() as session:
        rules = limits.of(session, site_id(), StaffRules)
        lines = morning.today(session, site_id(), day, rules)
        here = attendance.present(session, site_id(), day)
    return render_template(
        "kitchen/morning.html", day=day, lines=lines, here=here, Morning=Morning, **_WORDS
    )


@kitchen.get("/morning/<uuid:worker_id>")
@needs("see_kitchen")
def morning_person(worker_id: UUID) -> str:
    """One person: the check, or how he may work again."""
    day = fields.day()
    with reading() as session:
        staff.get(session, site_id(), worker_id)
        lines = morning.today(session, site_id(), day, limits.of(session, site_id(), StaffRules))
        line = next((one for one in lines if one.worker_id == worker_id), None)
        past = morning.history(session, site_id(), worker_id, before=day, limit=7)
    return render_template(
        "kitchen/morning_person.html", line=line, past=past, worker_id=worker_id, **_WORDS
    )


@kitchen.post("/morning/<uuid:worker_id>")
@needs("do_kitchen")
def morning_write(worker_id: UUID) -> AnyResponse:
    """The checker signs what he saw."""
    found: list[morning.MorningCheck] = []

    def work(session: Session) -> None:
        person, by = signing.signer(), signing.acting()
        if person.worker_id is None:
            raise BadInputError(_("检查人还不在人员名单里：请先在“人员”里登记"))
        values = fields.given(
            CheckValues,
            worker_id=worker_id,
            checker_id=person.worker_id,
            temperature=fields.tenths("temperature"),
            symptoms=request.form.getlist("symptoms"),
            photo=fields.photo(session, by),
        )
        found.append(morning.check(session, by, fields.key(), fields.day(), values))

    if change(work, ""):
        if found[0].passed:
            flash(_("晨检合格，可以上岗"), "ok")
            return redirect(url_for("kitchen.morning_list"))
        flash(_("晨检不合格：先不要上岗，等负责人放行"), "warn")
    return redirect(url_for("kitchen.morning_person", worker_id=worker_id))


@kitchen.post("/morning/<uuid:worker_id>/clear/<uuid:check_id>")
@needs("do_kitchen")
def morning_clear(worker_id: UUID, check_id: UUID) -> AnyResponse:
    """Somebody in charge lets him work, with a reason."""

    def work(session: Session) -> None:
        by = fields.acting_with("run_kitchen")
        morning.clear(session, by, check_id, fields.said())

    if change(work, _("已放行，可以上岗")):
        return redirect(url_for("kitchen.morning_list"))
    return redirect(url_for("kitchen.morning_person", worker_id=worker_id))


@kitchen.get("/attendance")
@needs("see_kitchen")
def attendance_list() -> str:
    """Who is here, and since when."""
    with reading() as session:
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
        here = attendance.present(session, site_id(), fields.day())
    return render_template("kitchen/attendance.html", workers=workers, here=here)


@kitchen.post("/attendance")
@needs("do_kitchen")
def attendance_write() -> AnyResponse:
    """He comes or goes, by his own signature; or somebody in charge writes it in."""

    def work(session: Session) -> None:
        worker_id, how, by = _who_comes()
        direction = Direction.OUT if request.form.get("direction") == "out" else Direction.IN
        attendance.sign(session, by, fields.key(), worker_id, fields.day(), direction, how)

    gone = request.form.get("direction") == "out"
    change(work, _("已签退，辛苦了") if gone else _("已签到，请接着做晨检"))
    return redirect(url_for("kitchen.attendance_list"))


def _who_comes() -> tuple[UUID, SignedBy, Actor]:
    written_in = as_uuid(request.form.get("worker_id"))
    if written_in is not None:
        return written_in, SignedBy.HAND, fields.acting_with("run_kitchen")
    person = signing.signer()
    if person.worker_id is None:
        raise BadInputError(_("您还不在人员名单里：请先在“人员”里登记"))
    return person.worker_id, SignedBy.PIN, signing.acting()

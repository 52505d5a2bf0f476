"""人员: posts, accounts, certificates and their last days."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import limits, morning, staff, training
from kitchen.staff import Certificate, CertificateKind, CertificateValues, StaffRules, WorkerValues
from server import auth, people
from server.access import needs
from server.pages.kitchen import fields
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.kitchen.morning import FAULTS, KINDS
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 60

TILES.append(Tile("kitchen.people_list", _l("人员"), _l("岗位、账号、健康证和到期"), "run_kitchen"))


@kitchen.get("/people")
@needs("run_kitchen")
def people_list() -> str:
    """Everybody, with what speaks against his work, and what ends soon."""
    day, after = fields.day(), as_uuid(request.args.get("after"))
    with reading() as session:
        rules = limits.of(session, site_id(), StaffRules)
        rows = staff.page(session, site_id(), after=after, limit=PAGE)
        ids = [row.id for row in rows]
        papers = staff.certificates(session, site_id(), ids)
        states = morning.states(session, site_id(), ids, day)
        fit = {
            row.id: staff.may_work(row.active, papers[row.id], states[row.id], day, rules)
            for row in rows
        }
        ends = ending(session, day)
    more = next_page(len(rows), PAGE, after=str(rows[-1].id)) if rows else ""
    return render_template(
        "kitchen/people.html", rows=rows, fit=fit, ends=ends, day=day, more=more,
        FAULTS=FAULTS, KINDS=KINDS,
    )  # fmt: skip


@kitchen.route("/people/new", methods=["GET", "POST"])
@needs("run_kitchen")
def people_new() -> str | AnyResponse:
    """Add a person."""

    def work(session: Session) -> None:
        staff.create(session, actor(), _values(session))

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.people_list"))
    with reading() as session:
        choices = _accounts(session)
    return render_template("kitchen/person.html", row=None, number="", accounts=choices)


@kitchen.route("/people/<uuid:worker_id>", methods=["GET", "POST"])
@needs("run_kitchen")
def person(worker_id: UUID) -> str | AnyResponse:
    """One person: what is decided about him, his certificates and his tests."""

    def work(session: Session) -> None:
        staff.update(session, actor(), worker_id, _values(session))

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.person", worker_id=worker_id))
    with reading() as session:
        row = staff.get(session, site_id(), worker_id)
        diner = people.get_diner(session, site_id(), row.diner_id) if row.diner_id else None
        return render_template(
            "kitchen/person.html",
            row=row,
            number=diner.staff_no if diner else "",
            accounts=_accounts(session),
            papers=_papers(session, worker_id),
            tests=training.record_file(session, site_id(), worker_id),
            due=training.due(session, site_id(), worker_id, fields.day()),
            day=fields.day(),
            soon=fields.day() + timedelta(days=_warn_days(session)),
            KINDS=KINDS,
        )


@kitchen.post("/people/<uuid:worker_id>/certificates")
@needs("run_kitchen")
def certificate_add(worker_id: UUID) -> AnyResponse:
    """Keep a certificate; an old one stays as it is."""

    def work(session: Session) -> None:
        kept = fields.photo(session, actor())
        values = fields.given(CertificateValues, photo=kept)
        if not _kept_already(session, worker_id, values):
            staff.add_certificate(session, actor(), worker_id, values)

    change(work, _("证书已保存"))
    return redirect(url_for("kitchen.person", worker_id=worker_id))


@kitchen.post("/people/<uuid:worker_id>/certificates/<uuid:certificate_id>/withdraw")
@needs("run_kitchen")
def certificate_withdraw(worker_id: UUID, certificate_id: UUID) -> AnyResponse:
    """It does not count any more."""

    def work(session: Session) -> None:
        staff.withdraw_certificate(session, actor(), certificate_id, fields.said())

    change(work, _("证书已作废"))
    return redirect(url_for("kitchen.person", worker_id=worker_id))


def ending(session: Session, day: date) -> list[tuple[staff.Worker, CertificateKind, date]]:
    """Whose certificates have ended, or end within the days that the site warns ahead."""
    last = day + timedelta(days=_warn_days(session))
    return staff.ending(session, site_id(), last)


def _warn_days(session: Session) -> int:
    return limits.of(session, site_id(), StaffRules).warn_days


def _papers(session: Session, worker_id: UUID) -> Sequence[Certificate]:
    query = select(Certificate).where(
        Certificate.site_id == site_id(), Certificate.worker_id == worker_id
    )
    return session.scalars(query.order_by(Certificate.expires.desc(), Certificate.id)).all()


def _kept_already(session: Session, worker_id: UUID, values: CertificateValues) -> bool:
    return any(
        (one.kind, one.number, one.expires) == (values.kind, values.number, values.expires)
        for one in staff.certificates(session, site_id(), [worker_id])[worker_id]
    )


def _accounts(session: Session) -> list[tuple[str, str]]:
    return [
        (user.login, f"{user.name} · {user.login}")
        for user in auth.users(session, site_id())
        if user.active
    ]


def _values(session: Session) -> WorkerValues:
    number = fields.said("staff_no")
    diner = people.find_diner(session, site_id(), number) if number else None
    if number and diner is None:
        raise BadInputError(_("没有工号 %(number)s 的就餐人", number=number), code="bad_input")
    login = fields.said("login")
    if login and login not in {one for one, _name in _accounts(session)}:
        raise BadInputError(_("没有这个账号"))
    return fields.given(WorkerValues, diner_id=diner.id if diner else None, login=login or None)

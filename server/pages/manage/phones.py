"""登录码: the desk gives a diner, who stands there, a code for his phone."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from server import people, phone_codes
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, site_id
from server.services import services


@manage.post("/people/<uuid:diner_id>/phone-code")
@needs("edit_people")
def phone_code(diner_id: UUID) -> str | AnyResponse:
    """Show it this once, for paper; that it was made stands in the audit log.

    Whoever has the code can enrol a face for this account. The right is therefore that of those
    who set a PIN, not that of every cashier.
    """
    try:
        with db.writing(services().engine) as session:
            code = phone_codes.hand_out(session, actor(), phone_codes.secret(), diner_id)
            diner = people.get_diner(session, site_id(), diner_id)
    except people.UnknownDinerError:
        abort(404)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.person", diner_id=diner_id))
    return render_template(
        "manage/phone_code.html", active="manage.people_list", diner=diner, code=code,
        minutes=phone_codes.MINUTES, made_at=services().clock.now(),
    )  # fmt: skip

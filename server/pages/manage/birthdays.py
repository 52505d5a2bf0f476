"""生日礼券: what a birthday is worth here; beside the subsidies that it is one of."""

from flask import redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.errors import BadInputError
from kitchen import limits
from server.access import needs
from server.birthdays import GiftRules
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change


@manage.post("/subsidies/birthdays")
@needs("run_subsidies")
def birthday_gifts() -> Response:
    """How much a voucher is worth and how long it lasts; it is paid from the subsidy fund."""

    def work(session: Session) -> None:
        typed, weeks = (request.form.get(name, "").strip() for name in ("fen", "weeks"))
        if not (weeks.isascii() and weeks.isdecimal() and len(weeks) < 3):
            raise BadInputError("write in how many weeks it is to be used", code="bad_voucher")
        decided = {"fen": read_amount(typed) if typed else 0, "weeks": int(weeks)}
        limits.decide(session, actor(), GiftRules, decided)

    change(work, _("已保存，从今晚起照它送"))
    return redirect(url_for("manage.subsidies", _anchor="birthdays"))

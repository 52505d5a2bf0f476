"""消除回执: what was erased of a diner's face, for him to take along."""

from uuid import UUID

from flask import abort, render_template
from flask_babel import gettext as _

from server import erasures, people
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, reading, site_id


@manage.get("/people/<uuid:diner_id>/face/receipt")
@needs("see_faces")
def face_receipt(diner_id: UUID) -> str:
    """The receipt as it stands now, for paper."""
    with reading() as session:
        try:
            receipt = erasures.receipt(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
        if receipt is None:
            abort(404)
        texts = {
            "receipt": _("结算台已回执"),
            "feed": _("结算台已更新，不再持有"),
            "waiting": _("等待结算台联网"),
            "revoked": _("已吊销，未回执"),
        }
        return render_template(
            "manage/erasure_receipt.html", active="manage.people_list", receipt=receipt,
            diner=receipt.diner, texts=texts, printed_at=actor().at,
        )  # fmt: skip

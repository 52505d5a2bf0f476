"""取餐: what was ordered on the phone is handed out, each order once, by its code."""

from datetime import timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import DafanError
from server import people, preorder_rounds, preorders
from server.access import needs
from server.pages import messages
from server.pages.kitchen import more, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import change, reading, site_id
from server.services import services

ROUNDS = 20
_LATER = timedelta(hours=12)
"""So long before its pick-up, and behind it, a round is on the page."""

more.TILES.append(
    more.Tile("kitchen.pick_ups", _l("取餐"), _l("扫取餐码，把预订的菜交给就餐人")),
)


@kitchen.get("/pick-ups")
@needs("see_kitchen")
def pick_ups() -> AnyResponse | str:
    """The rounds of these hours, and the order whose code was read."""
    typed, now = request.args.get("code", "").strip(), services().clock.now()
    with reading() as session:
        found = None
        if typed:
            try:
                found = preorders.by_code(session, site_id(), typed)
            except DafanError as error:
                flash(messages.say(error), "stop")
                return redirect(url_for("kitchen.pick_ups"))
        rounds = [
            row
            for row in preorder_rounds.page_rounds(session, site_id(), limit=ROUNDS)
            if row.pick_from - _LATER <= now <= row.pick_until + _LATER
        ]
        items = preorder_rounds.items_of(session, [row.id for row in rounds])
        ids = [one.dish_id for some in items.values() for one in some]
        return render_template(
            "kitchen/pick_ups.html",
            found=found,
            diner=people.get_diner(session, site_id(), found.row.diner_id) if found else None,
            rounds=rounds,
            items=items,
            dishes=preorders.dishes(session, ids),
            waiting=preorders.waiting(session, [row.id for row in rounds]),
            now=now,
        )


@kitchen.post("/pick-ups/<uuid:order_id>")
@needs("do_kitchen")
def pick_up(order_id: UUID) -> AnyResponse:
    """It was handed out; the code opens nothing any more."""
    key = request.form.get("key", "")
    change(
        lambda session: preorders.hand_over(session, signing.acting(), order_id, key),
        _("已交给就餐人"),
    )
    return redirect(url_for("kitchen.pick_ups"))

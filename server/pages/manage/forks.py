"""例外 → 分叉: what a restored till says beside what the server holds, and the decision."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from dafan.money import Fen
from server import forks, people
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, reading, site_id
from server.services import services
from server.terminals import UnknownTerminalError


@dataclass(frozen=True, slots=True)
class Side:
    """One entry as a person reads it."""

    at: datetime
    kind: str
    amount: Fen | None
    diner_id: UUID | None
    tender: str


@manage.get("/forks/<uuid:terminal_id>")
@needs("see_exceptions")
def fork(terminal_id: UUID) -> str:
    """Both sides, entry by entry."""
    with reading() as session:
        try:
            case = forks.look(session, site_id(), terminal_id)
        except UnknownTerminalError:
            abort(404)
        rows = [
            (
                line.theirs.seq, line.standing,
                None if line.ours is None else _side(
                    line.ours.at, line.ours.kind, json.loads(line.ours.body)
                ),
                _side(line.theirs.at.isoformat(), line.theirs.kind, line.theirs.body),
            )
            for line in case.lines
        ]  # fmt: skip
        sides = [side for *_rest, ours, theirs in rows for side in (ours, theirs) if side]
        names = _names(session, {side.diner_id for side in sides if side.diner_id})
        return render_template(
            "manage/fork.html", active="manage.exceptions_list", case=case, rows=rows, names=names,
            total=sum(_amount(entry.kind, entry.body) or 0 for entry in case.fresh),
            decided=forks.decided(session, site_id(), terminal_id),
        )  # fmt: skip


@manage.post("/forks/<uuid:terminal_id>")
@needs("settle_exceptions")
def fork_decide(terminal_id: UUID) -> AnyResponse:
    """Take in, or set aside."""
    asked = request.form
    decision: forks.Decision = "taken_in" if asked.get("decision") == "taken_in" else "set_aside"
    try:
        with db.writing(services().engine) as session:
            taken = forks.decide(
                session, actor(), terminal_id, decision, asked.get("reason", ""),
                asked.get("seen", ""),
            )  # fmt: skip
    except DafanError as error:
        flash(messages.say(error), "stop")
    else:
        flash(_said(decision, taken), "warn" if taken.parked else "ok")
    return redirect(url_for("manage.fork", terminal_id=terminal_id))


def _said(decision: forks.Decision, taken: forks.Taken) -> str:
    if decision == "set_aside":
        return str(_("已搁置，原样保留。请用新的登记码重新登记这台结算台。"))
    if taken.parked:
        return str(
            _("已入账 %(n)s 条，%(p)s 条无法入账，见例外。", n=taken.rescued, p=taken.parked)
        )
    return str(_("已入账 %(n)s 条。请用新的登记码重新登记这台结算台。", n=taken.rescued))


def _side(at: str, kind: str, body: dict[str, Any]) -> Side:
    """An entry that may be no good: what cannot be read is left out."""
    return Side(
        datetime.fromisoformat(at), kind, _amount(kind, body), as_uuid(str(body.get("diner_id"))),
        str(body.get("tender", "")),
    )  # fmt: skip


def _amount(kind: str, body: dict[str, Any]) -> Fen | None:
    """Fen that the entry moves to the venue; a void moves them back."""
    total = body.get("total")
    if kind not in forks.MONEY or not isinstance(total, int):
        return None
    return Fen(total if kind == "sale" else -total)


def _names(session: Session, diner_ids: set[UUID]) -> dict[UUID, str]:
    found = people.get_diners(session, site_id(), diner_ids)
    return {diner_id: diner.name for diner_id, diner in found.items()}

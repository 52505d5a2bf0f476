"""留样, after it was taken: reviewed, moved, frozen on suspicion, thrown away; alarms answered."""

from uuid import UUID

from flask import redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import sample_alarms, samples
from kitchen.samples import Result
from server import kitchen_day
from server.access import needs
from server.pages.kitchen import at_meal, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import one_of, whole
from server.pages.kitchen.fields import acting_with, day, key, said
from server.pages.shared import as_uuid, change


@kitchen.post("/samples/review")
@needs("do_kitchen")
def samples_reviewed() -> AnyResponse:
    """Another person than the sampler has looked at the chosen samples."""

    def work(session: Session) -> None:
        person = signing.acting()
        for sample_id in _marked():
            samples.review(session, person, sample_id)

    change(work, _("已复核"))
    return _back()


@kitchen.post("/samples/dispose")
@needs("do_kitchen")
def samples_disposed() -> AnyResponse:
    """The chosen samples go: all of them, or none."""

    def work(session: Session) -> None:
        person = signing.acting()
        handed = request.form.get("result") == Result.HANDED_OVER.value
        for sample_id in _marked():
            result = Result.HANDED_OVER if handed else Result.DESTROYED
            samples.dispose(session, person, sample_id, result)
        kitchen_day.disposed(session, person, day())

    change(work, _("已销样"))
    return _back()


@kitchen.post("/samples/<uuid:sample_id>/move")
@needs("do_kitchen")
def sample_moved(sample_id: UUID) -> AnyResponse:
    """It stands elsewhere now."""

    def work(session: Session) -> None:
        samples.move(session, signing.acting(), sample_id, one_of("cabinet"), whole("slot"))

    change(work, _("已移动"))
    return redirect(url_for("kitchen.sample", sample_id=sample_id))


@kitchen.post("/samples/hold")
@needs("do_kitchen")
def samples_held() -> AnyResponse:
    """Somebody fell ill, or something is suspected: nothing of this meal goes."""

    def work(session: Session) -> None:
        meal = at_meal.chosen().meal
        samples.hold(session, signing.acting(), meal, said(), key=key())

    change(work, _("已封存这一餐的留样"))
    return _back()


@kitchen.post("/samples/holds/<uuid:hold_id>/lift")
@needs("do_kitchen")
def samples_lifted(hold_id: UUID) -> AnyResponse:
    """Another person in charge lifts the hold."""
    change(
        lambda session: samples.lift(session, acting_with("run_kitchen"), hold_id, said()),
        _("已解除封存"),
    )
    return _back()


@kitchen.post("/samples/alarms/<uuid:alarm_id>/answer")
@needs("do_kitchen")
def sample_alarm_answered(alarm_id: UUID) -> AnyResponse:
    """Somebody says what happened."""
    change(
        lambda session: sample_alarms.answer(session, signing.acting(), alarm_id, said()),
        _("已说明，等另一位负责人确认"),
    )
    return _back()


@kitchen.post("/samples/alarms/<uuid:alarm_id>/close")
@needs("do_kitchen")
def sample_alarm_closed(alarm_id: UUID) -> AnyResponse:
    """Another person in charge accepts what was said."""
    change(
        lambda session: sample_alarms.close(session, acting_with("run_kitchen"), alarm_id),
        _("已确认"),
    )
    return _back()


def _marked() -> list[UUID]:
    """The samples that are marked in the form, in one order for all.

    Raises:
        BadInputError: none is.
    """
    found = {one for text in request.form.getlist("sample") if (one := as_uuid(text))}
    if not found:
        raise BadInputError(_("请先选中留样"))
    return sorted(found)


def _back() -> AnyResponse:
    """To the sample that the form stood with, or to the list."""
    one = as_uuid(request.form.get("back"))
    if one is not None:
        return redirect(url_for("kitchen.sample", sample_id=one))
    return at_meal.back_to("kitchen.samples")

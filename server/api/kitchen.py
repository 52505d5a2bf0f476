"""What programs tell the kitchen: temperatures of cabinets."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from dafan.db import writing
from dafan.errors import BadInputError
from dafan.wire import Utc
from kitchen import cabinet
from kitchen.cabinet import Source
from server import kitchen_day, sites
from server.access import needs
from server.actor import Actor
from server.api.common import NOT_SIGNED_IN, actor
from server.services import services

blueprint = APIBlueprint(
    "api_kitchen", __name__, url_prefix="/api/v1/kitchen", tag="Kitchen"
)  # fmt: skip
MOST = 500


class Temperature(BaseModel):
    """One reading of a probe."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    probe: Annotated[str, Field(min_length=1, max_length=40)]
    """As the cabinet names it."""
    celsius: Annotated[Decimal, Field(ge=-100, le=150)]
    """Kept in tenths of a degree, half up."""
    at: Utc | None = None
    """When it was measured; now, where that is left out."""


class Temperatures(BaseModel):
    """Readings in any order; a reading that is sent again is the same reading."""

    model_config = ConfigDict(extra="forbid")

    readings: Annotated[list[Temperature], Field(min_length=1, max_length=MOST)]


class Refused(BaseModel):
    """A reading that was not kept; the others were."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    number: int
    """Its place in the list, counted from 0."""
    code: str
    text: str


class Taken(BaseModel):
    """What became of the readings."""

    kept: int
    refused: list[Refused]


@blueprint.post("/temperatures")
@needs("do_kitchen")
@blueprint.input(Temperatures)
@blueprint.output(Taken)
@blueprint.doc(
    summary="Tell what the probes of refrigerators and freezers measured", responses=NOT_SIGNED_IN
)
def take_temperatures(json_data: Temperatures) -> Taken:
    """Keep the readings that fit; tell which ones do not, and why."""
    kept, refused = 0, []
    with writing(services().engine) as session:
        by = actor()
        for number, one in enumerate(json_data.readings):
            try:
                _keep(session, by, one)
                kept += 1
            except BadInputError as error:
                refused.append(Refused(number=number, code=error.code, text=str(error)))
    return Taken(kept=kept, refused=refused)


def _keep(session: Session, by: Actor, one: Temperature) -> None:
    row = cabinet.of_probe(session, by.site_id, one.probe)
    if row is None:
        raise BadInputError(
            f"no cabinet in use has the probe {one.probe}: enter it at the cabinet",
            code="unknown_probe",
        )
    moment = one.at or by.at
    if moment < by.at - cabinet.BEHIND:
        raise BadInputError("this reading is too old: set the clock", code="old_reading")
    day = kitchen_day.today(sites.policy(session, by.site_id), moment)
    tenths = int((one.celsius * 10).quantize(Decimal(1), ROUND_HALF_UP))
    cabinet.take_reading(session, by, row.id, tenths, day=day, source=Source.API, at=moment)

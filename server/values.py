"""What forms, files and requests say, checked once for all of them."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dafan.errors import BadInputError

_Read = TypeVar("_Read", bound=BaseModel)


class Values(BaseModel):
    """What a person decides about a row; refuses fields it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )


def read_values(model: type[_Read], values: dict[str, Any]) -> _Read:
    """Check values by their model.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise BadInputError(f"please put right: {faults}") from error


def flush_unique(session: Session, taken: str) -> None:
    """Send the changes to the database, where a name or a number belongs to one row only.

    Args:
        session: Lost for further work when this raises.
        taken: What to tell the person when it belongs to another row.

    Raises:
        BadInputError: it does.
    """
    try:
        session.flush()
    except IntegrityError as error:
        raise BadInputError(taken, code="taken") from error

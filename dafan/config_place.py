"""Where somebody stands who pays by face: ``[till.place]``."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NARROWEST = 0.2
"""Least width and height of a zone, parts of the picture: in less nobody can stand still."""


class PlaceSettings(BaseModel):
    """The payment zone, as the camera of this till or gate sees it.

    The defaults fit a picture of 640 x 480 and a payer half a metre to a metre away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    zone: tuple[float, float, float, float] = (0.1, 0.0, 0.9, 1.0)
    """Left, top, right and bottom, parts of the picture: here the middle of the payer's face is.
    Whoever stands outside is not there."""
    face_px: int = Field(default=64, ge=48, le=400)
    """Least width of a face in pixels: whoever looks smaller stands too far away."""

    @model_validator(mode="after")
    def _there_is_room(self) -> Self:
        left, top, right, bottom = self.zone
        if not (left >= 0 and right <= 1 and top >= 0 and bottom <= 1):
            raise ValueError("zone is left, top, right, bottom, each from 0 to 1")
        if round(min(right - left, bottom - top), 6) < NARROWEST:  # 1 - 0.8 is a little less
            raise ValueError(f"a zone is at least {NARROWEST} wide and high")
        return self

"""Look at a picture as the till does, for whoever sets ``[till.place]``. Pure.

Nothing is decided here: who may pay says :func:`vision.recognise.survey`, by which tills decide.
"""

from collections.abc import Sequence

from pydantic import ValidationError

from dafan.config_place import PlaceSettings
from pos.place_view import BEHIND, OK, TOO_SMALL, TWO_FACES, FaceLook, PlaceLook
from vision.images import BgrImage
from vision.recognise import Judged, Scene, Standing

SPARE = 0.8
"""Of a payer's width: whoever leans back a little looks so much smaller, and is to pay, too."""


def look_of(scene: Scene, image: BgrImage) -> PlaceLook:
    """What is to be shown of a scene.

    Args:
        scene: The faces of the picture, judged.
        image: The picture, (height, width, 3) uint8 BGR.
    """
    height, width = image.shape[:2]
    gate = scene.gate
    faces = tuple(_face(one) for one in scene.people)
    return PlaceLook(width, height, gate.zone, int(gate.min_width), scene.verdict.value, faces)


def suggested_px(looks: Sequence[PlaceLook]) -> int | None:
    """The ``face_px`` that fits if those who stand in the zone stand where payers are to stand.

    It lets the farthest of them pay, with something to spare, and nobody who is seen behind them.

    Args:
        looks: Pictures of people who stand as at the till.

    Returns:
        Pixels; ``None`` where nothing follows plainly: nobody in the zone whose face is whole and
        clear, two abreast, somebody behind who looks nearly as large, or nothing that is allowed.
    """
    faces = [face for look in looks for face in look.faces]
    payers = [face.width for face in faces if face.verdict in {OK, TOO_SMALL}]
    if not payers or any(look.verdict == TWO_FACES for look in looks):
        return None
    pixels = int(SPARE * min(payers))
    if any(face.verdict == BEHIND and face.width >= pixels for face in faces):
        return None
    try:
        PlaceSettings(face_px=pixels)
    except ValidationError:
        return None
    return pixels


def _face(one: Judged) -> FaceLook:
    x, y, width, height = one.face.box
    verdict = BEHIND if one.standing is Standing.BEHIND else one.verdict.value
    return FaceLook((round(x), round(y), round(width), round(height)), int(width), verdict)

"""Whom a till or a gate knows by face, put together from the settings: both do it alike."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from dafan.clock import Clock
from dafan.config import Settings
from dafan.config_place import PlaceSettings
from devices.camera import FrameSource
from pos.enrol import JOURNAL, Enrolment
from pos.facewatch import Advice, Changed, FaceWatch, Recognised, everybody
from pos.hardware import is_lens
from pos.store import TillStore
from vision.errors import ModelError
from vision.gallery import Gallery
from vision.packs import Pack, load_pack
from vision.quality import payment
from vision.recognise import Recogniser, RecogniserSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Faces:
    """Models, and the gallery that the store fills with their templates."""

    pack: Pack
    gallery: Gallery

    def watch(
        self,
        settings: Settings,
        store: TillStore,
        source: str | FrameSource,
        tell: Callable[[Recognised | Advice | Changed], None],
        *,
        ask_without_liveness: bool = True,
    ) -> FaceWatch:
        """Look for who may pay by face now, where the installer has said that a payer stands."""
        return FaceWatch(
            Recogniser(self.pack, self.gallery, looking(settings.till.place)), self.pack.name, tell,
            live=isinstance(source, str) and is_lens(source),
            ask_without_liveness=ask_without_liveness,
            look_alikes=store.roster.look_alikes,
            roster=store.roster.of_this_meal if settings.till.faces == "meal" else everybody,
        )  # fmt: skip


def looking(place: PlaceSettings) -> RecogniserSettings:
    """How frames are looked at where payers stand as the installer has said."""
    return RecogniserSettings(payment(place))


def open_store(
    settings: Settings,
    enrolment: Enrolment,
    clock: Clock,
    source: str | FrameSource,
    pack: Pack | None = None,
) -> tuple[TillStore, Faces | None]:
    """The terminal's file, and the faces it knows: none without models, or without a camera.

    Raises:
        JournalError: the file belongs to another terminal.
    """
    pack = pack or (_usable(settings.vision.pack) if source else None)
    faces = Faces(pack, Gallery(pack.embedding_size)) if pack is not None else None
    store = TillStore(
        settings.data_dir / JOURNAL, enrolment.terminal.id, enrolment.keys, clock,
        faces.gallery if faces else None, faces.pack.name if faces else "",
    )  # fmt: skip
    return store, faces


def _usable(name: str | None) -> Pack | None:
    cv2.setNumThreads(1)  # its threads and the models' would fight for the same cores
    try:
        return load_pack(name)
    except ModelError as error:
        log.warning("nobody is known by face here: %s", error)
        return None

"""Face templates: sealed in the till's file, open only in the memory of its gallery."""

import logging
from collections.abc import Iterable
from uuid import UUID

import numpy as np

from dafan.crypto import SealError, open_sealed
from dafan.records import Template
from pos.facts import Rows
from pos.keyring import KeyRing
from vision.gallery import Gallery, Vector

log = logging.getLogger(__name__)


class Templates:
    """Keeps a gallery equal to the templates of one pack in the till's file.

    Args:
        rows: Reads the file.
        keys: Open the templates. One of an epoch that is not here yet waits for its key.
        gallery: Follows; ``None`` on a till without faces.
        pack: Name of the pack whose templates it takes.
    """

    def __init__(self, rows: Rows, keys: KeyRing, gallery: Gallery | None, pack: str) -> None:
        self._rows = rows
        self._keys = keys
        self._gallery = gallery
        self._pack = pack

    def open_all(self) -> None:
        """Fill the gallery from the file."""
        if self._gallery is not None:
            self._gallery.replace_all(self._vectors())

    def follow(self, keys: Iterable[str], removed: Iterable[UUID]) -> None:
        """Bring the gallery to what the file says now of these templates."""
        if self._gallery is None:
            return
        for template_id in removed:
            self._gallery.remove(template_id)
        for key in keys:
            rows = self._rows("SELECT body FROM feed_item WHERE kind = 'template' AND key = ?", key)
            for row in rows:
                template = Template.model_validate_json(row["body"])
                vector = self._open(template)
                if vector is None:
                    self._gallery.remove(template.id)
                else:
                    self._gallery.add(template.id, template.diner_id, vector)

    def epochs(self) -> set[int]:
        """The epochs of all templates that are here, whatever their pack."""
        rows = self._rows(
            "SELECT DISTINCT json_extract(body, '$.epoch') AS epoch FROM feed_item "
            "WHERE kind = 'template'"
        )
        return {int(row["epoch"] or 1) for row in rows}

    def _vectors(self) -> Iterable[tuple[UUID, UUID, Vector]]:
        for row in self._rows("SELECT body FROM feed_item WHERE kind = 'template'"):
            template = Template.model_validate_json(row["body"])
            vector = self._open(template)
            if vector is not None:
                yield template.id, template.diner_id, vector

    def _open(self, template: Template) -> Vector | None:
        """The vector of a template; ``None`` for one of another pack, or that cannot be used."""
        key = self._keys.key(template.epoch)
        if self._gallery is None or template.pack != self._pack or key is None:
            return None
        try:
            raw = open_sealed(key, template.sealed, f"template:{template.id}")
            vector: Vector = np.frombuffer(raw, dtype="<f4").astype(np.float32)
        except (SealError, ValueError) as error:
            log.warning("template %s is left out: %s", template.id, error)
            return None
        fits = vector.shape == (self._gallery.dim,)
        if not fits or not np.isfinite(vector).all() or not vector.any():
            log.warning("template %s is left out: it is no vector of this pack", template.id)
            return None
        return vector

"""What ``dafan doctor`` looks at in the models."""

from collections.abc import Iterator

from dafan.config import Settings
from dafan.doctor import Finding, good, stop, warn
from dafan.errors import DafanError
from vision.manifest import model_folders
from vision.packs import load_pack, missing_files


def models(settings: Settings) -> Iterator[Finding]:
    """Whether the pack that the settings choose can be loaded, with its files as pinned."""
    name = settings.vision.pack
    try:
        pack = load_pack(name)
    except DafanError as error:
        missing = ", ".join(missing_files(name, model_folders())) if name else ""
        yield stop(
            f"the face models do not load: {error}",
            f"run `dafan models pull`{f' (missing: {missing})' if missing else ''}; "
            "until then diners pay by card, QR code or PIN",
        )
        return
    yield good(f"face models of the pack {pack.name}, files as pinned")
    if pack.liveness is None:
        yield warn(
            "the pack has no liveness model: a photograph could pay",
            "the till asks for the PIN as well; `dafan models pull` may find one",
        )

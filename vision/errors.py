"""What can go wrong with models and pictures."""

from dafan.errors import BadInputError, DafanError


class ModelError(DafanError):
    """A model file is absent, damaged or not the one that the manifest names."""

    code = "model"


class ImageError(BadInputError):
    """A file is no picture that can be used."""

    code = "bad_image"

"""The one gate for pictures that people upload: what goes on from here was drawn anew by us.

A file is read up to a limit, its kind is taken from its first bytes and never from its name, its
size in pixels from its header before any pixel is unpacked (a small file can announce gigabytes).
Then it is decoded and written again as JPEG: nothing of the file but its pixels lives on, neither
the place where it was taken (EXIF, XMP) nor a page or an archive hidden before or behind it.
"""

from typing import IO

import cv2

from dafan.errors import BadInputError
from vision.errors import ImageError
from vision.images import MAX_BYTES, decode_image

_KINDS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""JPEG and PNG: what cameras, telephones and scanners make. SVG is a program, no picture."""
_PDF, _PDF_HEAD = b"%PDF-", 1024
"""So a PDF begins, at most so far behind its first byte."""
_QUALITY = 95


def read_picture(stream: IO[bytes] | None) -> bytes:
    """A picture that somebody uploaded, drawn anew.

    Args:
        stream: The file as it arrives; ``None`` where none was sent.

    Returns:
        A JPEG without metadata, upright, its longest side at most
        :data:`vision.images.WORKING_SIDE`.

    Raises:
        ImageError: too large, too many pixels, damaged, or neither JPEG nor PNG; of a PDF it says
            how to make a picture of it.
    """
    return clean_picture(stream.read(MAX_BYTES + 1) if stream else b"")


def clean_picture(data: bytes) -> bytes:
    """As :func:`read_picture`, of bytes."""
    if not data.startswith(_KINDS):
        if _PDF in data[:_PDF_HEAD]:
            raise ImageError(
                "a PDF is not kept: take a photo of the paper, or save the page as JPEG or PNG",
                code="picture_is_pdf",
            )
        raise ImageError("the file is neither a JPEG nor a PNG picture: send a photo")
    done, drawn = cv2.imencode(
        ".jpg", decode_image(data, "the photo"), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise BadInputError("the photo cannot be kept: take another one", code="bad_image")
    return drawn.tobytes()

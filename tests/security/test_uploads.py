"""Hostile pictures: what is kept has our pixels and nothing of the file that was sent."""

import io
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from server.uploads import clean_picture, read_picture
from vision.errors import ImageError
from vision.images import MAX_BYTES, WORKING_SIDE


def drawn(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, kind: str = "JPEG", **more: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **more)  # type: ignore[arg-type]
    return target.getvalue()


def archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("evil.html", "<script>alert(1)</script>")
    return target.getvalue()


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Camera of somebody"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 15.0, 1.0), 3: "E", 4: (120.0, 9.0, 1.0)})
    return saved(drawn(), exif=exif)


def png_that_announces(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        head = struct.pack(">I", len(body)) + name + body
        return head + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "tail",
    [b"<html><script>alert(1)</script>", archive(), b"%PDF-1.7 /JS (x)", b"\x00" * 4096],
    ids=["html", "zip", "pdf", "zeros"],
)
def test_what_hides_behind_a_picture_is_gone(tail: bytes) -> None:
    kept = clean_picture(saved(drawn()) + tail)
    assert tail[:16] not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))
    assert kept.endswith(b"\xff\xd9")


def test_what_hides_in_a_comment_is_gone() -> None:
    sent = saved(drawn(), comment=b"<script>alert(document.cookie)</script>")
    assert b"<script>" in sent
    assert b"<script>" not in clean_picture(sent)


def test_the_place_and_the_camera_are_gone() -> None:
    sent = with_place()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
    kept = Image.open(io.BytesIO(clean_picture(sent)))
    assert dict(kept.getexif()) == {}
    assert b"Exif" not in clean_picture(sent)


def test_a_picture_stays_upright_though_the_note_that_turned_it_is_gone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    kept = Image.open(io.BytesIO(clean_picture(saved(drawn((64, 48)), exif=exif))))
    assert kept.size == (48, 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><title>x</title>",
        b"GIF89a" + bytes(100),
        archive(),
        b"\xff\xd8\xff" + b"<script>" * 100,
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"<html>" + saved(drawn()),
        saved(drawn(), "GIF"),
        saved(drawn(), "BMP"),
        saved(drawn(), "TIFF"),
    ],
    ids=[
        "nothing", "svg", "html", "gif", "zip", "jpeg in name", "png in name", "html before",
        "whole gif", "bmp", "tiff",
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ImageError) as refused:
        clean_picture(data)
    assert refused.value.code == "bad_image"


@pytest.mark.parametrize("before", [b"", b"\n", bytes(1000)])
def test_of_a_pdf_is_said_how_a_picture_is_made_of_it(before: bytes) -> None:
    with pytest.raises(ImageError, match="take a photo of the paper") as refused:
        clean_picture(before + b"%PDF-1.7\n1 0 obj")
    assert refused.value.code == "picture_is_pdf"


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (20_000, 20_000)])
def test_a_small_file_that_announces_gigabytes_is_refused_before_it_is_unpacked(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(cv2, "imdecode", never)
    with pytest.raises(ImageError):
        clean_picture(png_that_announces(*size))


def test_more_bytes_than_the_limit_are_not_even_read() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MAX_BYTES + 1
            self.asked += size
            return b"\xff\xd8\xff" + bytes(size - 3)

    stream = Endless()
    with pytest.raises(ImageError):
        read_picture(stream)  # type: ignore[arg-type]
    assert stream.asked == MAX_BYTES + 1


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_broke_off_is_refused_or_whole_again_but_never_a_fault(
    kind: str, share: float
) -> None:
    sent = saved(drawn((200, 150)), kind)
    try:
        kept = clean_picture(sent[: int(len(sent) * share)])
    except ImageError:
        return
    assert Image.open(io.BytesIO(kept)).size == (200, 150)


@pytest.mark.parametrize(
    "sent",
    [
        saved(drawn(mode="CMYK")), saved(drawn(mode="L")), saved(drawn(mode="P"), "PNG"),
        saved(drawn(mode="RGBA"), "PNG"), saved(drawn(mode="1"), "PNG"),
        saved(Image.fromarray(np.full((48, 64), 40_000, np.uint16)), "PNG"),
    ],
    ids=["cmyk", "grey", "palette", "transparent", "one bit", "16 bit"],
)  # fmt: skip
def test_unusual_pictures_become_usual_ones(sent: bytes) -> None:
    kept = Image.open(io.BytesIO(clean_picture(sent)))
    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (64, 48))


def test_a_large_picture_is_kept_at_the_size_that_is_worked_with() -> None:
    kept = Image.open(io.BytesIO(clean_picture(saved(Image.new("RGB", (5000, 3000))))))
    assert max(kept.size) == WORKING_SIDE

"""The camera's whole picture in a real browser: where zone and faces are drawn, and how legible."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devices.loopback import LoopbackServer
from pos.place_view import WORDS, FaceLook
from pos.view import View

pytestmark = pytest.mark.browser

SIZES = {"portrait": (1080, 1920), "landscape": (1920, 1080), "ten-inch": (1280, 800)}
SMALLEST = {"portrait": 28, "landscape": 28, "ten-inch": 20}
MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
BOXES = """selector => {
  const frame = document.querySelector(".frame").getBoundingClientRect();
  return [...document.querySelectorAll(selector)].map((one) => {
    const box = one.getBoundingClientRect();
    return [(box.left - frame.left) / frame.width, (box.top - frame.top) / frame.height,
      (box.right - frame.left) / frame.width, (box.bottom - frame.top) / frame.height];
  });
}"""
PIXEL = """([x, y]) => {
  const canvas = document.querySelector(".frame canvas");
  const at = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
  return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
}"""


@pytest.fixture
def open_page(
    chromium: Any, served: LoopbackServer, till: Any, scenes: dict[str, View]
) -> Iterator[Callable[..., Any]]:
    """Open the page where the camera is shown, and wait for the first picture."""
    till.show(scenes["desk-camera"])
    complaints: list[str] = []
    contexts = []

    def open_it(size: str = "portrait") -> Any:
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        context = chromium.new_context(viewport=viewport, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        page.goto(f"http://127.0.0.1:{served.port}/")
        page.wait_for_selector(".face")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_zone_and_faces_are_where_they_are_in_the_picture(
    open_page: Callable[..., Any], till: Any, size: str
) -> None:
    page, look = open_page(size), till.place.look
    (zone,) = page.evaluate(BOXES, ".zone")
    assert zone == pytest.approx(look.zone, abs=0.01)
    drawn = page.evaluate(BOXES, ".face")
    for box, face in zip(drawn, reversed(look.faces), strict=True):
        x, y, width, height = face.box
        parts = (x / 640, y / 480, (x + width) / 640, (y + height) / 480)
        assert box == pytest.approx(parts, abs=0.01)
    (picture,) = page.evaluate(BOXES, ".frame canvas")
    assert picture == pytest.approx((0, 0, 1, 1), abs=0.01)


def test_left_is_left_as_in_the_settings(open_page: Callable[..., Any], till: Any) -> None:
    import cv2
    import numpy as np

    half = np.zeros((480, 640, 3), np.uint8)
    half[:, :320] = 255
    till.place = replace(till.place, jpeg=cv2.imencode(".jpg", half)[1].tobytes())
    page = open_page()
    assert page.evaluate(PIXEL, [0.2, 0.5])[0] > 200
    assert page.evaluate(PIXEL, [0.8, 0.5])[0] < 50


def _ask_for(page: Any, till: Any, scenes: dict[str, View], tool: str) -> None:
    """Touch a key that stands on the diners' screen, then show the camera again."""
    till.show(scenes["place"])
    page.click(f"[data-page={tool}]")
    till.show(scenes["desk-camera"])
    page.wait_for_selector(".face")


@pytest.mark.parametrize(
    ("size", "tool"),
    [
        ("portrait", "low"),  # only an upright screen is tall
        *((size, tool) for size in SIZES for tool in (None, "language", "large", "contrast")),
    ],
)
def test_every_verdict_is_legible_beside_its_face_and_inside_the_picture(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View], size: str, tool: str | None
) -> None:
    page = open_page(size)
    if tool is not None:
        _ask_for(page, till, scenes, tool)
    limits = {"text": SMALLEST[size], "amount": 0, "button": 48}
    limits |= {"contrast": {"contrast": 7}, "low": {"low": 1}}.get(tool or "", {})
    corners = [(-30, -40), (600, -20), (-40, 440), (590, 430), (300, 200)]
    verdicts = [word for word in WORDS if word != "no_face"]
    wrong = []
    for number, verdict in enumerate(verdicts):
        faces = tuple(FaceLook((x, y, 80, 100), 1000 + number, verdict) for x, y in corners)
        look = replace(till.place.look, faces=faces, verdict=verdict.replace("behind", "no_face"))
        till.place = replace(till.place, look=look)
        page.wait_for_selector(f".face:has-text('{1000 + number}')")
        wrong += page.evaluate(MEASURE, limits)
        plates = page.evaluate(BOXES, ".face .what")
        wrong += [(verdict, box) for box in plates if min(box) < -0.01 or max(box) > 1.01]
    assert wrong == []


def test_a_picture_that_is_gone_or_cannot_be_judged_is_told(
    open_page: Callable[..., Any], till: Any
) -> None:
    page = open_page()
    seen = till.place
    till.place = replace(seen, look=None)
    page.wait_for_selector(".told:has-text('dafan models check')")
    assert page.locator(".face, .zone").count() == 0
    till.place = None
    page.wait_for_selector(".told:has-text('没有画面')")
    assert not page.is_visible(".frame")
    till.place = seen
    page.wait_for_selector(".face:has-text('可以付款')")


def test_the_picture_is_asked_for_only_while_it_is_shown(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    till.show(scenes["desk-list"])
    page.wait_for_selector("main.list")
    page.wait_for_timeout(300)  # one that was under way
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert [url for url in asked if "place.jpg" in url] == []

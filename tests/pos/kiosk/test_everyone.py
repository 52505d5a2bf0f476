"""The page for whoever sees, hears or reaches less, in a real browser."""

import io
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dafan.config_voice import ScreenSettings, VoiceSettings
from devices import loopback
from devices.voice import Voice
from pos.kiosk.app import create_kiosk
from pos.kiosk.manner import Manner
from pos.view import View

pytestmark = pytest.mark.browser

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
PORTRAIT = {"width": 1080, "height": 1920}
LIMITS = {"text": 28, "amount": 160, "button": 48, "contrast": 7, "low": True}
RED = "document.querySelector('canvas').getContext('2d').getImageData(50, 50, 1, 1).data[0]"
LEFT = "document.querySelector('.payer .left').textContent"
LOOKS = ("large", "contrast", "low")
_REMEMBER = """() => {
  window.heard = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    window.heard.push(Math.round(this.buffer.duration * 100));
    return start.apply(this, when);
  };
}"""  # sentences as they begin to sound, by their length


class _Speaker:
    """A speaking program: a sentence sounds for as many hundredths as it has characters."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, _command: Any, text: str) -> bytes:
        self.said.append(text)
        out = io.BytesIO()
        with wave.open(out, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(8000)
            writer.writeframes(bytes(160 * len(text)))
        return out.getvalue()


@pytest.fixture
def speaker() -> _Speaker:
    return _Speaker()


@pytest.fixture
def open_page(chromium: Any, till: Any, speaker: _Speaker) -> Iterator[Callable[..., Any]]:
    """Open the kiosk of a till that speaks."""
    voice = Voice({"zh": ("zh",), "en": ("en",)}, say=speaker, find=lambda name: name)
    closing: list[Callable[[], None]] = [voice.close]

    def open_it(screen: ScreenSettings | None = None) -> Any:
        kiosk = create_kiosk(till, manner=Manner(VoiceSettings(), screen, voice))
        server = loopback.serve(kiosk, "127.0.0.1", 0, "till")
        context = chromium.new_context(viewport=PORTRAIT, reduced_motion="reduce")
        closing[:0] = [context.close, till.screen.close, server.stop]
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.wait_for_selector("#kiosk header")
        return page

    yield open_it
    for close in closing:
        close()


def _red() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "#c03020").save(out, "JPEG")
    return out.getvalue()


def _show(page: Any, till: Any, view: View) -> None:
    till.show(view)
    page.wait_for_selector(f"#kiosk[data-screen={view.screen}]")
    page.wait_for_timeout(60)


def test_large_bright_on_black_and_low_every_screen_is_legible_and_within_reach(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page(ScreenSettings(large=True, contrast=True, low=True))
    wrong = []
    for name, view in scenes.items():
        _show(page, till, view)
        wrong += [f"{name}: {fault}" for fault in page.evaluate(MEASURE, LIMITS)]
    assert wrong == []


def test_one_meal_is_seen_heard_and_within_reach_and_leaves_the_till_as_it_was(
    open_page: Callable[..., Any], till: Any, speaker: _Speaker, scenes: dict[str, View]
) -> None:
    page = open_page()
    page.evaluate(_REMEMBER)
    for name in LOOKS:
        assert page.query_selector(f"[data-{name}]") is None
        page.click(f"[data-page={name}]")
        assert page.get_attribute(f"[data-page={name}]", "aria-pressed") == "true"
    assert page.query_selector("#kiosk[data-large][data-contrast][data-low]")
    till.show(scenes["look-hint"])
    page.wait_for_selector(".picture canvas:not([hidden])")
    page.wait_for_function("() => window.heard.length === 1")
    assert page.query_selector(".payer") is None
    till.payer = _red()
    _show(page, till, replace(scenes["confirm"], countdown_ms=9000, countdown_of_ms=9000))
    page.wait_for_function(f"() => {RED} > 185")
    assert page.inner_text(".payer .who") == "甲*"
    page.wait_for_function(f"() => {LEFT} === '8'")
    page.wait_for_function("() => window.heard.length === 2")
    page.click("[data-page=language]")
    page.wait_for_function("() => window.heard.length === 3")
    _show(page, till, scenes["paid"])
    page.wait_for_function("() => window.heard.length === 4")
    assert speaker.said == [
        "十五元零四分，请看这里。没认出您，请靠近一点，或刷卡",
        "十三元五角四分，不是您请点取消",
        "13 yuan 54 fen. Not you? Press Cancel",
        "Paid, 13 yuan 54 fen",
    ]
    assert page.evaluate("window.heard") == [len(text) for text in speaker.said]
    page.click("[data-page=mute]")
    _show(page, till, scenes["problem-write"])
    page.wait_for_timeout(150)
    assert len(speaker.said) == 4
    _show(page, till, scenes["paid"])
    _show(page, till, scenes["place"])
    assert page.query_selector(":is([data-large], [data-contrast], [data-low])") is None

"""The page in a real browser, every screen in three sizes and two languages."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devices.loopback import LoopbackServer
from pos.kiosk.port import Broadcast
from pos.kiosk.texts import NOTICES
from pos.view import Level, Notice, NoticeCode, Screen, View, Who

pytestmark = pytest.mark.browser

SIZES = {"portrait": (1080, 1920), "landscape": (1920, 1080), "ten-inch": (1280, 800)}
SMALLEST = {"portrait": 28, "landscape": 28, "ten-inch": 20}
AMOUNT = {"portrait": 160, "landscape": 160, "ten-inch": 112}
MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")


@pytest.fixture
def open_page(chromium: Any, served: LoopbackServer) -> Iterator[Callable[..., Any]]:
    """Open the kiosk; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_it(size: str = "portrait", **options: Any) -> Any:
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        page.goto(f"http://127.0.0.1:{served.port}/")
        page.wait_for_selector("#kiosk header")
        return page

    yield open_it
    for context in contexts:
        context.close()
    expected = ("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION", "ERR_EMPTY_RESPONSE")
    assert [text for text in complaints if not any(word in text for word in expected)] == []


def _speak(page: Any, language: str) -> None:
    if page.evaluate("document.documentElement.lang")[:2] != language:
        page.click("[data-page=language]")


def _show(page: Any, till: Any, view: View) -> None:
    """Show the view and wait until the page has drawn it."""
    marked = replace(view, clock=f"{next(_minutes) % 24:02d}:{next(_minutes) % 60:02d}")
    till.show(marked)
    page.wait_for_function(
        "mark => document.querySelector('.when').textContent.includes(mark)", arg=marked.clock
    )


_minutes = iter(range(10**6))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_screen_is_legible_complete_and_easy_to_touch(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View], size: str, language: str
) -> None:
    page = open_page(size, reduced_motion="reduce")
    wrong = []
    for name, view in scenes.items():
        _show(page, till, view)
        if name != "place":
            _speak(page, language)
        limits = {"text": SMALLEST[size], "amount": AMOUNT[size], "button": 64}
        if size == "ten-inch":
            limits["button"] = 48  # 64 px of the big screens, at the distance of a small one
        wrong += [f"{name}: {fault}" for fault in page.evaluate(MEASURE, limits)]
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_large_type_fits_every_screen(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View], size: str
) -> None:
    page = open_page(size, reduced_motion="reduce")
    wrong = []
    for name, view in scenes.items():
        _show(page, till, view)
        if not page.query_selector("#kiosk[data-large]") and page.query_selector(
            "[data-page=large]"
        ):
            page.click("[data-page=large]")
        limits = {"text": SMALLEST[size], "amount": AMOUNT[size], "button": 48}
        wrong += [f"{name}: {fault}" for fault in page.evaluate(MEASURE, limits)]
    assert wrong == []


@pytest.mark.parametrize("size", ["portrait", "ten-inch"])
def test_the_longest_notices_fit_as_a_hint_and_as_a_problem(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View], size: str
) -> None:
    page = open_page(size, reduced_motion="reduce")
    params = {
        "short_fen": 123_456,
        "total_fen": 123_456,
        "limit_fen": 123_456,
        "tries": 2,
        "minutes": 15,
        "found_labels": "allergen_gluten,allergen_crustaceans,allergen_peanut",
    }
    wrong = []
    limits = {"text": SMALLEST[size], "amount": AMOUNT[size], "button": 48}
    for language in ("zh", "en"):
        _show(page, till, scenes["look"])
        _speak(page, language)
        longest = sorted(NoticeCode, key=lambda code: -len("".join(NOTICES[code][language])))
        for code in longest[:5]:
            for screen in (Screen.LOOK, Screen.PROBLEM):
                notice = Notice(code, Level.WARN, params)
                _show(page, till, replace(scenes["look"], screen=screen, notice=notice))
                wrong += [f"{code} {screen}: {f}" for f in page.evaluate(MEASURE, limits)]
                matter = NOTICES[code][language][0].split("{")[0].strip()  # type: ignore[literal-required]
                assert matter in page.inner_text("#kiosk")
                assert matter in page.text_content("#announce")
    assert wrong == []


def test_presses_reach_the_till(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    page.click("[data-way=card]")
    page.click("[data-press=pick]")
    _show(page, till, scenes["pick"])
    page.click("[data-dish=dish-0][data-portion=small]")
    page.click("[data-line=l1]")
    page.click("[data-press=picked]")
    _show(page, till, scenes["confirm"])
    page.click(".cancel")
    _show(page, till, scenes["problem-write"])
    page.click("[data-press=retry]")
    _show(page, till, scenes["ask-cash"])
    page.click("[data-press=yes]")
    page.wait_for_timeout(200)
    assert till.presses == [
        ("way", {"way": "card"}), ("pick", {}), ("add", {"dish": "dish-0", "portion": "small"}),
        ("remove", {"line": "l1"}), ("picked", {}), ("cancel", {}), ("retry", {}), ("yes", {}),
    ]  # fmt: skip


def test_a_pin_is_typed_on_the_screen_and_shown_as_dots(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["ask-pin"])
    for digit in "12945":
        page.click(f".key[data-digit='{digit}']")
    page.click("[data-digit=erase]")
    assert page.locator(".dots .full").count() == 4
    assert "9" not in page.inner_text(".display")
    for digit in "56":
        page.click(f".key[data-digit='{digit}']")
    page.wait_for_function("() => document.querySelectorAll('.dots .full').length === 0")
    page.wait_for_timeout(200)
    assert till.presses == [("digits", {"digits": "129456"})]


def test_a_staff_number_of_any_length_ends_with_ok(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["ask-staff-no"])
    assert page.is_disabled("[data-digit=ok]")
    for digit in "1024":
        page.click(f".key[data-digit='{digit}']")
    assert page.inner_text(".display").strip() == "1024"
    page.click("[data-digit=ok]")
    page.wait_for_timeout(200)
    assert till.presses == [("digits", {"digits": "1024"})]


_TYPE = """([text, gap]) => {
  let at = performance.now() + 1000;
  let taken = false;
  for (const key of [...text, "Enter"]) {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    Object.defineProperty(event, "timeStamp", { value: at += gap });
    (document.activeElement ?? document).dispatchEvent(event);
    taken = event.defaultPrevented;
  }
  return taken;
}"""  # each key at a moment of its own, however busy this machine is


def test_a_reader_that_types_is_a_card_and_a_slow_hand_is_not(
    open_page: Callable[..., Any], till: Any
) -> None:
    page = open_page()
    assert not page.evaluate(_TYPE, ["0012345678", 80])
    assert not page.evaluate(_TYPE, ["123", 5])
    assert page.evaluate(_TYPE, ["0087654321", 5])
    page.wait_for_timeout(200)
    assert till.presses == [("card", {"number": "0087654321"})]


def test_a_card_read_while_a_button_has_the_focus_does_not_press_it(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["confirm"])
    page.focus(".cancel")
    assert page.evaluate(_TYPE, ["0012345678", 5])  # the browser's own Enter is withheld
    page.wait_for_timeout(200)
    assert till.presses == [("card", {"number": "0012345678"})]


def test_slow_keys_of_a_keyboard_fill_the_question(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["ask-staff-no"])
    for key in ("7", "7", "Backspace"):
        page.keyboard.press(key)
        page.wait_for_timeout(120)
    assert page.inner_text(".display").strip() == "7"


def test_the_language_and_the_type_size_go_back_for_the_next_diner(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    page.click("[data-page=language]")
    page.click("[data-page=large]")
    assert page.inner_text("h1") == "Place your tray"
    _show(page, till, scenes["paid"])
    assert page.inner_text("h1") == "Paid"
    assert page.get_attribute("html", "lang") == "en"
    _show(page, till, scenes["place"])
    assert page.inner_text("h1") == "请放餐盘"
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert page.query_selector("[data-large]") is None


def test_a_lost_till_is_told_calmly_and_comes_back_by_itself(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    before, till.screen = till.screen, Broadcast(scenes["confirm"])
    till.screen.close()  # whoever asks now is sent away
    before.close()
    page.wait_for_selector(".recovering h1:has-text('正在恢复')")
    page.click("[data-way=card]", force=True)
    till.screen = Broadcast(scenes["confirm"], heartbeat_s=0.2)
    page.wait_for_selector(".recovering", state="detached")
    page.wait_for_selector("#kiosk[data-screen=confirm]")
    assert till.presses == []


def test_the_ring_runs_down_while_the_diner_can_cancel(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, replace(scenes["confirm"], countdown_ms=9000, countdown_of_ms=9000))
    page.wait_for_function("() => document.querySelector('#seconds').textContent === '8'")
    left = "parseInt(document.querySelector('#ring-fill').getAttribute('stroke-dasharray'))"
    assert 0 < page.evaluate(left) < 1000
    _show(page, till, scenes["committing"])
    assert page.is_disabled(".cancel")


def test_the_picture_is_in_the_circle_and_without_one_a_silhouette(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["look"])
    page.wait_for_selector(".picture canvas:not([hidden])")
    colour = (
        "[...document.querySelector('canvas').getContext('2d').getImageData(320, 200, 1, 1).data]"
    )
    assert page.evaluate(colour)[0] > 180
    till.picture = None
    page.wait_for_selector(".picture canvas", state="hidden")


def test_a_button_keeps_the_focus_while_views_stream_in(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["look"])
    page.focus("[data-way=qr]")
    for progress in (500, 800, 1000):
        _show(page, till, replace(scenes["look"], progress=progress))
    assert page.evaluate("document.activeElement.dataset.way") == "qr"


def test_names_are_text_and_never_markup(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    name = "<img src=x onerror=alert(1)>"
    lines = (replace(scenes["look"].lines[0], name=name),)
    _show(page, till, replace(scenes["confirm"], who=Who(name), lines=lines))
    assert page.inner_text(".who") == name
    assert page.query_selector("img") is None


def test_the_screen_is_told_to_those_who_hear_it(
    open_page: Callable[..., Any], till: Any, scenes: dict[str, View]
) -> None:
    page = open_page()
    _show(page, till, scenes["confirm"])
    assert page.text_content("#announce") == "甲* ¥13.54"
    _show(page, till, scenes["paid"])
    assert page.text_content("#announce") == "已支付 ¥13.54"
    assert page.get_attribute("#announce", "aria-live") == "assertive"

import re
from pathlib import Path

import pytest

import pos.kiosk
from kitchen.ingredients import Allergen
from pos.kiosk.texts import LABELS, NOTICES
from pos.view import AskWhat, NoticeCode

HOLE = re.compile(r"\{(\w+)\}")
STATIC = Path(pos.kiosk.__file__).parent / "static"
PARAMS = {
    NoticeCode.INSUFFICIENT: {"short_fen"},
    NoticeCode.FULL_PRICE: {"total_fen"},
    NoticeCode.ALLERGENS: {"found_labels"},
    NoticeCode.MEAL_LIMIT: {"limit_fen"},
    NoticeCode.DAILY_LIMIT: {"limit_fen"},
    NoticeCode.PIN_WRONG: {"tries"},
    NoticeCode.PIN_LOCKED: {"minutes"},
    NoticeCode.CLERK_WRONG: {"tries"},
    NoticeCode.CLERK_LOCKED: {"minutes"},
    NoticeCode.BELOW_MINIMUM: {"minimum"},
    NoticeCode.SMALL_FREE: {"minimum"},
}


@pytest.mark.parametrize("code", NoticeCode)
def test_every_notice_has_a_sentence_in_both_languages(code: NoticeCode) -> None:
    for language in ("zh", "en"):
        matter, advice = NOTICES[code][language]  # type: ignore[literal-required]
        assert matter
        assert set(HOLE.findall(matter + advice)) == PARAMS.get(code, set())
    assert bool(NOTICES[code]["zh"][1]) == bool(NOTICES[code]["en"][1])


@pytest.mark.parametrize("name", LABELS)
def test_every_label_has_the_same_parameters_in_both_languages(name: str) -> None:
    both = LABELS[name]
    assert both["zh"]
    assert both["en"]
    assert sorted(HOLE.findall(both["zh"])) == sorted(HOLE.findall(both["en"]))


def _used_labels() -> set[str]:
    script = "\n".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.js"))
    words = set(re.findall(r'"([a-z_]+)"', script))
    ways = {"card", "qr", "staff_no", "cash", "help", "face"}
    allergens = {f"allergen_{allergen}" for allergen in Allergen}
    return words | {f"way_{way}" for way in ways} | allergens


def test_the_page_asks_for_no_label_that_is_missing_and_none_lies_unused() -> None:
    script = "\n".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.js"))
    assert set(re.findall(r'label\("([a-z_]+)"', script)) <= set(LABELS)
    assert set(LABELS) - _used_labels() == set()


def test_every_question_of_the_till_can_be_asked() -> None:
    script = (STATIC / "ask.js").read_text(encoding="utf-8")
    titles = re.search(r"const TITLES = \{(.*?)\};", script, re.DOTALL)
    assert titles
    assert set(re.findall(r"(\w+): ", titles[1])) == {str(what) for what in AskWhat}

"""The documents lead where they say, show small pictures, and quote what the screens say."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from pos.kiosk import gate_texts, plate_texts, scoop_texts
from pos.kiosk.texts import LABELS, NOTICES

CHECKOUT = Path(__file__).resolve().parents[1]
CATALOGUE = CHECKOUT / "server" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
DOCS = [*CHECKOUT.glob("README*.md"), *sorted((CHECKOUT / "docs").rglob("*.md"))]
PICTURES = CHECKOUT / "docs" / "img"
ROLES = (
    "diner", "cashier", "cook", "storekeeper", "manager", "finance", "inspector", "bureau",
    "installer",
)  # fmt: skip
MOST_BYTES = 80_000
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|src=\"([^\"]+)\"")
_QUOTED = re.compile(r"\*\*([^*]+)\*\*")
_PAIR = re.compile(r"\*\*([^*]+)\*\*\s\(([^()*]*[一-龥][^()*]*)\)")


def named(document: Path) -> Iterator[Path]:
    """Files that a document leads to."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link, source in _LINK.findall(text):
        address = link or source
        if not re.match(r"[a-z]+:", address):
            yield (document.parent / address).resolve()


def test_every_link_leads_to_a_file() -> None:
    dead = [
        f"{document.relative_to(CHECKOUT)}: {target}"
        for document in DOCS
        for target in named(document)
        if not target.exists()
    ]
    assert dead == []


def test_pictures_are_small_and_each_is_shown_somewhere() -> None:
    shown = {target for document in DOCS for target in named(document)}
    there = sorted(PICTURES.glob("*.png"))
    assert [one.name for one in there if one not in shown] == []
    assert [one.name for one in there if one.stat().st_size > MOST_BYTES] == []


def test_the_readme_tells_the_same_in_both_languages() -> None:
    told = [
        (CHECKOUT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
    ]
    for pattern in (r"^## ", r"^\| `[^`]+`", r"^- \*\*", r"^```sh$"):
        english, chinese = (re.findall(pattern, text, re.MULTILINE) for text in told)
        assert english == chinese, pattern


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_page_in_both_languages_with_the_words_of_the_screen(role: str) -> None:
    texts = spoken()
    folder = CHECKOUT / "docs" / "roles"
    chinese = (folder / f"{role}.zh-CN.md").read_text(encoding="utf-8")
    english = (folder / f"{role}.md").read_text(encoding="utf-8")
    assert f"]({role}.md)" in chinese
    assert f"]({role}.zh-CN.md)" in english
    quoted = {word for word in _QUOTED.findall(chinese) if word not in texts}
    assert quoted - {"English"} == set()
    pairs = [(" ".join(en.split()), " ".join(zh.split())) for en, zh in _PAIR.findall(english)]
    assert pairs
    assert [(en, zh) for en, zh in pairs if en not in texts.get(zh, ())] == []


@cache
def spoken() -> dict[str, set[str]]:
    """What the screens say: Chinese and its English, a parameter as an ellipsis."""
    with CATALOGUE.open("rb") as file:
        found = [(one.id, one.string) for one in read_po(file) if isinstance(one.id, str)]
    found += [(one["zh"], one["en"]) for one in LABELS.values()]
    for notice in NOTICES.values():
        found += zip(notice["zh"], notice["en"], strict=True)
    screens = (plate_texts.TEXTS, gate_texts.TEXTS, scoop_texts.TEXTS)
    found += [(text.zh, text.en) for one in screens for pair in one.values() for text in pair]
    texts: dict[str, set[str]] = {}
    for zh, en in found:
        texts.setdefault(_plain(zh), set()).add(_plain(str(en)))
    return texts


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\{\w+\}|%\(\w+\)s", "…", text).split())

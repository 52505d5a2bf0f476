"""docs/bad-input.md says what is so: its tests exist, its sentences are on the screens."""

import re
from pathlib import Path

from pos.kiosk.texts import LABELS, NOTICES

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")


def test_every_test_that_the_table_names_exists():
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", TABLE)
    assert len(named) > 40
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


def test_every_sentence_of_the_table_is_one_of_the_tills_screen():
    till = TABLE.split("## Elsewhere")[0]
    rows = [line.split("|") for line in till.splitlines() if line.startswith("|") and "::" in line]
    said = [row[3].strip() for row in rows if not row[3].strip().isascii()]
    sentences = {"，".join(part for part in notice["zh"] if part) for notice in NOTICES.values()}
    sentences |= {label["zh"] for label in LABELS.values()}
    assert len(said) > 25
    assert set(said) <= sentences

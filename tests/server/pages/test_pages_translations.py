import ast
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import server

ROOM = Path(server.__file__).parent
CATALOGUE = ROOM / "translations" / "en" / "LC_MESSAGES"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None}


def wanted():
    options = {"templates/**.html": {"trimmed": "true"}}
    found = extract_from_dir(ROOM, METHODS, options_map=options, keywords=KEYWORDS, comment_tags=())
    return {message for _, _, message, _, _ in found if message}


def test_no_chinese_text_lacks_its_english_one_and_none_is_left_over():
    with (CATALOGUE / "messages.po").open("rb") as file:
        catalogue = read_po(file)
    known = {message.id: message for message in catalogue if message.id}
    assert wanted() - known.keys() == set()
    assert known.keys() - wanted() == set()
    assert [key for key, message in known.items() if not message.string or message.fuzzy] == []
    assert [str(error) for _, errors in catalogue.check() for error in errors] == []


def test_the_compiled_catalogue_says_what_the_readable_one_says():
    with (CATALOGUE / "messages.po").open("rb") as file:
        readable = {message.id: message.string for message in read_po(file) if message.id}
    with (CATALOGUE / "messages.mo").open("rb") as file:
        compiled = {message.id: message.string for message in read_mo(file) if message.id}
    assert compiled == readable


def test_pages_hold_no_chinese_text_outside_the_catalogue():
    for path in (ROOM / "pages").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        translated = {
            id(argument)
            for call in ast.walk(tree) if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name) and call.func.id in {"_", "_l"}
            for argument in call.args
        }  # fmt: skip
        documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                chinese = any("\u4e00" <= sign <= "\u9fff" for sign in node.value)
                told = id(node) in translated or id(node) in documents
                names_a_language = node.value == "中文"
                assert not chinese or told or names_a_language, (path.name, node.lineno)

"""The log says where something went wrong, never with whose name, card or words."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from dafan.errors import BadInputError
from dafan.logs import FIELDS, JsonLines, TextLines, config

SECRET = "张三 1001 6222020200112233"


def formatted(form: logging.Formatter, work: Callable[[], Any]) -> str:
    """What is logged of the exception that ``work`` raises."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must not quote it
        record = logging.LogRecord(
            "server", logging.ERROR, "f.py", 1, "it broke", (), (type(error), error, None)
        )
        record.exc_info = (type(error), error, error.__traceback__)
        record.__dict__[FIELDS] = {"request": "AB12CD34"}
        return form.format(record)
    raise AssertionError("nothing was raised")


def quoting() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(f"cannot read {SECRET}") from error


@pytest.mark.parametrize("form", [TextLines(), JsonLines()])
def test_the_text_of_an_exception_that_quotes_a_person_is_left_out(form: logging.Formatter) -> None:
    line = formatted(form, quoting)
    assert "builtins.RuntimeError" in line
    assert "builtins.ValueError" in line
    assert "in quoting" in line
    assert not any(part in line for part in SECRET.split())


def test_our_own_errors_and_the_systems_keep_their_text() -> None:
    def ours() -> None:
        raise BadInputError("choose another file")

    def systems() -> None:
        raise OSError(28, "No space left on device")

    assert "choose another file" in formatted(TextLines(), ours)
    assert "No space left" in formatted(JsonLines(), systems)


def test_a_json_line_is_one_object_with_its_fields() -> None:
    line = formatted(JsonLines(), quoting)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["message"], said["request"]) == ("ERROR", "it broke", "AB12CD34")
    assert said["at"].endswith("+00:00")


def test_a_text_line_shows_its_fields_behind_the_message() -> None:
    assert "it broke request=AB12CD34" in formatted(TextLines(), quoting).splitlines()[0]


def test_the_libraries_that_log_addresses_are_quiet() -> None:
    loggers = config("DEBUG", "json")["loggers"]
    assert {loggers[name]["level"] for name in ("httpx", "gunicorn.access")} == {"WARNING"}

"""What the processes write to their logs: one line an event, as text or as JSON, and nobody's data.

The log says where something went wrong, never with whose name, card or words: of an exception it
keeps its type and its place, since its text may quote what a person has typed.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from dafan.errors import DafanError

Form = Literal["text", "json"]
FIELDS = "fields"
"""``log.info("…", extra={FIELDS: {…}})``: values that stand beside the text."""
_SPEAKING = (DafanError, OSError)
"""Exceptions whose text is ours or the system's, not a person's."""


class _Plain(logging.Formatter):
    """Common to both forms."""

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Type and place of an exception and of what led to it."""
        error = ei[1]
        lines: list[str] = []
        while error is not None and len(lines) < 200:
            text = f": {error}" if isinstance(error, _SPEAKING) else ""
            lines.append(f"{type(error).__module__}.{type(error).__qualname__}{text}")
            lines += [
                f"  {frame.filename}:{frame.lineno} in {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)

    @staticmethod
    def fields(record: logging.LogRecord) -> dict[str, Any]:
        """What stands beside the text."""
        found: dict[str, Any] = getattr(record, FIELDS, {})
        return found


class TextLines(_Plain):
    """For a person who reads along."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, with its fields as ``name=value``."""
        values = [f"{name}={value}" for name, value in self.fields(record).items()]
        return " ".join([super().formatMessage(record), *values])


class JsonLines(_Plain):
    """For a program that collects."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **self.fields(record),
        }
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def config(level: str, form: Form) -> dict[str, Any]:
    """As :func:`logging.config.dictConfig` takes it: everything goes to standard error."""
    formatter = "dafan.logs.JsonLines" if form == "json" else "dafan.logs.TextLines"
    quiet = {"level": "WARNING", "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter}},
        "handlers": {
            "lines": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level, "handlers": ["lines"]},
        "loggers": {
            "httpx": quiet,
            "apscheduler": quiet,
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": quiet,
        },
    }

"""Errors that a person can act on.

Every error that leaves a room is a :class:`DafanError`: its text says what to do. The command
line prints it without a traceback, the API turns it into a JSON problem, pages show it.
"""


class DafanError(Exception):
    """Something went wrong that a person can put right.

    Args:
        message: What happened and what to do, in plain English.
        code: A stable word for programs and for translated screens, such as ``bad_config``.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class BadInputError(DafanError):
    """A file, frame, form or request does not say what it should."""

    code = "bad_input"


class ConfigError(DafanError):
    """The configuration names something unknown or impossible."""

    code = "bad_config"


class DeviceError(DafanError):
    """A device cannot be reached or used now."""

    code = "device"

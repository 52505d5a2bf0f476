"""What tests of the tablet's pages read off them."""

import re

_TEMPLATES = re.compile(r"<template.*?</template>", re.DOTALL)


def refused(text: str) -> bool:
    """Whether a page says that what was sent was not done."""
    return 'class="note stop" role="alert"' in _TEMPLATES.sub("", text)

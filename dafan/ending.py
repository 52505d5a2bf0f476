"""How a program that runs until somebody ends it hears of that."""

import signal
import threading


def asked_to_end() -> threading.Event:
    """An event that Ctrl+C or a service manager's request to end sets; for the main thread."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked

"""What a box or a gate of the weigh line says of itself."""

from collections import Counter
from datetime import datetime
from typing import Any

from dafan.clock import SystemClock
from dafan.config import Settings
from dafan.line import TrayState
from dafan.wire import iso
from pos.enrol import JOURNAL, load_enrolment
from pos.line_book import LineBook, entries_of_stations
from pos.store import TillStore


def line_status(settings: Settings) -> dict[str, Any]:
    """Which machine this is, its feed, trays and stations, and what still waits."""
    enrolment, clock = load_enrolment(settings.data_dir), SystemClock()
    path, terminal = settings.data_dir / JOURNAL, enrolment.terminal
    store = TillStore(path, terminal.id, enrolment.keys, clock)
    book = LineBook(path, terminal.id)
    facts = {
        "terminal": terminal.name,
        "venue": terminal.venue_name,
        "server": settings.till.server_url,
        **_sync(store, clock.now()),
        **_trays(book),
        "stations": _stations(book, settings),
    }
    book.close()
    store.close()
    return facts


def _sync(store: TillStore, now: datetime) -> dict[str, Any]:
    """How far the machine has heard of the server, and the server of it."""
    written, fed_at = store.journal.head()[0], store.facts.fed_at
    return {
        "ready": store.catalogue.ready,
        "feed_version": store.feed_version(),
        "feed_at": iso(fed_at) if fed_at else None,
        "feed_age_s": round((now - fed_at).total_seconds()) if fed_at else None,
        "entries": written,
        "waiting": written - store.journal.acknowledged(),
        "revoked": store.facts.revoked,
    }


def _trays(book: LineBook) -> dict[str, Any]:
    """The site's trays by state; where none is registered, any tag is one."""
    counts = Counter(book.registered_trays().values())
    return {
        "trays": {state.value: counts[state] for state in TrayState},
        "open_trays": len(book.open_trays()),
    }


def _stations(book: LineBook, settings: Settings) -> list[dict[str, Any]]:
    """What stands on each station, and at which weight its last entry ended."""
    past, dishes = entries_of_stations(book), book.stations()
    return [
        {
            "no": one.no,
            "scale": one.scale.device,
            "reader": one.reader.device,
            "label": dishes[one.no].label if one.no in dishes else None,
            "grams": past[one.no][-1].after if one.no in past else None,
        }
        for one in settings.line.station
    ]

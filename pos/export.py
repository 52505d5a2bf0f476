"""A till's entries as a file that a person carries to the server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from dafan.errors import ConfigError
from dafan.journal import Journal, connect, sign_batch
from dafan.records import MAX_BATCH, Entry, canonical
from pos.enrol import Enrolment
from pos.keyring import write_private


def export_entries(source: Path, enrolment: Enrolment, target: Path, *, everything: bool) -> int:
    """Write signed batches (:class:`dafan.records.JournalPush`), one JSON object a line.

    Args:
        source: The till's file; the till may be running.
        enrolment: Signs.
        target: Readable by its owner only: it tells who ate what. Complete, or not there.
        everything: Also entries that the server has acknowledged.

    Returns:
        How many entries were written; without any there is no file.

    Raises:
        ConfigError: there is no till's file, or the target cannot be written.
    """
    if not source.is_file():
        raise ConfigError(f"{source}: this till has not sold anything yet")
    with closing(connect(source)) as connection:
        journal = Journal(connection, enrolment.terminal.id)
        batches = list(_batches(journal, 0 if everything else journal.acknowledged()))
    if not batches:
        return 0
    pushes = (sign_batch(enrolment.identity, batch) for batch in batches)
    try:
        write_private(target, b"".join(canonical(push.to_body()) + b"\n" for push in pushes))
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}") from error
    return sum(len(batch) for batch in batches)


def _batches(journal: Journal, after: int) -> Iterator[list[Entry]]:
    while entries := journal.read(after, MAX_BATCH):
        yield entries
        after = entries[-1].seq

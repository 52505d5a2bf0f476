"""Many sales without a screen, through every real part, and then the proof that they agree."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from dafan.config import Settings
from pos.demo.backoffice import BackOffice, DemoError, free_port
from pos.demo.stage import Stage
from pos.demo.till import enrol_till, find_diners, open_till, wait_for_snapshot
from pos.demo.visits import Outcome, Visits
from pos.enrol import JOURNAL
from pos.runtime import Till
from pos.state import Timing
from vision.packs import load_pack
from vision.samples import sample_faces

QUICK = Timing(paid=0.05, cooldown=0.0, notice=0.5, problem=1.0)
"""Nobody watches the screens: they need not stay."""
DRAIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What the run showed; ``ok`` is whether everything agrees.

    Attributes:
        sales: Paid at the till.
        recognised: Paid by face.
        wrong_person: Charged to somebody else than who stood there.
        refused: Visits in which the face was not enough and another way was used.
        fen_total: Sum of the till's journal.
        fen_books: Sum of what the server has posted for the till.
        receipts: Pieces of paper that were printed and cut.
        p50_ms: From the first frame with a usable face to the sale on the disk, median.
        p95_ms: The same, 95th percentile.
        faults: What ``dafan verify`` found.
    """

    pack: str
    sales: int
    recognised: int
    wrong_person: int
    refused: int
    fen_total: int
    fen_books: int
    receipts: int
    p50_ms: float | None
    p95_ms: float | None
    verified: bool
    faults: list[str]
    ok: bool

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def run_headless(
    settings: Settings,
    folder: Path,
    sales: int,
    offline_for: int,
    seed: int,
    tell: Callable[[str], None],
) -> Summary:
    """Run so many sales, the server being down for the first ``offline_for``.

    Args:
        settings: ``vision.pack`` and ``till.scale.protocol`` are used.
        folder: Empty; everything is kept there.
        sales: How many.
        offline_for: Of these, how many while the server is stopped.
        seed: Makes the diners repeatable.
        tell: Told of progress.

    Raises:
        DemoError: the canteen could not be set up, or the till stands still.
    """
    pack = load_pack(settings.vision.pack)
    tell(f"Faces by pack {pack.name}.")
    office = BackOffice(folder / "server", free_port(), pack.name)
    office.folder.mkdir(parents=True, exist_ok=True)
    office.command("server", "seed-demo", "--confirm-ms", "0")
    office.start()
    try:
        enrol_till(office, folder / "till", "1 号台")
        with Stage(settings.till.scale.protocol, folder / "scale", seed) as stage:
            till = open_till(office, folder / "till", stage, settings.till, pack, QUICK)
            try:
                outcomes = _serve(office, till, stage, sales, offline_for, Random(seed), tell)  # noqa: S311 - appetite, not a secret
                _drain(till)
                times = sorted(timing.whole for timing in till.timings)
            finally:
                till.stop()
            receipts = len(stage.paper.receipts)
    finally:
        office.stop()
    return _judge(office, folder / "till" / JOURNAL, pack.name, outcomes, times, receipts)


def _serve(
    office: BackOffice,
    till: Till,
    stage: Stage,
    sales: int,
    offline_for: int,
    rng: Random,
    tell: Callable[[str], None],
) -> list[Outcome]:
    wait_for_snapshot(till)
    diners = find_diners(till, sample_faces())
    if offline_for:
        office.stop()
        tell(f"The server is down for the first {offline_for} sales.")
    outcomes: list[Outcome] = []
    for outcome in Visits(till, stage, diners, rng).take(sales):
        outcomes.append(outcome)
        if len(outcomes) == offline_for:
            office.start()
            tell("The server is back.")
        if len(outcomes) % 10 == 0:
            tell(f"{len(outcomes)} of {sales} sales")
    if not office.running:
        office.start()
    return outcomes


def _drain(till: Till) -> None:
    """Wait until the server has everything and every receipt is on paper."""
    journal, spool = till.store.journal, till.store.spool
    deadline = time.monotonic() + DRAIN_S
    while journal.acknowledged() < journal.head()[0] or spool.next_job() is not None:
        if time.monotonic() > deadline:
            raise DemoError(
                f"after {DRAIN_S:.0f} s the server has {journal.acknowledged()} of "
                f"{journal.head()[0]} entries: see server.log"
            )
        time.sleep(0.1)


def _judge(
    office: BackOffice,
    journal: Path,
    pack: str,
    outcomes: list[Outcome],
    times: list[float],
    receipts: int,
) -> Summary:
    arguments = ("verify", "--database", office.database, "--till", str(journal), "--json")
    proof = json.loads(office.command(*arguments, fails=True))
    checked = proof["checked"]
    wrong = sum(outcome.wrong_person for outcome in outcomes)
    fen_total, fen_books = checked.get("till_fen", 0), checked.get("books_fen", 0)
    count = checked.get("till_sales", 0)
    return Summary(
        pack=pack,
        sales=count,
        recognised=sum(outcome.by_face for outcome in outcomes),
        wrong_person=wrong,
        refused=sum(outcome.refused for outcome in outcomes),
        fen_total=fen_total,
        fen_books=fen_books,
        receipts=receipts,
        p50_ms=round(statistics.median(times), 1) if times else None,
        p95_ms=round(times[int(0.95 * (len(times) - 1))], 1) if times else None,
        verified=proof["ok"],
        faults=[f"{fault['where']}: {fault['what']}" for fault in proof["faults"]],
        ok=proof["ok"]
        and not wrong
        and fen_total == fen_books
        and count == len(outcomes) == receipts
        and fen_total == sum(outcome.sale.total for outcome in outcomes),
    )

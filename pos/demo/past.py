"""``dafan demo --history``: a year of a canteen to read reports of, and nothing that moves."""

import shutil
import signal
import sys
import threading

from rich.console import Console

from dafan.config import Settings
from pos.demo.backoffice import BackOffice

FOLDER = "demo-history"
_DONE = "history.done"
_SITE, _VENUE = "示范单位", "一楼餐厅"
"""As ``dafan server seed-history`` names them."""
_LOGIN, _PASSWORD = "demo", "demo-dafan"


def run_past(settings: Settings, seed: int, days: int, sales: int, *, fresh: bool) -> None:
    """Make up the past where there is none, serve it, and wait until the person ends it.

    Args:
        settings: Port and data folder.
        seed: The same one, the same past.
        days: Until yesterday.
        sales: Of all days.
        fresh: Throw the past of the last time away first.

    Raises:
        DemoError: the past could not be made up.
    """
    say = Console(highlight=False)
    folder = settings.data_dir / FOLDER
    done = folder / _DONE
    if fresh or not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    office = BackOffice(folder, settings.server.port, settings.vision.pack)
    try:
        if not done.exists():
            with say.status(f"Making up {sales:,} sales of {days} days: some minutes …"):
                _make_up(office, seed, days, sales)
            done.write_text(f"{days} {sales} {seed}", encoding="utf-8")
        office.start()
        say.print()
        say.print(f"  Reports   [bold]{office.url}/manage/reports[/]   {_LOGIN} / {_PASSWORD}")
        say.print("  End       Ctrl-C")
        say.print()
        threading.Event().wait()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        office.stop()
        say.print("The reports are closed. Their data stay in", str(folder))


def _make_up(office: BackOffice, seed: int, days: int, sales: int) -> None:
    wanted = "--days", str(days), "--sales", str(sales), "--seed", str(seed)
    office.command("server", "seed-history", *wanted)
    secret = office.folder / "password"
    secret.write_text(f"{_PASSWORD}\n", encoding="utf-8")
    try:
        office.command(
            "server", "init", "--site", _SITE, "--venue", _VENUE, "--admin", _LOGIN,
            "--password-file", str(secret),
        )  # fmt: skip
    finally:
        secret.unlink()

"""A till in a process of its own, for tests that kill it.

till_process.py FOLDER SERVER SCALE PRINTER PORT
"""

import sys
import threading
from pathlib import Path

from dafan.config import PrinterSettings, ScaleSettings, Settings, TillSettings
from devices import loopback
from pos.build import build_till
from pos.demo.headless import QUICK
from pos.enrol import load_enrolment
from pos.kiosk.app import create_kiosk


def main() -> None:
    folder, server, scale, printer, port = sys.argv[1:]
    settings = Settings(
        data_dir=Path(folder),
        till=TillSettings(
            server_url=server,
            scale=ScaleSettings(device=scale),
            printer=PrinterSettings(url=printer),
        ),
    )
    till = build_till(settings, load_enrolment(Path(folder)), timing=QUICK)
    till.start()
    loopback.serve(create_kiosk(till), "127.0.0.1", int(port), "till")
    print("ready", flush=True)
    threading.Event().wait()


main()

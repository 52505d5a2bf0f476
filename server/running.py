"""Running the server: gunicorn with several workers, each with its own application."""

import os
from importlib import import_module
from typing import Any

from gunicorn.app.base import BaseApplication

from dafan import logs
from dafan.config import Settings
from server.jobs import Worker
from server.worker import WholeRequestWorker

COUNTS = "metrics"
"""Folder within the data folder in which the workers count together."""

REQUEST_TIMEOUT_S = 90
"""A worker that answers nothing for so long is replaced; a long poll takes 30 s."""


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        server = self._settings.server
        options: dict[str, Any] = {
            "bind": f"{server.host}:{server.port}",
            "workers": server.workers,
            "worker_class": WholeRequestWorker,
            "threads": server.threads,
            "timeout": REQUEST_TIMEOUT_S,
            "graceful_timeout": 5,
            "control_socket_disable": True,  # nobody but the system's service manager rules it
            "loglevel": self._settings.log_level.lower(),
            "logconfig_dict": logs.config(self._settings.log_level, self._settings.log_format),
            "proc_name": "dafan-server",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from server.app import create_app  # noqa: PLC0415 - counts only after its folder is named
        from server.nightly import jobs  # noqa: PLC0415 - as above

        app = create_app(self._settings)
        parts = app.extensions["dafan"]
        Worker(parts.engine, jobs(parts), parts.clock).start()
        return app


def run(settings: Settings) -> None:
    """Serve until told to stop; the database must be up to date."""
    folder = settings.data_dir / COUNTS
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        path.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    import_module("server.app")  # once, before the workers are forked: they share it
    _Gunicorn(settings).run()

"""Chromium for the tests, driven as by a person who waits until a page is there."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NO_CHROMIUM = "no Chromium: install Debian's package chromium, or run playwright install chromium"
PATIENCE_MS = 60_000
"""How long a page may take on a machine that runs other tests at the same time."""
_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NOT_BEFORE_IT_IS_THERE = """(() => {
  const away = new CSSStyleSheet();
  away.replaceSync("* { pointer-events: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, away];
  addEventListener("DOMContentLoaded", () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== away);
  });
})()"""
"""A program presses a button before its script has run; no finger is that quick."""


class Chromium:
    """A running browser; its pages are patient and are pressed only when their scripts have run."""

    def __init__(self, kind: Any, path: str, *more: str) -> None:
        self._kind, self._path = kind, path
        self._browser = kind.launch(executable_path=path, args=[*_ARGS, *more])

    @contextmanager
    def another(self, *more: str) -> Iterator["Chromium"]:
        """Run a second browser beside this one, with `more` arguments."""
        browser = Chromium(self._kind, self._path, *more)
        yield browser
        browser.close()

    def close(self) -> None:
        """End the browser and all its windows."""
        self._browser.close()

    def new_context(self, **options: Any) -> Any:
        """Open a window that shares nothing with the others; `options` are Playwright's."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        if options.get("java_script_enabled", True):
            context.add_init_script(_NOT_BEFORE_IT_IS_THERE)
        return context

    def new_page(self, **options: Any) -> Any:
        """Open a page in a window of its own."""
        return self.new_context(**options).new_page()


class NoChromiumError(Exception):
    """There is no browser on this machine; the text says how to get one."""


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Run the system's Chromium, or Playwright's own.

    Raises NoChromiumError.
    """
    try:
        from playwright import sync_api
    except ImportError as error:
        raise NoChromiumError(NO_CHROMIUM) from error
    names = ("chromium", "chromium-browser", "google-chrome")
    installed = next((path for path in map(shutil.which, names) if path), None)
    driver = Path(sync_api.__file__).parents[1] / "driver" / "node"
    if subprocess.run([driver, "--version"], capture_output=True, check=False).returncode != 0:
        raise NoChromiumError(f"{NO_CHROMIUM} (Playwright does not run: is libatomic1 there?)")
    with sync_api.sync_playwright() as playwright:
        path = installed or playwright.chromium.executable_path
        if not Path(path).exists():
            raise NoChromiumError(NO_CHROMIUM)
        browser = Chromium(playwright.chromium, path)
        yield browser
        browser.close()

"""The overview in a real Chromium: it keeps itself up to date and asks before it acts."""

import os
import shutil
import threading

import pytest
from werkzeug.serving import make_server

pytestmark = [pytest.mark.browser, pytest.mark.process]
PASSWORD = "a good password"


@pytest.fixture
def address(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page():
    sync_api = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("DAFAN_CHROMIUM") or shutil.which("chromium")
    with sync_api.sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no Chromium: install the package chromium ({error.message[:80]})")
        one = chromium.new_page(viewport={"width": 1440, "height": 900})
        yield one
        chromium.close()


def test_a_sale_appears_by_itself_and_a_freeze_is_asked_for_first(
    address, page, terminal, make_diner, make_sale, make_user
):
    make_user("manager", "manager")
    diner = make_diner()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((address, "data:")) else faults.append(asked.url)
        ),
    )
    page.goto(f"{address}/manage/")
    page.fill("[name=login]", "manager")
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn-primary")
    page.wait_for_selector("text=今天还没有销售")
    sale = make_sale(diner, total=1234)
    terminal.sell(sale)
    terminal.push()
    page.wait_for_selector(f"tr[data-id='{sale.id}']")
    page.goto(f"{address}/manage/people/{diner}")
    page.click("button:has-text('冻结')")
    page.click("dialog >> text=不，返回")
    page.wait_for_selector("dialog", state="detached")
    assert page.locator("h1 .pill").inner_text() == "正常"
    page.click("button:has-text('冻结')")
    page.click("dialog .btn-primary")
    page.wait_for_selector("h1 .pill.warn")
    assert faults == []

"""``dafan demo --headless``: the main job through every real part, the server away at first."""

import json
import subprocess
import sys

import pytest

CONTRACT = {
    "sales", "recognised", "wrong_person", "refused", "fen_total", "fen_books", "receipts",
    "p50_ms", "p95_ms",
}  # fmt: skip


@pytest.mark.process
@pytest.mark.models
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("models_dir")
def test_the_headless_demo_agrees_with_its_books_though_the_server_was_down() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "dafan",
            *["demo", "--headless", "--sales", "8", "--offline-for", "3", "--json"],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert set(summary) >= CONTRACT
    assert summary["sales"] == summary["receipts"] == 8
    assert summary["wrong_person"] == 0
    assert summary["recognised"] >= 4
    assert summary["fen_total"] == summary["fen_books"] > 0
    assert summary["verified"] is True
    assert "The server is down for the first 3 sales." in done.stderr

"""The bench fills books that are proved like any others, and the proof of them is sound."""

import json

from click.testing import CliRunner

from dafan.cli import root


def test_the_bench_makes_books_in_which_everything_agrees() -> None:
    done = CliRunner().invoke(root, ["bench", "verify", "--sales", "450", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["sales"], told["entries"], told["faults"]) == (450, 450, 0)
    assert told["sales_per_s"] > 0
    assert {"journals", "postings of sales"} <= told["checks_s"].keys()


def test_a_bench_is_loaded_when_it_is_named() -> None:
    done = CliRunner().invoke(root, ["bench", "--help"])
    assert [name for name in ("face", "gallery", "till", "verify") if name in done.output] == [
        "face", "gallery", "till", "verify",
    ]  # fmt: skip
    assert CliRunner().invoke(root, ["bench", "nothing"]).exit_code == 2

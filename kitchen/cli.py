"""``dafan forecast``: how good the forecast of diners is."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from kitchen import backtest as backtests
from kitchen.forecast import CHOSEN


@click.group()
def forecast() -> None:
    """How many will eat."""


@forecast.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made-up canteen.")
@click.option(
    "--history",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A canteen's own meals instead: a CSV file, date,period,covers.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def backtest(seed: int, history: Path | None, as_json: bool) -> None:
    """Ask every method about weeks that it has not seen; the least error is chosen."""
    rows = backtests.generate(seed) if history is None else backtests.read_history(history)
    found = backtests.run(rows)
    naive, least = found.wape[backtests.NAIVE]["all"], found.wape[found.chosen]["all"]
    result: dict[str, Any] = {
        "history": str(history) if history else f"generated, seed {seed}",
        "meals_on_record": len(rows),
        "meals_asked": found.asked,
        "wape": {
            name: {group: round(value, 4) for group, value in groups.items()}
            for name, groups in found.wape.items()
        },
        "chosen": found.chosen,
        "used_by_dafan": CHOSEN,
        "error_against_seasonal_naive": round(least / naive, 3) if naive else None,
    }
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    Console().print(_table(found))
    click.echo(f"{found.asked} meals asked; least wrong: {found.chosen}; dafan uses {CHOSEN}")


def _table(found: backtests.Result) -> Table:
    groups = list(found.wape[backtests.NAIVE])
    table = Table("WAPE", *groups)
    for name, values in found.wape.items():
        table.add_row(name, *(f"{values[group]:.1%}" for group in groups))
    return table

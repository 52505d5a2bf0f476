"""``dafan server make-sums`` and ``seed-history``: what reports read, and a past to read of."""

from datetime import UTC, date, datetime, timedelta

import click

from dafan.config import load_settings
from dafan.db import make_engine, reading, writing
from dafan.errors import ConfigError
from server import schema, sites
from server.history.fill import Wanted, fill
from server.reports import cost_sums


@click.command("make-sums")
@click.option("--again", is_flag=True, help="Throw all of them away first, and make all again.")
def make_sums(again: bool) -> None:
    """Make the sums of days that reports read; the server does so by itself every ten minutes."""
    engine = make_engine(load_settings().database)
    schema.require(engine)
    if again:
        with reading(engine) as session:
            site_ids = [site.id for site in sites.all_sites(session)]
        for site_id in site_ids:
            with writing(engine) as session:
                cost_sums.throw_away(session, site_id)
    click.echo(cost_sums.drive(engine, datetime.now(UTC)))
    engine.dispose()


@click.command("seed-history")
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True)
@click.option(
    "--sales", type=click.IntRange(20), default=30_000, show_default=True, help="Of all days."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same one, the same past.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; else yesterday.")
@click.option(
    "--bare", is_flag=True, help="No journals and postings, for benches: verify finds it wrong."
)
def seed_history(days: int, sales: int, seed: int, until: datetime | None, bare: bool) -> None:
    """Fill an empty database with a canteen's made-up past: not for real use."""
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.database)
    schema.upgrade(engine)
    with reading(engine) as session:
        if sites.all_sites(session):
            raise ConfigError("this database holds a site: a made-up past needs an empty one")
    last = until.date() if until else datetime.now(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    with click.progressbar(length=days, label=f"{first} … {last}") as bar:

        def progress(_day: date) -> None:
            bar.update(1)

        fill(engine, Wanted(days, sales, first, seed, bare), progress)
    engine.dispose()
    click.echo(f"{sales} sales of {days} days are in {settings.database}")

"""``dafan server make-sums``: the sums of days that reports read."""

from datetime import UTC, datetime

import click

from dafan.config import load_settings
from dafan.db import make_engine, reading, writing
from server import schema, sites
from server.reports import day_sums


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
                day_sums.throw_away(session, site_id)
    click.echo(day_sums.drive(engine, datetime.now(UTC)))
    engine.dispose()

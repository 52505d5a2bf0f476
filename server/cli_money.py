"""``dafan server expire-subsidies`` and ``reconcile-payments``: nightly jobs, done by hand."""

import click

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine, writing
from dafan.errors import ConfigError
from dafan.money import format_yuan
from server import online_orders, schema, subsidy_expiry
from server.gateway import open_gateway


@click.command("expire-subsidies")
def expire_subsidies() -> None:
    """Take back what is left of subsidies whose last day is over; again, it changes nothing."""
    engine = make_engine(load_settings().database)
    schema.load()
    schema.require(engine)
    with writing(engine) as session:
        done = subsidy_expiry.expire_due(session, SystemClock().now(), by="cli")
    engine.dispose()
    for run in done:
        click.echo(f"{run.name}: {format_yuan(run.total)} yuan of {run.diners} diners taken back")
    if not done:
        click.echo("No subsidy has expired.")


@click.command("reconcile-payments")
def reconcile_payments() -> None:
    """Ask the payment gateway about orders of which nothing was heard; book or close them."""
    settings = load_settings()
    gateway = open_gateway(settings.gateway)
    if gateway is None:
        raise ConfigError("no payment gateway is set up: see [gateway] in dafan.toml")
    engine = make_engine(settings.database)
    schema.load()
    schema.require(engine)
    done = online_orders.reconcile(engine, gateway, SystemClock().now())
    engine.dispose()
    click.echo(", ".join(f"{count} {what}" for what, count in done.items()))

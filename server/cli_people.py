"""Commands about people and faces, added to ``dafan server``."""

import click

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine
from server import schema


@click.command("seed-demo")
def seed_demo() -> None:
    """Fill the database with a canteen to try out: not for real use."""
    from server import demo_seed  # noqa: PLC0415 - loads the face models

    settings = load_settings()
    engine = make_engine(settings.database)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    schema.upgrade(engine)
    key = demo_seed.demo_site_key(settings)
    made = demo_seed.seed_demo(engine, settings, key, SystemClock().now())
    click.echo(
        f"site {made.site_id}, venue {made.venue_id}: {len(made.face_diners)} faces enrolled"
    )
    for note in made.notes:
        click.echo(f"  {note}")
    click.echo(
        f"sign in as {demo_seed.DEMO_LOGIN} with {demo_seed.DEMO_PASSWORD}; "
        f"every diner's PIN is {demo_seed.DEMO_PIN}: for the demo only"
    )

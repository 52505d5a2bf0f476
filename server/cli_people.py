"""``dafan server seed-demo`` and ``dafan faces``."""

from collections import Counter
from uuid import UUID

import click
from rich.progress import track

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.db import make_engine, reading, writing
from server import schema
from server.keys import KeyRing


@click.command("seed-demo")
@click.option(
    "--confirm-ms",
    type=click.IntRange(0, 10_000),
    default=2000,
    show_default=True,
    help="How long a recognised diner can cancel.",
)
@click.option("--kitchen", is_flag=True, help="Open the kitchen too, with a day behind it.")
def seed_demo(confirm_ms: int, kitchen: bool) -> None:
    """Fill the database with a canteen to try out: not for real use."""
    from server import demo_seed  # noqa: PLC0415 - loads the face models

    settings = load_settings()
    engine = make_engine(settings.database)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    schema.upgrade(engine)
    ring = KeyRing.open(settings.data_dir)
    made = demo_seed.seed_demo(
        engine, settings, ring, SystemClock().now(), confirm_ms=confirm_ms, with_kitchen=kitchen
    )
    click.echo(f"{demo_seed.DEMO_SITE} is ready, {len(made.face_diners)} faces are enrolled:")
    engine.dispose()
    for note in made.notes:
        click.echo(f"  {note}")
    if made.kitchen_day:
        done = ", ".join(f"{count} {what}" for what, count in sorted(made.kitchen_day.items()))
        click.echo(f"the kitchen's yesterday: {done}")
    click.echo(
        f"sign in as {demo_seed.DEMO_LOGIN} with {demo_seed.DEMO_PASSWORD}; "
        f"every diner's PIN is {demo_seed.DEMO_PIN}: for the demo only"
    )


@click.command("seed-line")
@click.argument("box", type=click.UUID)
def seed_line(box: UUID) -> None:
    """Set up the demo's weigh line on the terminal BOX: not for real use."""
    from server import sites  # noqa: PLC0415 - only needed here
    from server.actor import Actor  # noqa: PLC0415 - as above
    from server.demo.line import open_line  # noqa: PLC0415 - as above

    engine = make_engine(load_settings().database)
    schema.require(engine)
    with writing(engine) as session:
        site = next(iter(sites.all_sites(session)))
        count = open_line(session, Actor(site.id, "seed-demo", SystemClock().now()), box)
    engine.dispose()
    click.echo(f"{count} stations are set up")


@click.command("seed-top-up")
@click.argument("staff_no")
def seed_top_up(staff_no: str) -> None:
    """Pay ¥100 into the wallet of a diner of the demo: not for real use."""
    from server import demo_seed  # noqa: PLC0415 - only needed here

    engine = make_engine(load_settings().database)
    schema.load()
    schema.require(engine)
    with writing(engine) as session:
        demo_seed.top_up(session, staff_no, SystemClock().now())
    engine.dispose()
    click.echo(f"{staff_no} has ¥100 more")


@click.group()
def faces() -> None:
    """Face templates of the server."""


@faces.command()
def reindex() -> None:
    """Compute every template anew, after another model pack was chosen; may be run again."""
    from server import face_engine, reindexing, sites  # noqa: PLC0415 - loads the models
    from server.actor import Actor  # noqa: PLC0415 - as above

    settings = load_settings()
    engine = make_engine(settings.database)
    schema.load()
    schema.require(engine)
    models = face_engine.shared_engine(settings.vision.pack)
    pack = models.pack.name
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
        stale = {id_: reindexing.count_stale(session, id_, pack) for id_ in site_ids}
    ring = KeyRing.open(settings.data_dir)
    problems: Counter[str] = Counter()
    for site_id, count in stale.items():
        actor = Actor(site_id, "reindex", SystemClock().now())
        steps = reindexing.reindex(engine, actor, ring, models)
        for step in track(steps, f"{pack}: {count} templates", total=count):
            problems[step.problem] += 1
    engine.dispose()
    done = problems.pop("", 0)
    click.echo(f"{done} templates are now of the pack {pack}, {problems.total()} could not be made")
    for problem, times in problems.most_common():
        click.echo(f"  {times} x {problem}")

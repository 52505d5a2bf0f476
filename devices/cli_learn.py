"""Commands about scale protocols: learn an unknown one, and attack the known ones."""

import json
import sys

import click

from dafan.errors import BadInputError, DafanError
from devices.scales.capture import find_line, watch
from devices.scales.detect import detect
from devices.scales.fuzz import fuzz as fuzz_driver
from devices.scales.learn import Proposal, spelled
from devices.scales.learn import learn as learn_frames
from devices.scales.protocols import PROTOCOLS, driver_named

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("device")
@click.option(
    "--weight",
    "weights",
    type=click.IntRange(min=20),
    multiple=True,
    default=(1000, 250),
    show_default=True,
    help="Grams that you can put on; say it once for each.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(2, 60),
    default=9.0,
    show_default=True,
    help="How long to watch each weight.",
)
@click.option("--unknown", is_flag=True, help="Do not try the known protocols first.")
@AS_JSON
def learn(
    device: str, weights: tuple[int, ...], seconds: float, *, unknown: bool, as_json: bool
) -> None:
    """Watch the scale on DEVICE under known weights and propose its settings.

    Says on the way what to put on; each step begins with Enter (a line on standard input).
    """
    if not unknown:
        _say(f"listening to {device} for a known protocol …")
        best = detect(device).best
        if best is not None:
            toml = f'[till.scale]\nprotocol = "{best.protocol}"\nline = "{best.serial}"\n'
            known = {"protocol": best.protocol, "toml": toml, "sample": best.sample.to_json()}
            click.echo(
                json.dumps(known, ensure_ascii=False, indent=2) if as_json else toml, nl=as_json
            )
            return
    _say("no known protocol; looking for the line settings …")
    heard = find_line(device)
    asked = f", asked by {heard.poll!r}" if heard.poll else ""
    _say(f"it talks at {heard.serial}{asked}: {heard.data[:24].hex(' ')}")
    steps = watch(device, heard, weights, _ask, seconds)
    proposal = learn_frames(steps, str(heard.serial), spelled(heard.poll))
    if as_json:
        click.echo(json.dumps(proposal.to_json(), ensure_ascii=False, indent=2))
    else:
        _explain(proposal)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _ask(text: str) -> None:
    _say(text)
    if not sys.stdin.readline():
        raise BadInputError("standard input ended: each step begins with Enter")


def _explain(proposal: Proposal) -> None:
    words = proposal.to_json()
    click.echo(words["toml"])
    click.echo(
        f"# read {proposal.frames} frames, {proposal.explained:.0%} of the bytes; "
        f"{proposal.damaged} damaged"
    )
    for sentence in proposal.learned:
        click.echo(f"# certain: {sentence}")
    for sentence in proposal.unknown:
        click.echo(f"# not known: {sentence}")
    click.echo("# Weigh a few known weights with `dafan devices watch` before anybody pays by it.")


@click.command()
@click.option("--protocol", "protocols", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--bytes",
    "amount",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Bytes for each driver.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed, the same bytes."
)
@AS_JSON
def fuzz(protocols: tuple[str, ...], amount: int, seed: int, *, as_json: bool) -> None:
    """Feed the drivers noise and spoilt frames: no weight may come that no frame carried."""
    drivers = [driver_named(name) for name in protocols] or list(PROTOCOLS.values())
    outcomes = []
    for driver in drivers:
        outcome = fuzz_driver(driver, amount, seed)
        outcomes.append(outcome)
        if not as_json:
            click.echo(
                f"{driver.name:<18} {outcome.amount} bytes, {outcome.readings} readings, "
                f"{outcome.weights} weights, {outcome.errors} damaged, {outcome.found_wrong} wrong"
            )
    wrong = sum(outcome.found_wrong for outcome in outcomes)
    if as_json:
        rows = [outcome.to_json() for outcome in outcomes]
        summary = {"seed": seed, "bytes": amount, "wrong": wrong, "drivers": rows}
        click.echo(json.dumps(summary, indent=2))
    if wrong:
        raise DafanError(f"{wrong} weights came out that no valid frame carried")

"""``dafan simulate``: sync under attack, seed by seed."""

import json
import os
import time
from collections.abc import Callable

import click

from simulation import line as weigh_line
from simulation import runner
from simulation.lab import open_lab
from simulation.line_plants import LINE_PLANTS
from simulation.planted import PLANTS
from simulation.world import World


class Seeds(click.ParamType[range]):
    """``A:B``, the seeds from A up to and without B; ``A`` alone is one."""

    name = "A:B"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        """Read it."""
        try:
            parts = [int(part) for part in str(value).split(":")]
            found = range(parts[0], parts[0] + 1) if len(parts) == 1 else range(*parts)
        except (TypeError, ValueError):
            self.fail("write 0:1000, the first seed and the one behind the last", param, ctx)
        if not found or found.start < 0:
            self.fail("there is no seed in this", param, ctx)
        return found


_jobs = click.option(
    "--jobs", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="Processes."
)


@click.group(invoke_without_command=True)
@click.option("--seeds", type=Seeds(), default="0:100", show_default=True, help="Which to run.")
@_jobs
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--story", is_flag=True, help="Tell what happens in each seed, step by step.")
@click.option("--plant", type=click.Choice(sorted(PLANTS)), help="Put a known bug back, find it.")
@click.option("--worker", is_flag=True, hidden=True)
@click.pass_context
def simulate(
    ctx: click.Context,
    seeds: range,
    jobs: int,
    as_json: bool,
    story: bool,
    plant: str | None,
    worker: bool,
) -> None:
    """Simulate tills, a server and a network under attack, and check that nothing is lost.

    The same seed is always the same story. Exit status 1: a promise was broken.
    """
    if ctx.invoked_subcommand is not None:
        return
    if worker:
        runner.work(seeds, click.echo)
    elif plant:
        _find(plant, seeds)
    elif story:
        _tell(seeds)
    else:
        _run(seeds, jobs, as_json=as_json)


@simulate.command()
@click.option("--seeds", type=Seeds(), default="0:20", show_default=True, help="Which to run.")
@_jobs
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--plant", type=click.Choice(sorted(LINE_PLANTS)), help="Put in a fault, find it.")
@click.option("--story", is_flag=True, help="Tell what happened at the stations, and was written.")
def line(seeds: range, jobs: int, as_json: bool, plant: str | None, story: bool) -> None:
    """Simulate days of a weigh line, and check that every gram and every fen is accounted for.

    Exit status 1: a promise was broken, or a planted fault was not found.
    """
    if story:
        _tell_line(seeds, plant)
        return
    began = time.monotonic()
    if plant:  # it is put into this process
        found = weigh_line.run_seeds(seeds, plant)
    else:
        found = weigh_line.run_in_processes(seeds, jobs, _progress(began, len(seeds)))
        click.echo("", err=True)
    told = {**found.to_json(), "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for each in found.failures:
            click.echo(f"seed {each.seed}: {each.fault}")
        for seed in sorted({each.seed for each in found.failures}):
            click.echo(f"again: dafan simulate line --seeds {seed} --story")
        figures = ", ".join(f"{name} {value}" for name, value in told.items() if name != "failures")
        click.echo(figures)
    if found.ok == bool(plant):
        raise SystemExit(1)


def _tell(seeds: range) -> None:
    faults = 0
    with open_lab() as lab, runner.quiet():
        for seed in seeds:
            result = World(lab, seed).run()
            click.echo(result.story)
            for fault in result.faults:
                click.echo(f"  BROKEN: {fault}")
            click.echo(f"story {result.digest[:16]}\n")
            faults += bool(result.faults)
    if faults:
        raise SystemExit(1)


def _tell_line(seeds: range, plant: str | None) -> None:
    broken = False
    for seed in seeds:
        text, faults = weigh_line.story_of(seed, plant)
        click.echo(f"seed {seed}\n{text}")
        for fault in faults:
            click.echo(f"  BROKEN: {fault}")
        broken = broken or bool(faults)
    if broken != bool(plant):
        raise SystemExit(1)


def _find(plant: str, seeds: range) -> None:
    with open_lab() as lab:
        found = runner.find(lab, plant, seeds)
    if found is None:
        click.echo(f"{plant}: not found in {len(seeds)} seeds")
        raise SystemExit(1)
    tried = found.seed - seeds.start + 1
    click.echo(f"{plant}: found by seed {found.seed} ({tried} tried, {found.seconds:.1f} s)")
    for fault in found.faults[:5]:
        click.echo(f"  {fault}")


def _progress(began: float, total: int) -> Callable[[int], None]:
    def progress(done: int) -> None:
        if done % 20 == 0 or done == total:
            rate = done / (time.monotonic() - began)
            click.echo(f"\r{done} of {total} seeds, {rate:.1f}/s ", nl=False, err=True)

    return progress


def _run(seeds: range, jobs: int, *, as_json: bool) -> None:
    began = time.monotonic()
    failed, counts = runner.run_in_processes(seeds, jobs, _progress(began, len(seeds)))
    click.echo("", err=True)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        told = {"seeds": len(seeds), "failed": failed, **counts, "seconds": seconds}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for each in failed:
            click.echo(each["story"])
            for fault in each["faults"]:  # type: ignore[attr-defined]  # a list of texts
                click.echo(f"  BROKEN: {fault}")
            click.echo(f"again: dafan simulate --seeds {each['seed']} --story\n")
        click.echo(
            f"{len(seeds)} seeds, {len(failed)} failed, {seconds} s: "
            + ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        )
    if failed:
        raise SystemExit(1)

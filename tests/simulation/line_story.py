"""What happened at the pans of a line's day, and what was written about it, moment by moment."""

from collections.abc import Iterator

from dafan.line import PanChanged, ScoopTaken
from simulation.line_plan import Box, Pan, Visit
from simulation.line_station import Kept
from simulation.line_world import Day
from simulation.story import Story

Told = tuple[float, str]


def tell(day: Day, faults: list[str]) -> str:
    """The truth of a day, and the entries as they came to the disk.

    Of the stations that the faults name; of all, where they name none.
    """
    named = [pan for pan in day.plan.pans if any(f"station {pan.no}:" in text for text in faults)]
    story = Story()
    for pan in named or day.plan.pans:
        told = [*_pan(pan), *_box(day.plan.boxes[pan.box]), *map(_entry, day.kept[pan.no])]
        for at, what in sorted(told):
            story.tell(len(story.lines) + 1, at, f"pan {pan.no}", what)
    return story.text()


def _pan(pan: Pan) -> Iterator[Told]:
    yield 0.0, f"{pan.start:.1f} g, division {pan.e_grams} g, {pan.price} fen a kilogram"
    for visit in pan.visits:
        yield from _visit(visit)
    ours = {visit.begins for visit in pan.visits}
    for begins, ends, tag in pan.tags:
        if begins not in ours:
            yield begins, f"tag {tag} until {_clock(ends)}"
    acts = {at for visit in pan.visits for at, _grams in visit.acts}
    for at, grams in pan.steps:
        if at not in acts:
            yield at, f"{grams:+.1f} g by no diner"
    for begins, ends, far in pan.shakes:
        if not any(begins < at < ends for at in acts):
            yield begins, f"shakes by {far:.0f} g until {_clock(ends)}"
    for name, spans in (("no pan", pan.gone), ("silent", pan.silent), ("no power", pan.dark)):
        for begins, ends in spans:
            yield begins, f"{name} until {_clock(ends)}"


def _visit(visit: Visit) -> Iterator[Told]:
    tag = visit.session.tag
    yield visit.begins, f"tray {tag} comes, until {_clock(visit.ends)}"
    for at, grams in visit.acts:
        yield at, f"tray {tag} {'takes' if grams > 0 else 'gives back'} {abs(grams):.1f} g"


def _box(box: Box) -> Iterator[Told]:
    for name, spans in (("cut off", box.cut_off), ("disk full", box.full)):
        for begins, ends in spans:
            yield begins, f"{name} until {_clock(ends)}"


def _entry(one: Kept) -> Told:
    entry = one.entry
    match entry:
        case ScoopTaken():
            what = f"{entry.tray} pays {entry.grams} g, {entry.amount} fen"
        case PanChanged():
            what = f"{entry.kind.value} {', '.join(entry.trays)}".strip()
    return one.at, f"WRITTEN {entry.before} -> {entry.after} g: {what}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"

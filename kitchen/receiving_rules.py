"""What a delivery has to be (进货查验): limits with their sources, and findings as a pure function.

Every limit can be changed for a site: hand another :class:`Rules` to :func:`check`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dafan.money import MAX_FEN, Fen, format_yuan
from dafan.quantity import LARGEST, Measure
from kitchen import labels, lots, rows
from kitchen.ingredients import Ingredient, Keep


class Certificate(StrEnum):
    """Papers that come with food."""

    QUARANTINE = "animal_quarantine"
    """动物检疫合格证明（产品）."""
    MEAT = "meat_inspection"
    """肉品品质检验合格证."""
    PRODUCE = "produce_promise"
    """承诺达标合格证, of fresh produce."""
    CONFORMITY = "conformity"
    """产品合格证 or a test report."""
    CUSTOMS = "customs"
    """入境货物检验检疫证明."""
    GOODS = "goods"
    """No paper: a picture of how the goods came."""


@dataclass(frozen=True)
class Rules:
    """Limits at the door; temperatures in tenths of a degree Celsius."""

    chilled_over_label: int = 30
    """Surface at most 3 °C above the label: 餐饮服务食品安全操作规范 (2018) 6.2."""
    chilled_most: int = 80
    """Where the label names no temperature: chilled is 0 to 8 °C (the same, definitions)."""
    frozen_most: int = -90
    """Surface at most −9 °C: the same, 6.2."""
    positive: int = 500
    """Permille of inhibition that is positive: GB/T 5009.199-2003; exactly 50 % fails."""
    meat_papers: tuple[Certificate, ...] = (Certificate.QUARANTINE, Certificate.MEAT)
    """For ingredients that need quarantine: 动物防疫法, 生猪屠宰管理条例."""
    over_ordered: int = 50
    """Permille above the order that nobody wonders at: a habit of buyers, no rule."""
    life_left: int = 333
    """Permille of the shelf life that should be left: a habit of stores, no rule."""
    heaviest: int = 1_000_000
    """Most that comes onto the scale at once, in the ingredient's measure: more is a slip."""


class _Values(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )


class Paper(_Values):
    """A certificate with its picture."""

    kind: Certificate
    file: Annotated[str, Field(min_length=1, max_length=200)]
    """Where the picture is kept."""
    number: Annotated[str, Field(max_length=60)] = ""


class Weighing(_Values):
    """One load on the scale, or one count; those of a line add up."""

    key: Annotated[str, Field(min_length=1, max_length=rows.KEY_LENGTH)]
    """Made on the tablet: sent again, it is the same load."""
    gross: Annotated[int, Field(strict=True, gt=0, le=LARGEST)]
    """With its crates, in the ingredient's measure."""
    crates: Annotated[int, Field(strict=True, ge=0, le=999)] = 0
    crate: Annotated[int, Field(strict=True, ge=0, le=LARGEST)] = 0
    """What one empty crate weighs."""
    by: Annotated[str, Field(max_length=80)] = ""
    by_scale: bool = False
    """The scale said it; otherwise a hand typed it."""

    @property
    def net(self) -> int:
        """Without its crates."""
        return self.gross - self.crates * self.crate


class PesticideTest(_Values):
    """One rapid test (农残速测): GB/T 5009.199-2003, inhibition of cholinesterase."""

    item: Annotated[str, Field(min_length=1, max_length=60)]
    inhibition: Annotated[int, Field(strict=True, ge=-1000, le=1000)]
    """Permille; noise of the device may be below zero."""
    device: Annotated[str, Field(min_length=1, max_length=60)]
    """Its serial number."""
    record: Annotated[str, Field(min_length=1, max_length=60)]
    """The device's number of the test; one record counts once."""
    reagent: Annotated[str, Field(max_length=60)] = ""
    """Batch of the reagent."""


class LineValues(_Values):
    """What is seen and weighed of one ingredient of a delivery."""

    quantity: Annotated[int, Field(strict=True, gt=0, le=LARGEST)]
    """From the scale in grams, or counted; in ``measure``."""
    measure: Measure
    unit_price: Annotated[Fen, Field(strict=True, ge=0, le=MAX_FEN)]
    """Fen per kilogram, litre or piece."""
    ordered: Annotated[int, Field(strict=True, gt=0, le=LARGEST)] | None = None
    ordered_price: Annotated[Fen, Field(strict=True, ge=0, le=MAX_FEN)] | None = None
    specification: Annotated[str, Field(max_length=60)] = ""
    """规格, such as 5 kg a bag."""
    batch: Annotated[str, Field(max_length=60)] = ""
    produced_on: date | None = None
    expires_on: date | None = None
    zone: Annotated[str, Field(max_length=40)] = ""
    temperature: Annotated[int, Field(strict=True, ge=-600, le=1000)] | None = None
    """Of the surface, in tenths of a degree Celsius."""
    label_temperature: Annotated[int, Field(strict=True, ge=-600, le=300)] | None = None
    papers: tuple[Paper, ...] = ()
    looks_good: bool = True
    """Smell, colour, packing and vehicle."""
    looked: bool = True
    """Somebody has looked: false between the scale and the look."""
    weighings: tuple[Weighing, ...] = ()
    """How the quantity came together, where it was weighed here."""

    @model_validator(mode="after")
    def _dates_fit(self) -> Self:
        if self.produced_on and self.expires_on and self.expires_on < self.produced_on:
            raise ValueError("it expires before it was produced")
        return self


@dataclass(frozen=True)
class Finding:
    """Something about a line that somebody should know."""

    code: str
    blocks: bool
    """Nothing of it comes into stock; otherwise it is a warning."""
    text: str
    limit: str = ""
    """What it should be, as people write it."""


def read_line(values: dict[str, object]) -> LineValues:
    """Check what a tablet says.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(LineValues, values, "line")


def read_test(values: dict[str, object]) -> PesticideTest:
    """Check what a tablet or a device says of a test.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(PesticideTest, values, "test")


def check(
    line: LineValues,
    ingredient: Ingredient,
    day: date,
    rules: Rules,
    *,
    tests: Sequence[PesticideTest] = (),
) -> list[Finding]:
    """What is wrong with a line, and what is odd about it.

    Args:
        line: As it was seen and weighed.
        ingredient: What it should be.
        day: The business date.
        rules: Of the site.
        tests: Pesticide tests in the order in which they were made.
    """
    return [
        *_dates(line, ingredient, day, rules),
        *_temperature(line, ingredient, rules),
        *_papers(line, ingredient, rules),
        *_pesticide(tests, ingredient, rules),
        *_order(line, ingredient, rules),
    ]


def may_test_again(tests: Sequence[PesticideTest], rules: Rules) -> bool:
    """A first test, or one retest after a positive one: leek, garlic and mushrooms fool it."""
    return not tests or (len(tests) == 1 and tests[0].inhibition >= rules.positive)


def _dates(line: LineValues, ingredient: Ingredient, day: date, rules: Rules) -> Iterator[Finding]:
    expires = lots.last_day(line.produced_on, line.expires_on, ingredient.shelf_days)
    if line.produced_on and line.produced_on > day:
        yield Finding("produced_tomorrow", True, f"it says produced on {line.produced_on}")
    if expires is None:
        if ingredient.shelf_days is not None and not line.batch:
            yield Finding("no_date", False, "no day of production, no batch and no last day")
        return
    if expires < day:
        yield Finding("expired", True, f"it was to be used until {expires}", str(expires))
        return
    begun = line.produced_on or day
    if (expires - day).days * 1000 < (expires - begun).days * rules.life_left:
        yield Finding(
            "short_life", False, f"it is to be used until {expires} already", str(expires)
        )


def _temperature(line: LineValues, ingredient: Ingredient, rules: Rules) -> Iterator[Finding]:
    if ingredient.keep == Keep.AMBIENT.value:
        return
    if line.temperature is None:
        yield Finding("no_temperature", True, "measure the temperature of its surface")
        return
    most = rules.frozen_most
    if ingredient.keep == Keep.CHILLED.value:
        most = rules.chilled_most
        if line.label_temperature is not None:
            most = line.label_temperature + rules.chilled_over_label
    if line.temperature > most:
        found, limit = line.temperature / 10, most / 10
        told = f"{found:.1f} °C: at most {limit:.1f} °C"
        yield Finding("too_warm", True, told, f"{limit:.1f} °C")


def _papers(line: LineValues, ingredient: Ingredient, rules: Rules) -> Iterator[Finding]:
    if not ingredient.quarantine:
        return
    there = {paper.kind for paper in line.papers}
    for kind in rules.meat_papers:
        if kind not in there:
            told = f"the certificate '{kind.value}' is missing"
            yield Finding("no_certificate", True, told, kind.value)


def _pesticide(
    tests: Sequence[PesticideTest], ingredient: Ingredient, rules: Rules
) -> Iterator[Finding]:
    if not tests:
        if ingredient.pesticide_test:
            yield Finding("no_pesticide_test", True, "test it for pesticides first")
        return
    last = tests[-1].inhibition
    if last < rules.positive:
        if len(tests) > 1:
            yield Finding("retested", False, "the first test was positive, the retest is not")
        return
    limit = f"{rules.positive / 10:.0f} %"
    told = f"inhibition {last / 10:.1f} %, positive from {limit}"
    if len(tests) == 1:
        yield Finding("pesticide_retest", True, f"{told}: set it apart and test once more", limit)
    else:
        yield Finding("pesticide", True, f"{told}, twice: reject it", limit)


def _order(line: LineValues, ingredient: Ingredient, rules: Rules) -> Iterator[Finding]:
    if line.measure.value != ingredient.measure:
        yield Finding("wrong_unit", True, f"it is counted in {ingredient.measure}")
    if not line.looked:
        yield Finding("not_looked", True, "look at it first: smell, colour, packing, vehicle")
    elif not line.looks_good:
        yield Finding("looks_bad", True, "smell, colour, packing or vehicle are not right")
    if line.ordered is not None:
        told, limit = f"{line.ordered} were ordered", labels.show(line.ordered, line.measure)
        if line.quantity * 1000 > line.ordered * (1000 + rules.over_ordered):
            yield Finding("more_than_ordered", False, told, limit)
        elif line.quantity < line.ordered:
            yield Finding("less_than_ordered", False, told, limit)
    if line.ordered_price is not None and line.unit_price != line.ordered_price:
        told = f"the order says {line.ordered_price} fen"
        yield Finding("other_price", False, told, f"¥{format_yuan(line.ordered_price)}")
    elif not line.unit_price:
        yield Finding("no_price", False, "it has no price: its lot would cost nothing")

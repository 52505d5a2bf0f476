"""Every figure of a report, defined once: what it is called, what it means, how it is summed.

:func:`ask` answers any of them for a range of days, cut by whatever it can be cut by; a report, a
page or an export that shows one of these figures takes it from here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import divide_half_up
from server.reports.scope import Dimension, Key, Scope
from server.reports.sources import SOURCES, Source


class Unit(StrEnum):
    """What one of a measure's values is; all values are whole numbers, rounded half up once."""

    COUNT = "count"
    FEN = "fen"
    GRAMS = "grams"
    TENTH_GRAMS = "tenth_grams"
    PERMILLE = "permille"
    MILLISECONDS = "milliseconds"
    MILLI_KCAL = "milli_kcal"
    MILLI_GRAMS = "milli_grams"
    MICRO_GRAMS = "micro_grams"


class CutError(BadInputError):
    """This figure cannot be cut or narrowed so."""

    code = "bad_cut"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    Attributes:
        code: Stable; columns of exports are named by it.
        label: For people.
        unit: Of its values.
        meaning: What it is, in one sentence.
        parts: Measures that it is made of; none: it is summed from a source.
        of: Makes it of the values of its parts; ``None`` where there is nothing to divide by.
    """

    code: str
    label: LazyString
    unit: Unit
    meaning: LazyString
    parts: tuple[str, ...] = ()
    of: Callable[..., int | None] | None = None


def _less(whole: int, part: int) -> int:
    return whole - part


def _each(whole: int, number: int) -> int | None:
    return divide_half_up(whole, number) if number > 0 else None


def _each_tenths(whole: int, number: int) -> int | None:
    return divide_half_up(10 * whole, number) if number > 0 else None


def _permille(part: int, whole: int) -> int | None:
    return divide_half_up(1000 * part, whole) if whole > 0 else None


def _margin(earned: int, cost: int) -> int | None:
    return _permille(earned - cost, earned)


_ALL = (
    Measure("sales", _l("笔数"), Unit.COUNT, _l("结算台上付过款的笔数，包括后来撤销的。")),
    Measure(
        "covers", _l("就餐人次"), Unit.COUNT,
        _l("一人一餐算一次，付几笔都一样；没有身份的现金销售一笔算一次；全额退回的不算。"),
    ),
    Measure("list_total", _l("折前金额"), Unit.FEN, _l("按菜价计算、未打折的金额。")),
    Measure("income", _l("销售额"), Unit.FEN, _l("就餐人实付的金额，未减退款。")),
    Measure(
        "discount", _l("优惠"), Unit.FEN, _l("折前金额减销售额。"), ("list_total", "income"), _less
    ),
    Measure("subsidy", _l("补贴支付"), Unit.FEN, _l("销售额中由补贴账户支付的部分。")),
    Measure("cash", _l("充值支付"), Unit.FEN, _l("销售额中由充值账户支付的部分。")),
    Measure("drawer", _l("现金支付"), Unit.FEN, _l("销售额中收进现金抽屉的部分。")),
    Measure("refunded", _l("退款"), Unit.FEN, _l("这些销售中后来撤销和退回的金额，不论哪天退的。")),
    Measure("net", _l("净销售额"), Unit.FEN, _l("销售额减退款。"), ("income", "refunded"), _less),
    Measure(
        "per_cover", _l("人均消费"), Unit.FEN, _l("净销售额除以就餐人次。"),
        ("net", "covers"), _each,
    ),
    Measure(
        "subsidy_per_cover", _l("人均补贴"), Unit.FEN, _l("补贴支付除以就餐人次。"),
        ("subsidy", "covers"), _each,
    ),
    Measure(
        "pay_ms", _l("付款用时合计"), Unit.MILLISECONDS, _l("每笔从第一道菜到付款的时间之和。")
    ),
    Measure(
        "pay_mean", _l("平均付款用时"), Unit.MILLISECONDS, _l("从第一道菜到付款，每笔平均。"),
        ("pay_ms", "sales"), _each,
    ),
    Measure("lines", _l("菜品行数"), Unit.COUNT, _l("小票上的行数，全额退回的不算。")),
    Measure("quantity", _l("售出件数"), Unit.COUNT, _l("行上的件数，半份也算一件。")),
    Measure("grams", _l("称重售出"), Unit.GRAMS, _l("称重计价的菜品售出的克数。")),
    Measure(
        "portions", _l("折合整份"), Unit.COUNT,
        _l("半份、小碗和称重按配方折合成整份，每餐每道菜四舍五入一次。"),
    ),
    Measure(
        "standard_cost", _l("标准成本"), Unit.FEN,
        _l("折合整份乘以配方用量乘以当天进价；估算，不含人工和水电。"),
    ),
    Measure(
        "uncosted_portions", _l("无法计成本的份数"), Unit.COUNT,
        _l("没有配方或有食材没有价格的整份数，其成本少计。"),
    ),
    Measure(
        "actual_cost", _l("实际成本"), Unit.FEN,
        _l("当天从库房领出的食材减去退库的，按各批次的进价。"),
    ),
    Measure(
        "cost_difference", _l("成本差异"), Unit.FEN, _l("实际成本减标准成本；正数是多用了。"),
        ("actual_cost", "standard_cost"), _less,
    ),
    Measure(
        "margin", _l("毛利"), Unit.FEN, _l("净销售额减标准成本。"), ("net", "standard_cost"), _less
    ),
    Measure(
        "margin_permille", _l("毛利率"), Unit.PERMILLE, _l("毛利占净销售额的千分数。"),
        ("net", "standard_cost"), _margin,
    ),
    Measure(
        "cost_per_cover", _l("人均标准成本"), Unit.FEN, _l("标准成本除以就餐人次。"),
        ("standard_cost", "covers"), _each,
    ),
    Measure(
        "actual_per_cover", _l("人均实际成本"), Unit.FEN, _l("实际成本除以就餐人次。"),
        ("actual_cost", "covers"), _each,
    ),
    Measure("waste_grams", _l("浪费重量"), Unit.GRAMS, _l("称过的餐厨垃圾，更正已冲销。")),
    Measure(
        "waste_fen", _l("浪费金额"), Unit.FEN,
        _l("批次按进价，食材按当天进价，菜品按标准成本，没写菜名的熟食按当天菜品的平均成本；估算。"),
    ),
    Measure(
        "waste_uncosted", _l("无法计价的浪费"), Unit.GRAMS,
        _l("没有写明是什么、或没有价格的浪费克数。"),
    ),
    Measure(
        "waste_per_cover", _l("人均浪费"), Unit.TENTH_GRAMS, _l("浪费重量除以就餐人次，0.1 克。"),
        ("waste_grams", "covers"), _each_tenths,
    ),
    Measure(
        "waste_fen_per_cover", _l("人均浪费金额"), Unit.FEN, _l("浪费金额除以就餐人次。"),
        ("waste_fen", "covers"), _each,
    ),
    Measure("energy", _l("能量"), Unit.MILLI_KCAL, _l("按配方估算，只算说得出的。")),
    Measure(
        "energy_per_cover", _l("人均能量"), Unit.MILLI_KCAL, _l("按配方估算，除以就餐人次。"),
        ("energy", "covers"), _each,
    ),
    Measure("protein", _l("蛋白质"), Unit.MILLI_GRAMS, _l("按配方估算，只算说得出的。")),
    Measure(
        "protein_per_cover", _l("人均蛋白质"), Unit.MILLI_GRAMS, _l("按配方估算，除以就餐人次。"),
        ("protein", "covers"), _each,
    ),
    Measure("fat", _l("脂肪"), Unit.MILLI_GRAMS, _l("按配方估算，只算说得出的。")),
    Measure(
        "fat_per_cover", _l("人均脂肪"), Unit.MILLI_GRAMS, _l("按配方估算，除以就餐人次。"),
        ("fat", "covers"), _each,
    ),
    Measure("carbohydrate", _l("碳水化合物"), Unit.MILLI_GRAMS, _l("按配方估算，只算说得出的。")),
    Measure(
        "carbohydrate_per_cover", _l("人均碳水化合物"), Unit.MILLI_GRAMS,
        _l("按配方估算，除以就餐人次。"),
        ("carbohydrate", "covers"), _each,
    ),
    Measure("sodium", _l("钠"), Unit.MICRO_GRAMS, _l("按配方估算，只算说得出的。")),
    Measure(
        "sodium_per_cover", _l("人均钠"), Unit.MICRO_GRAMS, _l("按配方估算，除以就餐人次。"),
        ("sodium", "covers"), _each,
    ),
    Measure(
        "told_portions", _l("营养已知的份数"), Unit.COUNT,
        _l("配方和食材把五项营养都说清楚了的整份数。"),
    ),
    Measure(
        "told_permille", _l("营养已知"), Unit.PERMILLE, _l("营养已知的份数占折合整份的千分数。"),
        ("told_portions", "portions"), _permille,
    ),
    Measure(
        "plates_returned", _l("还盘"), Unit.COUNT, _l("在回收台还的餐盘，只算查到了这一餐的。")
    ),
    Measure("plates_clean", _l("光盘"), Unit.COUNT, _l("还回来的餐盘里，按规则算光盘的。")),
    Measure("plates_left", _l("还盘剩余"), Unit.GRAMS, _l("还回来的餐盘上剩下的克数。")),
    Measure(
        "clean_permille", _l("光盘率"), Unit.PERMILLE, _l("光盘占还盘的千分数。"),
        ("plates_clean", "plates_returned"), _permille,
    ),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = {each.code: each for each in _ALL}
"""Code → definition, in the order in which a list shows them."""

Values = dict[str, int | None]
"""Code of a measure → its value in the measure's unit."""


def base(codes: Iterable[str]) -> set[str]:
    """The measures that these are summed from.

    Raises:
        KeyError: there is no such measure.
    """
    found: set[str] = set()
    for code in codes:
        parts = MEASURES[code].parts
        found |= base(parts) if parts else {code}
    return found


def can(code: str, by: Collection[Dimension]) -> bool:
    """Whether a measure can be cut by, or narrowed to, all of these together."""
    return all(_source(one, by) is not None for one in base([code]))


def ask(
    session: Session,
    site_id: UUID,
    codes: Sequence[str],
    scope: Scope,
    by: Sequence[Dimension] = (),
) -> dict[Key, Values]:
    """Measures of a range of days.

    Args:
        session: Reads.
        site_id: Whose.
        codes: Of :data:`MEASURES`.
        scope: Which days, and what they are narrowed to.
        by: What they are cut by; without it the one row has the key ``()``.

    Returns:
        Key → code → value, in order of the keys. Where nothing happened there is no row, but for
        the whole (``by=()``). Rows do not sum up to the whole where people are counted by venue
        or group: one who ate at two of them is a cover of each, and one of the whole.

    Raises:
        CutError: a measure cannot be cut or narrowed so; see :func:`can`.
    """
    cut = {*by, *scope.only}
    wanted: dict[int, tuple[Source, set[str]]] = {}
    for code in codes:
        for one in base([code]):
            source = _source(one, cut)
            if source is None:
                dimensions = ", ".join(sorted(cut))
                raise CutError(f"{code} cannot be told by {dimensions}: choose another cut")
            wanted.setdefault(id(source), (source, set()))[1].add(one)
    merged: dict[Key, dict[str, int]] = {} if by else {(): {}}
    for source, parts in wanted.values():
        for key, sums in source.read(session, site_id, scope, by, parts).items():
            merged.setdefault(key, {}).update((part, sums[part]) for part in parts)
    return {key: _values(codes, merged[key]) for key in sorted(merged, key=_order)}


def _source(part: str, cut: Collection[Dimension]) -> Source | None:
    return next((source for source in SOURCES if source.answers(part, cut)), None)


def _values(codes: Iterable[str], sums: Mapping[str, int]) -> Values:
    return {code: _value(MEASURES[code], sums) for code in codes}


def _value(measure: Measure, sums: Mapping[str, int]) -> int | None:
    if measure.of is None:
        return sums.get(measure.code, 0)
    parts = [_value(MEASURES[part], sums) for part in measure.parts]
    return None if None in parts else measure.of(*parts)


def _order(key: Key) -> tuple[Any, ...]:
    """What belongs to nothing comes last."""
    return tuple((one is None, "" if one is None else one) for one in key)

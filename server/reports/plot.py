"""A chart as a Plotly figure: built here, drawn in the browser by Plotly's own script.

Colours are those of Okabe and Ito, each with one meaning everywhere. Bars start at zero, the unit
stands at the axis, the earlier period is a thin grey line, and nothing moves by itself.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import plotly
from flask_babel import gettext as _
from plotly import graph_objects

from server.reports.frame import Chart, Link, Series

SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
"""Plotly's script, as the installed package has it."""
VERSION: str = plotly.__version__
MAP_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"
"""The script adds a style of its maps where no element has this name: inline styles are forbidden,
and there is no map, so that the page has such an element. Another version has another name."""

COLOURS = {
    "trim": "#009E73",
    "spoilage": "#D55E00",
    "overproduction": "#E69F00",
    "plate": "#CC79A7",
    "oil": "#8C8F88",
    "subsidy": "#0072B2",
    "cash": "#56B4E9",
    "drawer": "#8C8F88",
    "covers": "#0072B2",
    "income": "#0072B2",
    "standard": "#56B4E9",
    "actual": "#D55E00",
    "price": "#0072B2",
    "energy": "#0072B2",
    "protein": "#0072B2",
    "fat": "#E69F00",
    "carbohydrate": "#009E73",
    "sodium": "#D55E00",
    "advised": "#8C8F88",
    "score": "#0072B2",
    "stars": "#E69F00",
    "complaint": "#D55E00",
    "idea": "#56B4E9",
    "owed": "#0072B2",
}
THEN = "#9A9A92"
_INK, _QUIET, _LINE, _CARD = "#1F2421", "#6B7069", "#E4DED3", "#FFFFFF"
_FONTS = '"Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
MOST_LABELS = 32
"""More bars than these say nothing on their marks: the figures would lie upon each other."""

Address = Callable[[Link], str]
"""How a link becomes an address."""


def figure(chart: Chart, address: Address) -> str:
    """The figure as JSON.

    Args:
        chart: What to draw.
        address: Of a link; a mark carries it as its custom data.
    """
    marks = [_mark(chart, one, address) for one in chart.series]
    marks += [*_then(chart), *_norm(chart), *_ends(chart)]
    drawn = graph_objects.Figure(data=marks, layout=_layout(chart))
    told: str = drawn.to_json()
    return told


def height(chart: Chart) -> int:
    """Pixels, for the style class of its place: lying bars need as much as there are."""
    return min(720, 96 + 34 * len(chart.labels)) if chart.across else 360


def _mark(chart: Chart, one: Series, address: Address) -> Any:
    colour: str | list[str] = COLOURS[one.colour]
    if one.colours:
        colour = [COLOURS[each] for each in one.colours]
    links = [address(link) if link else "" for link in one.links] or None
    shown = [None if v is None else float(chart.unit.number(v)) for v in one.values]
    hover = [escape(f"{one.name} {chart.unit.told(value)}") for value in one.values]
    common: dict[str, Any] = {
        "name": escape(one.name), "customdata": links, "hovertext": hover, "hoverinfo": "text",
        "x": _labels(chart), "y": shown, "showlegend": len(chart.series) > 1,
    }  # fmt: skip
    if chart.line:
        return graph_objects.Scatter(
            **common, mode="lines+markers", line={"color": colour, "width": 2}, connectgaps=False
        )
    if chart.across:
        common |= {"x": shown, "y": _labels(chart), "orientation": "h"}
    return graph_objects.Bar(**common, marker={"color": colour, "cornerradius": 3})


def _ends(chart: Chart) -> list[Any]:
    """The sum of each bar at its end, behind the mark of the earlier period."""
    if chart.line or chart.grouped or len(chart.labels) > MOST_LABELS:
        return []
    columns = zip(*(one.values for one in chart.series), strict=True)
    sums = [sum(value or 0 for value in column) for column in columns]
    texts = [chart.unit.text(value) if value else "" for value in sums]
    ends = [max(value, 0) for value in sums]
    if chart.across and chart.then:
        ends = [max(end, then or 0) for end, then in zip(ends, chart.then, strict=True)]
    shown = [float(chart.unit.number(end)) for end in ends]
    place: dict[str, Any] = {"x": _labels(chart), "y": shown, "textposition": "top center"}
    if chart.across:
        place = {"x": shown, "y": _labels(chart), "textposition": "middle right"}
    return [
        graph_objects.Scatter(
            **place, mode="text", text=[f"   {text}" for text in texts] if chart.across else texts,
            textfont={"color": _INK}, hoverinfo="skip", showlegend=False, cliponaxis=False,
        )
    ]  # fmt: skip


def _labels(chart: Chart) -> list[str]:
    """As Plotly shows them: it reads marks of text, which a dish's name must not be."""
    return [escape(label) for label in chart.labels]


def _then(chart: Chart) -> list[Any]:
    if not chart.then:
        return []
    values = [None if v is None else float(chart.unit.number(v)) for v in chart.then]
    place: dict[str, Any] = {"x": _labels(chart), "y": values}
    if chart.across:  # lying bars have no order in time: a grey mark beside each
        place = {"x": values, "y": _labels(chart)}
    name = _("上期")
    return [
        graph_objects.Scatter(
            **place, name=name, mode="markers" if chart.across or len(values) == 1 else "lines",
            line={"color": THEN, "width": 1.5}, marker={"color": THEN, "size": 9},
            hovertext=[f"{name} {chart.unit.told(value)}" for value in chart.then],
            hoverinfo="text", showlegend=True,
        )
    ]  # fmt: skip


def _norm(chart: Chart) -> list[Any]:
    if chart.norm is None:
        return []
    value, name = chart.norm
    level = float(chart.unit.number(value))
    return [
        graph_objects.Scatter(
            x=_labels(chart), y=[level] * len(chart.labels), name=name, mode="lines",
            line={"color": _INK, "width": 1, "dash": "dash"}, hoverinfo="skip", showlegend=True,
        )
    ]  # fmt: skip


def _layout(chart: Chart) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "showgrid": False, "zeroline": False, "tickfont": {"color": _QUIET}, "automargin": True,
        "fixedrange": True, "type": "category",
    }  # fmt: skip
    measured: dict[str, Any] = {
        "title": {"text": str(chart.unit.word), "font": {"color": _QUIET, "size": 13}},
        "gridcolor": _LINE, "zerolinecolor": _LINE, "tickfont": {"color": _QUIET},
        "automargin": True, "fixedrange": True, "separatethousands": True, "nticks": 6,
    }  # fmt: skip
    if not chart.line:
        measured["rangemode"] = "tozero"
    across = {"yaxis": {**plain, "autorange": "reversed"}, "xaxis": measured}
    upright = {"xaxis": {**plain, "nticks": 16, "tickangle": 0}, "yaxis": measured}
    several = len(chart.series) > 1 or bool(chart.then) or chart.norm is not None
    return {
        "template": "none", "autosize": True, "barmode": "group" if chart.grouped else "stack",
        "bargap": 0.32 if len(chart.labels) > 3 or chart.across else 0.8, "dragmode": False,
        "font": {"family": _FONTS, "size": 13, "color": _INK},
        "paper_bgcolor": _CARD, "plot_bgcolor": _CARD, "height": height(chart),
        "margin": {"l": 16, "r": 24, "t": 34 if several else 16, "b": 16, "pad": 4},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "hoverlabel": {"bgcolor": _INK, "font": {"color": _CARD}},
        "transition": {"duration": 0}, "showlegend": several,
        **(across if chart.across else upright),
    }  # fmt: skip

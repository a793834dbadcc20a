"""Small charts as SVG text, to stand inside an HTML page. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 34
COLOURS = ("#0b6bcb", "#d9480f", "#2b8a3e", "#862e9c", "#c2255c", "#5c4a00", "#087f5b", "#495057")


def colour(index: int) -> str:
    """The colour of the series with this number."""
    return COLOURS[index % len(COLOURS)]


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="11">{escape(text)}</text>'


def _frame(title: str, x_label: str, y_ticks: Mapping[str, float], body: Sequence[str]) -> str:
    """Axes around `body`; `y_ticks` maps a label to its height in [0, 1]."""
    lines = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(h)}" y2="{_y(h)}" stroke="#ddd"/>'
        + _text(LEFT - 6, _y(h) + 4, label, "end")
        for label, h in y_ticks.items()
    ]
    lines += [*body, _text(_x(0.5), HEIGHT - 4, x_label)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" fill="currentColor" '
        f'font-family="sans-serif"><title>{escape(title)}</title>' + "".join(lines) + "</svg>"
    )


def sorted_lines(series: Mapping[str, Sequence[float]], title: str, top: float) -> str:
    """Each series sorted from high to low, as steps over the share of its values.

    Args:
        series: name -> values >= 0; an empty one is left out.
        title: read out by screen readers.
        top: value at the upper edge; higher ones are drawn there.
    """
    ticks = {f"{100 * top * i / 4:g} %": i / 4 for i in range(5)}
    body = []
    for number, values in enumerate(series.values()):
        ordered = sorted(values, reverse=True)
        points = []
        for i, value in enumerate(ordered):
            height = _y(min(value, top) / top)
            points += [f"{_x(i / len(ordered))},{height}", f"{_x((i + 1) / len(ordered))},{height}"]
        if points:
            body.append(
                f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour(number)}" '
                'stroke-width="2"/>'
            )
    return _frame(title, "utterances, the worst first (share of all)", ticks, body)


def bars(values: Sequence[float], title: str, top: float, index: int = 0) -> str:
    """One bar per value >= 0, in their order; values above `top` reach the upper edge."""
    ticks = {f"{100 * top * i / 4:g} %": i / 4 for i in range(5)}
    gap = 0.1 / max(len(values), 1)
    body = [
        _bar(i / len(values) + gap, (i + 1) / len(values) - gap, min(value, top) / top, index)
        for i, value in enumerate(values)
    ]
    return _frame(title, "utterance, in the order of the meta file", ticks, body)


def histogram(
    values: Sequence[float], title: str, low: float, high: float, num_bins: int, index: int = 0
) -> str:
    """Counts of `values` in equal bins of [low, high]; values outside go to the outer bins."""
    counts = bin_counts(values, low, high, num_bins)
    most = max([*counts, 1])
    body = [_bar(i / num_bins, (i + 1) / num_bins, n / most, index) for i, n in enumerate(counts)]
    body += [
        _text(_x(i / 4), HEIGHT - BOTTOM + 14, f"{low + (high - low) * i / 4:.2f}")
        for i in range(5)
    ]
    return _frame(title, "cosine to the prompt's speaker", {"0": 0.0, str(most): 1.0}, body)


def bin_counts(values: Sequence[float], low: float, high: float, num_bins: int) -> list[int]:
    """How many of `values` fall into each of `num_bins` equal bins; see `histogram`."""
    counts = [0] * num_bins
    for value in values:
        place = int((value - low) / (high - low) * num_bins)
        counts[min(max(place, 0), num_bins - 1)] += 1
    return counts


def _bar(left: float, right: float, height: float, index: int) -> str:
    x, y = _x(left), _y(height)
    width, tall = round(_x(right) - x, 1), round(_y(0) - y, 1)
    return f'<rect x="{x}" y="{y}" width="{width}" height="{tall}" fill="{colour(index)}"/>'

"""The report of a benchmark run: Markdown for reading, HTML with charts and players."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from eval.cache import file_digest
from eval.metrics.stats import Interval
from eval.report import markdown_table
from eval.reports import svg
from eval.reports.scores import Row, Score
from tokenizer.files import replacing

WORST = 10
SIM_BINS = 24
# Error rates above 200 % are drawn at the edge.
CHART_TOP = 2.0
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "td,th{border:1px solid #bbb;padding:.2em .5em;text-align:left;vertical-align:top}"
    "audio{width:220px;display:block}"
)


@dataclass(frozen=True)
class Facts:
    """What the reader must know to trust the figures.

    Attributes:
        title: of the report.
        settings: name -> value, in order; listeners and encoders with their revisions.
        lang: "en" (word error rate) or "zh" (character error rate).
        order: result of `eval.reports.scores.order_holds`.
        notes: whole sentences.
    """

    title: str
    settings: Mapping[str, str]
    lang: str
    order: Mapping[str, Any]
    notes: Sequence[str]

    @property
    def rate(self) -> str:
        return "CER" if self.lang == "zh" else "WER"


def _interval(value: Interval | None) -> str | None:
    return str(value) if value else None


def _percent(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.3f} [{100 * low:.1f}, {100 * high:.1f}]"


def table(rows: Sequence[Row], rate: str) -> tuple[list[str], list[list[object]]]:
    """Header and cells of the main table."""
    mos = sorted({name for row in rows for name in row.mos})
    header = ["system", "outputs", "failed", "silent", "cut", "heard / skipped"]
    header += [f"{rate} % [95 %], official", "above 50 %", "S / D / I %"]
    header += [f"{rate} % [95 %], corpus, numbers normalised"]
    header += ["SIM [95 %]", "with SIM", *(f"DNSMOS {name}" for name in mos), "seconds"]
    cells: list[list[object]] = []
    for row in rows:
        wer, forgiving = row.wer, row.normalized
        rates = (wer.substitution_rate, wer.deletion_rate, wer.insertion_rate) if wer else ()
        cells.append(
            [
                *(row.label, row.num_outputs, row.num_failed, row.num_silent, row.num_cut),
                f"{row.num_outputs - row.num_skipped} / {row.num_skipped}",
                _percent(wer.mean_wer, wer.mean_wer_low, wer.mean_wer_high) if wer else None,
                wer.num_above_half if wer else None,
                " / ".join(f"{100 * r:.1f}" for r in rates) or None,
                _percent(forgiving.corpus_wer, forgiving.corpus_wer_low, forgiving.corpus_wer_high)
                if forgiving
                else None,
                _interval(row.sim),
                *(row.num_sim, *(row.mos.get(name) for name in mos), f"{row.seconds:.1f}"),
            ]
        )
    return header, cells


def seeds_table(rows: Sequence[Row]) -> tuple[list[str], list[list[object]]] | None:
    """The rate of each seed alone and their spread; None if no row has several."""
    several = [row for row in rows if row.wer_percent_by_seed]
    seeds = list(dict.fromkeys(s for row in several for s in row.wer_percent_by_seed))
    if not several:
        return None
    cells = [
        [row.label, *(row.wer_percent_by_seed.get(s) for s in seeds), _spread(row)]
        for row in several
    ]
    return ["system", *(f"seed {s}" for s in seeds), "standard deviation"], cells


def _spread(row: Row) -> float:
    return float(np.std(list(row.wer_percent_by_seed.values()), ddof=1))


def order_lines(facts: Facts) -> list[str]:
    """One sentence per metric: does truth beat resynthesis, and that the model?"""
    lines = []
    for metric, found in facts.order.items():
        name = facts.rate if metric == "wer" else "SIM"
        verdict = "yes" if found["holds"] else "NO"
        figures = ", ".join(f"{key} {value:.3f}" for key, value in found["figures"].items())
        steps = "; ".join(
            f"{step['from']} to {step['to']} {_change(step['change'])}" for step in found["steps"]
        )
        lines.append(
            f"Recording better than resynthesis better than model, by {name}: {verdict} "
            f"({figures}). Change per item [95 %]: {steps}."
        )
    return lines


def _change(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "unknown"
    return f"{found['estimate']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def worst(outputs: Sequence[Score], most: int = WORST) -> list[Score]:
    """The outputs with the highest error rate; without one, with the lowest SIM."""

    def badness(one: Score) -> tuple[float, float]:
        sim = one.sim if one.sim is not None else -1.0
        return (one.errors.wer if one.errors else float(one.spoken.failed)), -sim

    return sorted(outputs, key=badness, reverse=True)[:most]


def failures(outputs: Mapping[str, Sequence[Score]]) -> list[tuple[str, str, int, str]]:
    """(system, utt, seed, what was wrong) of every output with a problem."""
    return [
        (key, one.utt, one.seed, "; ".join(one.problems))
        for key, scores in outputs.items()
        for one in scores
        if one.problems
    ]


def markdown(facts: Facts, rows: Sequence[Row], outputs: Mapping[str, Sequence[Score]]) -> str:
    """The report as Markdown."""
    parts = [f"# {facts.title}", markdown_table(("", ""), list(facts.settings.items()))]
    parts += ["## Result", markdown_table(*table(rows, facts.rate))]
    seeds = seeds_table(rows)
    if seeds:
        parts += [f"{facts.rate} % by seed:", markdown_table(*seeds)]
    parts += order_lines(facts)
    parts += ["\n".join(f"* {note}" for note in facts.notes)]
    for row in _with_examples(rows):
        cells = [
            [
                *(one.utt, one.seed, one.errors.wer if one.errors else None, one.sim),
                *(one.spoken.job.item.text, one.transcript or "", "; ".join(one.problems)),
            ]
            for one in worst(outputs[row.key])
        ]
        header = ("utterance", "seed", facts.rate, "SIM", "text", "heard", "problems")
        parts += [f"## The worst {len(cells)} of: {row.label}", markdown_table(header, cells)]
    failed = failures(outputs)
    if failed:
        parts += ["## Problems", markdown_table(("system", "utterance", "seed", "problem"), failed)]
    return "\n\n".join(parts) + "\n"


def _with_examples(rows: Sequence[Row]) -> list[Row]:
    made = [row for row in rows if row.kind in ("model", "files")]
    return made or list(rows)


def _html_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Cells are escaped, except those that are `Markup`."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{_cell(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _cell(value: object) -> str:
    if isinstance(value, Markup):
        return value
    if value is None:
        return "–"
    return escape(f"{value:.3f}" if isinstance(value, float) else str(value))


def _player(path: Path | None, root: Path) -> Markup:
    """An audio element with a path relative to the page; a file from elsewhere is copied."""
    if path is None or not path.is_file():
        return Markup("–")
    if not path.is_relative_to(root):
        digest = file_digest(path)
        copy = root / "audio" / f"{digest[:16]}{path.suffix}"
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as temporary:
                shutil.copyfile(path, temporary)
        path = copy
    place = quote(path.relative_to(root).as_posix())
    return Markup(f'<audio controls preload="none" src="{place}"></audio>')


def _charts(rows: Sequence[Row], outputs: Mapping[str, Sequence[Score]], rate: str) -> list[str]:
    parts: list[str] = []
    wers = {
        row.label: [s.errors.wer for s in outputs[row.key] if s.errors] for row in rows if row.wer
    }
    if wers:
        legend = " ".join(
            f'<span style="color:{svg.colour(i)}">■</span> {escape(label)}'
            for i, label in enumerate(wers)
        )
        title = f"{rate} by utterance, sorted"
        chart = svg.sorted_lines(wers, title, CHART_TOP)
        parts += [f"<h2>{title}</h2><p>{legend}</p>", chart]
    for i, row in enumerate(rows):
        label = escape(row.label)
        if row.label in wers and row.kind in ("model", "files"):
            chart = svg.bars(wers[row.label], f"{rate} of {row.label}", CHART_TOP, i)
            parts += [f"<h3>{rate} by utterance: {label}</h3>", chart]
    for i, row in enumerate(rows):
        sims = [s.sim for s in outputs[row.key] if s.sim is not None]
        if sims:
            chart = svg.histogram(sims, f"SIM of {row.label}", -0.2, 1.0, SIM_BINS, i)
            parts += [f"<h3>SIM: {escape(row.label)}</h3>", chart]
    return parts


def html(
    facts: Facts, rows: Sequence[Row], outputs: Mapping[str, Sequence[Score]], root: Path
) -> str:
    """The report as one HTML page.

    Args:
        root: folder of the page. Its players point to files below it; sounds from elsewhere are
            copied to root/audio.
    """
    parts = [f"<h1>{escape(facts.title)}</h1>", _html_table(("", ""), list(facts.settings.items()))]
    parts += ["<h2>Result</h2>", _html_table(*table(rows, facts.rate))]
    seeds = seeds_table(rows)
    if seeds:
        parts += [f"<p>{facts.rate} % by seed:</p>", _html_table(*seeds)]
    parts += [f"<p>{escape(line)}</p>" for line in order_lines(facts)]
    parts += ["<ul>" + "".join(f"<li>{escape(n)}</li>" for n in facts.notes) + "</ul>"]
    parts += _charts(rows, outputs, facts.rate)
    header = ("utterance", "seed", facts.rate, "SIM", "text and what was heard", "output")
    for row in _with_examples(rows):
        cells: list[list[object]] = []
        for one in worst(outputs[row.key]):
            item = one.spoken.job.item
            words = Markup(f"{escape(item.text)}<br><i>{escape(one.transcript or '')}</i>")
            rate = one.errors.wer if one.errors else None
            cells.append([one.utt, one.seed, rate, one.sim, words, _player(one.spoken.path, root)])
            cells[-1] += [_player(item.prompt_wav, root), _player(item.truth_wav, root)]
        parts += [f"<h2>The worst {len(cells)} of: {escape(row.label)}</h2>"]
        parts += [_html_table((*header, "prompt", "recording"), cells)]
    failed = failures(outputs)
    if failed:
        names = ("system", "utterance", "seed", "problem")
        parts += ["<h2>Problems</h2>", _html_table(names, failed)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(facts.title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )

"""From transcripts and embeddings to the rows of a benchmark, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.similarity import cosine
from eval.metrics.stats import Interval, mean_interval
from eval.metrics.wer import (
    EmptyReferenceError,
    TextRules,
    WerSummary,
    WordErrors,
    normalized_text,
    official_percent,
    official_text,
    score_utterance,
    scripts_differ,
    summarize,
)
from eval.systems.stages import SpokenItem
from eval.systems.systems import System

Embeddings = Mapping[str, "np.ndarray | str"]


@dataclass(frozen=True)
class Heard:
    """What the measuring stages found, by hash of the sound; None for a stage left out.

    Attributes:
        transcripts: digest -> text.
        embeddings: digest -> speaker embedding, or why there is none.
        prompts: utt -> digest of its prompt recording.
        scores: digest -> opinion scores.
    """

    transcripts: Mapping[str, str] | None = None
    embeddings: Embeddings | None = None
    prompts: Mapping[str, str] | None = None
    scores: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True)
class Score:
    """One output and its figures.

    Attributes:
        transcript: as heard; "" for a failed output, None where nobody listened.
        errors: by the official text rules; None where nobody listened, or for a reference
            without words.
        forgiving: by the number-normalising rules.
        sim: cosine to the prompt's speaker; None if it is not defined.
        problems: everything that was wrong, for people to read.
    """

    spoken: SpokenItem
    transcript: str | None
    errors: WordErrors | None
    forgiving: WordErrors | None
    sim: float | None
    mos: Mapping[str, float] | None
    problems: tuple[str, ...]

    @property
    def utt(self) -> str:
        return self.spoken.job.item.utt

    @property
    def seed(self) -> int:
        return self.spoken.job.seed


@dataclass(frozen=True)
class Row:
    """One line of the result: a system, all its seeds together.

    Attributes:
        wer: official rules, None where nobody listened; groups of the bootstrap are items.
        official_wer_percent: its mean as the official script prints it.
        wer_percent_by_seed: the same for each seed alone.
        normalized: number-normalising rules; its corpus_wer is the second figure of the report.
        sim: mean over `num_sim` outputs that have an embedding.
        num_failed: outputs that are missing or unreadable, each counted as 100 % error.
        num_silent: files without audible speech. num_cut: ended by their length budget.
        num_skipped: outputs that have no error rate, because nobody listened or no word of the
            text is left. num_script: transcripts in another script than the text.
    """

    key: str
    label: str
    kind: str
    num_outputs: int
    num_failed: int
    num_silent: int
    num_cut: int
    seconds: float
    num_skipped: int
    num_script: int
    wer: WerSummary | None
    official_wer_percent: float | None
    wer_percent_by_seed: Mapping[str, float]
    normalized: WerSummary | None
    sim: Interval | None
    num_sim: int
    mos: Mapping[str, float]


def _errors(text: str, transcript: str, lang: str, rules: TextRules) -> WordErrors | None:
    try:
        return score_utterance(text, transcript, lang, rules)
    except EmptyReferenceError:
        return None


def score(spoken: Sequence[SpokenItem], lang: str, heard: Heard) -> list[Score]:
    """Figures of every output; one that is missing counts as every word deleted."""
    return [_score_one(s, lang, heard) for s in spoken]


def _score_one(spoken: SpokenItem, lang: str, heard: Heard) -> Score:
    item = spoken.job.item
    problems = [spoken.problem] if spoken.problem else []
    problems += spoken.notes
    transcript: str | None = None
    errors = forgiving = None
    if heard.transcripts is not None:
        transcript = "" if spoken.failed else heard.transcripts[spoken.digest]
        errors = _errors(item.text, transcript, lang, official_text)
        forgiving = _errors(item.text, transcript, lang, normalized_text)
        if errors is None:
            problems.append("left out of the WER: the text has no word after the text rules")
    sim: float | None = None
    if heard.embeddings is not None and not spoken.failed:
        sim, problem = _sim(spoken.digest, (heard.prompts or {}).get(item.utt), heard.embeddings)
        problems += [f"no SIM: {problem}"] if problem else []
    mos = (heard.scores or {}).get(spoken.digest)
    return Score(spoken, transcript, errors, forgiving, sim, mos, tuple(problems))


def _sim(
    output: str, prompt: str | None, embeddings: Embeddings
) -> tuple[float | None, str | None]:
    if prompt is None:
        return None, None  # the meta file names no prompt, which is no fault of the output
    first, second = embeddings.get(prompt, "the prompt is missing"), embeddings[output]
    if isinstance(first, str):
        return None, f"prompt: {first}"
    if isinstance(second, str):
        return None, second
    return cosine(first, second), None


def best_of(scores: Sequence[Score]) -> list[Score]:
    """Of each item the seed with the lowest WER, then the highest SIM, then the lowest number.

    Chosen by the very figures that are reported, so the result is what an oracle would reach.
    """
    by_item: dict[str, list[Score]] = {}
    for one in scores:
        by_item.setdefault(one.utt, []).append(one)

    def rank(one: Score) -> tuple[float, float, int]:
        wer = one.errors.wer if one.errors else float("inf")
        return wer, -(one.sim if one.sim is not None else -1.0), one.seed

    return [min(group, key=rank) for group in by_item.values()]


def summarize_row(key: str, label: str, kind: str, scores: Sequence[Score]) -> Row:
    """Pool the outputs of one system; ValueError if there is none."""
    if not scores:
        raise ValueError(f"{label}: no output to summarise")
    measured = [s for s in scores if s.errors is not None]
    wer = _pool([(s.errors, s.utt) for s in measured])
    normalized = _pool([(s.forgiving, s.utt) for s in scores])
    seeds = sorted({s.seed for s in scores})
    by_seed = {
        str(seed): official_percent(float(np.mean(wers)))
        for seed in seeds
        if (wers := [s.errors.wer for s in measured if s.seed == seed and s.errors])
    }
    with_sim = [s for s in scores if s.sim is not None]
    sims = [s.sim for s in with_sim if s.sim is not None]
    names = sorted({name for s in scores for name in s.mos or {}})
    return Row(
        key=key,
        label=label,
        kind=kind,
        num_outputs=len(scores),
        num_failed=sum(s.spoken.failed for s in scores),
        num_silent=sum(s.spoken.problem in ("empty", "silent") for s in scores),
        num_cut=sum(s.spoken.finished_by == "budget" for s in scores),
        seconds=sum(s.spoken.seconds for s in scores),
        num_skipped=len(scores) - len(measured),
        num_script=sum(scripts_differ(s.spoken.job.item.text, s.transcript or "") for s in scores),
        wer=wer,
        official_wer_percent=official_percent(wer.mean_wer) if wer else None,
        wer_percent_by_seed=by_seed if len(seeds) > 1 and kind != "best" else {},
        normalized=normalized,
        sim=mean_interval(sims, [s.utt for s in with_sim]) if sims else None,
        num_sim=len(sims),
        mos={name: float(np.mean([s.mos[name] for s in scores if s.mos])) for name in names},
    )


def _pool(pairs: Sequence[tuple[WordErrors | None, str]]) -> WerSummary | None:
    kept = [(errors, utt) for errors, utt in pairs if errors is not None]
    return summarize([e for e, _ in kept], [u for _, u in kept]) if kept else None


def make_rows(
    systems: Sequence[System], scores: Mapping[str, Sequence[Score]], with_best: bool = False
) -> tuple[list[Row], dict[str, list[Score]]]:
    """One row per system and, if asked for, one more per system with several seeds: best of them.

    Args:
        systems: in the order of the report.
        scores: key of a system -> its outputs.
        with_best: add the rows of `best_of`.

    Returns:
        The rows, and key of a row -> its outputs.
    """
    rows: list[Row] = []
    outputs: dict[str, list[Score]] = {}
    for system in systems:
        mine = list(scores[system.key])
        rows.append(summarize_row(system.key, system.label, system.kind, mine))
        outputs[system.key] = mine
        if with_best and len(system.seeds) > 1:
            key, chosen = f"{system.key}-best{len(system.seeds)}", best_of(mine)
            label = f"{system.label}, best of {len(system.seeds)} by the figures themselves"
            rows.append(summarize_row(key, label, "best", chosen))
            outputs[key] = chosen
    return rows, outputs


def order_holds(rows: Sequence[Row], outputs: Mapping[str, Sequence[Score]]) -> dict[str, Any]:
    """Whether recordings score better than resynthesis, and that better than the model.

    Of several numbers of codebooks the largest counts.

    Args:
        rows: of `make_rows`.
        outputs: likewise.

    Returns:
        For "wer" and "sim": "figures" (row -> mean), "holds" (by the means), and "steps", the
        mean differences from row to row over the items that both have, each with its interval.
        A metric that a row lacks gives no entry; nor do rows of fewer than two of the kinds.
    """
    kinds = ("recording", "resynthesis", "model")
    last = {row.key.split("-")[0]: row for row in rows if row.kind in kinds}
    groups = [[row for row in last.values() if row.kind == kind] for kind in kinds]
    groups = [group for group in groups if group]
    found: dict[str, Any] = {}
    for metric, better in (("wer", -1), ("sim", 1)):
        values = {row.key: _by_item(outputs[row.key], metric) for row in last.values()}
        if len(groups) < 2 or not all(values.values()):
            continue
        means = {key: float(np.mean(list(items.values()))) for key, items in values.items()}
        pairs = [(a, b) for one, two in pairwise(groups) for a in one for b in two]
        steps = []
        for first, second in pairs:
            one, two = values[first.key], values[second.key]
            change = [two[utt] - one[utt] for utt in one if utt in two]
            interval = asdict(mean_interval(change)) if change else None
            steps.append({"from": first.key, "to": second.key, "change": interval})
        holds = all(better * (means[a.key] - means[b.key]) > 0 for a, b in pairs)
        found[metric] = {"figures": means, "holds": holds, "steps": steps}
    return found


def _by_item(outputs: Sequence[Score], metric: str) -> dict[str, float]:
    """utt -> mean over its seeds; items where the metric is not defined are left out."""
    values: dict[str, list[float]] = {}
    for one in outputs:
        value = one.sim if metric == "sim" else one.errors.wer if one.errors else None
        if value is not None:
            values.setdefault(one.utt, []).append(value)
    return {utt: float(np.mean(some)) for utt, some in values.items()}


def line_of(key: str, one: Score, root: Path) -> dict[str, Any]:
    """An output as a flat JSON object; paths below `root` are relative to it."""
    item, spoken, errors = one.spoken.job.item, one.spoken, one.errors
    parts = ("substitutions", "deletions", "insertions", "num_words")
    return {
        "system": key,
        "utt": one.utt,
        "seed": one.seed,
        "text": item.text,
        "transcript": one.transcript,
        "wer": errors.wer if errors else None,
        **{name: getattr(errors, name) if errors else None for name in parts},
        "normalized_wer": one.forgiving.wer if one.forgiving else None,
        "sim": one.sim,
        "mos": dict(one.mos) if one.mos else None,
        "seconds": spoken.seconds,
        "finished_by": spoken.finished_by,
        "problems": list(one.problems),
        "wav": _relative(spoken.path, root),
        "prompt_wav": _relative(item.prompt_wav, root),
    }


def _relative(path: Path | None, root: Path) -> str | None:
    if path is None:
        return None
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def row_json(row: Row) -> dict[str, Any]:
    """A row as a JSON object."""
    return asdict(row)

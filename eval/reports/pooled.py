"""All voices together: WER by seed, its ratio to the teachers', and outputs that went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval.metrics.stats import Interval, double_ratio_interval, ratio_interval
from eval.report import markdown_table
from eval.systems.listening import Utterance

# What we ask of the embedded voices.
GOAL_RATIO, GOAL_BAD_SHARE = 1.15, 1 / 500
SHORTEST, LONGEST = 0.5, 2.0


@dataclass(frozen=True)
class Spread:
    """A figure over seeds; std is that of a sample (n - 1), None for one seed."""

    by_seed: Mapping[int, float]
    mean: float
    min: float
    max: float
    std: float | None


@dataclass(frozen=True)
class BadOutputs:
    """Outputs that no listener needs to judge.

    Attributes:
        empty: shorter than 0.1 s, or silent. failed: no sound at all.
        cut: speech shorter than half the teacher's, silence at the ends aside; not empty.
        runaway: longer than twice the teacher's sound.
        judged: outputs with a teacher's to compare with.
    """

    empty: int
    failed: int
    cut: int
    runaway: int
    total: int
    judged: int

    @property
    def share(self) -> float:
        """Of all outputs; one output is counted once."""
        return (self.empty + self.failed + self.cut + self.runaway) / self.total


@dataclass(frozen=True)
class Pooled:
    """All voices that have a teacher, all seeds.

    Attributes:
        wer, teacher_wer: all errors over all words, resampled by sentence.
        ratio: one over the other, paired by sentence; None if the teachers made no error.
        seeds: WER of each seed over all voices. voices: the same of each voice.
    """

    wer: Interval
    teacher_wer: Interval | None
    ratio: Interval | None
    seeds: Spread
    voices: Mapping[str, Spread]
    bad: BadOutputs


def corpus_wer(utterances: Sequence[Utterance]) -> float:
    """All errors over all words."""
    words = sum(u.errors.num_words for u in utterances)
    return sum(u.errors.num_errors for u in utterances) / words


def spread(utterances: Sequence[Utterance]) -> Spread:
    """WER by seed."""
    seeds = sorted({u.line.seed for u in utterances})
    by_seed = {s: corpus_wer([u for u in utterances if u.line.seed == s]) for s in seeds}
    values = list(by_seed.values())
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(by_seed, float(np.mean(values)), min(values), max(values), std)


def bad_outputs(
    model: Sequence[Utterance], teachers: Mapping[str, Sequence[Utterance]]
) -> BadOutputs:
    """Count what went wrong.

    Args:
        model: outputs of any voices.
        teachers: voice -> its teacher's rendering of the sentences; a voice may lack one.
    """
    found = {
        (voice, u.line.number): u for voice, said in teachers.items() for u in said if u.seconds
    }
    empty = failed = cut = runaway = judged = 0
    for output in model:
        teacher = found.get((output.line.voice, output.line.number))
        judged += teacher is not None
        if output.problem is not None:
            empty += output.problem == "empty"
            failed += output.problem != "empty"
        elif teacher is not None:
            long = output.seconds > LONGEST * teacher.seconds
            runaway += long
            cut += not long and output.spoken_s < SHORTEST * teacher.spoken_s
    return BadOutputs(empty, failed, cut, runaway, len(model), judged)


def _errors(utterances: Sequence[Utterance]) -> tuple[list[float], list[float], list[int]]:
    """Errors, words, sentence numbers."""
    return (
        [u.errors.num_errors for u in utterances],
        [u.errors.num_words for u in utterances],
        [u.line.number for u in utterances],
    )


def pool_voices(model: Sequence[Utterance], teachers: Mapping[str, Sequence[Utterance]]) -> Pooled:
    """Pool all outputs; the ratio stands on the voices that have a teacher.

    Args:
        model: outputs of all voices and seeds, every voice the same sentences.
        teachers: voice -> its teacher's rendering of the same sentences.

    Raises:
        ValueError: `model` is empty.
    """
    if not model:
        raise ValueError("no output to pool; give at least one voice and one sentence")
    voices = dict.fromkeys(u.line.voice for u in model)
    top, bottom, groups = _errors(model)
    paired = _errors([u for u in model if u.line.voice in teachers])
    # A teacher of two voices counts twice, as they do.
    taught = _errors([u for voice in voices for u in teachers.get(voice, ())])
    ratio = teacher_wer = None
    if taught[0]:
        teacher_wer = ratio_interval(*taught)
        ratio = double_ratio_interval(paired[:2], taught[:2], (paired[2], taught[2]))
    return Pooled(
        wer=ratio_interval(top, bottom, groups),
        teacher_wer=teacher_wer,
        ratio=ratio,
        seeds=spread(model),
        voices={v: spread([u for u in model if u.line.voice == v]) for v in voices},
        bad=bad_outputs(model, teachers),
    )


def pooled_json(pooled: Pooled) -> dict[str, Any]:
    """For the last line and summary.json."""
    bad, ratio = pooled.bad, pooled.ratio
    return {
        **asdict(pooled),
        "bad": {**asdict(bad), "share": bad.share, "goal_share": GOAL_BAD_SHARE},
        "goal_ratio": GOAL_RATIO,
        "ratio_met": None if ratio is None else ratio.estimate <= GOAL_RATIO,
        # Without the teachers' lengths nothing can be said about cut and runaway ones.
        "bad_met": bad.share <= GOAL_BAD_SHARE if bad.judged == bad.total else None,
    }


def pooled_markdown(pooled: Pooled) -> str:
    """WER by voice and seed, and two lines on the whole."""
    seeds = list(pooled.seeds.by_seed)
    header = ("corpus WER", *(f"seed {s}" for s in seeds), "mean", "min", "max", "std")
    named = {**pooled.voices, "**all voices**": pooled.seeds}
    rows = [
        (name, *(s.by_seed.get(seed) for seed in seeds), s.mean, s.min, s.max, s.std)
        for name, s in named.items()
    ]
    bad = pooled.bad
    return (
        f"{markdown_table(header, rows)}\n\n"
        f"All voices: WER {pooled.wer}, teachers {pooled.teacher_wer or '-'}, "
        f"ratio {pooled.ratio or '-'} (goal {GOAL_RATIO})\n"
        f"Of {bad.total} outputs {bad.empty} empty, {bad.failed} failed, {bad.cut} cut, "
        f"{bad.runaway} runaway: {bad.share:.4f} (goal {GOAL_BAD_SHARE:.4f})"
    )

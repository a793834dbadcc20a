"""All voices together: WER by seed, its ratio to the teachers', and outputs that went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from eval.metrics.stats import Interval, double_ratio_interval, ratio_interval
from eval.metrics.wer import WordErrors
from eval.report import markdown_table
from eval.systems.listening import Utterance
from eval.systems.sources import Line

# What we ask of the embedded voices: so many errors for one of their teachers, and so many errors a
# word beside them; outputs that went wrong; opinion in shares of the teachers'.
GOAL_FACTOR, GOAL_OFFSET = 1.25, {"en": 0.005, "zh": 0.01}
GOAL_BAD_SHARE, GOAL_SLIPS, GOAL_OPINION, GOAL_WORST_OPINION = 1 / 500, 3 / 1000, 0.9, 0.8
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
        slips: a clause left out or said beside (`Utterance.slip`), and not so in the teacher's
            rendering; not part of the share.
        judged: outputs with a teacher's to compare with.
    """

    empty: int
    failed: int
    cut: int
    runaway: int
    slips: int
    total: int
    judged: int

    @property
    def share(self) -> float:
        """Of all outputs; one output is counted once."""
        return (self.empty + self.failed + self.cut + self.runaway) / self.total


@dataclass(frozen=True)
class Opinion:
    """A predicted score of one voice, and its teacher's on the same sentences; None without one."""

    mean: float
    teacher: float | None

    @property
    def share(self) -> float | None:
        """Of the teacher's."""
        return None if self.teacher is None else self.mean / self.teacher


@dataclass(frozen=True)
class Pooled:
    """All voices that have a teacher, all seeds.

    Attributes:
        wer, teacher_wer: all errors over all words, resampled by sentence.
        paired_wer: of the voices that have a teacher; None without any.
        ratio: one over the other, paired by sentence; None if the teachers made no error.
        seeds: WER of each seed over all voices. voices: the same of each voice.
        opinions: rater -> voice -> score.
    """

    wer: Interval
    teacher_wer: Interval | None
    paired_wer: float | None
    ratio: Interval | None
    seeds: Spread
    voices: Mapping[str, Spread]
    bad: BadOutputs
    opinions: Mapping[str, Mapping[str, Opinion]]


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
    empty = failed = cut = runaway = slips = judged = 0
    for output in model:
        teacher = found.get((output.line.voice, output.line.number))
        judged += teacher is not None
        if output.problem is not None:
            empty += output.problem == "empty"
            failed += output.problem != "empty"
            continue
        slips += output.slip is not None and (teacher is None or teacher.slip is None)
        if teacher is not None:
            long = output.seconds > LONGEST * teacher.seconds
            runaway += long
            cut += not long and output.spoken_s < SHORTEST * teacher.spoken_s
    return BadOutputs(empty, failed, cut, runaway, slips, len(model), judged)


def opinions_of(
    model: Sequence[Utterance], teachers: Mapping[str, Sequence[Utterance]]
) -> dict[str, dict[str, Opinion]]:
    """Rater -> voice -> mean score; outputs without sound have none and count elsewhere."""
    found: dict[str, dict[str, Opinion]] = {}
    for rater in dict.fromkeys(name for u in model for name in u.opinions):
        for voice in dict.fromkeys(u.line.voice for u in model):
            own = [u.opinions[rater] for u in model if u.line.voice == voice and u.opinions]
            theirs = [u.opinions[rater] for u in teachers.get(voice, ()) if rater in u.opinions]
            if own:
                teacher = float(np.mean(theirs)) if theirs else None
                found.setdefault(rater, {})[voice] = Opinion(float(np.mean(own)), teacher)
    return found


class Scored(Protocol):
    """An output, or a part of one, with its errors."""

    @property
    def line(self) -> Line: ...
    @property
    def errors(self) -> WordErrors: ...


def errors_of(outputs: Sequence[Scored]) -> tuple[list[float], list[float], list[int]]:
    """Errors, words, sentence numbers: what `ratio_interval` takes."""
    return (
        [u.errors.num_errors for u in outputs],
        [u.errors.num_words for u in outputs],
        [u.line.number for u in outputs],
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
    top, bottom, groups = errors_of(model)
    paired = errors_of([u for u in model if u.line.voice in teachers])
    # A teacher of two voices counts twice, as they do.
    taught = errors_of([u for voice in voices for u in teachers.get(voice, ())])
    ratio = teacher_wer = None
    if taught[0]:
        teacher_wer = ratio_interval(*taught)
        ratio = double_ratio_interval(paired[:2], taught[:2], (paired[2], taught[2]))
    return Pooled(
        wer=ratio_interval(top, bottom, groups),
        teacher_wer=teacher_wer,
        paired_wer=sum(paired[0]) / sum(paired[1]) if taught[0] else None,
        ratio=ratio,
        seeds=spread(model),
        voices={v: spread([u for u in model if u.line.voice == v]) for v in voices},
        bad=bad_outputs(model, teachers),
        opinions=opinions_of(model, teachers),
    )


def bound(teacher: float, lang: str) -> float:
    """Highest WER of all voices that is good enough beside the teachers'."""
    return GOAL_FACTOR * teacher + GOAL_OFFSET[lang]


def pooled_json(pooled: Pooled, lang: str) -> dict[str, Any]:
    """For the last line and summary.json."""
    bad, teacher = pooled.bad, pooled.teacher_wer
    goal = None if teacher is None else bound(teacher.estimate, lang)
    # Voices without a teacher stay out of the comparison.
    own = pooled.paired_wer
    return {
        **asdict(pooled),
        "bad": {**asdict(bad), "share": bad.share, "goal_share": GOAL_BAD_SHARE},
        "goal_wer": goal,
        "wer_met": None if goal is None or own is None else own <= goal,
        # Without the teachers' lengths nothing can be said about cut and runaway ones.
        "bad_met": bad.share <= GOAL_BAD_SHARE if bad.judged == bad.total else None,
        "slips_met": bad.slips <= GOAL_SLIPS * bad.total,
        "opinions": {
            rater: {voice: {**asdict(o), "share": o.share} for voice, o in found.items()}
            for rater, found in pooled.opinions.items()
        },
    }


def pooled_markdown(pooled: Pooled, lang: str) -> str:
    """WER by voice and seed, opinions by voice, and two lines on the whole."""
    seeds = list(pooled.seeds.by_seed)
    header = ("corpus WER", *(f"seed {s}" for s in seeds), "mean", "min", "max", "std")
    named = {**pooled.voices, "**all voices**": pooled.seeds}
    rows = [
        (name, *(s.by_seed.get(seed) for seed in seeds), s.mean, s.min, s.max, s.std)
        for name, s in named.items()
    ]
    bad, teacher = pooled.bad, pooled.teacher_wer
    goal = f" (goal {bound(teacher.estimate, lang):.3f})" if teacher else ""
    parts = [
        markdown_table(header, rows),
        *(opinions_markdown(rater, found) for rater, found in pooled.opinions.items()),
        f"All voices: WER {pooled.wer}{goal}, teachers {teacher or '-'}, "
        f"ratio {pooled.ratio or '-'}\n"
        f"Of {bad.total} outputs {bad.empty} empty, {bad.failed} failed, {bad.cut} cut, "
        f"{bad.runaway} runaway: {bad.share:.4f} (goal {GOAL_BAD_SHARE:.4f}); in {bad.slips} a "
        f"clause is lost or added (goal {GOAL_SLIPS * bad.total:.1f})",
    ]
    return "\n\n".join(parts)


def opinions_markdown(rater: str, opinions: Mapping[str, Opinion]) -> str:
    """A row per voice, then the mean and the worst share of a teacher's."""
    rows = [(name, o.mean, o.teacher, o.share) for name, o in opinions.items()]
    taught = [o for o in opinions.values() if o.teacher is not None]
    table = markdown_table((rater, "voice", "teacher", "share"), rows)
    if not taught:
        return table
    shares = [o.share for o in taught if o.share is not None]
    told = (
        f"{rater}: mean {np.mean([o.mean for o in taught]):.2f} of the teachers' "
        f"{np.mean([o.teacher for o in taught if o.teacher]):.2f}, share {np.mean(shares):.3f} "
        f"(goal {GOAL_OPINION}), worst voice {min(shares):.3f} (goal {GOAL_WORST_OPINION})"
    )
    return f"{table}\n\n{told}"

"""Are the tones right? Pitch and timbre of Mandarin voices beside their teachers' rendering.

Four things are set beside the teacher's rendering of a sentence: the model's, the tokenizer's copy
of the teacher's (what is lost before the model has its turn), the teacher at a slightly different
rate (as good as it gets), and the teacher saying another sentence (what alignment alone gives).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eval.cache import kept, user_cache
from eval.commands.codec import reconstruct
from eval.extras import installed_version
from eval.metrics.prosody import (
    Comparison,
    Features,
    centred,
    compare,
    correlation,
    features,
    pooled_correlation,
)
from eval.metrics.stats import Interval, double_ratio_interval, mean_interval
from eval.report import (
    json_line,
    markdown_table,
    progress,
    read_sentences,
    write_json,
    write_json_lines,
)
from eval.systems.sources import (
    FolderSource,
    Line,
    ModelSource,
    Source,
    Speech,
    TeacherSource,
    open_model,
)
from eval.systems.teachers import Teacher, find_teacher, teacher_of
from tokenizer.audio import normalize_loudness
from tts.inference.prompt_audio import TARGET_DBFS

SENTENCES = Path(__file__).parents[1] / "data" / "everyday_zh_test.txt"
GOAL_CORRELATION, GOAL_DISTANCE_RATIO = 0.85, 1.2
# A correlation over fewer of the teacher's voiced frames than this does not reach the goal.
MIN_VOICED_KEPT = 0.5
# 175 words a minute beside the 165 of the corpus.
OTHER_RATE = 175 / 165
MODEL, COPY, RATE, OTHER = "model", "tokenizer copy", "teacher, other rate", "other sentence"
# Raised when features or comparison change, so that kept ones are made anew.
METHOD = 1


@dataclass(frozen=True)
class Pair:
    """One rendering beside the teacher's; comparison None where there is nothing to compare."""

    system: str
    line: Line
    comparison: Comparison | None
    problem: str | None = None

    def row(self) -> dict[str, Any]:
        """Flat, for a JSON line."""
        found = asdict(self.comparison) if self.comparison else {}
        return {"system": self.system, **asdict(self.line), "problem": self.problem, **found}


@dataclass(frozen=True)
class Figures:
    """One system over the sentences of a voice, or of all voices ("all").

    Attributes:
        num_voiced: frames that the correlation stands on.
        correlation: of log F0 over all frames voiced in both; voices shifted to one mean.
        mean_correlation: mean over sentences.
        voiced_kept: share of the frames voiced in the teacher's rendering that are voiced here;
            where it is low, the correlation says little.
        voicing: share of steps that agree about being voiced.
        distance_db: mean mel-cepstral distance. distance_ratio: over that of the teacher at
            another rate, paired by sentence.
    """

    voice: str
    system: str
    num_pairs: int
    num_failed: int
    num_voiced: int
    correlation: Interval | None
    mean_correlation: Interval | None
    voiced_kept: float | None
    voicing: float | None
    distance_db: Interval | None
    distance_ratio: Interval | None


@dataclass(frozen=True)
class CopySource:
    """What a source says, at the level of a prompt, through the tokenizer.

    Synthesizers speak up to 7 dB louder than the language model has ever heard them, and the
    tokenizer keeps less of what is loud.
    """

    source: Source
    model: ModelSource

    def say(self, line: Line) -> Speech:
        """See `Source.say`; with as many codebooks as the language model uses."""
        speech, synthesizer = self.source.say(line), self.model.synthesizer
        k = synthesizer.num_codebooks
        wav = normalize_loudness(speech.wav, TARGET_DBFS)
        _, copies = reconstruct(synthesizer.codec, wav, speech.sample_rate, [k])
        return Speech(copies[k], synthesizer.sample_rate)

    def identity(self, line: Line) -> dict[str, Any] | None:
        """See `Source.identity`."""
        said = self.source.identity(line)
        if said is None or not self.model.digests:
            return None
        # The first digest is the language model's, which does not speak here.
        codec = [*self.model.digests[1:], self.model.synthesizer.num_codebooks]
        return {"copied": said, "dbfs": TARGET_DBFS, "codec": codec}


@dataclass
class Featured:
    """A source's features, those of the last lines kept: the teacher's are needed repeatedly."""

    source: Source
    found: dict[Line, Features]

    def __call__(self, line: Line) -> Features:
        if line not in self.found:
            speech = self.source.say(line)
            self.found[line] = features(speech.wav, speech.sample_rate)
        return self.found[line]


def _compare(truth: Featured, source: Source, asked: Line, said: Line) -> dict[str, Any]:
    speech = source.say(said)
    return asdict(compare(truth(asked), features(speech.wav, speech.sample_rate)))


def measure(
    system: str,
    source: Source,
    truth: Featured,
    lines: Sequence[Line],
    cache: Path | None = None,
    shift: int = 0,
) -> list[Pair]:
    """Set every line beside the truth's rendering.

    Args:
        system: name for the records.
        source: who speaks; a line it cannot say, or without sound, has a problem instead.
        truth: of the same sentences; the seed does not matter to it.
        lines: what to say.
        cache: folder of comparisons; None keeps none.
        shift: have another line said, so many further on.
    """
    pairs = []
    for number, line in enumerate(progress(lines, f"{system} {lines[0].voice}")):
        said = lines[(number + shift) % len(lines)]
        asked = Line(line.text, line.number, line.voice, 0)
        try:
            mine, its = source.identity(said), truth.source.identity(asked)
            method = [METHOD, installed_version("librosa")]
            settings = {"method": method, "truth": its, "sound": mine} if mine and its else None
            found = kept(cache, settings, partial(_compare, truth, source, asked, said))
        except ValueError as error:
            pairs.append(Pair(system, line, None, str(error)))
            continue
        pairs.append(Pair(system, line, Comparison(**found)))
    return pairs


def _distance(pairs: Sequence[Pair]) -> tuple[tuple[list[float], list[float]], list[int]]:
    good = [(p.comparison.distance_db, p.line.number) for p in pairs if p.comparison]
    return ([d for d, _ in good], [1.0] * len(good)), [number for _, number in good]


def figures(voice: str, system: str, pairs: Sequence[Pair], baseline: Sequence[Pair]) -> Figures:
    """Pool the pairs of one system.

    Args:
        voice: name for the table.
        pairs: of one or several voices.
        baseline: the teacher at another rate, same voices and sentences.
    """
    moments, groups = [], []
    for name in dict.fromkeys(p.line.voice for p in pairs):
        mine = [p for p in pairs if p.line.voice == name and p.comparison]
        if mine:
            moments.append(centred([p.comparison for p in mine if p.comparison]))
            groups += [p.line.number for p in mine]
    done = [p.comparison for p in pairs if p.comparison]
    if not done:
        return Figures(voice, system, len(pairs), len(pairs), 0, *(None,) * 6)
    table = np.concatenate(moments)
    single = correlation(table)
    valid = np.isfinite(single)
    numbers = np.array(groups)
    distances, at = _distance(pairs)
    # Only sentences that both have: a failed output has no distance.
    base = [p for p in baseline if p.line.number in set(at)]
    values, base_at = _distance(base)
    ratio = None
    if set(at) == set(base_at):
        ratio = double_ratio_interval(distances, values, (at, base_at))
    return Figures(
        voice=voice,
        system=system,
        num_pairs=len(pairs),
        num_failed=len(pairs) - len(done),
        num_voiced=int(table[:, 0].sum()),
        correlation=pooled_correlation(table, groups),
        mean_correlation=mean_interval(single[valid].tolist(), numbers[valid].tolist())
        if valid.any()
        else None,
        voiced_kept=sum(c.voiced for c in done) / max(1, sum(c.first_voiced for c in done)),
        voicing=sum(c.agreeing for c in done) / sum(c.steps for c in done),
        distance_db=mean_interval(distances[0], at),
        distance_ratio=ratio,
    )


def tabulate(pairs: Sequence[Pair]) -> list[Figures]:
    """Figures of every voice and system, then of all voices together."""
    systems = list(dict.fromkeys(p.system for p in pairs))
    voices = list(dict.fromkeys(p.line.voice for p in pairs))
    groups = [(voice, {voice}) for voice in voices]
    groups += [("all", set(voices))] if len(voices) > 1 else []
    table = []
    for name, members in groups:
        mine = [p for p in pairs if p.line.voice in members]
        base = [p for p in mine if p.system == RATE]
        table += [figures(name, s, [p for p in mine if p.system == s], base) for s in systems]
    return table


def table_markdown(table: Sequence[Figures]) -> str:
    """One row per voice and system."""
    header = ("voice", "beside the teacher", "F0 r, all frames", "mean of sentences", "voiced kept")
    header += ("MCD dB", "ratio to other rate", "failed")
    rows = [
        (
            *(f.voice, f.system, f.correlation, f.mean_correlation, f.voiced_kept),
            *(f.distance_db, f.distance_ratio, f"{f.num_failed}/{f.num_pairs}"),
        )
        for f in table
    ]
    return markdown_table(header, rows)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m eval tones",
        description="F0 correlation and mel-cepstral distance of Mandarin voices with their "
        "teachers' rendering of the same sentences.",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model folder")
    parser.add_argument("--wavs", type=Path, help="files DIR/VOICE/[seedS/]NNN.wav as the model's")
    parser.add_argument("--voices", nargs="+", metavar="NAME[=TEACHER]", help="default: all zh")
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="one per line")
    parser.add_argument("--limit", type=int, help="only the first so many sentences")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--cache", type=Path, help="folder of comparisons; default: in the user's cache folder"
    )
    parser.add_argument("--out", type=Path, help="folder for pairs.jsonl and summary.json")
    return parser.parse_args(argv)


def _teachers(specs: Sequence[str], names: Sequence[str]) -> dict[str, Teacher]:
    """voice -> teacher; ValueError for one without, or one that is not installed."""
    given = {name: teacher for name, _, teacher in (spec.partition("=") for spec in specs)}
    found = {}
    for name in names:
        teacher = find_teacher(given[name]) if given.get(name) else teacher_of(name)
        if teacher is None:
            raise ValueError(f"voice {name!r} has no teacher; give {name}=espeak-zh, for example")
        if not teacher.installed:
            raise ValueError(f"teacher {teacher.name} of voice {name!r}: {teacher.remedy}")
        found[name] = teacher
    return found


def measure_voice(
    voice: str,
    teacher: Teacher,
    speaking: Source,
    model: ModelSource | None,
    sentences: Sequence[str],
    seeds: Sequence[int],
    cache: Path | None,
) -> list[Pair]:
    """All systems of one voice; the copy needs `model`'s tokenizer."""
    said = TeacherSource(teacher)
    truth = Featured(said, {})
    lines = [Line(text, i, voice, seed) for seed in seeds for i, text in enumerate(sentences, 1)]
    once = lines[: len(sentences)]
    pairs = measure(MODEL, speaking, truth, lines, cache)
    if model is not None:
        pairs += measure(COPY, CopySource(said, model), truth, once, cache)
    pairs += measure(RATE, TeacherSource(teacher, OTHER_RATE), truth, once, cache)
    if len(once) > 1:
        pairs += measure(OTHER, said, truth, once, cache, shift=1)
    return pairs


def main(argv: Sequence[str]) -> int:
    """`python -m eval tones`."""
    args = _parse(argv)
    sentences = read_sentences(args.sentences)[: args.limit]
    specs = args.voices or []
    asked = [spec.partition("=")[0] for spec in specs]
    model: ModelSource | None = None
    if args.wavs:
        speaking: Source = FolderSource(args.wavs)
        names = asked or FolderSource(args.wavs).voices()
    else:
        model, names = open_model(args.model, asked, args.device, "zh")
        speaking = model
    teachers = _teachers(specs, names)
    cache = args.cache or user_cache()
    pairs: list[Pair] = []
    for voice, teacher in teachers.items():
        pairs += measure_voice(voice, teacher, speaking, model, sentences, args.seeds, cache)
    table = tabulate(pairs)
    whole = next(f for f in reversed(table) if f.system == MODEL)
    r, ratio, voiced = whole.correlation, whole.distance_ratio, whole.voiced_kept or 0.0
    result = {
        "command": "tones",
        "num_sentences": len(sentences),
        "seeds": args.seeds,
        "teachers": {voice: teacher.name for voice, teacher in teachers.items()},
        "goal_correlation": GOAL_CORRELATION,
        "min_voiced_kept": MIN_VOICED_KEPT,
        "correlation_met": r is not None
        and voiced >= MIN_VOICED_KEPT
        and r.estimate >= GOAL_CORRELATION,
        "goal_distance_ratio": GOAL_DISTANCE_RATIO,
        "distance_met": None if ratio is None else ratio.estimate <= GOAL_DISTANCE_RATIO,
        "figures": [asdict(f) for f in table],
    }
    if args.out:
        write_json_lines(args.out / "pairs.jsonl", [p.row() for p in pairs])
        write_json(args.out / "summary.json", result)
    sys.stdout.write(f"{table_markdown(table)}\n{json_line(result)}\n")
    return 0

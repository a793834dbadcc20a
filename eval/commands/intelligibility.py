"""Is it understood? WER of a model's voices beside their teachers' on the same sentences.

A voice passes when its WER is at most 1.5 x the teacher's + 0.05, no output is empty or missing,
and none is longer than twice the teacher's rendering of that sentence. What holds for all voices
together, over seeds, is in `eval.reports.pooled`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.cache import user_cache
from eval.metrics.wer import LANGUAGES, WerSummary
from eval.report import (
    json_line,
    markdown_table,
    read_sentences,
    write_results,
)
from eval.reports.pooled import pool_voices, pooled_json, pooled_markdown
from eval.systems.listening import CachedRecognizer, Utterance, listen, load_recognizer, pool
from eval.systems.sources import FolderSource, Line, Source, TeacherSource, open_model
from eval.systems.teachers import Teacher, find_teacher, teacher_in
from tts.voices import list_voices

DATA = Path(__file__).parents[1] / "data"
SENTENCES = {"en": DATA / "everyday_test.txt", "zh": DATA / "everyday_zh_test.txt"}
WER_FACTOR, WER_OFFSET, MAX_LENGTH_RATIO = 1.5, 0.05, 2.0


@dataclass(frozen=True)
class VoiceResult:
    """A voice beside its teacher; ratios are model seconds over teacher seconds, per sentence.

    Attributes:
        bound: highest WER (mean over utterances) that passes; None without a teacher.
        passed: None where there is no teacher to compare with.
    """

    voice: str
    teacher: str | None
    wer: WerSummary
    teacher_wer: WerSummary | None
    bound: float | None
    num_empty: int
    num_failed: int
    num_too_long: int | None
    mean_length_ratio: float | None
    max_length_ratio: float | None
    passed: bool | None


def judge(model: Sequence[Utterance], teacher: Sequence[Utterance] | None) -> VoiceResult:
    """Compare one voice's records with its teacher's.

    Args:
        model: records of one voice, any number of seeds.
        teacher: records of the same sentences (each number once), or None.

    Raises:
        ValueError: `model` is empty, or the teacher lacks one of its sentences.
    """
    summary = pool(model)
    result: dict[str, Any] = {
        "voice": model[0].line.voice,
        "teacher": None,
        "wer": summary,
        "teacher_wer": None,
        "bound": None,
        "num_empty": sum(u.problem == "empty" for u in model),
        "num_failed": sum(u.problem is not None and u.problem != "empty" for u in model),
        "num_too_long": None,
        "mean_length_ratio": None,
        "max_length_ratio": None,
        "passed": None,
    }
    if teacher is None:
        return VoiceResult(**result)
    seconds = {u.line.number: u.seconds for u in teacher}
    lacking = {u.line.number for u in model} - set(seconds)
    if lacking:
        raise ValueError(f"the teacher did not say sentences {sorted(lacking)}")
    # A teacher that failed on a sentence gives no length to compare with.
    ratios = [u.seconds / seconds[u.line.number] for u in model if seconds[u.line.number] > 0]
    teacher_summary = pool(teacher)
    bound = WER_FACTOR * teacher_summary.mean_wer + WER_OFFSET
    too_long = sum(ratio > MAX_LENGTH_RATIO for ratio in ratios)
    sound = not (result["num_empty"] or result["num_failed"] or too_long)
    return VoiceResult(
        **{
            **result,
            "teacher": teacher[0].system,
            "teacher_wer": teacher_summary,
            "bound": bound,
            "num_too_long": too_long,
            "mean_length_ratio": float(np.mean(ratios)) if ratios else None,
            "max_length_ratio": max(ratios) if ratios else None,
            "passed": summary.mean_wer <= bound and sound,
        }
    )


def _interval(summary: WerSummary | None) -> str:
    if summary is None:
        return "-"
    s = summary
    return f"{s.mean_wer:.3f} [{s.mean_wer_low:.3f}, {s.mean_wer_high:.3f}]"


def results_markdown(results: Sequence[VoiceResult]) -> str:
    """One row per voice."""
    header = ("voice", "teacher", "WER [95 %]", "teacher WER [95 %]", "bound", "corpus WER")
    header += ("empty", "failed", "> 2x long", "length ratio mean", "max", "verdict")
    verdict = {None: "not judged", True: "pass", False: "FAIL"}
    rows = [
        (
            *(r.voice, r.teacher, _interval(r.wer), _interval(r.teacher_wer), r.bound),
            *(r.wer.corpus_wer, r.num_empty, r.num_failed, r.num_too_long),
            *(r.mean_length_ratio, r.max_length_ratio, verdict[r.passed]),
        )
        for r in results
    ]
    return markdown_table(header, rows)


def teachers_markdown(teachers: Mapping[str, Sequence[Utterance]]) -> str:
    """One row per teacher."""
    rows = []
    for name, utterances in teachers.items():
        s = pool(utterances)
        parts = f"{s.substitutions}/{s.deletions}/{s.insertions}"
        seconds = sum(u.seconds for u in utterances)
        rows.append((name, _interval(s), s.corpus_wer, parts, s.num_words, seconds))
    header = ("teacher", "WER [95 %]", "corpus WER", "S/D/I", "words", "seconds")
    return markdown_table(header, rows)


def run_teachers(
    teachers: Sequence[Teacher], sentences: Sequence[str], ear: CachedRecognizer
) -> dict[str, list[Utterance]]:
    """Every installed teacher over all sentences; each absent one is named on standard error."""
    heard = {}
    for teacher in dict.fromkeys(teachers):
        if not teacher.installed:
            sys.stderr.write(f"teacher {teacher.name} is left out: {teacher.remedy}\n")
            continue
        lines = [Line(text, i, teacher.name, 0) for i, text in enumerate(sentences, 1)]
        heard[teacher.name] = listen(teacher.name, TeacherSource(teacher), lines, ear)
    return heard


def pair_voices(
    specs: Sequence[str], folder: Path | None = None, sources: Mapping[str, str] | None = None
) -> dict[str, Teacher | None]:
    """ "NAME" or "NAME=TEACHER" -> teacher.

    Without one it is the teacher that the voice's file names as its source; a voice that has none
    is named on standard error.

    Args:
        folder: of the teachers, see `find_teacher`.
        sources: voice -> what its file says.

    Raises:
        ValueError: there is no such teacher.
    """
    pairs: dict[str, Teacher | None] = {}
    for spec in specs:
        voice, _, teacher = spec.partition("=")
        teacher = teacher or teacher_in((sources or {}).get(voice, ""))
        pairs[voice] = find_teacher(teacher, folder) if teacher else None
        if not teacher:
            sys.stderr.write(
                f"voice {voice} has no teacher and is not judged; give {voice}=TEACHER "
                "with hibari or kokoro:NAME\n"
            )
    return pairs


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m eval intelligibility",
        description="WER of voices beside their teachers' on the same sentences.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--model", default="embedded", help="embedded, or a model folder")
    source.add_argument("--wavs", type=Path, help="score files DIR/VOICE/[seedS/]NNN.wav instead")
    source.add_argument("--teachers-only", action="store_true", help="no model, only its teachers")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="zh counts characters")
    parser.add_argument(
        "--voices", nargs="+", metavar="NAME[=TEACHER]", help="default: all of the language"
    )
    parser.add_argument(
        "--teachers", type=Path, help="folder of the teachers (scripts/fetch_teachers.py)"
    )
    parser.add_argument("--sentences", type=Path, help="one per line; default: our test sentences")
    parser.add_argument("--limit", type=int, help="only the first so many sentences")
    parser.add_argument(
        "--cache", type=Path, help="folder of what was heard; default: in the user's cache folder"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--listener", default="pocketsphinx", help="or whisper:FOLDER_OR_HUB_ID")
    parser.add_argument(
        "--mos", nargs="+", default=[], metavar="NAME", help="opinion: dnsmos, distillmos[:FOLDER]"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--best", type=int, default=2, help="voices that must pass")
    parser.add_argument("--out", type=Path, help="folder for wavs, utterances.jsonl, summary.json")
    return parser.parse_args(argv)


def _source(args: argparse.Namespace, voices: list[str]) -> tuple[Source, list[str]]:
    if args.wavs:
        folder = FolderSource(args.wavs)
        return folder, voices or folder.voices()
    return open_model(args.model, voices, args.device, args.lang)


def _hear_voices(
    args: argparse.Namespace, sentences: Sequence[str], ear: CachedRecognizer
) -> tuple[list[Utterance], dict[str, Teacher | None], dict[str, list[Utterance]]]:
    """Outputs of all voices, the teacher of each voice, and what each teacher said."""
    sources = {v.name: v.source for v in list_voices()}
    pairs = pair_voices(args.voices or [], args.teachers, sources)
    source, voices = _source(args, list(pairs))
    pairs = pairs or pair_voices(voices, args.teachers, sources)
    teachers = run_teachers([t for t in pairs.values() if t], sentences, ear)
    save_dir = args.out / "wavs" if args.out and not args.wavs else None
    heard: list[Utterance] = []
    for voice in pairs:
        lines = [Line(t, i, voice, s) for s in args.seeds for i, t in enumerate(sentences, 1)]
        heard += listen("model", source, lines, ear, save_dir)
    return heard, pairs, teachers


def main(argv: Sequence[str]) -> int:
    """`python -m eval intelligibility`."""
    args = _parse(argv)
    sentences = read_sentences(args.sentences or SENTENCES[args.lang])[: args.limit]
    cache = args.cache or user_cache()
    ear = load_recognizer(args.listener, args.device, args.lang, cache, args.mos)
    results: list[VoiceResult] = []
    heard: list[Utterance] = []
    pooled: dict[str, Any] | None = None
    if args.teachers_only:
        sources = {v.name: v.source for v in list_voices() if v.lang == args.lang}
        pairs = pair_voices(args.voices or list(sources), args.teachers, sources)
        teachers = run_teachers([t for t in pairs.values() if t], sentences, ear)
    else:
        heard, pairs, teachers = _hear_voices(args, sentences, ear)
        taught = {v: teachers[t.name] for v, t in pairs.items() if t and t.name in teachers}
        for voice in pairs:
            mine = [u for u in heard if u.line.voice == voice]
            results.append(judge(mine, taught.get(voice)))
        together = pool_voices(heard, taught)
        pooled = pooled_json(together, args.lang)
        sys.stdout.write(
            f"{results_markdown(results)}\n\n{pooled_markdown(together, args.lang)}\n\n"
        )
    sys.stdout.write(teachers_markdown(teachers) + "\n")
    passed = [r.voice for r in results if r.passed]
    result = {
        "command": "intelligibility",
        "listener": ear.listener.name,
        "lang": args.lang,
        "text_rules": ear.rules.__name__,
        "num_sentences": len(sentences),
        "seeds": args.seeds,
        "accepted": len(passed) >= args.best if results else None,
        "passed_voices": passed,
        "pooled": pooled,
        "voices": [asdict(r) for r in results],
        "teachers": {name: asdict(pool(said)) for name, said in teachers.items()},
    }
    if args.out:
        records = [*heard, *(u for said in teachers.values() for u in said)]
        write_results(args.out / "utterances.jsonl", [u.row() for u in records], result)
    sys.stdout.write(json_line(result) + "\n")
    return 0

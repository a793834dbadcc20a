"""Is it understood? WER of a model's voices beside their teachers' on the same sentences.

A voice passes when its WER is at most 1.5 x the teacher's + 0.05, no output is empty or missing,
and none is longer than twice the teacher's rendering of that sentence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.asr import Listener, load_listener
from eval.audio import SILENCE_PEAK, peak, write_wav
from eval.report import (
    json_line,
    markdown_table,
    progress,
    read_sentences,
    write_json,
    write_json_lines,
)
from eval.sources import FolderSource, Line, Source, TeacherSource, open_model, save_path
from eval.teachers import TEACHERS, Teacher, find_teacher, teacher_of
from eval.wer import WerSummary, WordErrors, score_utterance, summarize

SENTENCES = Path(__file__).parent / "data" / "everyday_test.txt"
WER_FACTOR, WER_OFFSET, MAX_LENGTH_RATIO = 1.5, 0.05, 2.0
# Shorter than any word: such an output counts as empty.
MIN_SECONDS = 0.1


@dataclass(frozen=True)
class Utterance:
    """One rendering and what the listener made of it.

    Attributes:
        system: "model", or the teacher's name.
        transcript: as heard, before the text rules.
        problem: None, "empty", or "failed: …"; both count as every word deleted.
    """

    system: str
    line: Line
    transcript: str
    errors: WordErrors
    seconds: float
    finished_by: str | None
    problem: str | None

    def row(self) -> dict[str, Any]:
        """Flat, for a JSON line."""
        return {
            "system": self.system,
            **asdict(self.line),
            "transcript": self.transcript,
            "wer": self.errors.wer,
            "substitutions": self.errors.substitutions,
            "deletions": self.errors.deletions,
            "insertions": self.errors.insertions,
            "num_words": self.errors.num_words,
            "seconds": self.seconds,
            "finished_by": self.finished_by,
            "problem": self.problem,
        }


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


def listen(
    system: str,
    source: Source,
    lines: Sequence[Line],
    listener: Listener,
    save_dir: Path | None = None,
) -> list[Utterance]:
    """Have every line said and transcribed.

    Args:
        system: name for the records.
        source: who speaks; a line it cannot say becomes a failed record, not an exception.
        lines: what to say.
        listener: who transcribes.
        save_dir: keep the audio there (see `save_path`); None keeps none.

    Returns:
        One record per line, in order.
    """
    out = []
    for line in progress(lines, f"{system} {lines[0].voice}" if lines else system):
        try:
            speech = source.say(line)
        except ValueError as error:
            errors = score_utterance(line.text, "")
            out.append(Utterance(system, line, "", errors, 0.0, None, f"failed: {error}"))
            continue
        empty = speech.seconds < MIN_SECONDS or peak(speech.wav) < SILENCE_PEAK
        heard = "" if empty else listener.transcribe(speech.wav, speech.sample_rate)
        if save_dir is not None:
            write_wav(save_path(save_dir, line), speech.wav, speech.sample_rate)
        out.append(
            Utterance(
                system=system,
                line=line,
                transcript=heard,
                errors=score_utterance(line.text, heard),
                seconds=speech.seconds,
                finished_by=speech.finished_by,
                problem="empty" if empty else None,
            )
        )
    return out


def pool(utterances: Sequence[Utterance]) -> WerSummary:
    """Error rates; the interval resamples sentences, since seeds of one are not independent."""
    return summarize([u.errors for u in utterances], [str(u.line.number) for u in utterances])


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
    teachers: Sequence[Teacher], sentences: Sequence[str], listener: Listener
) -> dict[str, list[Utterance]]:
    """Every installed teacher over all sentences; each absent one is named on standard error."""
    heard = {}
    for teacher in dict.fromkeys(teachers):
        if not teacher.installed:
            sys.stderr.write(
                f"teacher {teacher.name} is left out: {teacher.command[0]} is not installed "
                f"(Debian package {teacher.package})\n"
            )
            continue
        lines = [Line(text, i, teacher.name, 0) for i, text in enumerate(sentences, 1)]
        heard[teacher.name] = listen(teacher.name, TeacherSource(teacher), lines, listener)
    return heard


def pair_voices(specs: Sequence[str]) -> dict[str, Teacher | None]:
    """ "NAME" or "NAME=TEACHER" -> teacher; without one the voice's name decides."""
    pairs: dict[str, Teacher | None] = {}
    for spec in specs:
        voice, _, teacher = spec.partition("=")
        pairs[voice] = find_teacher(teacher) if teacher else teacher_of(voice)
        if pairs[voice] is None:
            sys.stderr.write(
                f"voice {voice} has no teacher and is not judged; give {voice}=TEACHER "
                f"with one of {', '.join(TEACHERS)}\n"
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
    source.add_argument("--teachers-only", action="store_true", help="no model, all teachers")
    parser.add_argument("--voices", nargs="+", metavar="NAME[=TEACHER]", help="default: all en")
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="one per line")
    parser.add_argument("--limit", type=int, help="only the first so many sentences")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--listener", default="pocketsphinx", help="or whisper:FOLDER_OR_HUB_ID")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--best", type=int, default=2, help="voices that must pass")
    parser.add_argument("--out", type=Path, help="folder for wavs, utterances.jsonl, summary.json")
    return parser.parse_args(argv)


def _source(args: argparse.Namespace, voices: list[str]) -> tuple[Source, list[str]]:
    if args.wavs:
        folder = FolderSource(args.wavs)
        return folder, voices or folder.voices()
    return open_model(args.model, voices, args.device)


def main(argv: Sequence[str]) -> int:
    """`python -m eval intelligibility`."""
    args = _parse(argv)
    sentences = read_sentences(args.sentences)[: args.limit]
    listener = load_listener(args.listener, args.device)
    results: list[VoiceResult] = []
    records: list[Utterance] = []
    if args.teachers_only:
        teachers = run_teachers(list(TEACHERS.values()), sentences, listener)
    else:
        pairs = pair_voices(args.voices or [])
        source, voices = _source(args, list(pairs))
        pairs = pairs or pair_voices(voices)
        wanted = [teacher for teacher in pairs.values() if teacher]
        teachers = run_teachers(wanted, sentences, listener)
        save_dir = args.out / "wavs" if args.out and not args.wavs else None
        for voice, teacher in pairs.items():
            lines = [Line(t, i, voice, s) for s in args.seeds for i, t in enumerate(sentences, 1)]
            heard = listen("model", source, lines, listener, save_dir)
            results.append(judge(heard, teachers.get(teacher.name) if teacher else None))
            records += heard
        sys.stdout.write(results_markdown(results) + "\n\n")
    sys.stdout.write(teachers_markdown(teachers) + "\n")
    passed = [r.voice for r in results if r.passed]
    result = {
        "command": "intelligibility",
        "listener": listener.name,
        "num_sentences": len(sentences),
        "seeds": args.seeds,
        "accepted": len(passed) >= args.best if results else None,
        "passed_voices": passed,
        "voices": [asdict(r) for r in results],
        "teachers": {name: asdict(pool(heard)) for name, heard in teachers.items()},
    }
    if args.out:
        records += [u for heard in teachers.values() for u in heard]
        write_json_lines(args.out / "utterances.jsonl", [u.row() for u in records])
        write_json(args.out / "summary.json", result)
    sys.stdout.write(json_line(result) + "\n")
    return 0

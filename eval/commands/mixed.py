"""English and Mandarin in one sentence: is each part understood as when it stands alone?

A listener that is asked for one language mishears the other, so each part is cut out by the times
of its words and heard by itself, in its own language. Beside it the same voices say sentences of
one language.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import no_speech, write_wav
from eval.cache import user_cache
from eval.commands.intelligibility import DATA, SENTENCES
from eval.metrics.stats import Interval, ratio_interval
from eval.metrics.wer import LANGUAGES, WordErrors
from eval.report import json_line, markdown_table, progress, read_sentences, write_results
from eval.reports.pooled import errors_of
from eval.systems.listening import CachedRecognizer, Utterance, listen, load_recognizer
from eval.systems.sources import Line, ModelSource, open_model, save_path
from frontend.clean import HAN_CHARACTER
from tokenizer.layout import to_channels
from tts.inference.joining import TimedSpan

MIXED = DATA / "mixed_test.txt"
#: Parts of fewer words (zh: characters) are too short for a listener to judge alone.
SHORTEST = {"en": 2, "zh": 3}
MARGIN_S, SILENCE_S = 0.04, 0.3
GOAL_RATIO = 1.5
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Part:
    """A stretch of one language, heard from `start_s` to `end_s`."""

    lang: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class HeardPart:
    """What a listener made of a part of an output."""

    line: Line
    part: Part
    transcript: str
    errors: WordErrors

    def row(self) -> dict[str, Any]:
        """Flat, for a JSON line."""
        return {
            **asdict(self.line),
            **asdict(self.part),
            "transcript": self.transcript,
            "wer": self.errors.wer,
        }


@dataclass(frozen=True)
class Rates:
    """Errors of one language over its words, in mixed sentences and in sentences of its own."""

    mixed: Interval
    single: Interval

    @property
    def ratio(self) -> float | None:
        """None where no word of the single sentences was misheard."""
        return self.mixed.estimate / self.single.estimate if self.single.estimate else None


def parts_of(text: str, words: Sequence[TimedSpan]) -> Iterator[Part]:
    """Cut an output into its languages.

    Args:
        text: what was said.
        words: its words with their times; one without a letter begins no part.
    """
    spoken = [w for w in words if _LETTER.search(w.text)]
    for lang, found in groupby(spoken, lambda w: "zh" if HAN_CHARACTER.search(w.text) else "en"):
        own = list(found)
        said = text[own[0].at[0] : own[-1].at[1]]
        number = len(own) if lang == "en" else len(HAN_CHARACTER.findall(said))
        if number >= SHORTEST[lang]:
            yield Part(lang, said, own[0].start_s, own[-1].end_s)


def cut(wav: np.ndarray, sample_rate: int, part: Part) -> np.ndarray:
    """The part's sound with a margin and silence around it: float32 (N,)."""
    first = max(0, round((part.start_s - MARGIN_S) * sample_rate))
    last = round((part.end_s + MARGIN_S) * sample_rate)
    quiet = np.zeros(round(SILENCE_S * sample_rate), np.float32)
    return np.concatenate([quiet, wav[first:last], quiet])


def hear_mixed(
    source: ModelSource,
    lines: Sequence[Line],
    ears: Mapping[str, CachedRecognizer],
    save_dir: Path | None = None,
) -> list[HeardPart]:
    """Have every line said, and each of its parts heard in its own language."""
    found = []
    for line in progress(lines, "mixed"):
        said = source.speak(line)
        wav = to_channels(said.wav, 1)
        if save_dir is not None:
            write_wav(save_path(save_dir, line), wav, said.sample_rate)
        for part in parts_of(line.text, said.words):
            piece = cut(wav, said.sample_rate, part)
            ear = ears[part.lang]
            silent = no_speech(piece, said.sample_rate) is not None
            heard = "" if silent else ear.listener.transcribe(piece, said.sample_rate)
            found.append(HeardPart(line, part, heard, ear.score(part.text, heard)))
    return found


def compare(
    mixed: Sequence[HeardPart], single: Sequence[tuple[str, Utterance]]
) -> dict[str, Rates]:
    """Language -> rates; a language without a part or a sentence is left out.

    Args:
        single: outputs of one language, with it.
    """
    found = {}
    for lang in LANGUAGES:
        parts = [m for m in mixed if m.part.lang == lang]
        alone = [u for own, u in single if own == lang]
        if parts and alone:
            found[lang] = Rates(
                ratio_interval(*errors_of(parts)), ratio_interval(*errors_of(alone))
            )
    return found


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m eval mixed", description=__doc__)
    parser.add_argument("--model", default="embedded", help="embedded, or a model folder")
    parser.add_argument("--voices", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--sentences", type=Path, default=MIXED, help="one per line")
    parser.add_argument("--limit", type=int, help="only the first so many sentences of each list")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--listener", required=True, help="whisper:FOLDER_OR_HUB_ID, multilingual")
    parser.add_argument("--cache", type=Path, help="see `eval intelligibility`")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for wavs, parts.jsonl, summary.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """`python -m eval mixed`."""
    args = _parse(argv)
    texts = {"mixed": args.sentences, **SENTENCES}
    sentences = {kind: read_sentences(path)[: args.limit] for kind, path in texts.items()}
    count = len(sentences["mixed"])
    cache = args.cache or user_cache()
    ears = {lang: load_recognizer(args.listener, args.device, lang, cache) for lang in LANGUAGES}
    source, voices = open_model(args.model, args.voices or [], args.device, None)
    mixed: list[HeardPart] = []
    single: list[tuple[str, Utterance]] = []
    save_dir = args.out / "wavs" if args.out else None
    for voice in voices:
        lines = {
            kind: [Line(t, i, voice, s) for s in args.seeds for i, t in enumerate(own[:count], 1)]
            for kind, own in sentences.items()
        }
        mixed += hear_mixed(source, lines["mixed"], ears, save_dir)
        for lang, ear in ears.items():
            single += [(lang, u) for u in listen("model", source, lines[lang], ear)]
    rows: list[tuple[object, ...]] = []
    result: dict[str, Any] = {}
    for name in (*voices, "all"):
        chosen = compare(
            [m for m in mixed if name in (m.line.voice, "all")],
            [(lang, u) for lang, u in single if name in (u.line.voice, "all")],
        )
        rows += [(name, lang, r.mixed, r.single, r.ratio) for lang, r in chosen.items()]
        result[name] = {lang: {**asdict(r), "ratio": r.ratio} for lang, r in chosen.items()}
    header = ("voice", "language", "errors in mixed sentences", "in its own", "ratio")
    sys.stdout.write(f"{markdown_table(header, rows)}\n\ngoal: a ratio of {GOAL_RATIO}\n")
    summary = {
        "command": "mixed",
        "listener": ears["en"].listener.name,
        "seeds": args.seeds,
        "num_sentences": count,
        "num_parts": len(mixed),
        "goal_ratio": GOAL_RATIO,
        "voices": result,
    }
    if args.out:
        write_results(args.out / "parts.jsonl", [m.row() for m in mixed], summary)
    sys.stdout.write(json_line(summary) + "\n")
    return 0

"""How well codes are understood: WER and CER of a listener by number of codebooks."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.wer import RULES, EmptyReferenceError, WerSummary, score_utterance, summarize
from eval.report import json_line, markdown_table, progress, write_json_lines
from eval.systems.asr import load_listener
from eval.systems.recordings import Recording, read_recordings
from tokenizer.audio import read_sound
from tokenizer.blocks import sound_blocks

# Of arXiv 2602.10934, by their listener of 1.7 B parameters; for orientation.
PUBLISHED = (
    ("CAT paper, LibriSpeech test-clean", "en", "all", 0.0296),
    ("CAT paper, AISHELL-2", "zh", "all", 0.0344),
)


@dataclass(frozen=True)
class Heard:
    """What one listener made of one recording."""

    system: str
    num_codebooks: int | None
    recording: Recording
    text: str
    seconds: float
    compute_s: float


@dataclass(frozen=True)
class Row:
    """A listener over the recordings of one language; by words, and by characters."""

    system: str
    language: str
    num_codebooks: int | None
    wer: WerSummary
    cer: WerSummary
    rtf: float


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m eval asr", description=__doc__)
    p.add_argument("folder", type=Path, nargs="+", help="recordings and their texts")
    p.add_argument("--listener", default="embedded", help="'embedded' or a listener's folder")
    p.add_argument("--codec", default="embedded", help="'embedded', a folder or a hub id")
    p.add_argument("--device", default="cpu")
    p.add_argument("--num-codebooks", default="", help="such as 1,2,4,8; default: all it knows")
    p.add_argument("--beside", metavar="NAME", help="another listener, such as whisper:FOLDER")
    p.add_argument(
        "--held-out", action="store_true", help="only speakers that no training here may hear"
    )
    p.add_argument("--limit", type=int, default=0, metavar="N", help="so many of each language")
    p.add_argument("--seed", type=int, default=0, help="of the choice by --limit")
    p.add_argument("--rules", choices=RULES, default="normalized", help="see `eval wer`")
    p.add_argument("--out", type=Path, help="write what was heard to this file, a line each")
    return p


def main(argv: Sequence[str]) -> int:
    """`python -m eval asr FOLDER`."""
    args = parser().parse_args(argv)
    recordings = chosen(args.folder, args.held_out, args.limit, args.seed)
    heard = _by_codes(args, recordings)
    if args.beside:
        heard += _beside(args.beside, args.device, recordings)
    rows = summarized(heard, args.rules)
    if args.out:
        write_json_lines(args.out, [_record(one) for one in heard])
    result = {
        "command": "asr",
        "listener": str(args.listener),
        "rules": args.rules,
        "rows": [asdict(row) for row in rows],
    }
    sys.stdout.write(f"{as_markdown(rows)}\n\n{json_line(result)}\n")
    return 0


def chosen(folders: Sequence[Path], held_out: bool, limit: int, seed: int) -> list[Recording]:
    """The recordings to be heard; ValueError where there is none."""
    from tokenizer.train.held_out import held_out_speaker

    found = [r for folder in folders for r in read_recordings(folder)]
    kept = [r for r in found if not held_out or held_out_speaker(r.speaker)]
    if not kept:
        raise ValueError(f"none of {len(found)} recordings is of a speaker who is held out")
    if limit:
        random.Random(seed).shuffle(kept)
        kept = [r for lang in ("en", "zh") for r in [k for k in kept if k.language == lang][:limit]]
    return kept


def _by_codes(args: argparse.Namespace, recordings: Sequence[Recording]) -> list[Heard]:
    from tokenizer.checkpoint import load_codec
    from tts.listen.transcribe import load_ears, summary

    ears = load_ears(args.listener, load_codec(args.codec, args.device, sparing=True))
    most = ears.listener.config.num_codebooks
    books = codebooks(args.num_codebooks, most)

    heard = []
    for used in books:
        for one in progress(recordings, f"K = {used}"):
            begun = time.monotonic()
            segments = list(ears.segments(sound_blocks(one.path), one.language, used))
            told, took = summary(segments), time.monotonic() - begun
            heard.append(Heard(args.listener, used, one, told["text"], told["duration"], took))
    return heard


def codebooks(text: str, most: int) -> list[int]:
    """Numbers between commas; `most` where there is nothing. ValueError for others."""
    if not text:
        return [most]
    books = [int(part) if part.strip().isdigit() else 0 for part in text.split(",")]
    if not all(1 <= used <= most for used in books):
        raise ValueError(f"--num-codebooks is {text!r}; give numbers of 1 to {most}, such as 1,2")
    return books


def _beside(name: str, device: str, recordings: Sequence[Recording]) -> list[Heard]:
    heard = []
    for recording in progress(recordings, name):
        other = load_listener(name, device, recording.language)
        wav, rate = read_sound(recording.path)
        begun = time.monotonic()
        text = other.transcribe(wav, rate)
        took = time.monotonic() - begun
        heard.append(Heard(name, None, recording, text, len(wav) / rate, took))
    return heard


def summarized(heard: Sequence[Heard], rules: str) -> list[Row]:
    """A row for each system, language and number of codebooks, in that order."""
    keys = dict.fromkeys((h.system, h.recording.language, h.num_codebooks) for h in heard)
    by_words = RULES[rules]

    def by_letters(text: str, lang: str) -> str:
        return " ".join(by_words(text, lang).replace(" ", ""))

    rows = []
    for key in keys:
        own = [h for h in heard if (h.system, h.recording.language, h.num_codebooks) == key]
        scored, speakers = [], []
        for one in own:
            texts = (one.recording.text, one.text, key[1])
            try:
                scored.append([score_utterance(*texts, r) for r in (by_words, by_letters)])
            except EmptyReferenceError:
                continue
            speakers.append(one.recording.speaker)
        if not scored:
            raise ValueError(f"no text of {len(own)} in {key[1]} has a word by the rules {rules}")
        groups = speakers if len(set(speakers)) > 2 else None
        summaries = [summarize(list(errors), groups) for errors in zip(*scored, strict=True)]
        rtf = float(np.sum([h.compute_s for h in own]) / np.sum([h.seconds for h in own]))
        rows.append(Row(key[0], key[1], key[2], summaries[0], summaries[1], round(rtf, 4)))
    return rows


def as_markdown(rows: Sequence[Row]) -> str:
    """The table, with the paper's figures below."""
    header = ("listener", "language", "K", "recordings", "WER [95 %]", "CER [95 %]", "RTF")
    cells: list[tuple[object, ...]] = [
        (
            *(row.system, row.language, row.num_codebooks, row.wer.num_utterances),
            *(_interval(row.wer), _interval(row.cer), row.rtf),
        )
        for row in rows
    ]
    cells += [
        (
            *(name, language, books, None),
            *((rate, None) if language == "en" else (None, rate)),
            None,
        )
        for name, language, books, rate in PUBLISHED
        if language in {row.language for row in rows}
    ]
    return markdown_table(header, cells)


def _interval(s: WerSummary) -> str:
    return f"{s.corpus_wer:.3f} [{s.corpus_wer_low:.3f}, {s.corpus_wer_high:.3f}]"


def _record(one: Heard) -> dict[str, Any]:
    return {
        "system": one.system,
        "num_codebooks": one.num_codebooks,
        "id": one.recording.id,
        "language": one.recording.language,
        "text": one.recording.text,
        "heard": one.text,
        "seconds": round(one.seconds, 3),
        "compute_s": round(one.compute_s, 3),
    }

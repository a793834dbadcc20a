"""Many sentences in a row in one voice: is it the same voice at the end?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import write_wav
from eval.metrics.similarity import SpeakerEncoder, cosine, load_speaker_encoder
from eval.report import json_line, markdown_table, progress, read_sentences, write_results
from eval.systems.sources import Line, ModelSource, open_model
from tokenizer.layout import to_channels
from tts.voices import load_voice

#: Sentences at either end that are compared; one alone is a matter of its words.
EDGE = 5
GOAL = 0.9


@dataclass(frozen=True)
class Drift:
    """One text by one voice.

    Attributes:
        neighbours: mean cosine between a sentence and the next one.
        ends: mean cosine between the first `EDGE` sentences and the last.
        sentences: how many were long enough to be compared.
    """

    voice: str
    seed: int
    neighbours: float
    ends: float
    sentences: int

    @property
    def ratio(self) -> float:
        """1 for a voice that does not change."""
        return self.ends / self.neighbours


def measure(
    voice: str, seed: int, sounds: Sequence[np.ndarray], sample_rate: int, encoder: SpeakerEncoder
) -> Drift:
    """Compare sentences (each float32 (N,)) in their order.

    Raises:
        ValueError: fewer than two edges of them can be embedded.
    """
    found = []
    for sound in sounds:
        try:
            found.append(encoder.embed(sound, sample_rate))
        except ValueError:  # too short to say anything about a speaker
            continue
    if len(found) < 2 * EDGE:
        raise ValueError(f"{len(found)} sentences of {voice} can be compared; at least {2 * EDGE}")
    near = [cosine(a, b) for a, b in pairwise(found)]
    far = [cosine(a, b) for a in found[:EDGE] for b in found[-EDGE:]]
    return Drift(voice, seed, float(np.mean(near)), float(np.mean(far)), len(found))


def speak(
    model: ModelSource, text: str, voice: str, seed: int, save: Path | None = None
) -> tuple[list[np.ndarray], int]:
    """Say a long text, and cut it into its sentences: each float32 (N,), and the rate in Hz."""
    said = model.speak(Line(text, 1, voice, seed))
    wav = to_channels(said.wav, 1)
    if save is not None:
        write_wav(save, wav, said.sample_rate)
    times = [(s.start_s, s.end_s) for s in said.sentences]
    return [
        wav[round(a * said.sample_rate) : round(b * said.sample_rate)] for a, b in times
    ], said.sample_rate


def run(args: argparse.Namespace) -> int:
    """`python -m eval voices --drift N`."""
    if args.drift < 2 * EDGE:
        raise ValueError(f"drift is {args.drift}; use at least {2 * EDGE} sentences")
    texts = {}
    for lang, path in (("en", args.sentences), ("zh", args.zh_sentences)):
        sentences = read_sentences(path)
        if len(sentences) < args.drift:
            raise ValueError(f"drift is {args.drift}; {path} has {len(sentences)} sentences")
        texts[lang] = "\n".join(sentences[: args.drift])
    model, names = open_model(args.model, args.voices or [], args.device, None)
    encoder = load_speaker_encoder()
    found = []
    for voice, seed in progress([(v, s) for v in names for s in args.seeds], "drift"):
        text = texts["zh" if load_voice(voice).lang == "zh" else "en"]
        save = args.out / "wavs" / f"{voice}-seed{seed}.wav" if args.out else None
        found.append(measure(voice, seed, *speak(model, text, voice, seed, save), encoder))
    mean = float(np.mean([d.ratio for d in found]))
    result: dict[str, Any] = {
        "command": "voices",
        "drift": args.drift,
        "speaker_encoder": encoder.name,
        "ratio": mean,
        "worst": min(d.ratio for d in found),
        "goal": GOAL,
        "voices": [{**asdict(d), "ratio": d.ratio} for d in found],
    }
    if args.out:
        write_results(args.out / "drift.jsonl", result["voices"], result, "drift.json")
    rows = [(d.voice, d.seed, d.sentences, d.neighbours, d.ends, d.ratio) for d in found]
    header = ("voice", "seed", "sentences", "neighbours", "first and last", "ratio")
    sys.stdout.write(f"{markdown_table(header, rows)}\n\nmean ratio {mean:.3f}, goal {GOAL}\n")
    sys.stdout.write(json_line(result) + "\n")
    return 0

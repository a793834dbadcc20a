"""Prompts of real speakers that no training has heard: how much of them is in the output?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import read_wav, write_wav
from eval.metrics.similarity import SpeakerEncoder, cosine, load_speaker_encoder
from eval.metrics.stats import Interval, mean_interval
from eval.report import json_line, markdown_table, progress, read_sentences, write_results
from eval.systems.held_out import unseen_speakers
from eval.systems.sources import Line, ModelSource, load_model, save_path
from tts.train.corpus import Utterance, read_corpus

PROMPT_S = 2.5


@dataclass(frozen=True)
class Speaker:
    """A speaker's prompt, and another recording to measure against, if there is one."""

    name: str
    prompt: Utterance
    other: Utterance | None


@dataclass(frozen=True)
class Cloned:
    """One output.

    Attributes:
        own: cosine to the speaker's other recording, if there is one. others: mean cosine to the
            other speakers' recordings. nearest: speaker whose other recording is nearest.
        prompt, other_prompts, nearest_prompt: the same of the prompts.
        problem: why there is nothing to compare; then the rest is None.
    """

    line: Line
    own: float | None = None
    others: float | None = None
    nearest: str | None = None
    prompt: float | None = None
    other_prompts: float | None = None
    nearest_prompt: str | None = None
    problem: str | None = None


Near = tuple[float | None, float | None, str | None]


def nearest(at: np.ndarray, speakers: Mapping[str, np.ndarray], own: str) -> Near:
    """Cosine to one's own, mean cosine to the others, and who is nearest."""
    near = {name: cosine(at, other) for name, other in speakers.items()}
    if not near:
        return None, None, None
    rest = [value for name, value in near.items() if name != own]
    return near.get(own), float(np.mean(rest)) if rest else None, max(near, key=near.__getitem__)


def choose(recordings: Sequence[Utterance], count: int) -> list[Speaker]:
    """Held-out speakers, each with the recording nearest to 2.5 s as prompt.

    Where that is above 3 s, the synthesizer cuts it, as it does with a user's recording.

    The other recording is the longest of the rest, since short ones say less about a speaker.

    Raises:
        ValueError: too few held-out speakers.
    """
    chosen = []
    for name in unseen_speakers(recordings, count):
        mine = sorted((r for r in recordings if r.speaker == name), key=lambda r: r.id)
        prompt = min(mine, key=lambda r: abs(r.seconds - PROMPT_S))
        rest = [r for r in mine if r is not prompt]
        other = max(rest, key=lambda r: r.seconds, default=None)
        chosen.append(Speaker(name, prompt, other))
    return chosen


def clone(
    model: ModelSource,
    speakers: Sequence[Speaker],
    sentences: Sequence[str],
    seeds: Sequence[int],
    encoder: SpeakerEncoder,
    save_dir: Path | None = None,
) -> tuple[list[Cloned], dict[str, dict[str, float]]]:
    """Have every speaker's prompt say every sentence.

    Returns:
        The outputs; and prompt's speaker -> other recording's speaker -> cosine of the two
        recordings: what real speech reaches.

    Raises:
        ValueError: a recording cannot be read or embedded, or makes no prompt.
    """
    from tts.synthesizer import SpeechOptions

    synthesizer = model.synthesizer
    make = synthesizer.prompt_encoder.voice_of
    voices = {s.name: make(s.prompt.path, s.name, lang="en")[0] for s in speakers}
    prompt_at = {s.name: encoder.embed(*read_wav(s.prompt.path)) for s in speakers}
    others = {s.name: s.other for s in speakers if s.other}
    other_at = {name: encoder.embed(*read_wav(other.path)) for name, other in others.items()}
    real = {a: {b: cosine(p, o) for b, o in other_at.items()} for a, p in prompt_at.items()}
    jobs = [
        Line(text, number, s.name, seed)
        for s in speakers
        for seed in seeds
        for number, text in enumerate(sentences, 1)
    ]
    out = []
    for line in progress(jobs, "unseen speakers"):
        try:
            options = SpeechOptions(voice=voices[line.voice], seed=line.seed)
            said = synthesizer.synthesize(line.text, options)
            at = encoder.embed(said.wav, said.sample_rate)
        except ValueError as error:
            out.append(Cloned(line, problem=str(error)))
            continue
        if save_dir is not None:
            write_wav(save_path(save_dir, line), said.wav, said.sample_rate)
        recordings = nearest(at, other_at if line.voice in other_at else {}, line.voice)
        prompts = nearest(at, prompt_at, line.voice)
        out.append(Cloned(line, *recordings, *prompts))
    return out, real


def _mean(values: Sequence[tuple[float | None, str]]) -> Interval | None:
    """Mean over outputs, resampled by speaker."""
    good = [(value, name) for value, name in values if value is not None]
    return mean_interval([v for v, _ in good], [n for _, n in good]) if good else None


def summarize(
    outputs: Sequence[Cloned], real: Mapping[str, Mapping[str, float]]
) -> dict[str, Interval | None]:
    """Figure -> mean with an interval that draws whole speakers."""
    between = [
        (float(np.mean([v for b, v in row.items() if b != a])), a) for a, row in real.items() if row
    ]
    both = {a: row for a, row in real.items() if a in row}
    compared = [o for o in outputs if o.line.voice in both or not both]
    correct = [(float(o.nearest == o.line.voice), o.line.voice) for o in compared if both]
    by_prompt = [(float(o.nearest_prompt == o.line.voice), o.line.voice) for o in outputs]
    margins = [
        (o.prompt - o.other_prompts, o.line.voice)
        for o in outputs
        if o.prompt is not None and o.other_prompts is not None
    ]
    return {
        "output_to_own_prompt": _mean([(o.prompt, o.line.voice) for o in outputs]),
        "output_to_other_prompts": _mean([(o.other_prompts, o.line.voice) for o in outputs]),
        "output_own_less_other_prompts": _mean(margins),
        "output_nearest_own_prompt": _mean(by_prompt),
        "output_to_own_recording": _mean([(o.own, o.line.voice) for o in outputs]),
        "output_to_other_speakers": _mean([(o.others, o.line.voice) for o in outputs]),
        "output_nearest_own": _mean(correct),
        "two_real_recordings": _mean([(row[a], a) for a, row in both.items()]),
        "real_to_other_speakers": _mean(between),
        "real_nearest_own": _mean(
            [(float(max(row, key=row.__getitem__) == a), a) for a, row in both.items()]
        ),
    }


def run(args: argparse.Namespace) -> int:
    """`python -m eval voices --unseen FOLDER`."""
    sentences = read_sentences(args.sentences)
    if not 1 <= args.per_speaker <= len(sentences):
        raise ValueError(f"per-speaker is {args.per_speaker}; use 1 to {len(sentences)}")
    recordings = [r for folder in args.unseen for r in read_corpus(folder)]
    speakers = choose(recordings, args.count)
    model, encoder = load_model(args.model, args.device), load_speaker_encoder()
    save_dir = args.out / "wavs" if args.out else None
    texts = sentences[: args.per_speaker]
    outputs, real = clone(model, speakers, texts, args.seeds, encoder, save_dir)
    figures = summarize(outputs, real)
    result: dict[str, Any] = {
        "command": "voices",
        "unseen": True,
        "speaker_encoder": encoder.name,
        "seeds": args.seeds,
        "num_outputs": len(outputs),
        "num_failed": sum(o.problem is not None for o in outputs),
        "speakers": {
            s.name: {
                "prompt": s.prompt.id,
                "prompt_s": s.prompt.seconds,
                "other": s.other and s.other.id,
            }
            for s in speakers
        },
        **{name: asdict(i) if i else None for name, i in figures.items()},
    }
    if args.out:
        rows = [asdict(o) for o in outputs]
        write_results(args.out / "unseen.jsonl", rows, result, "unseen.json")
    table = []
    for s in speakers:
        mine = [o for o in outputs if o.line.voice == s.name]
        own = _mean([(o.own, s.name) for o in mine])
        prompt = _mean([(o.prompt, s.name) for o in mine])
        told = prompt and prompt.estimate, own and own.estimate, real[s.name].get(s.name)
        table.append((s.name, s.prompt.id, s.prompt.seconds, *told))
    header = ("speaker", "prompt", "prompt s", "output to prompt", "output to own recording")
    header += ("two real recordings",)
    sys.stdout.write(f"{markdown_table(header, table)}\n\n")
    sys.stdout.write(markdown_table(("figure", "mean [95 %]"), list(figures.items())))
    sys.stdout.write(f"\n{json_line(result)}\n")
    return 0

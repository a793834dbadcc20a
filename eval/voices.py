"""Does a prompt change the voice? Which shipped prompt is each output closest to?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import write_wav
from eval.intelligibility import SENTENCES
from eval.report import (
    json_line,
    markdown_table,
    progress,
    read_sentences,
    write_json,
    write_json_lines,
)
from eval.similarity import SpeakerEncoder, cosine, load_speaker_encoder
from eval.sources import FolderSource, Line, Source, Speech, open_model, save_path
from eval.stats import Interval, mean_interval

REQUIRED_SHARE = 0.7


@dataclass(frozen=True)
class Match:
    """One output: its cosine to every voice's prompt; nearest None if it could not be embedded."""

    line: Line
    similarities: Mapping[str, float]
    nearest: str | None
    problem: str | None = None

    @property
    def correct(self) -> bool:
        return self.nearest == self.line.voice

    def row(self) -> dict[str, Any]:
        """Flat, for a JSON line."""
        found = {"nearest": self.nearest, "correct": self.correct, "problem": self.problem}
        return {**asdict(self.line), **found, "similarities": dict(self.similarities)}


def embed_prompts(prompts: Mapping[str, Speech], encoder: SpeakerEncoder) -> dict[str, np.ndarray]:
    """voice -> unit embedding (D,) of its prompt; AudioError if a prompt is silent or too short."""
    return {voice: encoder.embed(p.wav, p.sample_rate) for voice, p in prompts.items()}


def match_outputs(
    source: Source,
    lines: Sequence[Line],
    prompts: Mapping[str, np.ndarray],
    encoder: SpeakerEncoder,
    save_dir: Path | None = None,
) -> list[Match]:
    """Have every line said and find the prompt whose speaker is nearest.

    Args:
        source: who speaks; a line it cannot say, or that cannot be embedded, counts as wrong.
        lines: what to say; each voice must have a prompt.
        prompts: voice -> embedding (D,), at least two.
        encoder: the one that made `prompts`.
        save_dir: keep the audio there; None keeps none.

    Raises:
        ValueError: fewer than two prompts, or a line's voice has none.
    """
    if len(prompts) < 2:
        raise ValueError(f"got {len(prompts)} prompts; at least 2 voices are needed to tell apart")
    unknown = {line.voice for line in lines} - set(prompts)
    if unknown:
        raise ValueError(f"no prompt for voices {sorted(unknown)}; there are {sorted(prompts)}")
    matches = []
    for line in progress(lines, "voices"):
        try:
            speech = source.say(line)
            embedding = encoder.embed(speech.wav, speech.sample_rate)
        except ValueError as error:
            matches.append(Match(line, {}, None, str(error)))
            continue
        if save_dir is not None:
            write_wav(save_path(save_dir, line), speech.wav, speech.sample_rate)
        near = {voice: cosine(embedding, prompt) for voice, prompt in prompts.items()}
        matches.append(Match(line, near, max(near, key=near.__getitem__)))
    return matches


def correct_share(matches: Sequence[Match]) -> Interval:
    """Share of outputs nearest to their own prompt, resampled by sentence."""
    return mean_interval([float(m.correct) for m in matches], [m.line.number for m in matches])


def confusion(matches: Sequence[Match], voices: Sequence[str]) -> dict[str, dict[str, int]]:
    """spoken voice -> nearest prompt -> count; "none" for outputs without an embedding."""
    table = {voice: dict.fromkeys([*voices, "none"], 0) for voice in voices}
    for match in matches:
        table[match.line.voice][match.nearest or "none"] += 1
    return table


def confusion_markdown(table: Mapping[str, Mapping[str, int]]) -> str:
    """Rows: the voice asked for; columns: the nearest prompt."""
    columns = list(next(iter(table.values())))
    rows = [(f"**{voice}**", *(row[c] for c in columns)) for voice, row in table.items()]
    return markdown_table(("voice \\ nearest prompt", *columns), rows)


def _mean_or_none(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _summary(matches: Sequence[Match], prompts: Mapping[str, np.ndarray]) -> dict[str, Any]:
    embedded = [m for m in matches if m.nearest is not None]
    own = [m.similarities[m.line.voice] for m in embedded]
    other = [s for m in embedded for v, s in m.similarities.items() if v != m.line.voice]
    share = correct_share(matches)
    names = list(prompts)
    return {
        "num_pairs": len(matches),
        "share_nearest_own": asdict(share),
        "required_share": REQUIRED_SHARE,
        "accepted": share.estimate >= REQUIRED_SHARE,
        "mean_similarity_own": _mean_or_none(own),
        "mean_similarity_other": _mean_or_none(other),
        "confusion": confusion(matches, names),
        # How far apart the prompts are themselves: two alike prompts cannot be told apart.
        "prompt_similarity": {a: {b: cosine(prompts[a], prompts[b]) for b in names} for a in names},
    }


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m eval voices",
        description="Share of outputs that are closer to their own prompt than to any other.",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model folder")
    parser.add_argument("--voices", nargs="+", metavar="NAME", help="default: all shipped")
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="one per line")
    parser.add_argument("--pairs", type=int, default=40, help="sentence x voice pairs, at least")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--wavs", type=Path, help="score files DIR/VOICE/[seedS/]NNN.wav instead")
    parser.add_argument("--prompts", type=Path, help="prompt files DIR/VOICE.wav; with --wavs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for wavs, pairs.jsonl, summary.json")
    args = parser.parse_args(argv)
    if (args.wavs is None) != (args.prompts is None):
        raise ValueError("--wavs and --prompts go together: outputs and the prompts they came from")
    return args


def _sources(args: argparse.Namespace) -> tuple[Source, dict[str, Speech]]:
    if args.wavs:
        folder, prompts = FolderSource(args.wavs), FolderSource(args.prompts)
        return folder, {v: prompts.prompt(v) for v in args.voices or folder.voices()}
    model, names = open_model(args.model, args.voices or [], args.device)
    return model, {v: model.prompt(v) for v in names}


def main(argv: Sequence[str]) -> int:
    """`python -m eval voices`."""
    args = _parse(argv)
    sentences = read_sentences(args.sentences)
    source, speech = _sources(args)
    encoder = load_speaker_encoder()
    prompts = embed_prompts(speech, encoder)
    # Rounded up, so that every voice says the same sentences.
    per_voice = -(-args.pairs // max(1, len(prompts)))
    if per_voice > len(sentences):
        raise ValueError(
            f"{args.pairs} pairs need {per_voice} sentences per voice, "
            f"but {args.sentences} has {len(sentences)}; lower --pairs"
        )
    chosen = list(enumerate(sentences[:per_voice], 1))
    lines = [Line(t, i, v, s) for v in prompts for s in args.seeds for i, t in chosen]
    save_dir = args.out / "wavs" if args.out and not args.wavs else None
    matches = match_outputs(source, lines, prompts, encoder, save_dir)
    result = {
        "command": "voices",
        "speaker_encoder": encoder.name,
        "seeds": args.seeds,
        **_summary(matches, prompts),
    }
    if args.out:
        write_json_lines(args.out / "pairs.jsonl", [m.row() for m in matches])
        write_json(args.out / "summary.json", result)
    share = correct_share(matches)
    sys.stdout.write(f"{confusion_markdown(result['confusion'])}\n\n")
    sys.stdout.write(
        f"nearest to own prompt: {share} of {len(matches)}, required {REQUIRED_SHARE}\n"
    )
    sys.stdout.write(json_line(result) + "\n")
    return 0

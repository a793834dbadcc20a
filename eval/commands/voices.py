"""Does a prompt change the voice? Which shipped prompt is each output closest to?

Every voice speaks its own language. With `--unseen`, prompts of real speakers that no training
has heard are tried instead (`eval.commands.unseen`); with `--drift`, whether a voice stays the
same over many sentences (`eval.commands.drift`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import write_wav
from eval.commands import drift, unseen
from eval.commands.intelligibility import SENTENCES
from eval.metrics.similarity import SpeakerEncoder, cosine, load_speaker_encoder
from eval.metrics.stats import Interval, mean_interval
from eval.report import json_line, markdown_table, progress, read_sentences, write_results
from eval.systems.sources import FolderSource, Line, Source, Speech, open_model, save_path

REQUIRED_SHARE, REQUIRED_SIMILARITY = 0.95, 0.80


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


def own_similarity(matches: Sequence[Match]) -> dict[str, Interval | None]:
    """voice -> mean cosine to its own prompt, resampled by sentence; None without an embedding."""
    found: dict[str, Interval | None] = {}
    for voice in dict.fromkeys(m.line.voice for m in matches):
        mine = [m for m in matches if m.line.voice == voice and m.nearest is not None]
        own = [m.similarities[voice] for m in mine]
        found[voice] = mean_interval(own, [m.line.number for m in mine]) if own else None
    return found


def _summary(matches: Sequence[Match], prompts: Mapping[str, np.ndarray]) -> dict[str, Any]:
    embedded = [m for m in matches if m.nearest is not None]
    own = [m.similarities[m.line.voice] for m in embedded]
    other = [s for m in embedded for v, s in m.similarities.items() if v != m.line.voice]
    share, mean_own = correct_share(matches), _mean_or_none(own)
    names = list(prompts)
    by_voice = {v: asdict(i) if i else None for v, i in own_similarity(matches).items()}
    return {
        "num_pairs": len(matches),
        "share_nearest_own": asdict(share),
        "required_share": REQUIRED_SHARE,
        "required_similarity": REQUIRED_SIMILARITY,
        "accepted": share.estimate >= REQUIRED_SHARE and (mean_own or 0) >= REQUIRED_SIMILARITY,
        "mean_similarity_own": mean_own,
        "similarity_own_by_voice": by_voice,
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
    parser.add_argument("--sentences", type=Path, default=SENTENCES["en"], help="one per line")
    parser.add_argument(
        "--zh-sentences", type=Path, default=SENTENCES["zh"], help="for Mandarin voices"
    )
    parser.add_argument("--pairs", type=int, default=40, help="sentence x voice pairs, at least")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--wavs", type=Path, help="score files DIR/VOICE/[seedS/]NNN.wav instead")
    parser.add_argument("--prompts", type=Path, help="prompt files DIR/VOICE.wav; with --wavs")
    parser.add_argument(
        "--unseen",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="try held-out speakers of corpora with metadata.csv",
    )
    parser.add_argument(
        "--drift", type=int, metavar="N", help="say N sentences in a row, and compare them"
    )
    parser.add_argument("--count", type=int, default=10, help="unseen speakers")
    parser.add_argument("--per-speaker", type=int, default=4, help="sentences an unseen speaker")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for wavs, pairs.jsonl, summary.json")
    args = parser.parse_args(argv)
    if (args.unseen or args.drift is not None) and args.wavs:
        raise ValueError("--unseen and --drift need a model; leave out --wavs")
    if (args.wavs is None) != (args.prompts is None):
        raise ValueError("--wavs and --prompts go together: outputs and the prompts they came from")
    return args


def _sources(args: argparse.Namespace) -> tuple[Source, dict[str, Speech]]:
    if args.wavs:
        folder, prompts = FolderSource(args.wavs), FolderSource(args.prompts)
        return folder, {v: prompts.prompt(v) for v in args.voices or folder.voices()}
    model, names = open_model(args.model, args.voices or [], args.device, None)
    return model, {v: model.prompt(v) for v in names}


def _languages(args: argparse.Namespace, voices: Sequence[str]) -> dict[str, str]:
    """voice -> the language it speaks; files are taken to be English."""
    if args.wavs:
        return dict.fromkeys(voices, "en")
    from tts.voices import load_voice

    return {v: "zh" if load_voice(v).lang == "zh" else "en" for v in voices}


def plan_lines(
    voices: Mapping[str, str],
    sentences: Mapping[str, Sequence[str]],
    pairs: int,
    seeds: Sequence[int],
) -> list[Line]:
    """What every voice says: as many sentences of its language as `pairs` pairs take.

    Args:
        voices: voice -> language.
        sentences: language -> sentences.
        pairs: sentence x voice, at least; rounded up, so that all say the same number.
        seeds: each says all of them.

    Raises:
        ValueError: a language has too few sentences.
    """
    count = -(-pairs // max(1, len(voices)))
    short = [lang for lang in set(voices.values()) if len(sentences[lang]) < count]
    if short:
        raise ValueError(
            f"{pairs} pairs need {count} sentences per voice, but there are "
            f"{len(sentences[short[0]])} for {short[0]}; lower --pairs"
        )
    chosen = {lang: list(enumerate(texts[:count], 1)) for lang, texts in sentences.items()}
    return [Line(t, i, v, s) for v, lang in voices.items() for s in seeds for i, t in chosen[lang]]


def main(argv: Sequence[str]) -> int:
    """`python -m eval voices`."""
    args = _parse(argv)
    if args.unseen:
        return unseen.run(args)
    if args.drift is not None:
        return drift.run(args)
    source, speech = _sources(args)
    encoder = load_speaker_encoder()
    prompts = embed_prompts(speech, encoder)
    languages = _languages(args, list(prompts))
    texts = {"en": args.sentences, "zh": args.zh_sentences}
    sentences = {lang: read_sentences(texts[lang]) for lang in set(languages.values())}
    lines = plan_lines(languages, sentences, args.pairs, args.seeds)
    save_dir = args.out / "wavs" if args.out and not args.wavs else None
    matches = match_outputs(source, lines, prompts, encoder, save_dir)
    result = {
        "command": "voices",
        "speaker_encoder": encoder.name,
        "seeds": args.seeds,
        "languages": languages,
        **_summary(matches, prompts),
    }
    if args.out:
        write_results(args.out / "pairs.jsonl", [m.row() for m in matches], result)
    share = correct_share(matches)
    rows = [(voice, languages[voice], own) for voice, own in own_similarity(matches).items()]
    sys.stdout.write(f"{confusion_markdown(result['confusion'])}\n\n")
    sys.stdout.write(markdown_table(("voice", "language", "similarity to own prompt"), rows))
    sys.stdout.write(
        f"\n\nnearest to own prompt: {share} of {len(matches)}, required {REQUIRED_SHARE}\n"
    )
    sys.stdout.write(json_line(result) + "\n")
    return 0

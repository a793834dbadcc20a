"""From a speech corpus to what the language model learns from: codes, text ids, alignment.

The result is one .npz file: a few megabytes an hour of speech, made once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from frontend import EmptyTextError, phonemize
from frontend.symbols import SYMBOLS
from tokenizer.model import CatTokenizer
from tokenizer.train.data import read_mono
from tokenizer.train.held_out import held_out
from tts.inference.prompt import MAX_ADVANCE
from tts.train.align import align, train_aligner
from tts.train.build import read_readings
from tts.train.corpus import Utterance, read_corpus
from tts.train.mfcc import mfcc, normalise_by_speaker
from tts.train.natural import resized

ALIGN_RATE_HZ = 16000
ALIGN_HOP_S = 0.01


@dataclass(frozen=True)
class Example:
    """One utterance as the model sees it.

    symbols: int64 (L,), positions in `SYMBOLS`; codes: uint16 (K, T); places: int64 (T,), the
    symbol that has begun by the end of each frame.
    """

    id: str
    speaker: str
    language: str
    symbols: np.ndarray
    codes: np.ndarray
    places: np.ndarray


def frame_places(ends: np.ndarray, num_frames: int, frame_s: float) -> np.ndarray | None:
    """Turn symbol end times into the place reached by the end of every frame.

    Args:
        ends: (L,), end of each symbol in 10 ms steps, not decreasing.
        num_frames: T. frame_s: length of a frame in seconds.

    Returns:
        int64 (T,), not decreasing, rising by at most MAX_ADVANCE, ending on L - 1; None where
        the speech is too fast for that.
    """
    starts = np.concatenate([[0], ends[:-1]]) * ALIGN_HOP_S
    times = (np.arange(num_frames) + 1) * frame_s - 1e-6
    places = np.searchsorted(starts, times, side="left") - 1
    places[-1] = len(ends) - 1
    before = -1
    for t in range(num_frames):
        places[t] = before = min(max(places[t], before), before + MAX_ADVANCE)
    return places if places[-1] == len(ends) - 1 else None


def prepare(
    folders: list[Path],
    codec: CatTokenizer,
    max_seconds: float,
    part: tuple[int, int] = (0, 1),
    worst_share: float = 0.03,
    sizes: Sequence[float] = (1.0,),
) -> list[Example]:
    """Phonemize, align and encode whole corpora.

    Args:
        folders: each with a metadata.csv.
        max_seconds: longer utterances are left out.
        part: (i, n) encodes only every n-th utterance, from the i-th on.
        worst_share: share of each language's utterances dropped for the worst alignment.
        sizes: how large each speaker is made, see `natural.resized`; of one made larger or
            smaller, who counts as another speaker, nothing that is held out is used.
    """
    examples: list[Example] = []
    for language, (items, aligned) in aligned_corpora(folders, worst_share, max_seconds).items():
        for number, (utterance, symbols) in enumerate(items):
            if utterance.id not in aligned or number % part[1] != part[0]:
                continue
            ends = aligned[utterance.id]
            examples += _examples_of(utterance, language, symbols, ends, codec, sizes)
            if number % 1000 == 0:
                print(f"  {language} {number}/{len(items)}", flush=True)
    return examples


def _examples_of(
    utterance: Utterance,
    language: str,
    symbols: tuple[str, ...],
    ends: np.ndarray,
    codec: CatTokenizer,
    sizes: Sequence[float],
) -> Iterator[Example]:
    """One of each size, where the speech is not too fast for `frame_places`."""
    index = np.array([SYMBOLS.index(s) for s in symbols])
    wav = read_mono(utterance.path, codec.sample_rate)
    for size in sizes:
        if size != 1 and held_out(utterance.id):
            continue
        codes = encode(codec, resized(wav, codec.sample_rate, size))
        places = frame_places(ends * size, codes.shape[1], 1 / codec.frame_rate)
        speaker = utterance.speaker if size == 1 else f"{utterance.speaker}-{size:g}"
        if places is not None:
            yield Example(utterance.id, speaker, language, index, codes, places)


def aligned_corpora(
    folders: list[Path], worst_share: float, max_seconds: float = 15.0
) -> dict[str, tuple[list[tuple[Utterance, tuple[str, ...]]], dict[str, np.ndarray]]]:
    """Phonemize and align whole corpora.

    Returns:
        By language: every utterance of 0.6 s to `max_seconds` with its symbols, and the end of
        each symbol in 10 ms steps by utterance id (the worst aligned are missing).
    """
    by_language: dict[str, list[tuple[Utterance, tuple[str, ...]]]] = {}
    for folder in folders:
        readings = read_readings(folder)
        for utterance in read_corpus(folder):
            symbols = readings.get(utterance.id) or _symbols(utterance)
            if symbols and 0.6 < utterance.seconds <= max_seconds:
                by_language.setdefault(utterance.language, []).append((utterance, symbols))
    result = {}
    for language, items in sorted(by_language.items()):
        print(f"{language}: {len(items)} utterances", flush=True)
        result[language] = (items, align_corpus(items, worst_share))
    return result


def encode(codec: CatTokenizer, wav: np.ndarray) -> np.ndarray:
    """Codes uint16 (K, T) of samples float32 (N,) at the codec's rate."""
    codes = codec.encode(torch.from_numpy(wav)[None, None].to(codec.device))
    return codes[0].cpu().numpy().astype(np.uint16)


def save_examples(examples: list[Example], path: Path) -> None:
    """Write examples as flat arrays."""

    def lengths(name: str) -> np.ndarray:
        return np.array([getattr(e, name).shape[-1] for e in examples])

    np.savez(
        path,
        ids=np.array([e.id for e in examples]),
        speakers=np.array([e.speaker for e in examples]),
        languages=np.array([e.language for e in examples]),
        codes=np.concatenate([e.codes for e in examples], axis=1),
        places=np.concatenate([e.places for e in examples]).astype(np.int16),
        symbols=np.concatenate([e.symbols for e in examples]).astype(np.int16),
        num_frames=lengths("places"),
        num_symbols=lengths("symbols"),
    )


def load_examples(paths: list[Path]) -> list[Example]:
    """Read what `save_examples` wrote."""
    examples = []
    for path in paths:
        data = np.load(path)
        frames, symbols = data["num_frames"].cumsum()[:-1], data["num_symbols"].cumsum()[:-1]
        columns = zip(
            data["ids"].tolist(),
            data["speakers"].tolist(),
            data["languages"].tolist(),
            np.split(data["symbols"].astype(np.int64), symbols),
            np.split(data["codes"], frames, axis=1),
            np.split(data["places"].astype(np.int64), frames),
            strict=True,
        )
        examples += [Example(*column) for column in columns]
    return examples


def _symbols(utterance: Utterance) -> tuple[str, ...] | None:
    try:
        return phonemize(utterance.text, utterance.language).symbols
    except EmptyTextError:
        return None


def align_corpus(
    items: list[tuple[Utterance, tuple[str, ...]]], worst_share: float
) -> dict[str, np.ndarray]:
    """End of every symbol in 10 ms steps, by utterance id; badly aligned ones are left out.

    Takes minutes, so the result is kept beside the first utterance's metadata and reused while
    ids and symbols are the same.
    """
    digest = hashlib.sha1(repr([(u.id, s) for u, s in items]).encode()).hexdigest()[:16]
    cache = items[0][0].path.parent.parent / f"alignment-{digest}.npz"
    if not cache.is_file():
        features = [mfcc(read_mono(u.path, ALIGN_RATE_HZ)) for u, _ in items]
        features = normalise_by_speaker(features, [u.speaker for u, _ in items])
        symbols = [list(s) for _, s in items]
        step = max(1, len(items) // 1500)
        model = train_aligner(features[::step], symbols[::step])
        found = align(model, features, symbols)
        np.savez(
            cache,
            ends=np.concatenate([a.ends for a in found]).astype(np.int32),
            scores=np.array([a.score for a in found]),
        )
    data = np.load(cache)
    lengths = np.array([len(s) for _, s in items])
    ends = np.split(data["ends"].astype(np.int64), lengths.cumsum()[:-1])
    scores = data["scores"]
    worst = np.quantile(scores[np.isfinite(scores)], worst_share)
    return {u.id: e for (u, _), e, x in zip(items, ends, scores, strict=True) if x >= worst}

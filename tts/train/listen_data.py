"""What a listener learns from: codes of speech, the sounds in it, and the words they stand for.

python -m tts.train.listen prepare CORPUS... --examples FILE.npz --out FILE.npz
python -m tts.train.listen lexicon FILE... --out lexicon.npz
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from frontend import EmptyTextError
from tokenizer.model import CatTokenizer
from tokenizer.train.data import read_mono
from tts.listen.reading import read_text
from tts.listen.sounds import NOTHING, OF_SYMBOL, carried, sounds_of
from tts.train.corpus import read_corpus
from tts.train.natural import resized
from tts.train.prepare import Example
from tts.train.sentences import sentence_key

# Recordings of this many seconds in which nobody speaks, one for so many utterances.
NOISE_S, NOISE_EVERY = (1.0, 6.0), 25


@dataclass(frozen=True)
class Heard:
    """An utterance.

    Attributes:
        id, speaker, language: of the utterance; "" where nobody speaks.
        codes: uint16 (K, T).
        labels: int64 (T,), the sound that has begun by the end of each frame.
        sounds: int64 (L,), see `tts.listen.sounds`.
        words: with the spaces before them; joined they are the text.
        ends: int64 (len(words),), how many sounds have been heard when each word is over.
    """

    id: str
    speaker: str
    language: str
    codes: np.ndarray
    labels: np.ndarray
    sounds: np.ndarray
    words: tuple[str, ...]
    ends: np.ndarray


@dataclass(frozen=True)
class Disturbance:
    """How a recording is changed before it is encoded.

    Attributes:
        smallest, largest: size of the speaker, see `natural.resized`: another voice.
        quietest_db, loudest_db: gain.
        snr_db: of noise under the speech; `noisy` of the recordings have some.
    """

    smallest: float = 0.88
    largest: float = 1.14
    quietest_db: float = -18.0
    loudest_db: float = 6.0
    noisy: float = 0.7
    snr_db: tuple[float, float] = (5.0, 35.0)

    def apply(
        self, wav: np.ndarray, sample_rate: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """float32 (N,) -> (N * size,), the same disturbed, and the size."""
        size = float(rng.uniform(self.smallest, self.largest))
        wav = resized(wav, sample_rate, size)
        if rng.random() < self.noisy:
            level = float(np.sqrt(np.mean(np.square(wav)))) + 1e-6
            background = noise(len(wav), sample_rate, rng)
            wav = wav + background * level * 10 ** (-rng.uniform(*self.snr_db) / 20)
        wav = wav * 10 ** (rng.uniform(self.quietest_db, self.loudest_db) / 20)
        return np.clip(wav, -1, 1).astype(np.float32), size


def noise(length: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """float32 (N,) of RMS 1: white to brown, steady or swelling, perhaps with a hum or a chord."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    slope = rng.uniform(0, 1)
    wav = np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** slope, length)
    wav = wav / (wav.std() + 1e-9)
    time = np.arange(length) / sample_rate
    for pitch in rng.uniform(50, 900, rng.integers(0, 4)):
        weights = [rng.uniform(0, 2) / h * np.sin(2 * np.pi * h * pitch * time) for h in (1, 2, 3)]
        wav = wav + np.sum(weights, axis=0)
    wav = wav * (1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.1, 4) * time))
    return (wav / (wav.std() + 1e-9)).astype(np.float32)


def lines_of(files: Iterable[Path]) -> Iterator[str]:
    """A sentence a line; of a .tsv with a head, its column `sentence`."""
    for file in files:
        lines = file.read_text("utf-8").splitlines()
        if file.suffix == ".tsv":
            rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            if "sentence" not in (rows.fieldnames or ()):
                raise ValueError(f"{file} has no column 'sentence' in its first line; add it")
            lines = [row["sentence"] or "" for row in rows]
        yield from (line.strip() for line in lines if line.strip())


def read_texts(
    files: Iterable[Path], left_out: Collection[str] = ()
) -> Iterator[tuple[tuple[str, ...], np.ndarray, np.ndarray]]:
    """Words of texts, the sounds of each, and how many have been heard when each word is over.

    Args:
        files: see `lines_of`.
        left_out: `sentence_key` of what must not be learnt from.
    """
    for line in sorted(set(lines_of(files))):
        if sentence_key(line) in left_out:
            continue
        try:
            symbols, words, ends = read_text(line)
        except (EmptyTextError, ValueError):
            continue
        yield words, sounds_of(symbols)[0], ends


def prepare_speech(
    folders: list[Path],
    examples: list[Example],
    num_codebooks: int,
    codec: CatTokenizer | None = None,
    variants: int = 0,
    disturbance: Disturbance | None = None,
) -> Iterator[Heard]:
    """What the language model learns from, with its words, and disturbed copies of it.

    Args:
        folders: with a metadata.csv each, for texts and recordings.
        examples: of `tts.train.prepare`, of these folders and the same tokenizer.
        num_codebooks: kept of each frame.
        codec: encodes the copies.
        variants: copies of each utterance beside itself; there are noises without speech too then.

    Raises:
        ValueError: an example is of no utterance of the folders.
    """
    disturbance = disturbance or Disturbance()
    known = {u.id: u for folder in folders for u in read_corpus(folder)}
    for number, example in enumerate(examples):
        if example.id not in known:
            raise ValueError(f"{example.id} is in none of the folders; name its corpus too")
        utterance = known[example.id]
        said = said_words(utterance.text, utterance.language, example.symbols)
        if said is None:
            continue
        yield _heard(example, example.id, example.codes[:num_codebooks], example.places, said)
        if codec is None:
            continue
        wav = read_mono(utterance.path, codec.sample_rate)
        rng = np.random.default_rng((number, len(wav)))
        for variant in range(1, variants + 1):
            changed, size = disturbance.apply(wav, codec.sample_rate, rng)
            codes = _encode(codec, num_codebooks, changed)
            before = np.round((np.arange(codes.shape[1]) + 1) / size).astype(np.int64) - 1
            places = example.places[np.clip(before, 0, len(example.places) - 1)]
            yield _heard(example, f"{example.id}#{variant}", codes, places, said)
        if number % NOISE_EVERY == 0:
            yield _noise_alone(number, codec, num_codebooks, rng)
        if number % 500 == 0:
            print(f"  {number}/{len(examples)}", flush=True)


def _heard(
    example: Example,
    name: str,
    codes: np.ndarray,
    places: np.ndarray,
    said: tuple[tuple[str, ...], np.ndarray],
) -> Heard:
    return Heard(
        name,
        example.speaker,
        example.language,
        codes,
        OF_SYMBOL[example.symbols][places],
        sounds_of(example.symbols)[0],
        *said,
    )


def said_words(
    text: str, language: str, symbols: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray] | None:
    """The text's words, and where they end among the sounds that were said; None if it has none."""
    try:
        read, words, ends = read_text(text, language)
    except EmptyTextError:
        return None
    source, target = sounds_of(read)[0].tolist(), sounds_of(symbols)[0].tolist()
    return words, carried(ends, source, target)


def _encode(codec: CatTokenizer, num_codebooks: int, wav: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(wav)[None, None].to(codec.device)
    return codec.encode(x, num_codebooks)[0].cpu().numpy().astype(np.uint16)


def _noise_alone(
    number: int, codec: CatTokenizer, num_codebooks: int, rng: np.random.Generator
) -> Heard:
    """Noise or silence of any level."""
    length = round(rng.uniform(*NOISE_S) * codec.sample_rate)
    level = 0.0 if rng.random() < 0.15 else 10 ** (rng.uniform(-70, -12) / 20)
    wav = np.clip(noise(length, codec.sample_rate, rng) * level, -1, 1).astype(np.float32)
    codes, nothing = _encode(codec, num_codebooks, wav), np.zeros(0, dtype=np.int64)
    labels = np.full(codes.shape[1], NOTHING)
    return Heard(f"noise{number}", "", "", codes, labels, nothing, (), nothing)


def save_heard(examples: list[Heard], path: Path) -> None:
    """Write examples as flat arrays. ValueError if there is none."""
    if not examples:
        raise ValueError(f"nothing to write to {path}: no utterance can be used")
    np.savez_compressed(
        path,
        ids=np.array([e.id for e in examples]),
        speakers=np.array([e.speaker for e in examples]),
        languages=np.array([e.language for e in examples]),
        words=np.array(["\t".join(e.words) for e in examples]),
        codes=np.concatenate([e.codes for e in examples], axis=1),
        labels=np.concatenate([e.labels for e in examples]).astype(np.int16),
        sounds=np.concatenate([e.sounds for e in examples]).astype(np.int16),
        ends=np.concatenate([e.ends for e in examples]).astype(np.int16),
        sizes=np.array([(len(e.labels), len(e.sounds), len(e.ends)) for e in examples]),
    )


def load_heard(paths: list[Path]) -> list[Heard]:
    """Read what `save_heard` wrote."""
    examples = []
    for path in paths:
        data = np.load(path)
        frames, sounds, words = data["sizes"].cumsum(axis=0)[:-1].T
        columns = zip(
            data["ids"].tolist(),
            data["speakers"].tolist(),
            data["languages"].tolist(),
            np.split(data["codes"], frames, axis=1),
            np.split(data["labels"].astype(np.int64), frames),
            np.split(data["sounds"].astype(np.int64), sounds),
            (tuple(text.split("\t")) if text else () for text in data["words"].tolist()),
            np.split(data["ends"].astype(np.int64), words),
            strict=True,
        )
        examples += [Heard(*column) for column in columns]
    return examples


def some_speakers(examples: Sequence[Heard], share: float) -> list[Heard]:
    """What a share of the speakers say, and what nobody says: for a curve over hours of speech.

    A smaller share is part of every larger one. ValueError for one that is not above 0, up to 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"--speakers is {share}; use a share, more than 0, at most 1")
    speakers = sorted({e.speaker for e in examples} - {""})
    random.Random(0).shuffle(speakers)
    chosen = {"", *speakers[: math.ceil(share * len(speakers))]}
    return [e for e in examples if e.speaker in chosen]

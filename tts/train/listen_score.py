"""How well a listener hears and writes: error rates while it is trained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from tts.listen.model import Listener
from tts.listen.sounds import spoken
from tts.listen.spelling import spell
from tts.listen.vocabulary import Vocabulary
from tts.listen.writing import write
from tts.train.everyday import word_keys
from tts.train.listen_data import Heard


@dataclass
class Score:
    """Errors and totals of sounds that are no marks, and of words (Chinese: characters)."""

    sounds: int = 0
    sound_errors: int = 0
    words: int = 0
    word_errors: int = 0

    def rates(self) -> dict[str, float]:
        rates = {"sounds": round(self.sound_errors / max(1, self.sounds), 4)}
        if self.words:
            rates["words"] = round(self.word_errors / self.words, 4)
        return rates


@torch.no_grad()
def score(
    model: Listener,
    vocabulary: Vocabulary,
    examples: Sequence[Heard],
    writes: bool,
    num_codebooks: int | None = None,
) -> Score:
    """Listen to examples one by one.

    Args:
        writes: score words too.
        num_codebooks: that are heard; None means all.
    """
    found = Score()
    for example in examples:
        codes = torch.from_numpy(example.codes[:num_codebooks].astype(np.int64))[None]
        sounds = spell(model.hear(codes).sounds[0])
        heard = sounds.numbers.numpy()
        said = example.sounds[spoken(example.sounds)].tolist()
        found.sounds += len(said)
        found.sound_errors += Levenshtein.distance(said, heard[spoken(heard)].tolist())
        if writes:
            words, errors = _written(model, vocabulary, example, sounds.weights)
            found.words += words
            found.word_errors += errors
    return found


@torch.no_grad()
def spelling(model: Listener, vocabulary: Vocabulary, examples: Sequence[Heard]) -> float:
    """Share of wrong words (Chinese: characters) where every sound of a text is heard right."""
    words = errors = 0
    for example in examples:
        numbers = torch.from_numpy(example.sounds)
        weights = torch.nn.functional.one_hot(numbers, 1 + len(model.config.sounds)).float()
        counted = _written(model, vocabulary, example, weights)
        words, errors = words + counted[0], errors + counted[1]
    return round(errors / max(1, words), 4)


def _written(
    model: Listener, vocabulary: Vocabulary, example: Heard, weights: torch.Tensor
) -> tuple[int, int]:
    """How many words an example has, and how many are written wrong."""
    text = vocabulary.decode([w.piece for w in write(model, weights)])
    words = _units("".join(example.words), example.language)
    return len(words), Levenshtein.distance(words, _units(text, example.language))


def _units(text: str, language: str) -> list[str]:
    return re.findall(r"\w", text) if language == "zh" else list(word_keys(text))

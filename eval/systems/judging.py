"""What listeners would think of a sound: predicted opinions, and the words that are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.mos import load_rater, rater_identity
from eval.metrics.wer import normalized_text, score_utterance
from eval.systems.asr import listener_identity, load_listener
from tts.train.corpus import read_corpus


def opinions(raters: Sequence[str], wav: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Predicted scores, about 1 to 5.

    Args:
        raters: names, see `eval.metrics.mos.load_rater`.
        wav: float32 (N,) at `sample_rate` Hz.

    Returns:
        Overall score by the rater's kind ("dnsmos", "distillmos"), others as "dnsmos_signal".

    Raises:
        AudioError: wav is empty.
        MissingExtraError: a rater's package is not installed.
    """
    found = {}
    for name in raters:
        kind = name.partition(":")[0]
        for score, value in load_rater(name).rate(wav, sample_rate).items():
            found[kind if score == "overall" else f"{kind}_{score}"] = value
    return found


@dataclass(frozen=True)
class Judges:
    """Who judges copies of speech.

    Attributes:
        raters: see `opinions`.
        listener: see `eval.systems.asr.load_listener`; empty for none.
        device, lang: of the listener.
    """

    raters: tuple[str, ...] = ()
    listener: str = ""
    device: str = "cpu"
    lang: str = "en"

    def __bool__(self) -> bool:
        return bool(self.raters or self.listener)

    def identity(self) -> dict[str, Any]:
        """What they are, without loading them.

        Raises:
            ValueError: an unknown name.
        """
        ear = listener_identity(self.listener, self.lang) if self.listener else ""
        raters = [rater_identity(name) for name in self.raters]
        return {"raters": raters, "listener": ear, "lang": self.lang}

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        """What the listener hears."""
        return load_listener(self.listener, self.device, self.lang).transcribe(wav, sample_rate)

    def judge(self, wav: np.ndarray, sample_rate: int, text: str) -> dict[str, float]:
        """Opinions of a sound; word errors (Mandarin: of characters) and words against `text`.

        Numbers and spelling are normalised; a text without a word has no errors.
        """
        found = opinions(self.raters, wav, sample_rate)
        if self.listener and normalized_text(text, self.lang).strip():
            heard = self.transcribe(wav, sample_rate)
            errors = score_utterance(text, heard, self.lang, normalized_text)
            found |= {"errors": errors.num_errors, "words": errors.num_words}
        return found


def text_of(path: Path) -> str | None:
    """The words of FOLDER/audio/ID.* by FOLDER/metadata.csv; None where that does not tell."""
    folder = path.parent.parent
    if path.parent.name != "audio" or not (folder / "metadata.csv").is_file():
        return None
    return _texts(folder).get(path.stem)


@lru_cache(maxsize=8)
def _texts(folder: Path) -> dict[str, str]:
    return {recording.id: recording.text for recording in read_corpus(folder)}

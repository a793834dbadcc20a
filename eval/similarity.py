"""Speaker similarity: the cosine between speaker embeddings.

`ResemblyzerEncoder` is the offline stand-in: its weights are inside its wheel, and its figures
are NOT comparable with the SIM of papers, which use WavLM-large with an ECAPA-TDNN head. An
encoder of that kind only has to satisfy `SpeakerEncoder`.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Protocol

import numpy as np

from eval.audio import SILENCE_PEAK, AudioError, check_mono, peak, resample
from eval.extras import require

# Shorter than this, an embedding says nothing about a speaker.
MIN_SPEECH_S = 0.25


class SpeakerEncoder(Protocol):
    """Anything that maps speech to a speaker embedding."""

    @property
    def name(self) -> str:
        """What measured, for the report."""
        ...

    def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """Embed one utterance.

        Args:
            wav: float (N,), mono, in [-1, 1].
            sample_rate: in Hz.

        Returns:
            float32 (D,) of unit length.

        Raises:
            AudioError: wav is not mono, not finite, silent or too short.
        """
        ...


class ResemblyzerEncoder:
    """Stand-in speaker encoder (GE2E LSTM of the package resemblyzer), CPU."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # Its dependencies announce future removals of what it imports; the pins hold them.
            warnings.simplefilter("ignore")
            self._package = require("resemblyzer")
            self._encoder = self._package.VoiceEncoder("cpu", verbose=False)

    @property
    def name(self) -> str:
        return "resemblyzer (offline stand-in, not the WavLM SIM of papers)"

    def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """See `SpeakerEncoder.embed`."""
        wav = check_mono(wav, sample_rate)
        if wav.size < MIN_SPEECH_S * sample_rate:
            raise AudioError(
                f"{wav.size / sample_rate:.3f} s are too short for a speaker embedding; "
                f"at least {MIN_SPEECH_S} s are needed"
            )
        if peak(wav) < SILENCE_PEAK:
            raise AudioError(f"wav is silent (peak {peak(wav):.1e} < {SILENCE_PEAK}); no speaker")
        rate = self._package.sampling_rate
        audio = resample(wav, sample_rate, rate)
        speech = self._package.preprocess_wav(audio)
        # Its voice detector can reject a whole noisy utterance; then all of it is measured.
        speech = speech if speech.size >= MIN_SPEECH_S * rate else audio
        embedding = np.asarray(self._encoder.embed_utterance(speech), np.float32)
        if not np.isfinite(embedding).all():
            raise AudioError("the speaker encoder found nothing in this wav (embedding is zero)")
        return embedding


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two (D,) vectors, in [-1, 1]; ValueError if one is zero or shapes differ."""
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"need two vectors of one length, got {first.shape} and {second.shape}")
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    if length == 0:
        raise ValueError("the cosine of a zero vector is not defined")
    return float(np.clip(np.dot(first, second) / length, -1.0, 1.0))


def similarity(
    encoder: SpeakerEncoder,
    first: tuple[np.ndarray, int],
    second: tuple[np.ndarray, int],
) -> float:
    """Cosine between the speakers of two (wav, sample_rate) pairs; errors as `embed`."""
    return cosine(encoder.embed(*first), encoder.embed(*second))


@lru_cache(maxsize=1)
def load_speaker_encoder(name: str = "resemblyzer") -> SpeakerEncoder:
    """Load a speaker encoder once; ValueError for an unknown name."""
    if name == "resemblyzer":
        return ResemblyzerEncoder()
    raise ValueError(f"unknown speaker encoder {name!r}; use resemblyzer")

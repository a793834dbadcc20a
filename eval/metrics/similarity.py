"""Speaker similarity: the cosine between speaker embeddings.

`WavlmEncoder` is the encoder of papers and needs a checkpoint that the user fetches.
`ResemblyzerEncoder` is the offline stand-in: its weights are inside its wheel, and its figures
are NOT comparable with published ones.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import urllib.request
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eval.audio import SILENCE_PEAK, AudioError, check_mono, peak, resample
from eval.cache import key_of, weights_digest
from eval.extras import installed_version, require
from tokenizer.files import replacing

if TYPE_CHECKING:
    from eval.metrics.wavlm import SpeakerConfig

RESEMBLYZER_NAME = "resemblyzer (offline stand-in, not the WavLM SIM of papers)"
WAVLM_HELP = (
    "fetch wavlm_large_finetune.pth (linked from the README of the Seed-TTS evaluation scripts, "
    "github.com/BytedanceSpeech/seed-tts-eval) and give it as wavlm:PATH"
)
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
        return RESEMBLYZER_NAME

    def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """See `SpeakerEncoder.embed`."""
        wav = _check_speech(wav, sample_rate)
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


class WavlmEncoder:
    """WavLM-large + ECAPA-TDNN, the encoder behind the SIM of papers; see `eval.metrics.wavlm`."""

    def __init__(
        self, path: Path, device: str = "cpu", config: SpeakerConfig | None = None
    ) -> None:
        """Load the official checkpoint.

        Args:
            path: `wavlm_large_finetune.pth`.
            device: torch device.
            config: sizes; None means the published ones.

        Raises:
            SpeakerCheckpointError: missing, damaged or of another layout.
        """
        wavlm = require("eval.metrics.wavlm")
        self._net = wavlm.load_speaker_net(path, config).to(device)
        self._device = device
        self._name = wavlm_identity(path)

    @property
    def name(self) -> str:
        return self._name

    def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        """See `SpeakerEncoder.embed`."""
        torch, wavlm = require("torch"), require("eval.metrics.wavlm")
        audio = torch.from_numpy(_check_speech(wav, sample_rate))
        audio = wavlm.sinc_resample(audio, sample_rate, wavlm.SPEAKER_RATE_HZ)
        with torch.inference_mode():
            embedding = self._net(audio[None].to(self._device))[0].float().cpu().numpy()
        length = float(np.linalg.norm(embedding))
        if not np.isfinite(length) or length == 0:
            raise AudioError("the speaker encoder found nothing in this wav")
        return embedding / length


def _check_speech(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mono, finite, long and loud enough for a speaker embedding, or AudioError."""
    wav = check_mono(wav, sample_rate)
    if wav.size < MIN_SPEECH_S * sample_rate:
        raise AudioError(
            f"{wav.size / sample_rate:.3f} s are too short for a speaker embedding; "
            f"at least {MIN_SPEECH_S} s are needed"
        )
    if peak(wav) < SILENCE_PEAK:
        raise AudioError(f"wav is silent (peak {peak(wav):.1e} < {SILENCE_PEAK}); no speaker")
    return wav


def wavlm_identity(path: Path) -> str:
    """Name of a WavLM checkpoint for the report: encoder and hash of its file."""
    return f"wavlm-large-ecapa (sha256 {weights_digest(path)[:16]})"


def wavlm_path(place: str) -> Path:
    """The checkpoint file that a path or URL names; a URL is fetched once and kept.

    Raises:
        ValueError: no such file, or it cannot be fetched; says what to get and from where.
    """
    if not place.startswith(("https://", "http://", "file://")):
        path = Path(place)
        if not path.is_file():
            raise ValueError(f"no speaker checkpoint at {place!r}; {WAVLM_HELP}")
        return path
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cat-tts"
    path = cache / f"wavlm-{key_of({'url': place})[:16]}.pth"
    if path.is_file():
        return path
    sys.stderr.write(f"fetching {place} (about 1.3 GB if it is the official file) …\n")
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(place, timeout=60) as answer, replacing(path) as temporary:
            with temporary.open("wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
            _check_length(answer.headers.get("Content-Length"), temporary)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"cannot fetch {place}: {error}; {WAVLM_HELP}") from error
    return path


def _check_length(announced: str | None, path: Path) -> None:
    size = path.stat().st_size
    if announced is not None and int(announced) != size:
        raise OSError(f"the connection ended after {size} of {announced} bytes")


def encoder_identity(name: str) -> str:
    """What the encoder called `name` is, without loading it: name and version or hash.

    Raises:
        ValueError: unknown name, or its weights are not there.
    """
    kind, _, place = name.partition(":")
    if name == "resemblyzer":
        return f"{RESEMBLYZER_NAME} {installed_version('resemblyzer')}"
    if kind == "wavlm" and place:
        return wavlm_identity(wavlm_path(place))
    raise ValueError(
        f"unknown speaker encoder {name!r}; use resemblyzer or wavlm:PATH_OR_URL; {WAVLM_HELP}"
    )


@lru_cache(maxsize=2)
def load_speaker_encoder(name: str = "resemblyzer", device: str = "cpu") -> SpeakerEncoder:
    """Load a speaker encoder once.

    Args:
        name: "resemblyzer", or "wavlm:PATH" or "wavlm:URL" of `wavlm_large_finetune.pth`.
        device: torch device; resemblyzer stays on the CPU.

    Raises:
        ValueError: unknown name, or the weights are missing or do not fit.
    """
    encoder_identity(name)
    if name == "resemblyzer":
        return ResemblyzerEncoder()
    return WavlmEncoder(wavlm_path(name.partition(":")[2]), device)

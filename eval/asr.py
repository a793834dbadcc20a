"""Listeners: speech recognisers that turn a waveform into text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eval.audio import check_mono, resample
from eval.extras import require

ASR_RATE_HZ = 16000
OFFICIAL_WHISPER = "openai/whisper-large-v3"


class ListenerError(ValueError):
    """A listener that cannot be loaded; the message says what to fetch."""


class Listener(Protocol):
    """Anything that transcribes speech."""

    @property
    def name(self) -> str:
        """What was listening, for the report."""
        ...

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        """Transcribe one utterance.

        Args:
            wav: float (N,), mono, in [-1, 1]; N may be 0.
            sample_rate: in Hz.

        Returns:
            The words heard; "" where none were. Independent of earlier calls.

        Raises:
            ValueError: wav is not mono or not finite.
        """
        ...


class PocketsphinxListener:
    """Offline US English listener; its models are inside the pocketsphinx wheel.

    A real-time factor of about 0.3. Good on natural-sounding read speech only, so judge a model
    beside its teacher on the same sentences, not by the figure alone.
    """

    def __init__(self) -> None:
        pocketsphinx = require("pocketsphinx")
        self._decoder = pocketsphinx.Decoder(
            samprate=float(ASR_RATE_HZ), dither=False, loglevel="FATAL"
        )

    @property
    def name(self) -> str:
        return "pocketsphinx"

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        """See `Listener.transcribe`."""
        audio = resample(check_mono(wav, sample_rate), sample_rate, ASR_RATE_HZ)
        samples = np.round(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
        if not samples.any():  # the decoder would hear a word in digital silence
            return ""
        # The noise estimate and the cepstral mean outlive an utterance; without this line a
        # transcript would depend on what was heard before it.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""


class WhisperListener:
    """Whisper through transformers, called as the Seed-TTS evaluation script calls it.

    One utterance at a time, English transcription, greedy, at most 30 s (the rest is cut), input
    resampled with `scipy.signal.resample`.
    """

    def __init__(self, model: str, revision: str | None = None, device: str = "cpu") -> None:
        """Load processor and weights.

        Args:
            model: a folder with a transformers Whisper checkpoint, or a hub id.
            revision: commit of the hub repository; None means its default branch.
            device: torch device.

        Raises:
            ListenerError: weights or processor are absent or unreadable.
        """
        transformers = require("transformers")
        options: dict[str, Any] = {"revision": revision}
        if Path(model).is_dir():
            options = {"local_files_only": True}
        try:
            self._processor = transformers.WhisperProcessor.from_pretrained(model, **options)
            loaded = transformers.WhisperForConditionalGeneration.from_pretrained(model, **options)
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ListenerError(
                f"no Whisper at {model!r} ({first}); fetch it where there is a network with "
                f"`hf download {OFFICIAL_WHISPER} --local-dir whisper-large-v3` and give that "
                "folder as whisper:FOLDER"
            ) from error
        self._model = loaded.to(device).eval()
        # The English-only sizes refuse to be told a language.
        multilingual = getattr(loaded.generation_config, "is_multilingual", True)
        self._task = {"language": "english", "task": "transcribe"} if multilingual else {}
        self._device = device
        self._name = f"whisper:{model}" + (f"@{revision}" if revision else "")

    @property
    def name(self) -> str:
        return self._name

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        """See `Listener.transcribe`."""
        torch = require("torch")
        audio = _fourier_resample(check_mono(wav, sample_rate), sample_rate, ASR_RATE_HZ)
        if audio.size == 0:
            return ""
        inputs = self._processor(audio, sampling_rate=ASR_RATE_HZ, return_tensors="pt")
        features = inputs.input_features.to(self._device, self._model.dtype)
        with torch.inference_mode():
            ids = self._model.generate(features, **self._task)
        return self._processor.batch_decode(ids, skip_special_tokens=True)[0]


def _fourier_resample(wav: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """As the official script does, whole-signal FFT and truncated length; not `audio.resample`."""
    if sample_rate == target_rate or wav.size == 0:
        return wav
    signal = require("scipy.signal", "scipy")
    return signal.resample(wav, int(wav.size * target_rate / sample_rate))


@lru_cache(maxsize=2)
def load_listener(name: str = "pocketsphinx", device: str = "cpu") -> Listener:
    """Load a listener once.

    Args:
        name: "pocketsphinx", or "whisper:FOLDER", or "whisper:HUB_ID", or "whisper:HUB_ID@COMMIT".
        device: torch device, for Whisper.

    Raises:
        ListenerError: the name is unknown or the weights are absent.
        MissingExtraError: the package is not installed.
    """
    if name == "pocketsphinx":
        return PocketsphinxListener()
    kind, _, model = name.partition(":")
    if kind == "whisper" and model:
        if Path(model).is_dir():
            return WhisperListener(model, device=device)
        model, _, revision = model.partition("@")
        return WhisperListener(model, revision or None, device)
    raise ListenerError(
        f"unknown listener {name!r}; use pocketsphinx or whisper:FOLDER_OR_HUB_ID, "
        f"for example whisper:{OFFICIAL_WHISPER}"
    )

"""Listeners: speech recognisers that turn a waveform into text.

All hear one utterance at a time, so that no transcript depends on what shares its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from eval.audio import check_mono, resample
from eval.cache import weights_digest
from eval.extras import installed_version, require

ASR_RATE_HZ = 16000
OFFICIAL_WHISPER = "openai/whisper-large-v3"
# Commits, so that figures of different days are figures of the same listener.
WHISPER_REVISIONS = {
    "openai/whisper-large-v3": "06f233fe06e710322aca913c1bc4249a0d71fce1",
    "openai/whisper-medium": "abdf7c39ab9d0397620ccaea8974cc764cd0953e",
    "openai/whisper-small": "973afd24965f72e36ca33b3055d56a652f456b4d",
    "openai/whisper-base": "e37978b90ca9030d5170a5c07aadb050351a65bb",
    "openai/whisper-tiny": "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
}
# Asks for simplified characters.
WHISPER_PROMPTS = {"zh": "以下是普通话的句子。"}
WHISPER_LANGUAGES = {"en": "english", "zh": "chinese"}
OFFICIAL_PARAFORMER, PARAFORMER_REVISION = "paraformer-zh", "v2.0.4"
PARAFORMER_REPOSITORY = (
    "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
)
PARAFORMER_FILES = ("config.yaml", "model.pt")
# Of the call, in seconds of audio; the official script's.
PARAFORMER_BATCH_S = 300


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


@runtime_checkable
class SecondListener(Protocol):
    """A listener that can decode a sound in a second way.

    What both hear is in the sound; what only one leaves out or says twice may be the listener's.
    """

    def transcribe_again(self, wav: np.ndarray, sample_rate: int) -> str:
        """As `Listener.transcribe`, by the second way."""
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


class _ModelListener:
    """A `Listener` by a model that hears float32 (N,) at 16 kHz, N >= 1."""

    _name: str

    @property
    def name(self) -> str:
        return self._name

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        """See `Listener.transcribe`."""
        return self._heard(wav, sample_rate, self._hear)

    def _heard(self, wav: np.ndarray, sample_rate: int, hear: Callable[[np.ndarray], str]) -> str:
        audio = self._resample(check_mono(wav, sample_rate), sample_rate)
        return hear(audio) if audio.size else ""

    def _resample(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        return resample(wav, sample_rate, ASR_RATE_HZ)

    def _hear(self, audio: np.ndarray) -> str:
        raise NotImplementedError


class WhisperListener(_ModelListener):
    """Whisper through transformers, called as the Seed-TTS evaluation script calls it.

    Transcription in one given language, greedy, at most 30 s (the rest is cut), input resampled
    with `scipy.signal.resample`.
    """

    def __init__(
        self, model: str, revision: str | None = None, device: str = "cpu", lang: str = "en"
    ) -> None:
        """Load processor and weights.

        Args:
            model: a folder with a transformers Whisper checkpoint, or a hub id.
            revision: commit of the hub repository; None means its default branch.
            device: torch device.
            lang: "en" or "zh".

        Raises:
            ListenerError: weights or processor are absent or unreadable.
        """
        transformers = require("transformers")
        options: dict[str, Any] = {"revision": revision}
        if Path(model).is_dir():
            options = {"local_files_only": True}
        # Single precision as in the script; by default the weights' own half precision is kept.
        single = require("torch").float32
        try:
            self._processor = transformers.WhisperProcessor.from_pretrained(model, **options)
            loaded = transformers.WhisperForConditionalGeneration.from_pretrained(
                model, dtype=single, **options
            )
        except Exception as error:  # of a damaged file the packages raise whatever comes
            first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ListenerError(
                f"no Whisper at {model!r} ({first}); fetch it where there is a network with "
                f"`hf download {OFFICIAL_WHISPER} --local-dir whisper-large-v3` and give that "
                "folder as whisper:FOLDER"
            ) from error
        self._model = loaded.to(device).eval()
        # The English-only sizes refuse to be told a language.
        multilingual = getattr(loaded.generation_config, "is_multilingual", True)
        if not multilingual and lang != "en":
            raise ListenerError(f"{model} hears English only; give a multilingual size for {lang}")
        task = {"language": WHISPER_LANGUAGES[lang], "task": "transcribe"}
        self._task = task if multilingual else {}
        self._device = device
        commit = revision or getattr(loaded.config, "_commit_hash", None)
        self._name = f"whisper:{model}" + (f"@{commit}" if commit else "")

    def _resample(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        return _fourier_resample(wav, sample_rate, ASR_RATE_HZ)

    def transcribe_again(self, wav: np.ndarray, sample_rate: int) -> str:
        """See `SecondListener.transcribe_again`: five beams, not one."""
        return self._heard(wav, sample_rate, partial(self._hear, num_beams=5))

    def _hear(self, audio: np.ndarray, **options: Any) -> str:
        torch = require("torch")
        inputs = self._processor(audio, sampling_rate=ASR_RATE_HZ, return_tensors="pt")
        features = inputs.input_features.to(self._device, self._model.dtype)
        with torch.inference_mode():
            ids = self._model.generate(features, **self._task, **options)
        return self._processor.batch_decode(ids, skip_special_tokens=True)[0]


class CTranslateWhisperListener(_ModelListener):
    """Whisper in CTranslate2's form, through faster-whisper: int8, beam 5, about a second for a
    six-second sentence on two cores.

    Mandarin is asked for in simplified characters; `eval.wer` folds traditional ones anyway.
    """

    def __init__(self, folder: str, lang: str = "en", threads: int = 1) -> None:
        """Load the weights.

        Args:
            folder: with model.bin, config.json, tokenizer.json and vocabulary.txt.
            lang: "en" or "zh".

        Raises:
            ListenerError: the folder does not hold such a model.
            MissingExtraError: faster-whisper is not installed.
        """
        package = require("faster_whisper", "faster-whisper", extra="judges")
        try:
            self._model = package.WhisperModel(
                folder, compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ListenerError(
                f"no CTranslate2 Whisper in {folder!r} ({error}); fetch one with "
                "`python scripts/fetch_judges.py DIR` and give whisper:DIR/whisper-base"
            ) from error
        self._lang = lang
        self._name = f"whisper:{folder}"

    def transcribe_again(self, wav: np.ndarray, sample_rate: int) -> str:
        """See `SecondListener.transcribe_again`: greedy, half a second of silence before it."""
        silence = np.zeros(sample_rate // 2, np.float32)
        later = np.concatenate([silence, check_mono(wav, sample_rate)])
        return self._heard(later, sample_rate, partial(self._hear, beam_size=1))

    def _hear(self, audio: np.ndarray, beam_size: int = 5) -> str:
        prompt = WHISPER_PROMPTS.get(self._lang)
        heard = self._written(audio, beam_size, prompt)
        # Of a word or two it may write down what it was asked with instead.
        return self._written(audio, beam_size, None) if prompt and heard == prompt else heard

    def _written(self, audio: np.ndarray, beam_size: int, prompt: str | None) -> str:
        segments, _ = self._model.transcribe(
            audio.astype(np.float32),
            language=self._lang,
            beam_size=beam_size,
            temperature=0,
            condition_on_previous_text=False,
            initial_prompt=prompt,
        )
        return " ".join(segment.text.strip() for segment in segments)


def is_ctranslate_folder(model: str) -> bool:
    """Whether a folder holds CTranslate2's form of a model."""
    return bool(model) and (Path(model) / "model.bin").is_file()


def _fourier_resample(wav: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """As the official script does, whole-signal FFT and truncated length; not `audio.resample`."""
    if sample_rate == target_rate or wav.size == 0:
        return wav
    signal = require("scipy.signal", "scipy")
    return signal.resample(wav.astype(np.float64), int(wav.size * target_rate / sample_rate))


class ParaformerListener(_ModelListener):
    """Paraformer-zh through funasr, for Mandarin, called as the Seed-TTS script calls it.

    The transcript is put into simplified characters, by OpenCC instead of the script's zhconv.
    """

    def __init__(self, model: str = OFFICIAL_PARAFORMER, device: str = "cpu") -> None:
        """Load the weights.

        Args:
            model: a folder with the model's files, or "paraformer-zh", which funasr fetches at a
                pinned revision and keeps.
            device: torch device.

        Raises:
            ListenerError: the weights are absent; says what to fetch and where to put it.
            MissingExtraError: funasr or opencc is not installed.
        """
        funasr, opencc = require("funasr", extra="zh-asr"), require("opencc", extra="zh-asr")
        help_text = (
            f"fetch the repository {PARAFORMER_REPOSITORY} (revision {PARAFORMER_REVISION}) from "
            "ModelScope where there is a network, and give its folder as paraformer:FOLDER"
        )
        options: dict[str, Any] = {"model_revision": PARAFORMER_REVISION}
        if model != OFFICIAL_PARAFORMER:
            lacking = [name for name in PARAFORMER_FILES if not (Path(model) / name).is_file()]
            if lacking:
                raise ListenerError(f"no Paraformer at {model!r}: {lacking} missing; {help_text}")
            options = {}
        quiet = {"disable_update": True, "disable_pbar": True, "log_level": "ERROR"}
        try:
            self._model = funasr.AutoModel(model=model, device=device, **quiet, **options)
        except (OSError, ValueError, RuntimeError, AssertionError, KeyError) as error:
            # Without a network funasr says that the model "is not registered".
            first = (str(error).splitlines() or [repr(error)])[0]
            raise ListenerError(f"no Paraformer at {model!r} ({first}); {help_text}") from error
        self._simplify = opencc.OpenCC("t2s").convert
        revision = f"@{PARAFORMER_REVISION}" if options else ""
        self._name = f"paraformer:{model}{revision} (funasr {installed_version('funasr')})"

    def _hear(self, audio: np.ndarray) -> str:
        found = self._model.generate(input=audio, fs=ASR_RATE_HZ, batch_size_s=PARAFORMER_BATCH_S)
        return self._simplify(found[0]["text"]) if found else ""


def _parse_name(name: str, lang: str) -> tuple[str, str, str | None]:
    """Listener's name -> kind, model, revision; ListenerError for one that will not do."""
    kind, _, model = name.partition(":")
    if name == "pocketsphinx":
        if lang != "en":
            raise ListenerError(
                f"pocketsphinx hears English only, not {lang!r}; use {OFFICIAL_PARAFORMER}, "
                "whisper:FOLDER_OR_HUB_ID, or none"
            )
        return kind, "", None
    if name == OFFICIAL_PARAFORMER or (kind == "paraformer" and model):
        if lang != "zh":
            raise ListenerError(f"Paraformer hears Mandarin only, not {lang!r}; use whisper:…")
        return "paraformer", model or OFFICIAL_PARAFORMER, None
    if kind == "whisper" and model:
        if Path(model).is_dir():
            return kind, model, None
        model, _, revision = model.partition("@")
        return kind, model, revision or WHISPER_REVISIONS.get(model)
    raise ListenerError(
        f"unknown listener {name!r}; use pocketsphinx or whisper:FOLDER_OR_HUB_ID, for example "
        f"whisper:{OFFICIAL_WHISPER}, or for Mandarin {OFFICIAL_PARAFORMER} or paraformer:FOLDER"
    )


def listener_identity(name: str, lang: str = "en") -> str:
    """What the listener called `name` is, without loading it: kind, revision or hash, version.

    Raises:
        ListenerError: unknown name, or it does not hear `lang`.
    """
    kind, model, revision = _parse_name(name, lang)
    package = {"paraformer": "funasr", "whisper": "transformers"}.get(kind, kind)
    if kind == "whisper" and is_ctranslate_folder(model):
        package = "faster-whisper"
    # An empty path would be the working folder.
    folder = bool(model) and Path(model).is_dir()
    weights = f" (sha256 {weights_digest(Path(model))[:16]})" if folder else ""
    if kind == "paraformer" and not weights:
        revision = PARAFORMER_REVISION
    place = f":{model}" if model and not weights else ""
    commit = f"@{revision}" if revision else ""
    return f"{kind}{place}{commit}{weights}, {package} {installed_version(package)}"


@lru_cache(maxsize=2)
def load_listener(name: str = "pocketsphinx", device: str = "cpu", lang: str = "en") -> Listener:
    """Load a listener once.

    Args:
        name: "pocketsphinx"; "whisper:FOLDER", "whisper:HUB_ID" or "whisper:HUB_ID@COMMIT", where
            OpenAI's own sizes have a pinned commit (a folder may hold transformers' form of a
            model or CTranslate2's); "paraformer-zh" or "paraformer:FOLDER".
        device: torch device; pocketsphinx knows none.
        lang: "en" or "zh".

    Raises:
        ListenerError: the name is unknown, the weights are absent, or it does not hear `lang`.
        MissingExtraError: the package is not installed.
    """
    kind, model, revision = _parse_name(name, lang)
    if kind == "pocketsphinx":
        return PocketsphinxListener()
    if kind == "paraformer":
        return ParaformerListener(model, device)
    if is_ctranslate_folder(model):
        return CTranslateWhisperListener(model, lang)
    return WhisperListener(model, revision, device, lang)

"""Voices: saved prompts, one safetensors file each."""

from __future__ import annotations

import copy
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tokenizer.audio import (
    is_silent,
    normalize_loudness,
    quietest_cut,
    trim_silence,
)
from tokenizer.codes import CodesError, codec_fingerprint, load_codes, save_codes
from tokenizer.model import CatTokenizer

SHIPPED = Path(__file__).parent / "pretrained" / "voices"
DEFAULT_NAME = "rms"
HOME_VARIABLE = "CAT_TTS_HOME"
MIN_PROMPT_S, MAX_PROMPT_S = 1.0, 30.0
# The model was trained with prompts of 0.8 to 2.2 s; up to 3 s nothing is cut off.
WHOLE_PROMPT_S, CUT_FROM_S, CUT_TO_S = 3.0, 1.5, 2.2
TARGET_DBFS = -23.0
WHOLE_DBFS, WHOLE_STEP_DB = -20.0, 3.0

_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_FIELDS = ("name", "lang", "transcript", "description", "gender", "source", "codec")
_HAN = re.compile(r"[\u3400-\u9fff]")


class VoiceError(ValueError):
    """A voice that cannot be used, made, saved or removed."""


class UnknownVoiceError(VoiceError):
    """No voice of that name; the message lists those that exist."""


@dataclass(frozen=True, eq=False)
class Voice:
    """A saved prompt.

    Attributes:
        name: lower-case letters, digits, '_' and '-', at most 40.
        codes: int64 (K, P), codes of the reference recording.
        lang: 'en', 'zh', or 'und' where it is not known.
        transcript: what is said in the recording; empty if not known.
        description, gender, source: for people to read.
        codec: fingerprint of the tokenizer that made the codes; empty if not known.
        shipped: whether it came with the package.
    """

    name: str
    codes: Tensor
    lang: str = "und"
    transcript: str = ""
    description: str = ""
    gender: str = ""
    source: str = ""
    codec: str = ""
    shipped: bool = False


def voices_folder() -> Path:
    """Where the user's voices live: $CAT_TTS_HOME/voices, or below the user's data folder."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "voices"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "cat-tts" / "voices"


def voice_names() -> list[str]:
    """Names of all voices, shipped ones first, each group in alphabetical order."""
    shipped = sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    own = sorted(path.stem for path in voices_folder().glob("*.safetensors"))
    return shipped + [name for name in own if name not in shipped]


def list_voices() -> list[Voice]:
    """All voices that can be read, in the order of `voice_names`."""
    voices = []
    for name in voice_names():
        try:
            voices.append(load_voice(name))
        except VoiceError:
            continue
    return voices


def damaged_voices() -> list[str]:
    """One message for each voice file that cannot be read."""
    messages = []
    for name in voice_names():
        try:
            load_voice(name)
        except VoiceError as error:
            messages.append(str(error))
    return messages


def load_voice(name: str | None = None) -> Voice:
    """Load a voice.

    Args:
        name: None means the default: 'rms' if it exists, else the first.

    Raises:
        UnknownVoiceError: there is no such voice; lists those that exist.
        VoiceError: its file is damaged.
    """
    names = voice_names()
    if name is None and names:
        name = DEFAULT_NAME if DEFAULT_NAME in names else names[0]
    if name is None or name not in names:
        known = ", ".join(names) if names else "none, add one with `cat-tts voice add NAME WAV`"
        asked = "no voice is installed" if name is None else f"voice {name!r} is unknown"
        raise UnknownVoiceError(f"{asked}; voices: {known}")
    shipped = (SHIPPED / f"{name}.safetensors").is_file()
    path = (SHIPPED if shipped else voices_folder()) / f"{name}.safetensors"
    try:
        stored = load_codes(path)
    except CodesError as error:
        raise VoiceError(f"voice {name!r}: {error}") from error
    known_fields = {key: stored.metadata[key] for key in _FIELDS if key in stored.metadata}
    return Voice(**{**known_fields, "name": name}, codes=stored.codes, shipped=shipped)


def check_name(name: str) -> None:
    """VoiceError unless `name` may be given to a new voice."""
    if not _NAME.fullmatch(name):
        raise VoiceError(
            f"voice name {name[:60]!r} is not allowed; use 1 to 40 of a-z, 0-9, '_' and '-'"
        )
    if name in voice_names():
        shipped = (SHIPPED / f"{name}.safetensors").is_file()
        remedy = "choose another name" if shipped else f"`cat-tts voice remove {name}` first"
        raise VoiceError(f"voice {name!r} exists already; {remedy}")


def save_voice(voice: Voice, folder: Path | None = None) -> Path:
    """Write a voice as NAME.safetensors and return its path.

    Args:
        voice: what to save.
        folder: None means the user's folder, where a new name is required.

    Raises:
        VoiceError: the name is not allowed or taken.
        OutputError: the place cannot be written.
    """
    if folder is None:
        check_name(voice.name)
        folder = voices_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{voice.name}.safetensors"
    save_codes(path, voice.codes, {field: getattr(voice, field) for field in _FIELDS})
    return path


def remove_voice(name: str) -> None:
    """Delete one of the user's voices.

    Raises:
        UnknownVoiceError: there is no such voice.
        VoiceError: it came with the package.
    """
    if name not in voice_names():
        known = ", ".join(n for n in voice_names()) or "none"
        raise UnknownVoiceError(f"voice {name!r} is unknown; voices: {known}")
    if (SHIPPED / f"{name}.safetensors").is_file():
        raise VoiceError(f"voice {name!r} came with the package and cannot be removed")
    (voices_folder() / f"{name}.safetensors").unlink()


def check_voice(voice: Voice, codec: CatTokenizer) -> None:
    """VoiceError unless the voice's codes mean something to `codec`."""
    high = int(voice.codes.max())
    foreign = voice.codec and voice.codec != codec_fingerprint(codec)
    too_many = voice.codes.shape[0] > codec.num_codebooks or high >= codec.codebook_size
    if foreign or too_many or int(voice.codes.min()) < 0:
        raise VoiceError(
            f"voice {voice.name!r} was made with another tokenizer than the one in use; make it "
            "again from its recording (`cat-tts voice add` with the same --codec, or --prompt-wav)"
        )


def voice_from_audio(
    codec: CatTokenizer,
    wav: np.ndarray,
    name: str = "prompt",
    transcript: str = "",
    lang: str | None = None,
    source: str = "",
    whole: bool = False,
) -> tuple[Voice, tuple[str, ...]]:
    """Make a voice from a recording.

    Silence at both ends is cut off and the loudness set to -23 dBFS. Of more than
    `WHOLE_PROMPT_S` of speech only the first `CUT_FROM_S` to `CUT_TO_S` are used, up to the
    quietest place there, and the transcript, which then says more than the recording, is dropped.

    Args:
        codec: encodes it, in float32.
        wav: float32 (N,) at the codec's sample rate, 1 to 30 s of speech.
        name: of the voice.
        transcript: what is said; empty if not known.
        lang: 'en', 'zh' or None, which goes by the transcript's script.
        source: where the recording comes from.
        whole: for published models, which take prompts of any length: nothing is cut off, and
            the loudness is moved towards -20 dBFS by at most 3 dB.

    Returns:
        The voice, and remarks for the user to read.

    Raises:
        VoiceError: the recording is silent, too short or too long.
    """
    speech, notes = (_prepare_whole if whole else _prepare)(wav, codec.sample_rate)
    if notes and transcript:
        notes.append(
            "the transcript is left aside, because it says more than the part that is used; give "
            f"a recording of at most {WHOLE_PROMPT_S:g} s to use it"
        )
        transcript = ""
    precise = codec
    if next(codec.encoder.parameters()).dtype != torch.float32:
        # In half precision several percent of the codes would come out different.
        precise = copy.deepcopy(codec).float()
    codes = precise.encode(torch.from_numpy(speech)[None, None])[0].cpu()
    voice = Voice(
        name=name,
        codes=codes.clone(),
        lang=lang or guess_lang(transcript),
        transcript=transcript.strip(),
        source=source,
        codec=codec_fingerprint(codec),
    )
    return voice, tuple(notes)


def guess_lang(transcript: str) -> str:
    """'zh' if there is a Chinese character, 'en' for other text, 'und' for none."""
    if not transcript.strip():
        return "und"
    return "zh" if _HAN.search(transcript) else "en"


def _check_prompt(wav: np.ndarray, sample_rate: int) -> str:
    """VoiceError unless a prompt has a length that can be used and is not silent."""
    seconds = len(wav) / sample_rate
    limits = f"give {MIN_PROMPT_S:g} to {MAX_PROMPT_S:g} s of clear speech"
    if seconds < MIN_PROMPT_S:
        raise VoiceError(f"the prompt recording is too short: {seconds:.2f} s; {limits}")
    if seconds > MAX_PROMPT_S:
        raise VoiceError(f"the prompt recording is too long: {seconds:.1f} s; {limits}")
    if is_silent(wav):
        raise VoiceError(f"the prompt recording is silent; {limits}")
    return limits


def _prepare_whole(wav: np.ndarray, sample_rate: int) -> tuple[np.ndarray, list[str]]:
    """Check and level a prompt of a published model."""
    _check_prompt(wav, sample_rate)
    level = 10 * np.log10(np.mean(np.square(wav, dtype=np.float64)))
    gain = np.clip(WHOLE_DBFS - level, -WHOLE_STEP_DB, WHOLE_STEP_DB)
    return (wav * 10 ** (gain / 20)).astype(np.float32), []


def _prepare(wav: np.ndarray, sample_rate: int) -> tuple[np.ndarray, list[str]]:
    """Check, trim, cut and level a prompt: float32 (N,) -> float32 (n,), and remarks."""
    limits = _check_prompt(wav, sample_rate)
    speech = trim_silence(wav, sample_rate)
    spoken = len(speech) / sample_rate
    if spoken < MIN_PROMPT_S:
        raise VoiceError(
            f"the prompt recording holds only {spoken:.2f} s that are not silence; {limits}"
        )
    notes = []
    if spoken > WHOLE_PROMPT_S:
        cut = quietest_cut(speech, sample_rate, CUT_FROM_S, CUT_TO_S)
        notes.append(
            f"of {spoken:.1f} s of speech in the prompt only the first {cut / sample_rate:.1f} s "
            "are used, because the model was trained with prompts of 0.8 to 2.2 s"
        )
        speech = speech[:cut]
    return normalize_loudness(speech, TARGET_DBFS), notes

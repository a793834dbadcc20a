"""Voices: saved prompts, one safetensors file each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from frontend.language import main_language
from tokenizer.codes import CodesError, codec_fingerprint, load_codes, save_codes
from tokenizer.model import CatTokenizer
from tts.folders import (
    VoiceError,
    is_shipped,
    unknown_voice,
    voice_files,
    voice_or_default,
    voices_folder,
)

_NAME = re.compile(r"[a-z0-9_-]{1,40}")
# Begins the source of a voice whose prompt a synthesizer spoke; the synthesizer's name follows.
SYNTHETIC = "synthetic: "
# What is told of a voice.
_TOLD = ("name", "lang", "gender", "accent", "description", "transcript", "source")
_FIELDS = ("name", "lang", "transcript", "description", "gender", "accent", "source", "codec")


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
        description, gender, accent, source: for people to read.
        codec: fingerprint of the tokenizer that made the codes; empty if not known.
        shipped: whether it came with the package.
    """

    name: str
    codes: Tensor
    lang: str = "und"
    transcript: str = ""
    description: str = ""
    gender: str = ""
    accent: str = ""
    source: str = ""
    codec: str = ""
    shipped: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What is told of it, by the names of its attributes."""
        return {name: getattr(self, name) for name in _TOLD}


def voice_names() -> list[str]:
    """Names of all voices, shipped ones first, each group in alphabetical order."""
    return list(voice_files())


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


def load_voice(name: str | None = None, text: str = "") -> Voice:
    """Load a voice.

    Args:
        name: None means the default of the text's language.
        text: what is to be said, where there is no name.

    Raises:
        UnknownVoiceError: there is no such voice; see `unknown_voice` for what it says.
        VoiceError: its file is damaged.
    """
    files = voice_files()
    name = voice_or_default(name, main_language(text))
    if name is None:
        raise UnknownVoiceError("no voice is installed; add one with `cat-tts voice add NAME WAV`")
    if name not in files:
        raise UnknownVoiceError(unknown_voice(name, files))
    path = files[name]
    try:
        stored = load_codes(path)
    except CodesError as error:
        raise VoiceError(f"voice {name!r}: {error}") from error
    known_fields = {key: stored.metadata[key] for key in _FIELDS if key in stored.metadata}
    return Voice(**{**known_fields, "name": name}, codes=stored.codes, shipped=is_shipped(name))


def check_name(name: str) -> None:
    """VoiceError unless `name` may be given to a new voice."""
    if not _NAME.fullmatch(name):
        raise VoiceError(
            f"voice name {name[:60]!r} is not allowed; use 1 to 40 of a-z, 0-9, '_' and '-'"
        )
    if name in voice_names():
        remedy = (
            "choose another name" if is_shipped(name) else f"`cat-tts voice remove {name}` first"
        )
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
    if is_shipped(name):
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

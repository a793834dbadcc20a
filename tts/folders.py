"""Where models and voices lie; nothing here imports torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tokenizer.hub import EMBEDDED as EMBEDDED_CODEC
from tokenizer.hub import CheckpointError, is_hub_id, model_folder
from tokenizer.strict import read_object
from tts.model.registry import type_in

EMBEDDED = Path(__file__).parent / "pretrained"
EMBEDDED_LISTENER = EMBEDDED / "listener"
SHIPPED_VOICES = EMBEDDED / "voices"
# By language, of texts for which nobody is named.
DEFAULT_VOICES = {"en": "heart", "zh": "xiaoxiao"}
# Voices that versions 1 and 2 shipped, and which to use in their place.
RETIRED_VOICES = {
    "rms": "michael",
    "rms-deep": "michael",
    "rms-light": "michael",
    "awb": "michael",
    "slt": "heart",
    "pico-us": "heart",
    "pico-gb": "emma",
    "espeak-zh-light": "xiaoxiao",
    "espeak-zh-steph": "xiaoxiao",
}
HOME_VARIABLE = "CAT_TTS_HOME"
# Keys by which a config.json names the tokenizer that a model was made for.
_CODEC_KEYS = ("audio_tokenizer_pretrained_name_or_path", "audio_tokenizer_name_or_path")


class VoiceError(ValueError):
    """A recording or a voice that cannot be used, made, saved or removed."""


def model_folder_of(name: str | Path) -> Path:
    """Folder of a model; see `tokenizer.hub.model_folder`."""
    return model_folder(name, EMBEDDED)


def listener_folder(name: str | Path) -> Path:
    """Folder of a listener: 'embedded' or a path; CheckpointError where there is none."""
    folder = EMBEDDED_LISTENER if str(name) == "embedded" else Path(name)
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"no listener at {folder}: config.json is missing; give the folder of a listener for "
            "this tokenizer by --listener, or train one (docs/listening.md)"
        )
    return folder


def codec_name(model: str | Path, codec: str | Path | None) -> str | Path:
    """The tokenizer that goes with a model.

    Args:
        model: 'embedded', a folder or a hub id.
        codec: what the user asked for; None means MODEL/codec if there is one, else the hub id
            that its config.json names, else the one of its type.

    Raises:
        CheckpointError: there is no such model.
    """
    if codec is not None or str(model) == "embedded":
        return codec or "embedded"
    folder = model_folder_of(model)
    if (folder / "codec").is_dir():
        return folder / "codec"
    raw = read_object(folder / "config.json")
    named = [str(raw[key]) for key in _CODEC_KEYS if raw.get(key)]
    return next(filter(is_hub_id, named), type_in(folder).codec)


def codec_folder_of(model: str | Path, codec: str | Path | None) -> Path:
    """Folder of the tokenizer that goes with a model; see `codec_name`."""
    return model_folder(codec_name(model, codec), EMBEDDED_CODEC)


def voices_folder() -> Path:
    """Where the user's voices live: $CAT_TTS_HOME/voices, or below the user's data folder."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "voices"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "cat-tts" / "voices"


def voice_files() -> dict[str, Path]:
    """Name -> file of all voices: the shipped ones, then the user's, each by the alphabet."""
    shipped = sorted(SHIPPED_VOICES.glob("*.safetensors"))
    own = sorted(voices_folder().glob("*.safetensors"))
    files = {path.stem: path for path in shipped}
    return files | {path.stem: path for path in own if path.stem not in files}


def unknown_voice(name: str, known: Iterable[str]) -> str:
    """What to tell those who ask for a voice that is not there.

    Args:
        name: of no voice; for one that earlier versions shipped the message says which to use in
            its place.
        known: names of the voices that there are, to be listed.
    """
    new = RETIRED_VOICES.get(name)
    wrong = f"was retired; use {new!r} in its place" if new else "is unknown"
    listed = ", ".join(known) or "none, add one with `cat-tts voice add NAME WAV`"
    return f"voice {name!r} {wrong}; voices: {listed}"


def is_shipped(name: str) -> bool:
    """Whether a voice came with the package."""
    return (SHIPPED_VOICES / f"{name}.safetensors").is_file()


def voice_or_default(name: str | None, lang: str = "en") -> str | None:
    """The name itself; where there is none that of the default voice.

    Args:
        lang: of what is to be said, 'en' or 'zh'; where its voice is not there that of the other
            is taken, else the first of all.
    """
    files = voice_files()
    if name is not None or not files:
        return name
    wanted = (DEFAULT_VOICES.get(lang), *DEFAULT_VOICES.values())
    return next((voice for voice in wanted if voice in files), next(iter(files)))

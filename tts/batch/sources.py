"""Where an item's sound comes from, named by content: weights, voices, prompt recordings.

Nothing here imports torch, so that a finished run is recognised at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from tokenizer.hub import fetch, is_hub_id

_PRETRAINED = Path(__file__).parents[1] / "pretrained"
# The same as `tts.checkpoint.PUBLISHED_CODEC`, which cannot be read without torch.
PUBLISHED_CODEC = "OpenMOSS-Team/MOSS-Audio-Tokenizer"
_EMBEDDED_CODEC = Path(__file__).parents[2] / "tokenizer" / "pretrained"


class SourceError(ValueError):
    """A model, voice or prompt that is missing or cannot be read."""


class Digests:
    """SHA-256 of files, remembered as long as size and time of change stay the same.

    Args:
        path: JSON file in which they are kept between runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = False
        try:
            self.known: dict[str, list] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.known = {}  # it can be made again

    def of(self, file: str | Path) -> str:
        """Digest of a file; SourceError if it cannot be read."""
        name = str(Path(file).absolute())
        try:
            facts = os.stat(name)
            known = self.known.get(name)
            if known and known[:2] == [facts.st_size, facts.st_mtime_ns]:
                return known[2]
            with open(name, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(f"cannot read {file}: {error.strerror or error}") from error
        self.known[name] = [facts.st_size, facts.st_mtime_ns, digest]
        self.changed = True
        return digest

    def as_bytes(self) -> bytes:
        """What is to be stored in the file for the next run."""
        return json.dumps(self.known).encode()


def model_folders(model: str, codec: str | None) -> tuple[Path, Path]:
    """Folders of model and codec, chosen as `Synthesizer.load` does.

    Raises:
        SourceError: a folder holds no model.
        CheckpointError: a model of the hub cannot be fetched.
    """
    folder = _folder(model, _PRETRAINED)
    if codec is None and model != "embedded" and (folder / "codec").is_dir():
        return folder, folder / "codec"
    if codec is None:
        reads_phonemes = "phonemes" in json.loads((folder / "config.json").read_text("utf-8"))
        codec = "embedded" if reads_phonemes else PUBLISHED_CODEC
    return folder, _folder(codec, _EMBEDDED_CODEC)


def _folder(name: str, embedded: Path) -> Path:
    """Folder of a model; one of the hub is fetched if it is not there yet."""
    folder = embedded if name == "embedded" else Path(name)
    if (folder / "config.json").is_file():
        return folder
    if not folder.exists() and is_hub_id(name):
        return fetch(name)
    raise SourceError(
        f"no model at {folder}: config.json is missing; give 'embedded' or a folder with "
        "config.json and model.safetensors"
    )


def revision(folder: Path, digests: Digests) -> str:
    """16 hex digits that name config and weights of a model folder."""
    files = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    return joined_digest([f"{file.name} {digests.of(file)}" for file in files])[:16]


def joined_digest(parts: list[str]) -> str:
    """64 hex digits that name a list of texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def home_voices() -> Path:
    """The user's own voices; the same folder as `tts.voices.voices_folder`."""
    home = os.environ.get("CAT_TTS_HOME")
    if home:
        return Path(home) / "voices"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "cat-tts" / "voices"


def voice_digest(name: str | None) -> str:
    """What a voice's codes are, as 64 hex digits; None is the default voice.

    Raises:
        SourceError: no such voice, or its file is damaged.
    """
    files = {path.stem: path for path in sorted(home_voices().glob("*.safetensors"))}
    files |= {path.stem: path for path in sorted((_PRETRAINED / "voices").glob("*.safetensors"))}
    if name is None and files:
        name = "rms" if "rms" in files else next(iter(files))
    if name is None or name not in files:
        known = ", ".join(sorted(files)) or "none, add one with `cat-tts voice add NAME WAV`"
        raise SourceError(f"voice {name or ''!r} is unknown; voices: {known}")
    try:
        with safe_open(files[name], framework="np") as file:
            codes = file.get_tensor("codes")
    except (SafetensorError, OSError) as error:
        raise SourceError(f"voice {name!r} is damaged ({error}); make it again") from error
    digest = hashlib.sha256(str(codes.shape).encode())
    digest.update(codes.astype("int64").tobytes())
    return digest.hexdigest()


def check_prompt(path: str) -> None:
    """Raise unless a recording can be used as a prompt; the limits are those of `tts.voices`.

    Raises:
        SourceError: silent, too short or too long.
        AudioError: not a sound.
    """
    from tokenizer.audio import is_silent, read_audio, trim_silence

    rate, shortest, longest = 16000, 1.0, 30.0
    wav = read_audio(path, rate)
    limits = f"give {shortest:g} to {longest:g} s of clear speech"
    seconds = len(wav) / rate
    if not shortest <= seconds <= longest:
        length = "short" if seconds < shortest else "long"
        raise SourceError(f"{path} is too {length} for a prompt: {seconds:.2f} s; {limits}")
    if is_silent(wav):
        raise SourceError(f"{path} is silent; {limits}")
    spoken = len(trim_silence(wav, rate)) / rate
    if spoken < shortest:
        raise SourceError(f"{path} holds only {spoken:.2f} s that are not silence; {limits}")

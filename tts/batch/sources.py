"""Where an item's sound comes from, named by content: weights, voices, prompt recordings.

Nothing here imports torch, so that a finished run is recognised at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from tokenizer.hub import weights_in
from tts.folders import VoiceError, unknown_voice, voice_files, voice_or_default
from tts.model.registry import PromptRule

# Whether a recording can be used does not depend on the rate.
CHECK_RATE_HZ = 16000


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


def revision(folder: Path, digests: Digests) -> str:
    """16 hex digits that name config and weights of a model folder."""
    files = [folder / "config.json", *weights_in(folder)]
    return joined_digest([f"{file.name} {digests.of(file)}" for file in files])[:16]


def joined_digest(parts: list[str]) -> str:
    """64 hex digits that name a list of texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def voice_digest(name: str | None) -> str:
    """What a voice's codes are, as 64 hex digits; None is the default voice.

    Raises:
        SourceError: no such voice, or its file is damaged.
    """
    files = voice_files()
    name = voice_or_default(name)
    if name is None or name not in files:
        raise SourceError(unknown_voice(name or "", files))
    try:
        with safe_open(files[name], framework="np") as file:
            codes = file.get_tensor("codes")
    except (SafetensorError, OSError) as error:
        raise SourceError(f"voice {name!r} is damaged ({error}); make it again") from error
    digest = hashlib.sha256(str(codes.shape).encode())
    digest.update(codes.astype("int64").tobytes())
    return digest.hexdigest()


def check_prompt(path: str, rule: PromptRule) -> None:
    """Raise unless a recording can be used as a prompt of such a model.

    Raises:
        VoiceError: silent, too short or too long.
        AudioError: not a sound.
    """
    from tokenizer.audio import read_audio
    from tts.inference.prompt_audio import check_recording

    try:
        check_recording(read_audio(path, CHECK_RATE_HZ), CHECK_RATE_HZ, rule)
    except VoiceError as error:
        raise VoiceError(f"{path}: {error}") from error

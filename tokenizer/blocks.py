"""Sound files bit by bit, of any length; also containers that libsndfile does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from tokenizer.audio import NO_SAMPLES, NOT_FINITE, AudioError, check_there, unreadable

#: Endings, and what FFmpeg calls the container.
CONTAINERS = {
    ".m4a": "mp4",
    ".mp4": "mp4",
    ".webm": "matroska",
    ".mkv": "matroska",
    ".aac": "aac",
}


class NoSoundError(ValueError):
    """A container without a sound track, or one that is damaged; the message says which."""


def container_blocks(file: BinaryIO, kind: str) -> Iterator[tuple[np.ndarray, int]]:
    """The first sound track bit by bit: float32 (n, channels) and its rate in Hz.

    Args:
        kind: FFmpeg's name of the container. Nothing else is tried: its own guessing would also
            follow playlists to other files and hosts.

    Raises:
        NoSoundError: there is none, or it cannot be decoded.
    """
    import av
    from av.error import FFmpegError

    try:
        with av.open(file, "r", format=kind, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise NoSoundError("it holds no sound track")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp", rate=stream.rate)
            for frame in container.decode(stream):
                for piece in resampler.resample(frame):
                    yield piece.to_ndarray().T, piece.sample_rate
    except (FFmpegError, EOFError) as error:
        raise NoSoundError(str(getattr(error, "strerror", None) or error)) from error


def sound_blocks(path: str | Path, seconds: float = 1.0) -> Iterator[tuple[np.ndarray, int]]:
    """A sound file bit by bit: float32 (n, channels) and its rate in Hz.

    Args:
        path: what `tokenizer.audio.read_sound` takes, or one of `CONTAINERS`.
        seconds: in a block, at most.

    Raises:
        AudioError: the file is missing, a folder, damaged, empty, or holds NaN or infinity; once
            that is found.
    """
    path = Path(path)
    check_there(path)
    count = 0
    try:
        for block, rate in _blocks(path, seconds):
            if not np.isfinite(block).all():
                raise AudioError(f"{path} {NOT_FINITE}")
            count += len(block)
            yield block, rate
    except (OSError, RuntimeError, NoSoundError) as error:
        raise unreadable(path, error) from error
    if not count:
        raise AudioError(f"{path} {NO_SAMPLES}")


def _blocks(path: Path, seconds: float) -> Iterator[tuple[np.ndarray, int]]:
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is not None:
        with path.open("rb") as stream:
            yield from container_blocks(stream, kind)
        return
    with soundfile.SoundFile(str(path)) as file:
        size = max(1, round(seconds * file.samplerate))
        while len(block := file.read(size, dtype="float32", always_2d=True)):
            yield block, file.samplerate

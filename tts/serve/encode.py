"""Samples to bytes: whole files, and streams that begin before the sound has ended."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
import soundfile

# A length of "unknown", as ffmpeg and other streaming writers put it.
UNKNOWN = 0xFFFFFFFF
# About 96 kbit/s at 24 kHz.
MP3_LEVEL = 0.4


@dataclass(frozen=True)
class Format:
    """How a format is made: libsndfile's names (empty for bare samples) and its media type."""

    container: str
    subtype: str
    media_type: str


FORMATS = {
    "wav": Format("WAV", "PCM_16", "audio/wav"),
    "flac": Format("FLAC", "PCM_16", "audio/flac"),
    "mp3": Format("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    "opus": Format("OGG", "OPUS", "audio/ogg"),
    "ogg": Format("OGG", "VORBIS", "audio/ogg"),
    "pcm": Format("", "", "audio/pcm"),
}


def pcm16(wav: np.ndarray) -> np.ndarray:
    """float32 (N,) in [-1, 1] -> int16 (N,), little-endian; values beyond are clipped."""
    return np.rint(np.clip(wav, -1.0, 1.0) * 32767).astype("<i2")


def wav_header(sample_rate: int, num_samples: int | None = None) -> bytes:
    """44 bytes before 16-bit mono samples; None where the length is not known yet."""
    size = UNKNOWN if num_samples is None else 2 * num_samples
    riff = UNKNOWN if num_samples is None else 36 + size
    form = struct.pack("<IHHIIHH", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return (
        struct.pack("<4sI8s", b"RIFF", riff, b"WAVEfmt ")
        + form
        + struct.pack("<4sI", b"data", size)
    )


def encode_whole(samples: np.ndarray, sample_rate: int, name: str) -> bytes:
    """A whole file with its exact length in the header.

    Args:
        samples: int16 (N,).
        sample_rate: in Hz; opus takes 8000, 12000, 16000, 24000 and 48000.
        name: a key of FORMATS.

    Raises:
        ValueError: the format cannot hold this rate.
    """
    if name == "pcm":
        return samples.tobytes()
    if name == "wav":
        return wav_header(sample_rate, len(samples)) + samples.tobytes()
    buffer = io.BytesIO()
    with _open(buffer, sample_rate, name) as file:
        _write(file, samples, sample_rate)
    return buffer.getvalue()


class StreamEncoder:
    """Push samples, get the bytes that are ready; joined they are a file of unknown length."""

    def __init__(self, sample_rate: int, name: str) -> None:
        self._rate, self._head = sample_rate, b""
        self._sink, self._file = _ForwardOnly(), None
        if name == "wav":
            self._head = wav_header(sample_rate)
        elif name != "pcm":
            # Players guess the length of an mp3 without a table from its first frame's bitrate.
            steady = {"bitrate_mode": "CONSTANT", "compression_level": MP3_LEVEL}
            self._file = _open(self._sink, sample_rate, name, **(steady if name == "mp3" else {}))

    def push(self, samples: np.ndarray) -> bytes:
        """int16 (N,) -> bytes, perhaps none yet."""
        head, self._head = self._head, b""
        if self._file is None:
            return head + samples.tobytes()
        _write(self._file, samples, self._rate)
        return self._sink.take()

    def finish(self) -> bytes:
        """What is left."""
        if self._file is None:
            return self._head
        self._file.close()
        return self._sink.take()


class _ForwardOnly(io.RawIOBase):
    """A file whose bytes are gone once taken.

    At its end libsndfile goes back to write the length into the header; that is left out where
    the header has been taken already.
    """

    def __init__(self) -> None:
        self._bytes, self._taken, self._position = bytearray(), 0, 0

    def take(self) -> bytes:
        ready = bytes(self._bytes)
        self._taken += len(ready)
        self._bytes.clear()
        return ready

    def write(self, data) -> int:
        data = bytes(data)
        start = self._position - self._taken
        self._position += len(data)
        kept = data[max(0, -start) :]
        start = max(0, start)
        self._bytes[start : start + len(kept)] = kept
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = self._taken + len(self._bytes)
        self._position = offset + (0, self._position, end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return 0


def _open(target, sample_rate: int, name: str, **how) -> soundfile.SoundFile:
    kind = FORMATS[name]
    try:
        return soundfile.SoundFile(
            target, "w", sample_rate, 1, subtype=kind.subtype, format=kind.container, **how
        )
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{name} cannot hold {sample_rate} Hz ({error.error_string})") from error


def _write(file: soundfile.SoundFile, samples: np.ndarray, sample_rate: int) -> None:
    # In blocks, because libsndfile's Vorbis encoder puts a whole write on its stack.
    for first in range(0, len(samples), sample_rate):
        file.write(samples[first : first + sample_rate])

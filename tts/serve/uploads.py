"""Uploaded recordings: bytes of unknown origin -> samples, all in memory.

Formats go by their first bytes, never by a name, and nothing else is tried: FFmpeg's own guessing
would also follow playlists to other files and hosts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from tokenizer.blocks import NoSoundError, container_blocks
from tokenizer.layout import mix_down

KNOWN = "wav, flac, mp3, ogg, opus, m4a, aac or webm"
# libsndfile cannot read a FLAC file that was streamed, so that one is FFmpeg's as well.
_BY_FFMPEG = ("mp4", "matroska", "flac", "aac")
MAX_CHANNELS, MIN_RATE, MAX_RATE = 8, 4000, 192_000


class UploadError(ValueError):
    """A recording that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class _Block:
    """Some samples of one file: float32 (n, channels)."""

    wav: np.ndarray
    rate: int


def decode_upload(data: bytes, sample_rate: int, max_s: float) -> np.ndarray:
    """Decode a recording.

    Args:
        data: a whole file: wav, flac, mp3, ogg (Vorbis, Opus), m4a/mp4, aac or webm/mkv.
        sample_rate: wanted, in Hz.
        max_s: longest recording; no more than a second beyond it is decoded.

    Returns:
        float32 (N,) at `sample_rate`; see `tokenizer.layout.mix_down`.

    Raises:
        UploadError: it is no such file, damaged, too long, empty, or holds NaN or infinity.
    """
    kind = sniff(data)
    read = _read_av(data, kind) if kind in _BY_FFMPEG else _read_soundfile(data, max_s)
    pieces: list[np.ndarray] = []
    rate, length = sample_rate, 0
    for block in read:
        if not np.isfinite(block.wav).all():
            raise UploadError("the recording holds NaN or infinite samples; export it again")
        pieces.append(block.wav)
        rate, length = block.rate, length + len(block.wav)
        if length > max_s * rate:
            raise _too_long(None, max_s)
    if length == 0:
        raise UploadError("the recording holds no samples; give one with sound in it")
    wav = mix_down(np.concatenate(pieces))
    if rate != sample_rate:
        wav = soxr.resample(wav, rate, sample_rate, quality="HQ")
    return np.clip(np.ascontiguousarray(wav, dtype=np.float32), -1.0, 1.0)


def sniff(data: bytes) -> str:
    """'wav', 'flac', 'ogg', 'mp3', 'mp4', 'matroska' or 'aac', by the first bytes.

    Raises:
        UploadError: it is none of them.
    """
    if not data:
        raise UploadError(f"the file is empty; give a recording ({KNOWN})")
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] == b"OggS":
        return "ogg"
    if data[4:8] == b"ftyp":
        return "mp4"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if data[:3] == b"ID3" or (data[0] == 0xFF and len(data) > 3 and data[1] & 0xE6 == 0xE2):
        return "mp3"
    if data[0] == 0xFF and len(data) > 3 and data[1] & 0xF6 == 0xF0:
        return "aac"
    raise UploadError(f"the file is not a recording that can be read here; give {KNOWN}")


def _read_soundfile(data: bytes, max_s: float) -> Iterator[_Block]:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check(file.samplerate, file.channels)
            if file.frames > max_s * file.samplerate:
                raise _too_long(file.frames / file.samplerate, max_s)
            while len(block := file.read(file.samplerate, dtype="float32", always_2d=True)):
                yield _Block(block, file.samplerate)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise _damaged(getattr(error, "error_string", None) or error) from error


def _read_av(data: bytes, kind: str) -> Iterator[_Block]:
    try:
        for wav, rate in container_blocks(io.BytesIO(data), kind):
            _check(rate, wav.shape[1])
            yield _Block(wav, rate)
    except NoSoundError as error:
        raise _damaged(error) from error


def _check(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UploadError(f"the recording is at {rate} Hz; use {MIN_RATE} to {MAX_RATE} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise UploadError(f"the recording has {channels} channels; use 1 to {MAX_CHANNELS}")


def _too_long(seconds: float | None, max_s: float) -> UploadError:
    length = f"is {seconds:.1f} s long" if seconds else "is too long"
    return UploadError(f"the recording {length}, the limit is {max_s:g} s; cut out the best part")


def _damaged(reason: object) -> UploadError:
    return UploadError(f"the recording cannot be decoded ({reason}); give an intact file ({KNOWN})")

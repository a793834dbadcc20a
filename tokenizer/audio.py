"""Sound in memory and in files: read, encode, write; silence, levels.

In memory a sound is float32 in [-1, 1], (N,) or (N, channels); what goes out may be int16 already.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
import soxr

from tokenizer.files import check_folder, replacing
from tokenizer.layout import to_channels
from tokenizer.ogg import fixed_serial


class Format(NamedTuple):
    """How a format is made: libsndfile's names (empty for bare samples) and its media type."""

    container: str
    subtype: str
    media_type: str


# By name, which is the ending without its dot.
FORMATS = {
    "wav": Format("WAV", "PCM_16", "audio/wav"),
    "flac": Format("FLAC", "PCM_16", "audio/flac"),
    "mp3": Format("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    "ogg": Format("OGG", "VORBIS", "audio/ogg"),
    "opus": Format("OGG", "OPUS", "audio/ogg"),
    "pcm": Format("", "", "audio/pcm"),
}
ENDINGS = tuple(f".{name}" for name in FORMATS if name != "pcm")
# A length of "unknown", as ffmpeg and other streaming writers put it; players then read to the end.
UNKNOWN = 0xFFFFFFFF
# About 96 kbit/s at 24 kHz.
MP3_LEVEL = 0.4
# Below this peak (-60 dBFS) nothing can be heard.
SILENCE_PEAK = 1e-3
PEAK_LIMIT = 0.95
# More is a sound whose axes are the wrong way round.
MAX_CHANNELS = 8
# Parts that lie this far below the loudest count as pauses.
PAUSE_DB = 40.0
BLOCK_SAMPLES = 480
MARGIN_S = 0.05

_ENDINGS = ", ".join(ENDINGS)
NO_SAMPLES = "holds no samples; give a file with sound in it"
NOT_FINITE = "holds samples that are NaN or infinite; export it again"


class AudioError(ValueError):
    """A sound that cannot be read, written or measured; the message says why and what to do."""


def read_sound(path: str | Path, channels: int = 1) -> tuple[np.ndarray, int]:
    """Read a sound file at its own rate.

    Args:
        path: wav, flac, mp3, ogg or opus, any number of channels, any rate.
        channels: that are wanted; see `tokenizer.layout.to_channels`.

    Returns:
        float32 (N,), or (N, channels) where several are wanted, and the rate in Hz.

    Raises:
        AudioError: the file is missing, a folder, damaged, empty, or holds NaN or infinity.
    """
    path = Path(path)
    check_there(path)
    try:
        data, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if len(data) == 0:
        raise AudioError(f"{path} {NO_SAMPLES}")
    wav = to_channels(data, channels)
    if not np.isfinite(wav).all():
        raise AudioError(f"{path} {NOT_FINITE}")
    return np.ascontiguousarray(wav, dtype=np.float32), int(rate)


def check_there(path: Path) -> None:
    """AudioError unless a file is there."""
    if path.is_dir():
        raise AudioError(f"{path} is a folder; give a sound file ({_ENDINGS})")
    if not path.exists():
        raise AudioError(f"{path}: no such file; check the name")


def unreadable(path: Path, error: Exception) -> AudioError:
    """What to tell of a file that cannot be decoded."""
    reason = getattr(error, "error_string", None) or error
    return AudioError(
        f"{path} cannot be read as sound ({reason}); give an intact file ({_ENDINGS})"
    )


def read_audio(path: str | Path, sample_rate: int, channels: int = 1) -> np.ndarray:
    """Read a sound file as float32 (N,) or (N, channels) at `sample_rate` Hz; see `read_sound`.

    Raises:
        AudioError: as `read_sound`, or it is too short to have a sample at this rate.
    """
    wav, rate = read_sound(path, channels)
    resampled = resample(wav, rate, sample_rate)
    if len(resampled) == 0:
        raise AudioError(f"{path} is too short: {len(wav)} samples at {rate} Hz")
    return resampled


def resample(wav: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """float32 (N,) or (N, channels) at `sample_rate` Hz to about N * target / sample samples."""
    if sample_rate == target_rate or wav.size == 0:
        return wav
    wav = soxr.resample(wav, sample_rate, target_rate, quality="HQ")
    return np.ascontiguousarray(wav, dtype=np.float32)


def to_int16(wav: np.ndarray) -> np.ndarray:
    """float32 in [-1, 1] -> int16 of the same shape, little-endian; values beyond are clipped."""
    return np.rint(np.clip(wav, -1.0, 1.0) * 32767).astype("<i2")


def wav_header(sample_rate: int, num_samples: int | None = None, channels: int = 1) -> bytes:
    """44 bytes before 16-bit samples; None where the length is not known yet.

    num_samples: of each channel.
    """
    step = 2 * channels
    size = UNKNOWN if num_samples is None else step * num_samples
    riff = UNKNOWN if num_samples is None else 36 + size
    form = struct.pack("<IHHIIHH", 16, 1, channels, sample_rate, step * sample_rate, step, 16)
    head = struct.pack("<4sI8s", b"RIFF", riff, b"WAVEfmt ")
    return head + form + struct.pack("<4sI", b"data", size)


def encode_sound(samples: np.ndarray, sample_rate: int, name: str) -> bytes:
    """A whole file; the same samples always give the same bytes.

    Args:
        samples: (N,) or (N, channels), int16, or float32, which is clipped to [-1, 1].
        sample_rate: in Hz; opus takes 8000, 12000, 16000, 24000 and 48000.
        name: a key of `FORMATS`.

    Raises:
        AudioError: the format cannot hold this rate.
    """
    if samples.dtype != np.int16:
        samples = np.clip(samples, -1.0, 1.0).astype(np.float32)
    if name in ("wav", "pcm"):
        whole = samples if samples.dtype == np.int16 else to_int16(samples)
        header = wav_header(sample_rate, len(whole), channels_of(whole)) if name == "wav" else b""
        return header + whole.tobytes()
    buffer = io.BytesIO()
    with _open(buffer, sample_rate, name, channels_of(samples)) as file:
        _write(file, samples, sample_rate)
    data = buffer.getvalue()
    return fixed_serial(data) if FORMATS[name].container == "OGG" else data


def check_writable(path: str | Path) -> None:
    """Raise unless `write_audio` can write there; leaves nothing behind.

    Raises:
        AudioError: the ending is unknown.
        OutputError: a folder is missing or may not be written.
    """
    _format_of(path)
    check_folder(path)


def write_audio(path: str | Path, wav: np.ndarray, sample_rate: int) -> None:
    """Write a sound file, whole or not at all.

    Args:
        path: its ending chooses the format: wav and flac (16 bit), mp3, ogg (Vorbis), opus.
        wav: float32 (N,) or (N, channels), clipped to [-1, 1].
        sample_rate: in Hz.

    Raises:
        AudioError: the ending is unknown, or the format cannot hold this rate.
        OutputError: the place cannot be written.
    """
    name = _format_of(path)
    check_folder(path)
    if wav.ndim not in (1, 2) or channels_of(wav) > MAX_CHANNELS or not np.isfinite(wav).all():
        raise AudioError(
            f"wav must be finite, (N,) or (N, channels) of at most {MAX_CHANNELS}, "
            f"got shape {wav.shape}"
        )
    data = encode_sound(wav, sample_rate, name)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def channels_of(samples: np.ndarray) -> int:
    """1 of (N,), else the second size."""
    return 1 if samples.ndim == 1 else samples.shape[1]


def block_levels(wav: np.ndarray) -> np.ndarray:
    """RMS of each block of `BLOCK_SAMPLES` samples, all channels; the last may be shorter."""
    starts = np.arange(0, len(wav), BLOCK_SAMPLES)
    power = np.square(wav, dtype=np.float64)
    power = np.add.reduceat(power if wav.ndim == 1 else power.mean(axis=1), starts)
    return np.sqrt(power / np.diff(np.append(starts, len(wav))))


def is_silent(wav: np.ndarray) -> bool:
    """Whether nothing can be heard: a peak below -60 dBFS, or no samples."""
    return wav.size == 0 or float(np.abs(wav).max()) < SILENCE_PEAK


def trim_silence(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cut silence off both ends but for 50 ms; a silent wav comes back empty."""
    if is_silent(wav):
        return wav[:0]
    sounding = np.flatnonzero(_sounding(block_levels(wav)))
    margin = round(MARGIN_S * sample_rate)
    first = max(0, int(sounding[0]) * BLOCK_SAMPLES - margin)
    return wav[first : (int(sounding[-1]) + 1) * BLOCK_SAMPLES + margin]


def quietest_cut(wav: np.ndarray, sample_rate: int, from_s: float, to_s: float) -> int:
    """The sample between `from_s` and `to_s` at which a cut is heard least."""
    first, last = round(from_s * sample_rate), min(len(wav), round(to_s * sample_rate))
    levels = block_levels(wav[first:last])
    # A single low block may lie inside a word; a pause is low for some blocks together.
    smooth = np.convolve(np.pad(levels, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return min(last, first + int(smooth.argmin()) * BLOCK_SAMPLES + BLOCK_SAMPLES // 2)


def normalize_loudness(wav: np.ndarray, target_dbfs: float = -23.0) -> np.ndarray:
    """Bring speech to a level, measured where it is not silent.

    Args:
        wav: float32 (N,).
        target_dbfs: wanted RMS in dB below full scale, at most 0.

    Returns:
        float32 (N,); where the peak would pass 0.95 the level stays lower.

    Raises:
        AudioError: wav is silent, or target_dbfs is above 0.
    """
    if target_dbfs > 0:
        raise AudioError(f"target_dbfs is {target_dbfs}; use 0 or less")
    if is_silent(wav):
        raise AudioError("a silent recording has no loudness; give one with sound in it")
    levels = block_levels(wav)
    rms = float(np.sqrt(np.square(levels[_sounding(levels)]).mean()))
    gain = min(10 ** (target_dbfs / 20) / rms, PEAK_LIMIT / float(np.abs(wav).max()))
    return (wav * gain).astype(np.float32)


def _sounding(levels: np.ndarray) -> np.ndarray:
    """bool, blocks that are not pauses."""
    return levels >= max(levels.max() * 10 ** (-PAUSE_DB / 20), 1e-9)


class StreamEncoder:
    """Push samples, get the bytes that are ready; joined they are a file of unknown length.

    It has the channels of the first samples.
    """

    def __init__(self, sample_rate: int, name: str) -> None:
        self._rate, self._name = sample_rate, name
        self._begun, self._sink, self._file = False, _ForwardOnly(), None

    def push(self, samples: np.ndarray) -> bytes:
        """int16 (N,) or (N, channels) -> bytes, perhaps none yet."""
        head = b"" if self._begun else self._begin(channels_of(samples))
        if self._file is None:
            return head + samples.tobytes()
        _write(self._file, samples, self._rate)
        return self._sink.take()

    def finish(self) -> bytes:
        """What is left."""
        head = b"" if self._begun else self._begin(1)
        if self._file is None:
            return head
        self._file.close()
        return self._sink.take()

    def _begin(self, channels: int) -> bytes:
        self._begun = True
        if self._name == "wav":
            return wav_header(self._rate, channels=channels)
        if self._name != "pcm":
            # Players guess the length of an mp3 without a table from its first frame's bitrate.
            steady = {"bitrate_mode": "CONSTANT", "compression_level": MP3_LEVEL}
            how = steady if self._name == "mp3" else {}
            self._file = _open(self._sink, self._rate, self._name, channels, **how)
        return b""


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

    def write(self, data: Any) -> int:
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

    def readinto(self, buffer: Any) -> int:
        return 0


def _format_of(path: str | Path) -> str:
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        shown = f"ending {ending!r}" if ending else "a name without ending"
        raise AudioError(f"{path}: {shown} names no sound format; use one of {_ENDINGS}")
    return ending[1:]


def _open(
    target: Any, sample_rate: int, name: str, channels: int, **how: Any
) -> soundfile.SoundFile:
    kind = FORMATS[name]
    try:
        return soundfile.SoundFile(
            target, "w", sample_rate, channels, subtype=kind.subtype, format=kind.container, **how
        )
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name} cannot hold {sample_rate} Hz ({error.error_string}); try wav"
        ) from error


def _write(file: soundfile.SoundFile, samples: np.ndarray, sample_rate: int) -> None:
    # In blocks, because libsndfile's Vorbis encoder puts a whole write on its stack.
    for first in range(0, len(samples), sample_rate):
        file.write(samples[first : first + sample_rate])

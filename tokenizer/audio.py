"""Sound files in and out: mono float32 in memory, the format by the name's ending on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from tokenizer.files import check_folder, replacing

# By ending: libsndfile's format and subtype.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
}
# Below this peak (-60 dBFS) nothing can be heard.
SILENCE_PEAK = 1e-3
PEAK_LIMIT = 0.95
# Parts that lie this far below the loudest count as pauses.
PAUSE_DB = 40.0
BLOCK_SAMPLES = 480
MARGIN_S = 0.05

_ENDINGS = ", ".join(FORMATS)


class AudioError(ValueError):
    """A sound that cannot be read or written; the message says why and what to do."""


def read_audio(path: str | Path, sample_rate: int) -> np.ndarray:
    """Read a sound file.

    Args:
        path: wav, flac, mp3, ogg or opus, any number of channels, any rate.
        sample_rate: wanted, in Hz.

    Returns:
        float32 (N,), the mean of the channels, resampled to `sample_rate`.

    Raises:
        AudioError: the file is missing, a folder, damaged, empty, or holds NaN or infinity.
    """
    path = Path(path)
    if path.is_dir():
        raise AudioError(f"{path} is a folder; give a sound file ({_ENDINGS})")
    if not path.exists():
        raise AudioError(f"{path}: no such file; check the name")
    try:
        data, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "error_string", None) or error
        raise AudioError(
            f"{path} cannot be read as sound ({reason}); give an intact file ({_ENDINGS})"
        ) from error
    if len(data) == 0:
        raise AudioError(f"{path} holds no samples; give a file with sound in it")
    wav = data.mean(axis=1)
    if not np.isfinite(wav).all():
        raise AudioError(f"{path} holds samples that are NaN or infinite; export it again")
    if rate != sample_rate:
        wav = soxr.resample(wav, rate, sample_rate, quality="HQ")
    if len(wav) == 0:
        raise AudioError(f"{path} is too short: {len(data)} samples at {rate} Hz")
    return np.ascontiguousarray(wav, dtype=np.float32)


def check_writable(path: str | Path) -> None:
    """Raise unless `write_audio` can write there; leaves nothing behind.

    Raises:
        AudioError: the ending is unknown.
        OutputError: a folder is missing or may not be written.
    """
    _format(path)
    check_folder(path)


def write_audio(path: str | Path, wav: np.ndarray, sample_rate: int) -> None:
    """Write a sound file, whole or not at all.

    Args:
        path: its ending chooses the format: wav and flac (16 bit), mp3, ogg (Vorbis), opus.
        wav: float32 (N,), clipped to [-1, 1].
        sample_rate: in Hz.

    Raises:
        AudioError: the ending is unknown, or the format cannot hold this rate.
        OutputError: the place cannot be written.
    """
    kind, subtype = _format(path)
    check_folder(path)
    if wav.ndim != 1 or not np.isfinite(wav).all():
        raise AudioError(f"wav must be finite and of shape (N,), got shape {wav.shape}")
    wav = np.clip(wav, -1.0, 1.0).astype(np.float32)
    with replacing(path) as temporary:
        try:
            with soundfile.SoundFile(
                str(temporary), "w", sample_rate, 1, subtype=subtype, format=kind
            ) as file:
                # In blocks, because libsndfile's Vorbis encoder puts a whole write on its stack.
                for first in range(0, len(wav), sample_rate):
                    file.write(wav[first : first + sample_rate])
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"cannot write {path} at {sample_rate} Hz ({error.error_string}); try .wav"
            ) from error


def block_levels(wav: np.ndarray) -> np.ndarray:
    """RMS of each block of `BLOCK_SAMPLES` samples, the last one perhaps shorter."""
    starts = np.arange(0, len(wav), BLOCK_SAMPLES)
    power = np.add.reduceat(np.square(wav, dtype=np.float64), starts)
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


def _format(path: str | Path) -> tuple[str, str]:
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        shown = f"ending {ending!r}" if ending else "a name without ending"
        raise AudioError(f"{path}: {shown} names no sound format; use one of {_ENDINGS}")
    return FORMATS[ending]

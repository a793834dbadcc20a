"""Results as bytes of a file: the same result always gives the same bytes."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
import soundfile

from tokenizer.audio import FORMATS, AudioError

_CRC_POLYNOMIAL = 0x04C11DB7
_PAGE_HEADER = 27
_SERIAL, _CHECKSUM, _SEGMENTS = slice(14, 18), slice(22, 26), 26


def sound_bytes(wav: np.ndarray, sample_rate: int, ending: str) -> bytes:
    """A sound file.

    Args:
        wav: float32 (N,), clipped to [-1, 1].
        sample_rate: in Hz.
        ending: 'wav', 'flac' (both 16 bit), 'mp3', 'ogg' (Vorbis) or 'opus'.

    Raises:
        AudioError: the format cannot hold this rate.
    """
    kind, subtype = FORMATS[f".{ending}"]
    wav = np.clip(wav, -1.0, 1.0).astype(np.float32)
    buffer = io.BytesIO()
    try:
        with soundfile.SoundFile(buffer, "w", sample_rate, 1, subtype=subtype, format=kind) as file:
            # In blocks, because libsndfile's Vorbis encoder puts a whole write on its stack.
            for first in range(0, len(wav), sample_rate):
                file.write(wav[first : first + sample_rate])
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{ending} cannot hold {sample_rate} Hz ({error.error_string}); try wav"
        ) from error
    data = buffer.getvalue()
    return fixed_serial(data) if kind == "OGG" else data


def fixed_serial(data: bytes) -> bytes:
    """An Ogg file with serial number 0 in place of the random one that encoders give it."""
    out = bytearray(data)
    first = 0
    while out[first : first + 4] == b"OggS":
        lengths = out[first + _PAGE_HEADER : first + _PAGE_HEADER + out[first + _SEGMENTS]]
        last = first + _PAGE_HEADER + len(lengths) + sum(lengths)
        page = out[first:last]
        page[_SERIAL] = page[_CHECKSUM] = bytes(4)
        page[_CHECKSUM] = struct.pack("<I", _checksum(page))
        out[first:last] = page
        first = last
    return bytes(out)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_CRC_POLYNOMIAL if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return table


_TABLE = _crc_table()


def _checksum(page: bytes | bytearray) -> int:
    """The checksum of RFC 3533: its own bytes count as 0."""
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def srt_bytes(pieces: Sequence[tuple[str, float, float]]) -> bytes:
    """Subtitles: text, start and end in seconds of each piece."""
    blocks = [
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{' '.join(text.split())}\n"
        for number, (text, start, end) in enumerate(pieces, start=1)
    ]
    return "\n".join(blocks).encode("utf-8")


def _clock(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"

"""Sound that is written while it is being made: a growing wav file, or raw samples to a pipe."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tokenizer.files import OutputError, check_folder

# What a wav's header says while no one knows how long it will be; players then read to the end.
UNKNOWN = 0xFFFFFFFF
HEADER_BYTES = 44

Write = Callable[[np.ndarray], None]


def to_int16(wav: np.ndarray) -> bytes:
    """float32 (N,) in [-1, 1] -> little-endian 16-bit samples."""
    return np.round(np.clip(wav, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def check_growing(path: str | Path) -> None:
    """OutputError unless `growing_wav` can write there; leaves nothing behind."""
    if Path(path).suffix.lower() != ".wav":
        raise OutputError(f"{path}: only .wav can grow; give a name with that ending, or '-'")
    check_folder(path)


@contextmanager
def growing_wav(path: str | Path, sample_rate: int) -> Iterator[Write]:
    """Yield a function that appends float32 (N,) to a wav file, 16 bit, mono.

    The file can be played at any moment. However the block ends, the header then tells the
    length of what was written; a file to which nothing was written is removed.

    Raises:
        OutputError: the ending is not .wav, or the place cannot be written.
    """
    path = Path(path)
    check_growing(path)
    size = 0
    try:
        with path.open("wb") as file:
            file.write(header(sample_rate, UNKNOWN))
            try:

                def write(wav: np.ndarray) -> None:
                    nonlocal size
                    size += file.write(to_int16(wav))
                    file.flush()

                yield write
            finally:
                file.seek(0)
                file.write(header(sample_rate, size))
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; check the folder and the free space"
        ) from error
    finally:
        if size == 0:
            path.unlink(missing_ok=True)


def header(sample_rate: int, data_bytes: int) -> bytes:
    """44 bytes in front of 16-bit mono samples."""
    whole = UNKNOWN if data_bytes == UNKNOWN else data_bytes + HEADER_BYTES - 8
    riff = struct.pack("<4sI4s", b"RIFF", whole, b"WAVE")
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return riff + shape + struct.pack("<4sI", b"data", data_bytes)


@contextmanager
def raw_samples(file: BinaryIO) -> Iterator[Write]:
    """Yield a function that writes float32 (N,) as 16-bit samples without any header."""

    def write(wav: np.ndarray) -> None:
        file.write(to_int16(wav))
        file.flush()

    yield write

"""Sound that is written while it is being made: a growing wav file, or raw samples to a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tokenizer.audio import to_int16, wav_header
from tokenizer.files import OutputError, check_folder

Write = Callable[[np.ndarray], None]


def check_growing(path: str | Path) -> None:
    """OutputError unless `growing_wav` can write there; leaves nothing behind."""
    if Path(path).suffix.lower() != ".wav":
        raise OutputError(f"{path}: only .wav can grow; give a name with that ending, or '-'")
    check_folder(path)


@contextmanager
def growing_wav(path: str | Path, sample_rate: int, channels: int = 1) -> Iterator[Write]:
    """Yield a function that appends float32 (N,) or (N, channels) to a wav file, 16 bit.

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
            file.write(wav_header(sample_rate, channels=channels))
            try:

                def write(wav: np.ndarray) -> None:
                    nonlocal size
                    size += file.write(to_int16(wav).tobytes())
                    file.flush()

                yield write
            finally:
                file.seek(0)
                file.write(wav_header(sample_rate, size // (2 * channels), channels))
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; check the folder and the free space"
        ) from error
    finally:
        if size == 0:
            path.unlink(missing_ok=True)


@contextmanager
def raw_samples(file: BinaryIO) -> Iterator[Write]:
    """Yield a function that writes float32 samples as 16 bit without any header."""

    def write(wav: np.ndarray) -> None:
        file.write(to_int16(wav).tobytes())
        file.flush()

    yield write

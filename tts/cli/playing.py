"""Playing while speaking, on the machine's sound device."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class PlayError(ValueError):
    """There is no way to play sound here; the message says why and what to do."""


def check_player(sample_rate: int = 24000, channels: int = 1) -> Any:
    """The package sounddevice, with a device that can be used.

    Raises:
        PlayError: it is not installed, or there is no device.
    """
    try:
        import sounddevice
    except ImportError:
        raise PlayError(
            "--play needs the package sounddevice; pip install 'cat-tts[play]'"
        ) from None
    except OSError as error:
        raise PlayError(f"--play needs PortAudio ({error}); install libportaudio2") from error
    try:
        sounddevice.check_output_settings(
            samplerate=sample_rate, channels=channels, dtype="float32"
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise PlayError(f"no sound device to play on ({error}); write a file by -o") from error
    return sounddevice


@contextmanager
def playing(sample_rate: int, channels: int = 1) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield a function that plays float32 (N,) or (N, channels), without waiting, in order.

    The block ends once all is played; where it fails or is interrupted the rest is dropped.

    Raises:
        PlayError: there is no device, or it fails.
    """
    sounddevice = check_player(sample_rate, channels)
    waiting: queue.Queue[np.ndarray | None] = queue.Queue()
    dropped, errors = threading.Event(), []

    def play() -> None:
        try:
            with sounddevice.OutputStream(
                sample_rate, channels=channels, dtype="float32"
            ) as stream:
                while (wav := waiting.get()) is not None:
                    if not dropped.is_set():
                        stream.write(np.ascontiguousarray(wav, np.float32).reshape(-1, channels))
        except sounddevice.PortAudioError as error:
            errors.append(error)

    thread = threading.Thread(target=play, name="player", daemon=True)
    thread.start()
    try:
        yield waiting.put
    except BaseException:
        dropped.set()
        raise
    finally:
        waiting.put(None)
        thread.join()
    if errors:
        raise PlayError(f"the sound device failed ({errors[0]}); write a file by -o")

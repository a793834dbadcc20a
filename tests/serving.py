"""What tests of the server share: a home with tiny voices, a real server on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from tiny import tiny_voice
from tts.folders import HOME_VARIABLE
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.threads import speaking_threads
from tts.voices import save_voice


def spoken_alone(synthesizer: Synthesizer, text: str, options: SpeechOptions) -> np.ndarray:
    """What a command without a server says: float32 (N,).

    With as many threads as a server takes: with more of them some processors sum a product in
    another order, and the last bits differ.
    """
    with speaking_threads(synthesizer.model):
        return np.concatenate([chunk.wav for chunk in synthesizer.stream(text, options)])


@contextmanager
def home_with(folder: Path, *names: str) -> Iterator[Path]:
    """A home in `folder` with voices of these names, each of its own codes; none is shipped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder))
        patch.setattr("tts.folders.SHIPPED_VOICES", folder / "shipped")
        for seed, name in enumerate(names):
            save_voice(tiny_voice(name, seed=seed))
        yield folder


@contextmanager
def running(app: FastAPI, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve `app` on a free port; yields its address without a slash at the end."""
    config = uvicorn.Config(app, host=host, port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def wait_until(condition, seconds: float = 20.0) -> bool:
    """Whether `condition()` became true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True

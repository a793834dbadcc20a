"""What the tests of the commands share: tiny models, a home of their own, a look at refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tiny import SAMPLE_RATE, save_tiny, tiny_codec, tiny_voice
from tts.folders import HOME_VARIABLE
from tts.voices import save_voice


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return save_tiny(tmp_path_factory.mktemp("models"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; one voice called 'tiny' in a home of its own."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("tts.folders.SHIPPED_VOICES", tmp_path / "shipped")
    save_voice(tiny_voice(codec=tiny_codec()))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def refused(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[int, str], None]:
    """Check a refusal: exit code 2, one clear line, nothing on stdout, nothing left behind."""

    def check(code: int, *words: str) -> None:
        out, err = capsys.readouterr()
        assert code == 2, err
        assert out == ""
        assert err.startswith("cat-tts: error: ")
        assert err.count("\n") == 1, err
        for word in words:
            assert word in err
        left = [p.name for p in place.iterdir() if p.suffix not in {".in", ".txt"}]
        assert left == [], left

    return check


def sound_file(folder: Path, wav: np.ndarray, rate: int = SAMPLE_RATE) -> str:
    path = folder / "prompt.in"
    soundfile.write(path, wav, rate, format="WAV")
    return str(path)

"""docs/control.md: each of its examples runs, with the embedded model."""

from __future__ import annotations

import re
import shlex
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tokenizer.audio import read_sound
from tts.__main__ import main
from tts.synthesizer import Synthesizer

PAGE = Path(__file__).parents[1] / "docs" / "control.md"
EXAMPLES = re.findall(r"^    (cat-tts .*)$", PAGE.read_text(encoding="utf-8"), re.M)
CAST = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
load = cache(Synthesizer.load.__func__)  # type: ignore[attr-defined]


class Device:
    """What sounddevice offers, keeping what is played."""

    PortAudioError = OSError
    played: list[np.ndarray] = []  # noqa: RUF012

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, wav: np.ndarray) -> None:
        self.played.append(wav)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Synthesizer, "load", classmethod(lambda cls, *_, **__: load(cls)))
    fake = SimpleNamespace(
        OutputStream=Device, PortAudioError=OSError, check_output_settings=lambda **_: None
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert CAST is not None
    Path("cast.toml").write_text(CAST[1])
    Path("play.txt").write_text("It was late.\n\nALICE: Good day.\nBOB: And to you.")
    Path("story.md").write_text("# One\n\nIt was late.\n\n# Two\n\nThe end.")
    arguments = shlex.split(example)[1:]
    assert main(arguments) == 0, capsys.readouterr().err
    if "--play" in arguments:
        assert sum(len(wav) for wav in Device.played) > 4000
        return
    output = Path(arguments[arguments.index("-o") + 1])
    if output.suffix == ".wav":
        wav, rate = read_sound(output)
        assert len(wav) > 0.3 * rate
    for kind in ("srt", "vtt"):
        if f"--{kind}" in arguments:
            assert "-->" in output.with_suffix(f".{kind}").read_text()
    assert output.stat().st_size > 4000


def test_the_page_shows_every_kind():
    assert len(EXAMPLES) >= 9


def test_without_a_device_there_is_a_clear_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["say", "Hi.", "--play"]) == 2
    assert "pip install" in capsys.readouterr().err
    assert main(["say", "Hi."]) == 2
    assert "--play" in capsys.readouterr().err

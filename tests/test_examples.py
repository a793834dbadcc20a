"""The examples run, and stay short."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))
from examples import batch, clone, measure, speak, stream

ROOT = Path(__file__).parents[1]


def test_speak_and_clone(tmp_path, capsys):
    speak.main(str(tmp_path / "a.wav"), "Good morning, everyone.")
    assert soundfile.info(tmp_path / "a.wav").duration > 0.5
    clone.main(str(tmp_path / "a.wav"), str(tmp_path / "b.ogg"), "Some text.")
    assert soundfile.info(tmp_path / "b.ogg").duration > 0.3
    assert "frames of prompt" in capsys.readouterr().out


def test_stream_gives_samples():
    out = io.BytesIO()
    frames = stream.main("Yes, of course.", out)
    assert len(out.getvalue()) == 2 * 960 * frames


def test_batch_speaks_every_line(tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("Good morning.\nIt is late.\n")
    assert batch.main(str(lines), str(tmp_path / "out")) == {"done": 2, "failed": 0, "left": 0}
    assert len(list((tmp_path / "out" / "wavs").iterdir())) == 2


def test_measure_hears_words():
    assert measure.main("She bought fresh bread and butter.") < 0.9


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_each_is_forty_lines_at_most(path):
    assert len(path.read_text("utf-8").splitlines()) <= 40


def test_the_package_gives_its_names_lazily():
    code = "import sys, tts; assert 'torch' not in sys.modules; from tts import Voice, Synthesizer"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from tts import nothing")

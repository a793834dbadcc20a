"""A meta file from plain sentences, spoken by a teacher."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import AudioError, read_wav
from eval.commands.teacher_meta import PROMPT_TEXT, build_meta
from eval.systems.meta import read_meta
from eval.systems.teachers import NaturalTeacher

CLIP = Path(__file__).parent / "eval_audio" / "rms-key.ogg"


@dataclass(frozen=True)
class Same:
    """A teacher that says the same whatever it is asked."""

    name: str = "teachers:same"
    installed: bool = True
    remedy: str = ""

    def say(self, text: str) -> tuple[np.ndarray, int]:
        return read_wav(CLIP)

    def identity(self, text: str) -> dict[str, Any] | None:
        return None


def test_meta_of_a_teacher(tmp_path: Path):
    items = read_meta(build_meta(Same(), ["One two.", "Three."], tmp_path))
    assert [(i.utt, i.text, i.prompt_text) for i in items] == [
        ("teachers-same-001", "One two.", PROMPT_TEXT),
        ("teachers-same-002", "Three.", PROMPT_TEXT),
    ]
    for item in items:
        assert item.prompt_wav is not None
        assert item.truth_wav is not None
        assert read_wav(item.prompt_wav)[0].size == read_wav(item.truth_wav)[0].size > 16000


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    absent = NaturalTeacher("hibari", tmp_path / "nowhere")
    with pytest.raises(AudioError, match=r"hibari: no teachers in .*nowhere"):
        build_meta(absent, ["One."], tmp_path)
    with pytest.raises(ValueError, match="separates the fields"):
        build_meta(absent, ["a|b"], tmp_path)
    assert not (tmp_path / "meta.lst").exists()
    assert main(["teacher-meta", str(tmp_path), "--teacher", "nobody"]) == 2
    assert "unknown teacher" in capsys.readouterr().err
    absent_folder = ["--teacher", "kokoro:am_adam", "--teachers", str(tmp_path / "nowhere")]
    assert main(["teacher-meta", str(tmp_path), *absent_folder]) == 2
    assert "fetch_teachers.py" in capsys.readouterr().err

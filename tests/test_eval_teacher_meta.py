"""A meta file from plain sentences, spoken by a program."""

from pathlib import Path

import pytest

from eval.__main__ import main
from eval.audio import AudioError, read_wav
from eval.commands.teacher_meta import PROMPT_TEXT, build_meta
from eval.systems.meta import read_meta
from eval.systems.teachers import Program

CLIP = Path(__file__).parent / "eval_audio" / "rms-key.ogg"


def test_meta_of_a_program(tmp_path: Path):
    # A program that says the same whatever it is asked.
    teacher = Program("same", ("cp", str(CLIP), "{wav}"), "coreutils")
    items = read_meta(build_meta(teacher, ["One two.", "Three."], tmp_path))
    assert [(i.utt, i.text, i.prompt_text) for i in items] == [
        ("same-001", "One two.", PROMPT_TEXT),
        ("same-002", "Three.", PROMPT_TEXT),
    ]
    for item in items:
        assert item.prompt_wav is not None
        assert item.truth_wav is not None
        assert read_wav(item.prompt_wav)[0].size == read_wav(item.truth_wav)[0].size > 16000


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    absent = Program("absent", ("no-such-program",), "nowhere")
    with pytest.raises(AudioError, match="not installed"):
        build_meta(absent, ["One."], tmp_path)
    with pytest.raises(ValueError, match="separates the fields"):
        build_meta(absent, ["a|b"], tmp_path)
    assert not (tmp_path / "meta.lst").exists()
    assert main(["teacher-meta", str(tmp_path), "--teacher", "nobody"]) == 2
    assert "unknown teacher" in capsys.readouterr().err

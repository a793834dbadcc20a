"""`eval check`: hard texts, and what is said again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.commands import check
from eval.report import read_sentences
from eval.systems.hard_texts import LONG, hard_texts
from eval.systems.listening import CachedRecognizer
from eval.systems.sources import ModelSource
from listening import save_tiny_listener
from tiny import tiny_synthesizer, tiny_voice
from tts.synthesizer import Synthesizer
from tts.train.texts import length
from tts.voices import Voice


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hard_texts_are_long_for_a_third_and_the_same_for_the_same_seed(lang):
    sentences = read_sentences(check.SENTENCES[lang])
    texts = hard_texts(sentences, lang, 30, 1)
    fewest, most = LONG[lang]
    assert len(texts) == 30
    assert sum(fewest <= length(text, lang) <= most for text in texts) >= 10
    assert texts == hard_texts(sentences, lang, 30, 1) != hard_texts(sentences, lang, 30, 2)


@dataclass
class Deaf:
    """Hears nothing of what is longer than a second: a clause is lost then."""

    name: str = "deaf"

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        return "" if len(wav) > sample_rate else "one two three four"


@pytest.fixture
def speaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSource:
    """The tiny model as the one that is asked for."""

    def voice(self: Synthesizer, asked: str | Voice, text: str = "") -> Voice:
        return asked if isinstance(asked, Voice) else tiny_voice(asked)

    monkeypatch.setattr(Synthesizer, "voice", voice)
    source = ModelSource(tiny_synthesizer(), ("tiny",))
    monkeypatch.setattr(check, "open_model", lambda *_: (source, ["tiny"]))
    ear = CachedRecognizer(Deaf(), "deaf", tmp_path / "heard")
    monkeypatch.setattr(check, "load_recognizer", lambda *_: ear)
    return source


def told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, int]]:
    assert main(["check", "--listener", "deaf", "--mandarin", "0", *argv]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])["hard"]


def test_a_content_reader_changes_nothing_and_another_has_pieces_said_again(
    speaking, tmp_path, capsys
):
    content = save_tiny_listener(tmp_path / "content", speaking.synthesizer.codec, limit=1e6)
    wary = save_tiny_listener(tmp_path / "wary", speaking.synthesizer.codec)
    common = ["--hard", "6", "--cache", str(tmp_path / "cache")]
    out = tmp_path / "pieces.jsonl"
    found = told([*common, "--reader", str(content), "--out", str(out)], capsys)
    assert found["with en"] == found["without en"]
    assert found["without en"]["pieces"] >= 6
    pieces = [json.loads(line) for line in out.read_text().splitlines()]
    assert {piece["kind"] for piece in pieces} == {"with", "without"}
    # Without the check the same is said, whoever would have read it back, or nobody.
    again = told([*common, "--reader", str(wary)], capsys)
    assert again["without en"] == found["without en"]
    assert again["with en"]["again"] > again["without en"]["again"]
    alone = told([*common, "--without", "--reader", str(tmp_path / "none")], capsys)
    assert alone == {name: row for name, row in found.items() if name.startswith("without")}


def test_spoilt_outputs_are_found_by_a_reader_that_is_never_content(speaking, tmp_path, capsys):
    wary = save_tiny_listener(tmp_path / "wary", speaking.synthesizer.codec, limit=0.5)
    argv = ["check", "--spoilt", "3", "--mandarin", "0", "--reader", str(wary)]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["spoilt"]
    assert found["sentences"] == 3
    assert found["false_alarms"] == 1
    assert min(found["found_missing"], found["found_doubled"]) > 0.5


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--hard", "3"], "--hard needs --listener"),
        ([], "give --spoilt N or --hard N"),
        (["--spoilt", "3", "--mandarin", "2"], "is a share"),
    ],
)
def test_bad_input_is_told(argv, words, capsys):
    assert main(["check", *argv]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_reader_is_told(speaking, tmp_path, capsys):
    speaking.synthesizer.guard = replace(speaking.synthesizer.guard, listener=None)
    assert main(["check", "--spoilt", "3", "--reader", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err

"""Sentences of two languages: their parts, and what is made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from eval.__main__ import main
from eval.commands import mixed
from eval.commands.mixed import MIXED, Part, compare, cut, parts_of
from eval.report import read_sentences
from eval.systems.listening import CachedRecognizer
from eval.systems.sources import Line, Speech
from frontend.clean import HAN_CHARACTER
from tiny import speech_like
from tts.inference.joining import TimedSpan

TEXT = "他说 see you, 然后就走了 OK。"


def spans(text: str, words: list[str]) -> list[TimedSpan]:
    """A word a second."""
    found, place = [], 0
    for number, word in enumerate(words):
        place = text.index(word, place)
        found.append(TimedSpan(word, number, number + 1.0, (place, place + len(word))))
        place += len(word)
    return found


def test_a_sentence_is_cut_into_its_languages_and_short_parts_are_left_out():
    words = spans(TEXT, ["他", "说", "see", "you", ",", "然后", "就", "走了", "OK"])
    assert list(parts_of(TEXT, words)) == [
        Part("en", "see you", 2.0, 4.0),
        Part("zh", "然后就走了", 5.0, 8.0),
    ]
    assert list(parts_of("123", spans("123", ["123"]))) == []


def test_a_part_is_cut_with_a_margin_and_silence():
    wav = np.arange(1, 3001, dtype=np.float32)
    piece = cut(wav, 1000, Part("en", "a", 1.0, 2.0))
    assert piece.size == 300 + 1080 + 300
    assert piece[300] == 961
    assert not piece[:300].any()
    assert not piece[-300:].any()
    assert cut(wav, 1000, Part("en", "a", 0.0, 9.0)).size == 300 + 3000 + 300


def test_the_sentences_mix_and_are_of_both_kinds():
    sentences = read_sentences(MIXED)
    assert len(set(sentences)) == 40
    for sentence in sentences:
        assert len(HAN_CHARACTER.findall(sentence)) >= 4, sentence
        assert sum(word[0].isascii() for word in sentence.split() if word[0].isalpha()) >= 2


@dataclass(frozen=True)
class Knows:
    """Hears the same words whatever is said."""

    text: str
    name: str = "knows"

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        return self.text


class Says:
    """A model that takes a second for every word of the first text."""

    def speak(self, line: Line) -> SimpleNamespace:
        words = spans(line.text, ["他", "说", "see", "you", "然后", "就", "走了"])
        return SimpleNamespace(wav=speech_like(8.0), sample_rate=24000, words=words)

    def say(self, line: Line) -> Speech:
        return Speech(speech_like(1.0), 24000)

    def identity(self, line: Line) -> None:
        return None


def test_the_command_compares_parts_with_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    heard = {"en": "see you", "zh": "然后"}
    monkeypatch.setattr(
        mixed,
        "load_recognizer",
        lambda listener, device, lang, cache: CachedRecognizer(Knows(heard[lang]), lang=lang),
    )
    monkeypatch.setattr(mixed, "open_model", lambda *_: (Says(), ["anna"]))
    lists = {}
    for lang, text in (("mixed", TEXT), ("en", "See you."), ("zh", "然后呢。")):
        lists[lang] = tmp_path / f"{lang}.txt"
        lists[lang].write_text(f"{text}\n", "utf-8")
    monkeypatch.setattr(mixed, "SENTENCES", {"en": lists["en"], "zh": lists["zh"]})
    argv = ["mixed", "--listener", "whisper:x", "--sentences", str(lists["mixed"])]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(result["voices"]) == {"anna", "all"}
    zh = result["voices"]["all"]["zh"]
    assert result["voices"]["all"]["en"]["mixed"]["estimate"] == 0
    assert zh["mixed"]["estimate"] == pytest.approx(3 / 5)
    assert zh["ratio"] == pytest.approx((3 / 5) / (1 / 3))
    rows = (tmp_path / "out" / "parts.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row)["lang"] for row in rows] == ["en", "zh"]
    assert (tmp_path / "out" / "wavs" / "anna" / "seed0" / "001.wav").is_file()
    assert compare([], []) == {}

"""Choosing prompts: which recordings are candidates, and which of them wins."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from eval.systems.listening import CachedRecognizer
from scripting import script
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import HEADER, read_corpus
from tts.train.voices import make_voice, prompt_candidates
from tts.voices import Voice

choose = script("choose_prompts")
TEXT = "A train came in."


class EverySecond:
    """Hears all that is said, but only every second time it listens."""

    name = "every second"

    def __init__(self) -> None:
        self.count = 0

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        assert wav.size > 0
        assert sample_rate > 0
        self.count += 1
        return "" if self.count % 2 else TEXT


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.load("embedded")


def _voices(corpus: Path, synthesizer: Synthesizer) -> list[Voice]:
    candidates = prompt_candidates(read_corpus(corpus), 5)["rms"]
    return [make_voice(u, synthesizer.codec) for u in candidates]


@pytest.fixture(scope="module")
def corpus(synthesizer: Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "audio").mkdir()
    rows = [HEADER]
    said = synthesizer.synthesize("The kettle is on, would you like some tea?", SpeechOptions())
    wav = np.tile(said.wav, 2)
    for id, speaker, seconds, text in (
        ("a1", "rms", 1.0, "Too short a one."),
        ("a2", "rms", 1.5, "it has no end of its own,"),
        ("a3", "rms", 1.5, "This one is whole."),
        ("a4", "rms", 1.6, "And so is this."),
        ("b1", "zoe", 1.4, "Another one is speaking."),
    ):
        part = wav[: int(seconds * said.sample_rate)]
        soundfile.write(folder / "audio" / f"{id}.flac", part, said.sample_rate)
        rows.append(f"{id}|{speaker}|m|en|{seconds:.2f}|{text}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def _heard_by(synthesizer: Synthesizer) -> Any:
    return partial(choose.num_errors, synthesizer, CachedRecognizer(EverySecond()))


def test_candidates_are_whole_sentences_of_fit_length(corpus: Path) -> None:
    found = prompt_candidates(read_corpus(corpus), 5)
    assert {who: [u.id for u in own] for who, own in found.items()} == {
        "rms": ["a3", "a4"],
        "zoe": ["b1"],
    }
    assert [u.id for u in prompt_candidates(read_corpus(corpus), 1)["rms"]] == ["a3"]


def test_the_best_understood_wins(corpus: Path, synthesizer: Synthesizer) -> None:
    candidates = _voices(corpus, synthesizer)
    voice, errors = choose.best_voice(candidates, _heard_by(synthesizer), [TEXT])
    assert errors == [4, 0]
    assert voice.transcript == "And so is this."
    assert (voice.name, voice.description) == ("rms", "training speaker rms")


def test_the_worse_half_leaves_after_each_round(corpus: Path, synthesizer: Synthesizer) -> None:
    candidates = _voices(corpus, synthesizer) * 2
    # round 1: errors 4, 0, 4, 0, so the second and the fourth go on; round 2: 4 and 0 more
    voice, errors = choose.best_voice(candidates, _heard_by(synthesizer), [TEXT, TEXT], rounds=2)
    assert errors == [4, 4, 4, 0]
    assert voice is candidates[3]


def test_without_sentences_the_first_one_is_taken(corpus: Path, synthesizer: Synthesizer) -> None:
    candidates = _voices(corpus, synthesizer)
    voice, costs = choose.best_voice(candidates, _heard_by(synthesizer), [])
    assert voice is candidates[0]
    assert costs == []


def test_more_rounds_than_sentences_are_refused(corpus: Path, tmp_path: Path) -> None:
    sentences = tmp_path / "dev.txt"
    sentences.write_text(TEXT + "\n", "utf-8")
    arguments = [str(corpus), "--out", str(tmp_path / "v"), "--sentences", str(sentences)]
    with pytest.raises(ValueError, match="--rounds is 2, expected 1 to 1"):
        choose.main([*arguments, "--rounds", "2"])


def test_an_unknown_speaker_is_named(corpus: Path, tmp_path: Path) -> None:
    sentences = tmp_path / "dev.txt"
    sentences.write_text(TEXT + "\n", "utf-8")
    arguments = [str(corpus), "--out", str(tmp_path / "v"), "--sentences", str(sentences)]
    with pytest.raises(ValueError, match=r"\['bob'\]"):
        choose.main([*arguments, "--speakers", "bob"])
    assert not (tmp_path / "v").exists()

"""Choosing prompts: which recordings are candidates, and which of them wins."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from scripting import script
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import HEADER, read_corpus
from tts.train.voices import VoiceCard, make_voice, prompt_candidates, read_cards
from tts.voices import Voice

choose = script("choose_prompts")
TEXT = "A train came in."
ANNA = VoiceCard("anna", "kokoro:ann", "en", "f", "Irish", "calm")
CARDS = """
[anna]
teacher = "kokoro:ann"
language = "en"
gender = "f"
accent = "Irish"
description = "calm"

[ben]
teacher = "kokoro:bob"
language = "en"
gender = "m"
accent = "Welsh"
description = "quick"
"""


class EverySecond:
    """Hears all that is said, but only every second time it listens; and likes all the same."""

    def __init__(self) -> None:
        self.count = 0

    def judge(self, wav: np.ndarray, sample_rate: int, text: str) -> dict[str, float]:
        assert wav.size > 0
        assert sample_rate > 0
        self.count += 1
        return {"errors": 4.0 * (self.count % 2), "distillmos": 4.5}


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.load("embedded")


def _voices(corpus: Path, synthesizer: Synthesizer) -> list[Voice]:
    candidates = prompt_candidates(read_corpus(corpus), ANNA, 5)
    return [make_voice(u, ANNA, synthesizer.prompt_encoder) for u in candidates]


@pytest.fixture(scope="module")
def corpus(synthesizer: Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "audio").mkdir()
    rows = [HEADER]
    said = synthesizer.synthesize("The kettle is on, would you like some tea?", SpeechOptions())
    wav = np.tile(said.wav, 2)
    for id, speaker, seconds, text in (
        ("a1", "ann", 1.0, "Too short a one."),
        ("a2", "ann", 1.5, "it has no end of its own,"),
        ("a3", "ann", 1.5, "This one is whole."),
        ("a4", "ann", 1.6, "And so is this."),
        ("a5", "ann", 1.5, "for it has no beginning."),
        ("a6", "ann", 1.5, "She said 你好 to all of us."),
        ("b1", "zoe", 1.4, "Another one is speaking."),
    ):
        part = wav[: int(seconds * said.sample_rate)]
        soundfile.write(folder / "audio" / f"{id}.flac", part, said.sample_rate)
        rows.append(f"{id}|{speaker}|m|en|{seconds:.2f}|{text}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def _heard_by(synthesizer: Synthesizer) -> Any:
    return partial(choose.cost_of, synthesizer, EverySecond())


def test_candidates_are_whole_sentences_of_fit_length(corpus: Path) -> None:
    utterances = read_corpus(corpus)
    assert [u.id for u in prompt_candidates(utterances, ANNA, 5)] == ["a4", "a3"]
    assert [u.id for u in prompt_candidates(utterances, ANNA, 1)] == ["a4"]
    assert prompt_candidates(utterances, replace(ANNA, language="zh"), 5) == []


def test_the_best_understood_wins_and_has_what_its_card_says(
    corpus: Path, synthesizer: Synthesizer
) -> None:
    candidates = _voices(corpus, synthesizer)
    voice, costs = choose.best_voice(candidates, _heard_by(synthesizer), [TEXT])
    assert costs == [4.5, 0.5]
    told = (voice.name, voice.transcript, voice.gender, voice.accent, voice.description)
    assert told == ("anna", "This one is whole.", "f", "Irish", "calm")
    assert voice.source == "synthetic: kokoro:ann"


def test_the_worse_half_leaves_after_each_round(corpus: Path, synthesizer: Synthesizer) -> None:
    candidates = _voices(corpus, synthesizer) * 2
    # errors of round 1: 4, 0, 4, 0, so the second and the fourth go on; of round 2: 4 and 0 more
    voice, costs = choose.best_voice(candidates, _heard_by(synthesizer), [TEXT, TEXT], rounds=2)
    assert costs == [4.5, 5.0, 4.5, 1.0]
    assert voice is candidates[3]


def test_without_sentences_the_first_one_is_taken(corpus: Path, synthesizer: Synthesizer) -> None:
    candidates = _voices(corpus, synthesizer)
    voice, costs = choose.best_voice(candidates, _heard_by(synthesizer), [])
    assert voice is candidates[0]
    assert costs == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--voices", "anna", "--rounds", "2"], "--rounds is 2, expected 1 to 1"),
        (["--voices", "carl"], "no voice carl"),
        ([], "no recording of bob is fit"),
    ],
)
def test_bad_wishes_are_named(corpus: Path, tmp_path: Path, more: list[str], told: str) -> None:
    sentences, cards = tmp_path / "dev.txt", tmp_path / "voices.toml"
    sentences.write_text(TEXT + "\n", "utf-8")
    cards.write_text(CARDS, "utf-8")
    arguments = [str(corpus), "--out", str(tmp_path / "v"), "--en", str(sentences)]
    arguments += ["--cards", str(cards), "--listener", "pocketsphinx", *more]
    with pytest.raises(ValueError, match=told):
        choose.main(arguments)
    assert not (tmp_path / "v").exists()


def test_the_cards_of_the_project_are_whole() -> None:
    cards = read_cards(choose.ROOT / "recipes/voices.toml")
    kinds = Counter((c.language, c.gender) for c in cards)
    assert min(kinds["zh", "f"], kinds["zh", "m"]) >= 2
    assert kinds["en", "f"] + kinds["en", "m"] >= 10
    assert {c.accent for c in cards if c.language == "en"} == {"American", "British"}

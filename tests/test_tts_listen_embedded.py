"""The listener that is shipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontend import phonemize
from tts import SpeechOptions, Synthesizer
from tts.folders import EMBEDDED_LISTENER
from tts.listen.check import check
from tts.listen.sounds import SOUNDS


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.load("embedded")


def heard(synthesizer: Synthesizer, wav: np.ndarray, rate: int) -> str:
    blocks = [(wav.astype(np.float32)[:, None], rate)]
    return " ".join(s.text for s in synthesizer.ears.segments(blocks)).strip()


def test_it_is_small_and_made_for_the_embedded_tokenizer(synthesizer):
    assert synthesizer.ears.listener.config.sounds == SOUNDS
    assert sum(file.stat().st_size for file in EMBEDDED_LISTENER.iterdir()) < 30e6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good morning, where are you going?", {"morning", "where", "are", "you"}),
        ("我们今天去北京。", set("我们今天")),
    ],
)
def test_it_understands_the_embedded_voice(synthesizer, text, words):
    speech = synthesizer.synthesize(text, SpeechOptions(seed=1))
    found = heard(synthesizer, speech.wav, speech.sample_rate).lower()
    assert sum(word in found for word in words) >= 0.7 * len(words)


def test_silence_and_noise_are_no_words(synthesizer):
    rng = np.random.default_rng(0)
    for level in (0.0, 0.003, 0.1):
        assert heard(synthesizer, level * rng.standard_normal(48000), 24000) == ""


def test_what_lost_its_middle_does_not_pass_and_the_whole_does(synthesizer):
    listener = synthesizer.ears.listener
    text = "Take the second door on the left, then wait for me there."
    codes = synthesizer.synthesize(text, SpeechOptions(seed=1)).codes
    symbols = phonemize(text, "en").symbols
    third = codes.shape[1] // 3
    halves = torch.cat([codes[:, :third], codes[:, 2 * third :]], dim=1)
    twice = torch.cat([codes[:, : 2 * third], codes[:, third:]], dim=1)
    worst = [
        check(c, symbols, listener).worst(listener.config.check) for c in (codes, halves, twice)
    ]
    assert worst[0] < 1 <= min(worst[1:])

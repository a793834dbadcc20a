"""Predicted opinion scores: optional, with a clear word where they cannot be had."""

import sys

import numpy as np
import pytest

from eval.audio import AudioError
from eval.extras import MissingExtraError
from eval.metrics.mos import DnsmosRater, load_rater, rater_identity
from tiny import speech_like


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[mos\]'"):
        DnsmosRater()


def test_unknown_rater():
    for function in (load_rater, rater_identity):
        with pytest.raises(ValueError, match="use dnsmos"):
            function("utmos")


def test_noise_is_rated_lower():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("speechmos")
    rater = load_rater()
    # Twice this is just over the 9 s that one look takes.
    wav = speech_like(4.6, 24000)
    noise = np.random.default_rng(0).standard_normal(wav.size).astype(np.float32)
    clean, noisy = rater.rate(wav, 24000), rater.rate(wav + 0.1 * noise, 24000)
    assert set(clean) == {"overall", "signal", "background"}
    assert clean["background"] > noisy["background"]
    with pytest.raises(AudioError, match="empty"):
        rater.rate(wav[:0], 24000)
    assert all(1 <= value <= 5 for value in clean.values())

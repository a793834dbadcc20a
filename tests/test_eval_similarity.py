from pathlib import Path

import numpy as np
import pytest

from eval.audio import AudioError, read_wav
from eval.metrics.similarity import cosine, load_speaker_encoder, similarity
from tiny import speech_like

AUDIO = Path(__file__).parent / "eval_audio"


def test_embedding_is_unit_and_repeatable():
    encoder = load_speaker_encoder()
    wav = speech_like(2.0)
    embedding = encoder.embed(wav, 24000)
    assert embedding.shape == (256,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(embedding, encoder.embed(wav, 24000))
    assert similarity(encoder, (wav, 24000), (wav, 24000)) == pytest.approx(1.0, abs=1e-5)
    assert "stand-in" in encoder.name


def test_same_speaker_is_closer_than_another():
    encoder = load_speaker_encoder()
    names = ("rms-birds", "rms-dishes", "slt-key")
    prompt, again, another = (read_wav(AUDIO / f"{name}.ogg") for name in names)
    same = similarity(encoder, prompt, again)
    other = similarity(encoder, prompt, another)
    assert same > 0.75 > other


def test_silent_and_short_audio_have_no_speaker():
    encoder = load_speaker_encoder()
    with pytest.raises(AudioError, match="silent"):
        encoder.embed(np.zeros(24000, np.float32), 24000)
    with pytest.raises(AudioError, match="too short"):
        encoder.embed(speech_like(0.1), 24000)


def test_cosine():
    assert cosine(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == 0.0
    assert cosine(np.array([1.0, 2.0]), np.array([-2.0, -4.0])) == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="zero"):
        cosine(np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match="one length"):
        cosine(np.zeros(2), np.ones(3))


def test_unknown_encoder():
    with pytest.raises(ValueError, match="use resemblyzer"):
        load_speaker_encoder("nobody")

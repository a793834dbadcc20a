"""The shipped weights: they speak, in every voice, the same way every time."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import torch

from eval.metrics.wer import score_utterance
from eval.systems.asr import load_listener
from tts.__main__ import main
from tts.folders import SHIPPED_VOICES
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.voices import list_voices, load_voice

SENTENCE, MANDARIN = "Please close the window before you go.", "今天天气很好，我们去公园吧。"


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.load()


def test_at_least_eight_voices_two_of_them_mandarin():
    shipped = [v for v in list_voices() if v.shipped]
    assert sum(v.lang == "en" for v in shipped) >= 6
    assert sum(v.lang == "zh" for v in shipped) >= 2


@pytest.mark.parametrize("voice", sorted(path.stem for path in SHIPPED_VOICES.glob("*")))
def test_every_voice_speaks_at_a_human_pace(synthesizer, voice):
    text = MANDARIN if load_voice(voice).lang == "zh" else SENTENCE
    speech = synthesizer.synthesize(text, SpeechOptions(voice=voice))
    assert speech.finished_by == "eos"
    assert 1.0 < speech.seconds < 5.0
    assert 0.005 < np.sqrt(np.mean(speech.wav**2)) < 0.5


def test_stream_equals_whole_and_seed_repeats(synthesizer):
    options = SpeechOptions(voice="heart", seed=4)
    whole = synthesizer.synthesize(SENTENCE, options)
    chunks = [c.wav for c in synthesizer.stream(SENTENCE, options)]
    assert np.array_equal(np.concatenate(chunks), whole.wav)
    assert np.array_equal(synthesizer.synthesize(SENTENCE, options).wav, whole.wav)


def test_a_listener_understands_more_than_chance(synthesizer):
    """No acceptance figure (see `python -m eval intelligibility`), but noise would score 1."""
    listener = load_listener("pocketsphinx")
    speech = synthesizer.synthesize(
        "She bought fresh bread and butter.", SpeechOptions(voice="heart")
    )
    heard = listener.transcribe(speech.wav, speech.sample_rate)
    assert score_utterance("She bought fresh bread and butter.", heard).wer < 0.9


def test_codec_resynthesis_keeps_the_words(synthesizer):
    """Speech of the model through the codec once more stays close to itself in level."""
    speech = synthesizer.synthesize(SENTENCE, SpeechOptions(voice="heart"))
    wav = torch.from_numpy(speech.wav)[None, None]
    again = synthesizer.codec.decode(synthesizer.codec.encode(wav))
    assert 0.3 < float(again.std() / wav.std()) < 3.0


def test_say_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "x.flac"
    assert main(["say", "Good morning.", "-o", str(out), "--json", "--seed", "2"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert row["finished_by"] == "eos"
    assert row["seed"] == 2
    info = soundfile.info(out)
    assert info.samplerate == 24000
    assert abs(info.duration - row["seconds"]) < 0.01

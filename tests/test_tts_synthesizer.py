"""Text to sound on tiny random models: stream == whole, seeds, modes, retries, limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from frontend import EmptyTextError, phonemize
from tiny import (
    FRAME_SIZE,
    NUM_CODEBOOKS,
    SAMPLE_RATE,
    speech_like,
    tiny_codec,
    tiny_model,
    tiny_synthesizer,
    tiny_tts_config,
    tiny_voice,
)
from tts.inference.prompt import prompt_rows, text_ids
from tts.model.config import TtsConfig
from tts.model.weights import prepare
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.voices import VoiceError

TEXT = "The cat sat down. It was late, and no one came."


def options(**kwargs) -> SpeechOptions:
    return SpeechOptions(**{"voice": tiny_voice(), "seed": 3, **kwargs})


def test_stream_joined_is_the_whole():
    synthesizer = tiny_synthesizer()
    whole = synthesizer.synthesize(TEXT, options())
    chunks = list(synthesizer.stream(TEXT, options()))
    if not whole.retries:
        assert np.array_equal(np.concatenate([c.wav for c in chunks]), whole.wav)
        assert torch.equal(torch.cat([c.codes for c in chunks if c.frames], dim=1), whole.codes)
    assert len(chunks) > 2
    assert chunks[-1].finished_by in ("eos", "budget")


def test_sound_is_what_the_codec_makes_of_the_codes():
    synthesizer = tiny_synthesizer()
    speech = synthesizer.synthesize("Hello.", options())
    wav = synthesizer.codec.decode(speech.codes[None])[0, 0].clamp(-1, 1).numpy()
    assert speech.wav.shape == (speech.frames * FRAME_SIZE,)
    assert np.abs(wav - speech.wav).max() < 1e-4 * max(1.0, np.abs(wav).max())
    assert speech.seconds == len(speech.wav) / SAMPLE_RATE


def test_the_seed_decides():
    synthesizer = tiny_synthesizer()
    one, again, other = (synthesizer.synthesize(TEXT, options(seed=s)) for s in (1, 1, 2))
    assert np.array_equal(one.wav, again.wav)
    assert len(one.wav) != len(other.wav) or not np.array_equal(one.wav, other.wav)


def test_the_voice_reaches_the_model():
    synthesizer, model = tiny_synthesizer(), tiny_model()
    latents = []
    for seed in (1, 2):
        chosen = options(voice=tiny_voice(seed=seed), sampling=None)
        rows = synthesizer.requests(TEXT, chosen)[0].rows[None]
        latents.append(model.temporal(model.embed(rows, NUM_CODEBOOKS))[0, -1])
    assert not torch.equal(*latents)


@pytest.mark.parametrize("k", [1, 2, NUM_CODEBOOKS])
def test_any_number_of_codebooks(k):
    assert tiny_synthesizer().synthesize("Hi.", options(num_codebooks=k)).codes.shape[0] == k


@pytest.mark.parametrize("k", [0, -1, NUM_CODEBOOKS + 1])
def test_number_of_codebooks_out_of_range(k):
    with pytest.raises(ValueError, match="num_codebooks"):
        tiny_synthesizer().synthesize("Hi.", options(num_codebooks=k))


def test_continuation_goes_on_after_the_prompt_and_returns_only_the_new_part():
    synthesizer = tiny_synthesizer()
    speech = synthesizer.synthesize("Hi there.", options(continuation=True))
    voice = tiny_voice()
    assert speech.frames > 0
    joined = torch.cat([voice.codes, speech.codes], dim=1)
    whole = synthesizer.codec.decode(joined[None])[0, 0].clamp(-1, 1).numpy()
    tail = whole[voice.codes.shape[1] * FRAME_SIZE :]
    assert np.abs(tail - speech.wav).max() < 1e-4 * max(1.0, np.abs(whole).max())


def continuing(continues: bool) -> Synthesizer:
    """The tiny model, said to go on well behind frames of a stranger or not."""
    config = tiny_tts_config()
    assert config.phonemes is not None
    config = replace(config, phonemes=replace(config.phonemes, continues=continues))
    return Synthesizer(prepare(tiny_model(config=config)), tiny_codec())


@pytest.mark.parametrize("continues", [False, True])
def test_only_a_model_that_can_is_given_the_prompt_as_its_own(continues):
    synthesizer = continuing(continues)
    config = synthesizer.model.config
    assert config.phonemes is not None
    voice = replace(tiny_voice(), transcript="Hi there", lang="en")
    assert synthesizer.continues(voice) == continues
    assert not synthesizer.continues(replace(voice, transcript=""))
    (request,) = synthesizer.requests("A cat", options(voice=voice, continuation=True))
    given = request.forced if continues else request.context
    assert given is not None
    assert torch.equal(given, voice.codes)
    assert (request.forced is None) != (request.context is None)
    # Its words and the text read as one text would: marks at both ends, the language once.
    assert isinstance(config, TtsConfig)
    text = "Hi there. A cat." if continues else "A cat."
    ids = text_ids(phonemize(text).symbols, config.phonemes)
    assert torch.equal(request.rows, prompt_rows(ids, voice.codes, config))
    # A model that takes it as a reference alone gets no more of it than it was trained with.
    long, _ = synthesizer.prompt_voice(speech_like(14.0), transcript="Hi there", keep_whole=True)
    assert (long.codes.shape[1] > 10 * 12.5 + 1) == continues


def test_continuation_needs_a_transcript():
    voice = replace(tiny_voice(), transcript="")
    with pytest.raises(ValueError, match="transcript"):
        continuing(True).synthesize("Hi.", options(voice=voice, continuation=True))


@pytest.mark.parametrize("text", ["", "   ", "…", "?!.", "()"])
def test_nothing_to_say(text):
    with pytest.raises(EmptyTextError):
        tiny_synthesizer().synthesize(text, options())


def test_what_reaches_the_model_ends_with_a_mark():
    synthesizer = tiny_synthesizer()
    marked, bare = (synthesizer.requests(text, options()) for text in ("A cat.", "A cat"))
    assert torch.equal(marked[0].rows, bare[0].rows)
    # a sentence that was cut in two goes on
    first, _ = synthesizer.requests("one two three four five", options(max_chars=16))
    comma, *_ = synthesizer.requests("one two three,", options())
    assert torch.equal(first.rows, comma.rows)


def test_a_part_in_another_script_is_told_also_where_it_is_a_piece_of_its_own():
    pieces = tiny_synthesizer().pieces("Hello. Привет мир. Goodbye.", options())
    assert [piece.text for piece in pieces] == ["Hello.", "Goodbye."]
    assert pieces[0].notes == ("not spoken: 'Привет мир'; English and Chinese are",)
    with pytest.raises(EmptyTextError, match="not spoken: 'Привет'; English and Chinese are"):
        tiny_synthesizer().pieces("Привет", options())


def test_a_runaway_is_said_again_twice_and_reported(monkeypatch):
    import tts.inference.prompt_builders

    monkeypatch.setattr(tts.inference.prompt_builders, "SPARE_S", 0.16)
    monkeypatch.setattr(tts.inference.prompt_builders, "SECONDS_PER_SYMBOL", 0)
    speech = tiny_synthesizer().synthesize("Hello there, cat.", options())
    assert speech.retries == 2
    assert speech.finished_by == "budget"


def test_long_text_is_spoken_in_pieces():
    pieces = tiny_synthesizer().stream("One cat. " * 6, options(max_chars=20))
    ends = [c for c in pieces if c.finished_by]
    assert len(ends) >= 3


def test_a_codec_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="codec"):
        Synthesizer(prepare(tiny_model(config=tiny_tts_config(num_codebooks=5))), tiny_codec())


def test_a_voice_of_another_tokenizer_is_refused():
    voice = tiny_voice(codec=tiny_codec(seed=9))
    with pytest.raises(VoiceError, match="another tokenizer"):
        tiny_synthesizer().synthesize("Hi.", options(voice=voice))

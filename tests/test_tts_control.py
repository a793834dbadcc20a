"""Pauses, casts, speed and word times, as a tiny model speaks them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from test_tts_speaking import options, synthesizer  # noqa: F401  (a fixture)
from tiny import SAMPLE_RATE, tiny_voice
from tts.control import PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S, read_cast
from tts.inference.events import TextTimed
from tts.inference.joining import HEAD_S, TAIL_S, Joiner
from tts.inference.passages import CLAUSE_PAUSE_S
from tts.inference.prompt import Monologue
from tts.inference.prompt_builders import pace_of
from tts.voices import UnknownVoiceError

FRAME_S = 0.08


def silences(wav: np.ndarray, least_s: float = 0.05) -> list[float]:
    """Lengths in seconds of stretches without sound."""
    quiet = np.abs(wav) < 10 ** (-52 / 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    lengths = (edges[1::2] - edges[::2]) / SAMPLE_RATE
    return [float(length) for length in lengths if length >= least_s]


FORTY = range(2, 42)
# (text, seconds of silence in it)
PAUSES = [
    ("One [pause 0.6s] two.", [0.6]),
    ("One. Two.", [SENTENCE_PAUSE_S]),
    ("One.\n\nTwo.", [PARAGRAPH_PAUSE_S]),
    ("# One\nTwo. Three.", [PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S]),
    ("One.[pause 2s]\n\nTwo.", [2.0]),
    ("[pause 300ms] One. [pause 1s]", [0.3, 1.0]),
    ('<speak>One.<break time="1.25s"/> Two.</speak>', [1.25]),
    ("One two three four, five six seven.", [CLAUSE_PAUSE_S]),
    # Forty in a long text.
    ("One." + "".join(f" [pause {50 * n}ms] Two." for n in FORTY), [0.05 * n for n in FORTY]),
]


@pytest.mark.parametrize(("text", "expected"), PAUSES)
def test_pauses_are_as_long_as_was_asked(synthesizer, text, expected):  # noqa: F811
    whole = synthesizer.synthesize(text, options())
    assert silences(whole.wav) == pytest.approx(expected, abs=0.03)
    streamed = np.concatenate([chunk.wav for chunk in synthesizer.stream(text, options())])
    assert np.array_equal(streamed, whole.wav)
    assert len(whole.sentences) == len(synthesizer.pieces(text, options()))


def test_pauses_are_options(synthesizer):  # noqa: F811
    result = synthesizer.synthesize(
        "One. Two.\n\nThree.", options(sentence_pause_s=1.0, paragraph_pause_s=2.0)
    )
    assert silences(result.wav) == pytest.approx([1.0, 2.0], abs=0.03)
    for name in ("sentence_pause_s", "paragraph_pause_s"):
        with pytest.raises(ValueError, match=name):
            synthesizer.synthesize("One.", options(**{name: 11.0}))


@pytest.mark.parametrize("speed", [1.0, 0.8, 2.0])
def test_every_word_has_a_time_and_times_never_go_back(synthesizer, speed):  # noqa: F811
    text = "Dr. Lee paid $5.\n\n[pause 1s] Two words [pause 2s] 三个苹果, and U.S. no. 7."
    result = synthesizer.synthesize(text, options(speed=speed))
    words = result.words
    assert [word.text for word in words][:4] == ["Dr", "Lee", "paid", "$5"]
    assert all(text[word.at[0] : word.at[1]] == word.text for word in words)
    times = [edge for word in words for edge in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= result.seconds
    for sentence in result.sentences:
        own = [w for w in words if sentence.at[0] <= w.at[0] < sentence.at[1]]
        assert sentence.start_s <= own[0].start_s
        assert own[-1].end_s <= sentence.end_s + 1e-6


def test_a_cast_speaks_by_name(synthesizer, tmp_path, monkeypatch):  # noqa: F811
    voices = {"ann": tiny_voice(seed=1, name="ann"), "bob": tiny_voice(seed=2, name="bob")}
    monkeypatch.setattr("tts.synthesizer.load_voice", lambda name, text: voices[name])
    file = tmp_path / "cast.toml"
    file.write_text('ANN = "ann"\nBob = "bob"\n')
    text = "It rains.\n\nANN: Hello.\nBOB: Yes. [voice ann] No."
    pieces = synthesizer.pieces(text, options(cast=read_cast(file)))
    assert [piece.voice for piece in pieces] == ["tiny", "ann", "bob", "ann"]
    assert [piece.text for piece in pieces] == ["It rains.", "Hello.", "Yes.", "No."]
    assert pieces[2].before_s == pieces[3].before_s == PARAGRAPH_PAUSE_S
    alone = synthesizer.pieces("Hello.", options(voice="ann"))
    assert torch.equal(pieces[1].request.rows, alone[0].request.rows)
    for wrong in ("", "a = 1", "[a", 'a = ""'):
        file.write_text(wrong)
        with pytest.raises(ValueError, match=r"cast\.toml"):
            read_cast(file)
    monkeypatch.undo()
    with pytest.raises(UnknownVoiceError, match="nobody"):
        synthesizer.pieces("a [voice nobody] b", options())


def frames_by_place(speed: float, stays: int, symbols: int) -> int:
    """Frames of a text whose every symbol would be left after so many."""
    state = Monologue(torch.arange(100, 100 + symbols), 7, max_stay=1000, speed=speed)
    frames = 0
    while frames < 10_000:
        here, last = state.position, state.position == symbols - 1
        wanted = 100 + here if here >= 0 and state.stay < stays else 7 if last else 101 + here
        said, state = state.paced(wanted)
        assert said in state.allowed().tolist()
        if said == 7:
            return frames
        state, frames = state.after(said), frames + 1
    raise AssertionError("no end")


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.0, 1.25, 1.5])
def test_the_monologue_goes_as_fast_as_it_is_told(speed):
    assert frames_by_place(speed, 2, 60) == pytest.approx(120 / speed, abs=3)


def test_what_the_monologue_does_not_follow_is_stretched(synthesizer):  # noqa: F811
    config = synthesizer.model.config.phonemes
    able = replace(config, slowest=0.8, fastest=1.25)
    for speed, pace in ((0.25, 0.8), (0.9, 0.9), (1.0, 1.0), (1.5, 1.25)):
        assert (pace_of(speed, config), pace_of(speed, able)) == (1.0, pace)
    text = "One two three four five."
    plain = synthesizer.pieces(text, options())[0]
    joiner = Joiner([plain._replace(stretch=2.0)], SAMPLE_RATE, 1920)
    joiner.begin()
    wav = np.sin(np.arange(48000) / 9).astype(np.float32)
    parts = [joiner.push(wav[:30000]).wav, joiner.push(wav[30000:]).wav, joiner.finish().wav]
    assert len(np.concatenate(parts)) == 24000
    assert synthesizer.pieces(text, options(speed=2.0))[0].stretch == 2.0
    with pytest.raises(ValueError, match="speed is 9"):
        synthesizer.pieces(text, options(speed=9.0))


def test_silence_at_inner_ends_is_cut_to_margins(synthesizer):  # noqa: F811
    pieces = [replace_pause(p, i) for i, p in enumerate(synthesizer.pieces("One. Two.", options()))]
    joiner = Joiner(pieces, SAMPLE_RATE, 1920)
    tone = np.sin(np.arange(SAMPLE_RATE) / 9).astype(np.float32) / 2
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    out, sentences = [], []
    for _ in pieces:
        out += [joiner.begin(), joiner.push(quiet).wav, joiner.push(tone).wav]
        out += [joiner.push(quiet).wav, joiner.finish().wav]
        sentences.append(joiner.sentence())
    # The ends of the text stay; between the two is what was asked for.
    assert silences(np.concatenate(out)) == pytest.approx([1.0, 0.5, 1.0], abs=0.02)
    assert sentences[0].start_s == pytest.approx(1.0, abs=0.02)
    assert sentences[1].start_s == pytest.approx(2.5, abs=0.02)
    assert HEAD_S + TAIL_S < 0.08


def replace_pause(piece, number):
    return piece._replace(before_s=0.5 if number else 0.0)


@pytest.mark.parametrize("speed", [1.0, 1.5])
def test_times_are_the_same_however_the_sound_comes(synthesizer, speed):  # noqa: F811
    chosen = options(speed=speed)
    pieces = synthesizer.pieces("One two three. [pause 1s] Four five.", chosen)
    whole = synthesizer.synthesize("One two three. [pause 1s] Four five.", chosen)
    events = list(synthesizer.speak(pieces, chosen))
    told = [event for event in events if isinstance(event, TextTimed)]
    assert tuple(word for event in told for word in event.words) == whole.words
    assert len(told) > len(pieces)

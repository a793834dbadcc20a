"""Listening: times, pieces, streams; the command and what it says to bad input."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from listening import save_tiny_listener, tiny_lexicon, tiny_listener
from test_serve_uploads import RECORDINGS
from tiny import NUM_CODEBOOKS, SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.audio import AudioError
from tokenizer.blocks import sound_blocks
from tokenizer.checkpoint import save_codec
from tokenizer.codes import codec_fingerprint
from tts.__main__ import main
from tts.inference.joining import TimedSpan
from tts.listen.folder import load_listener, load_writer
from tts.listen.model import Hearing, Listener, extend, hearing_mask
from tts.listen.sounds import IS_MANDARIN, IS_MARK, SOUNDS
from tts.listen.spelling import spell
from tts.listen.streaming import listen_chunk, listen_finish, listen_start
from tts.listen.timing import begins
from tts.listen.transcribe import (
    LONGEST_S,
    SHORTEST_S,
    Ears,
    Segment,
    cut_pieces,
    only,
    resampled,
    whole_text,
    with_wide_marks,
)
from tts.listen.writing import Writer, Written


def peaked(path: list[int], height: float = 8.0) -> torch.Tensor:
    """Logits (T, 1 + sounds) of one sound a frame."""
    logits = torch.zeros(len(path), 1 + len(SOUNDS))
    logits[range(len(path)), path] = height
    return logits


@pytest.mark.parametrize(
    ("path", "numbers", "frames"),
    [
        ([0, 5, 5, 0, 6, 0], [5, 6], [1, 4]),
        ([5, 6, 6, 0, 6], [5, 6, 6], [0, 1, 4]),
        ([0, 0], [], []),
        ([7], [7], [0]),
    ],
)
def test_runs_of_frames_are_sounds(path, numbers, frames):
    found = spell(peaked(path))
    assert found.numbers.tolist() == numbers
    assert found.frames.tolist() == frames
    assert (found.certainty > 0.9).all()


@pytest.mark.parametrize(
    ("path", "numbers", "found"),
    [
        ([0, 0, 5, 5, 6, 6, 6], [5, 6], [2, 4]),
        ([5, 5, 6, 7, 7], [5, 6, 7], [0, 2, 3]),
        ([0, 5, 9, 9], [5, 6, 9], [1, 2, 2]),
        ([0, 5], [5, 6, 7, 8, 9, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ],
)
def test_sounds_begin_where_their_frames_do(path, numbers, found):
    assert begins(peaked(path), np.array(numbers)).tolist() == found


def test_frames_see_their_chunk_and_what_is_before_it():
    seen = hearing_mask(5, torch.tensor([5, 3]), 2)
    assert seen[0, 0].int().tolist()[:3] == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]
    assert not seen[1, 0, :, 3:].any()
    assert hearing_mask(4, None, 0).all()


def test_chunks_give_what_the_mask_gives():
    model = tiny_listener()
    codes = torch.randint(32, (1, NUM_CODEBOOKS, 7), generator=torch.Generator().manual_seed(1))
    whole = model.hear(codes, chunk=3)
    past, parts = None, []
    for first in (0, 3, 6):
        rows = model.embed_codes(codes[:, :, first : first + 3])
        hidden, past = extend(model.hearing, rows, past)
        parts.append(model.heads(hidden).sounds)
    assert torch.allclose(torch.cat(parts, dim=1), whole.sounds, atol=1e-5)


def test_marks_are_wide_behind_chinese_characters_alone():
    words = [" Hi", ",", "你", "好", ",", " Anna", "."]
    found = with_wide_marks([Written(word, (), n) for n, word in enumerate(words)])
    assert "".join(w.word for w in found) == " Hi,你好， Anna."


def test_a_language_leaves_out_the_sounds_of_the_other():
    logits = torch.zeros(2, 1 + len(SOUNDS))
    english, mandarin = only("en", logits), only("zh", logits)
    assert torch.isinf(english[0]).tolist() == IS_MANDARIN.tolist()
    assert (torch.isinf(english[0]) ^ torch.isinf(mandarin[0])).tolist() == (~IS_MARK).tolist()
    assert only("auto", logits) is logits


def test_long_sound_is_cut_where_it_is_quiet_and_nothing_is_lost():
    wav = speech_like(40.0)
    quiet = round(9.0 * SAMPLE_RATE)
    wav[quiet : quiet + 4800] = 0
    pieces = list(cut_pieces(np.array_split(wav, 77), SAMPLE_RATE))
    assert np.array_equal(np.concatenate(pieces), wav)
    assert quiet <= len(pieces[0]) <= quiet + 4800
    assert all(SHORTEST_S <= len(p) / SAMPLE_RATE <= LONGEST_S for p in pieces[:-1])


@pytest.mark.parametrize("rate", [8000, SAMPLE_RATE, 44100])
def test_blocks_of_any_rate_become_one_channel(rate):
    blocks = [(np.stack([speech_like(0.5, rate)] * 2, axis=1), rate)] * 4
    wav = np.concatenate(list(resampled(blocks, SAMPLE_RATE)))
    assert len(wav) == pytest.approx(2.0 * SAMPLE_RATE, abs=2)


def test_segments_are_one_text_of_sentences():
    def segment(text: str, language: str, *words: str) -> Segment:
        spoken = [
            TimedSpan(w, float(i), i + 0.9, (text.index(w), text.index(w) + len(w)))
            for i, w in enumerate(words)
        ]
        return Segment(text, language, 0.0, 9.0, tuple(spoken), 0.9)

    one = segment("Good day. Who is it", "en", "Good", "day", "Who", "is", "it")
    text, words, sentences = whole_text(
        [one, Segment("", "", 9, 10), segment("你好。", "zh", "你")]
    )
    assert text == "Good day. Who is it 你好。"
    assert [text[w.at[0] : w.at[1]] for w in words] == [w.text for w in words]
    assert [s.text for s in sentences] == ["Good day.", "Who is it", "你好。"]
    assert [(s.start_s, s.end_s) for s in sentences[:2]] == [(0.0, 1.9), (2.0, 4.9)]


# ------------------------------------------------------------------------------- the whole


class Confident(Listener):
    """Hears the same words whatever is said: a random one hears nothing sure enough."""

    def heads(self, hidden):
        heard = super().heads(hidden)
        logits = peaked([1 + (n // 2) % 40 if n % 2 else 0 for n in range(hidden.shape[1])])
        return heard._replace(sounds=logits[None])


@pytest.fixture(scope="module")
def ears() -> Ears:
    codec = tiny_codec()
    model = tiny_listener(codec_fingerprint(codec))
    model.__class__ = Confident
    return Ears(model, Writer(tiny_lexicon()), codec)


def test_sound_that_ends_in_the_first_word_has_no_text(ears):
    logits = peaked([SOUNDS.index("G") + 1])[None]
    segment = ears.segment_of(Hearing(logits, logits), 0.0, 0.1)
    assert (segment.text, segment.words, segment.is_unsure) == ("", (), True)


def test_what_was_heard_has_a_certainty_below_which_nothing_is_written(ears):
    segment = ears.segment(speech_like(3.0))
    assert segment.certainty > 0.9
    sure = Ears(tiny_listener(codec_fingerprint(ears.codec)), ears.writer, ears.codec)
    unsure = sure.segment(speech_like(3.0))
    assert (unsure.text, unsure.words) == ("", ())


def test_a_stream_hears_what_its_chunks_hold_whatever_their_size(ears):
    wav = torch.from_numpy(speech_like(4.0))[None, None]
    found = []
    for size in (997, 50_000, 200_000):
        state, segments = listen_start(ears), []
        for part in wav.split(size, dim=2):
            done, state = listen_chunk(ears, part, state)
            segments += done
        found.append(segments + listen_finish(ears, state))
    assert found[0] == found[1] == found[2]
    assert found[0][-1].end_s == pytest.approx(4.0, abs=0.08)


@pytest.fixture
def listen(tmp_path: Path, monkeypatch):
    """Run `cat-tts listen` with an untrained listener for the tiny tokenizer."""
    codec = tiny_codec()
    save_codec(codec, tmp_path / "codec")
    save_tiny_listener(tmp_path / "listener", codec)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        return main(["listen", "--codec", "codec", "--listener", "listener", *arguments])

    return run


def noises() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    return {
        "silence": np.zeros(2 * SAMPLE_RATE),
        "hiss": 0.1 * rng.standard_normal(2 * SAMPLE_RATE),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "short": np.zeros(round(0.05 * SAMPLE_RATE)),
    }


@pytest.mark.parametrize("name", noises())
def test_nothing_is_invented_and_that_is_told(listen, tmp_path, capsys, name):
    soundfile.write(tmp_path / "a.wav", noises()[name], SAMPLE_RATE)
    assert listen("a.wav", "--json", "--srt", "a.srt") == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert (facts["text"], facts["words"], facts["language"]) == ("", [], "")
    assert "no speech was heard" in err or "were left out" in err
    assert (tmp_path / "a.srt").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.wav"], ["none.wav", "no such file"]),
        (["."], ["is a folder"]),
        (["damaged.wav"], ["damaged.wav cannot be read as sound"]),
        (["empty.wav"], ["holds no samples"]),
        (["a.wav", "a.wav", "--srt", "a.srt"], ["--srt names one file"]),
        (["a.wav", "--vtt", "no/where.vtt"], ["no"]),
        (["a.wav", "--num-codebooks", "9"], ["num_codebooks is 9; use 1..4"]),
        (["a.wav", "--listener", "codec"], ["model_type"]),
        (["a.wav", "--listener", "nowhere"], ["no listener at nowhere", "--listener"]),
    ],
)
def test_bad_input_is_told_in_one_line(listen, tmp_path, capsys, arguments, words):
    soundfile.write(tmp_path / "a.wav", speech_like(0.5), SAMPLE_RATE)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), SAMPLE_RATE)
    (tmp_path / "damaged.wav").write_bytes(b"RIFF" + bytes(90))
    before = set(tmp_path.iterdir())
    assert listen(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert all(word in err for word in words), err
    assert set(tmp_path.iterdir()) == before


def test_raw_samples_are_read_from_standard_input(listen, monkeypatch, capsys):
    raw = (speech_like(1.0) * 32767).astype("<i2").tobytes()
    stdin = type("Stdin", (), {"buffer": io.BytesIO(raw)})()
    monkeypatch.setattr("sys.stdin", stdin)
    assert listen("-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["duration"] == pytest.approx(1.0, abs=0.08)


def test_a_listener_comes_back_from_its_folder(tmp_path):
    codec = tiny_codec()
    save_tiny_listener(tmp_path / "l", codec, limit=3.0)
    model, writer = load_listener(tmp_path / "l", codec), load_writer(tmp_path / "l")
    assert model.config.check.missing == 3.0
    assert writer.lexicon.words == tiny_lexicon().words
    assert math.isclose(float(model.codes.weight[3, 3]), float(tiny_listener().codes.weight[3, 3]))


@pytest.mark.parametrize("kind", ["m4a", "webm", "aac", "mp3"])
def test_containers_are_read_bit_by_bit_and_damage_is_told(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(RECORDINGS[kind])
    blocks = list(sound_blocks(path, seconds=0.5))
    assert len(blocks) > 2
    (rate,) = {rate for _, rate in blocks}
    assert sum(len(block) for block, _ in blocks) / rate == pytest.approx(2.0, abs=0.1)
    path.write_bytes(b"no sound at all")
    with pytest.raises(AudioError, match="cannot be read as sound"):
        list(sound_blocks(path))

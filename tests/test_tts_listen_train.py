"""Training a listener: its examples, and that a tiny one learns to write what it hears."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from frontend.symbols import to_ids
from listening import tiny_lexicon, tiny_listener
from tiny import (
    NUM_CODEBOOKS,
    SAMPLE_RATE,
    speech_like,
    tiny_codec,
    tiny_synthesizer,
    tiny_voice,
)
from tokenizer.checkpoint import save_codec
from tts.listen.folder import load_listener, load_writer
from tts.listen.lexicon import Lexicon
from tts.listen.reading import read_text
from tts.listen.sounds import SOUNDS, carried, sounds_of
from tts.listen.spelling import spell
from tts.listen.writing import Writer
from tts.train.listen import main
from tts.train.listen_batches import Diet, collate, join, speech_batches
from tts.train.listen_data import (
    Heard,
    lines_of,
    load_heard,
    prepare_speech,
    save_heard,
    some_speakers,
)
from tts.train.listen_loop import Recipe, train
from tts.train.listen_spoken import prompt_voices, speak, well_said
from tts.train.prepare import Example

RECIPES = Path(__file__).parent.parent / "recipes"
TEXTS = ("Good morning, Anna.", "It is two twenty.", "我们今天去北京。", "Who are you?")


def example(text: str, seed: int = 0, books: int = 4) -> Heard:
    """An utterance in which each sound has two frames of codes that are its own."""
    symbols, words, ends = read_text(text)
    sounds = sounds_of(symbols)[0]
    own = np.random.default_rng(7).integers(0, 32, (books, 1 + len(SOUNDS)))
    labels = np.repeat(sounds, 2)
    codes = own[:, labels].astype(np.uint16)
    language = "zh" if text[0] > "z" else "en"
    return Heard(f"u{seed}", "s", language, codes, labels, sounds, words, ends)


def test_a_text_is_its_words_and_each_ends_behind_its_sounds():
    symbols, words, ends = read_text("Hi, 北京人 2")
    assert words == (" Hi", ",", "北", "京", "人", "二")
    sounds = [SOUNDS[n - 1] for n in sounds_of(symbols)[0]]
    assert sounds[:3] == ["HH", "AY1", ","]
    assert [sounds[e - 1] for e in ends[2:]] == ["zh_3", "zh_1", "zh_2", "zh_4"]


def test_tags_and_pauses_are_no_sounds_and_rare_marks_are_common_ones():
    symbols = np.array(to_ids(("<en>", "HH", ";", "<pause>", "…")))
    sounds, before = sounds_of(symbols)
    assert [SOUNDS[n - 1] for n in sounds] == ["HH", ",", ","]
    assert before.tolist() == [0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("places", "source", "target", "found"),
    [
        ([0, 2, 4], [1, 2, 3, 4], [1, 2, 3, 4], [0, 2, 4]),
        ([2, 4], [1, 2, 3, 4], [3, 4], [0, 2]),
        ([2, 4], [1, 2, 3, 4], [1, 2, 9, 9, 3, 4], [4, 6]),
        ([4], [1, 2, 3, 4], [], [0]),
    ],
)
def test_places_are_carried_over(places, source, target, found):
    assert carried(np.array(places), source, target).tolist() == found


def test_examples_come_back_from_their_file(tmp_path):
    written = [example(TEXTS[0]), example(TEXTS[2])]
    save_heard(written, tmp_path / "e.npz")
    for a, b in zip(written, load_heard([tmp_path / "e.npz"]), strict=True):
        assert (a.words, a.language) == (b.words, b.language)
        assert b.codes.shape == (4, len(a.labels))
        for name in ("labels", "sounds", "ends"):
            assert np.array_equal(getattr(a, name), getattr(b, name))


def test_a_smaller_share_of_the_speakers_is_part_of_a_larger_one():
    examples = [replace(example(TEXTS[0], i), speaker=f"s{i % 8}") for i in range(16)]
    noise = replace(examples[0], speaker="", words=())
    parts = [some_speakers([noise, *examples], share) for share in (0.2, 0.5, 1)]
    assert [len({e.speaker for e in part} - {""}) for part in parts] == [2, 4, 8]
    assert all(part[0] is noise for part in parts)
    ids = [{e.id for e in part} for part in parts]
    assert ids[0] < ids[1] < ids[2]
    with pytest.raises(ValueError, match="--speakers is 0"):
        some_speakers(examples, 0)


def test_what_a_step_sees_depends_on_seed_and_step_alone():
    examples = [example(t, i) for i, t in enumerate(TEXTS)]
    diet = Diet(batch_frames=100)
    first = speech_batches(examples, diet, 3)
    third = [next(first) for _ in range(3)][2]
    again = next(speech_batches(examples, diet, 3, first_step=2))
    assert torch.equal(third.codes, again.codes)


def test_a_tiny_listener_learns_four_utterances_by_heart_and_goes_on_where_it_stopped(tmp_path):
    examples = [example(t, i) for i, t in enumerate(TEXTS)]
    model = tiny_listener()
    model.requires_grad_(True)
    diet = Diet(batch_frames=240, join=0.5, wrong=0.0, hidden=0.0)
    recipe = Recipe(warmup_steps=10, prefix_dropout=0.0, data=diet)
    for rate, steps in ((3e-3, 200), (5e-4, 300)):
        own = replace(recipe, learning_rate=rate, max_steps=steps)
        train(model, examples, own, tmp_path, 1e6)
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged] == [50, 100, 150, 200, 250, 300]
    model.eval()
    writer = Writer(tiny_lexicon())
    for one, text in zip(examples, TEXTS, strict=True):
        batch = collate([one], None, np.random.default_rng(0))
        logits = model.hear(batch.codes, batch.lengths).sounds[0, : batch.lengths[0]].detach()
        assert spell(logits).numbers.tolist() == one.sounds.tolist()
        found = "".join(w.word for w in writer.write(logits.numpy()))
        assert found.strip() == text.replace("。", ".")


def test_examples_get_their_words_disturbed_copies_and_noise(tmp_path):
    soundfile.write(tmp_path / "a.wav", speech_like(1.5), SAMPLE_RATE)
    (tmp_path / "audio").mkdir()
    (tmp_path / "a.wav").rename(tmp_path / "audio" / "a.wav")
    table = "id|speaker|gender|language|seconds|text\na|anna|f|en|1.50|Good morning, Anna.\n"
    (tmp_path / "metadata.csv").write_text(table)
    symbols, words, ends = read_text("Good morning, Anna.")
    codec = tiny_codec()
    # As a teacher said it: a sound was left out, and the words end where they end there.
    said = np.delete(symbols, 3)
    codes = np.zeros((NUM_CODEBOOKS, 19), np.uint16)
    given = Example("a", "anna", "en", said, codes, np.minimum(np.arange(19), len(said) - 1))
    found = list(prepare_speech([tmp_path], [given], 3, codec, 2))
    assert [e.id for e in found] == ["a", "a#1", "a#2", "noise0"]
    plain, copy, _, noise = found
    assert plain.words == words
    assert plain.ends.tolist() == [ends[0] - 1, *(ends[1:] - 1)]
    assert plain.codes.shape == (3, 19)
    assert copy.codes.shape == (3, len(copy.labels))
    assert len(copy.labels) != 19
    assert set(copy.labels) <= set(plain.labels)
    assert (noise.labels == 0).all()
    assert noise.words == ()
    with pytest.raises(ValueError, match="b is in none of the folders"):
        list(prepare_speech([tmp_path], [replace(given, id="b")], 3))


def test_an_example_may_have_fewer_codebooks_than_others():
    whole, fewer = example(TEXTS[0]), example(TEXTS[1], books=2)
    batch = collate([whole, fewer], None, np.random.default_rng(0))
    assert batch.codes.shape[1] == 4
    assert (batch.codes[1, 2:] == -1).all()
    length = len(fewer.labels)
    alone = collate([fewer], None, np.random.default_rng(0))
    model = tiny_listener()
    both, one = (model.embed_codes(b.codes)[-1, :length] for b in (batch, alone))
    assert torch.equal(both, one)
    assert len(join(whole, fewer).codes) == 2


def test_what_a_model_says_becomes_examples_and_the_worst_are_left_out():
    synthesizer, texts = tiny_synthesizer(), ["Good morning, Anna.", "Who are you?", "你好。"]
    voices = [tiny_voice("anna"), replace(tiny_voice("bei", 1), lang="zh")]
    found = list(speak(synthesizer, texts, voices, 1e-3, 0.5, seed=3))
    assert sum(len(e.labels) for e in found) >= 3.6 * synthesizer.codec.frame_rate
    assert {(e.speaker, e.language) for e in found} == {("spoken anna", "en"), ("spoken bei", "zh")}
    for one in found:
        assert one.codes.shape == (synthesizer.num_codebooks, len(one.labels))
        assert set(one.labels) <= {*one.sounds, 0}
        assert one.ends[-1] <= len(one.sounds)
    again = list(speak(synthesizer, texts, voices, 1e-3, 0.5, seed=3))
    assert [e.id for e in again] == [e.id for e in found]
    assert all(np.array_equal(a.codes, b.codes) for a, b in zip(found, again, strict=True))
    with pytest.raises(ValueError, match="no text or no voice"):
        next(speak(synthesizer, texts, voices[:1], 1e-3, 0.5))
    kept = well_said(tiny_listener(), found, 0.5)
    assert 0 < len(kept) < len(found)
    assert {e.id for e in kept} < {e.id for e in found}


def test_speakers_of_examples_become_voices_that_speak_what_they_said_longest():
    def said(name: str, speaker: str, frames: int) -> Example:
        codes = np.full((NUM_CODEBOOKS, frames), frames, dtype=np.uint16)
        return Example(name, speaker, "en", np.zeros(1, int), codes, np.zeros(frames, int))

    told = [("a", "p1", 9), ("b", "p1", 20), ("c", "p1", 12), ("d", "p2", 3), ("e", "p3", 30)]
    voices = prompt_voices([said(*one) for one in told], longest=15)
    assert [(v.name, v.lang, v.codes.shape[1]) for v in voices] == [
        ("p1", "en", 12),
        ("p2", "en", 3),
    ]


def test_texts_are_lines_or_the_sentences_of_a_table(tmp_path):
    (tmp_path / "a.txt").write_text("One.\n\n Two. \n")
    (tmp_path / "b.tsv").write_text('word\tsentence\nlead\tThe "lead.\n')
    assert list(lines_of([tmp_path / "a.txt", tmp_path / "b.tsv"])) == [
        "One.",
        "Two.",
        'The "lead.',
    ]
    (tmp_path / "b.tsv").write_text("One.\n")
    with pytest.raises(ValueError, match="no column 'sentence'"):
        list(lines_of([tmp_path / "b.tsv"]))


def test_the_commands_make_a_listener(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_codec(tiny_codec(), tmp_path / "codec")
    Path("texts.txt").write_text(
        "Good morning, Anna.\nWho are you?\n我们今天去北京。\nSecret one.\n"
    )
    Path("secret.txt").write_text("secret one\n")
    texts = ["lexicon", "texts.txt", "--leave-out", "secret.txt", "--out", "l.npz"]
    assert main(texts) == 0
    assert "words in l.npz" in capsys.readouterr().out
    lexicon = Lexicon.load(Path("l.npz"))
    assert {" Anna", " you", "北"} <= set(lexicon.words)
    assert " Secret" not in lexicon.words
    save_heard([example(t, i) for i, t in enumerate(TEXTS)], Path("s.npz"))
    sizes = {"dim": 32, "ffn": 64, "layers": 1, "heads": 2, "head_dim": 16}
    Path("c.json").write_text(json.dumps({"num_codebooks": 4, "hearing": sizes}))
    Path("r.toml").write_text("check_every = 50\n")
    codec = ["--codec", "codec"]
    run = ["run", "s.npz", *codec, "--config", "c.json", "--recipe", "r.toml"]
    assert main([*run, "--out", "run", "--budget-minutes", "9", "--max-steps", "50"]) == 0
    assert {"ctc", "labels"} <= set(json.loads(Path("run/log.jsonl").read_text()))
    assert main(["threshold", "s.npz", *codec, "--listener", "run"]) == 0
    assert main(["pack", "run", *codec, "--lexicon", "l.npz", "--out", "packed"]) == 0
    listener = load_listener("packed", tiny_codec())
    assert listener.config.check.missing > 0
    assert load_writer("packed").lexicon.words == lexicon.words
    size = Path("packed/model.safetensors").stat().st_size
    assert size < 0.6 * Path("run/model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("recipe", "words"),
    [("rate = 1", "unknown key rate"), ("[data]\nnoise = 1", "data: unknown key noise")],
)
def test_a_recipe_is_strict(tmp_path, recipe, words):
    path = tmp_path / "r.toml"
    path.write_text(recipe)
    with pytest.raises(ValueError, match=words):
        Recipe.from_file(path)


def test_the_recipe_that_is_used_can_be_read():
    shares = Recipe.from_file(RECIPES / "listener.toml").data.shares or {}
    assert 0 < sum(shares.values()) < 1

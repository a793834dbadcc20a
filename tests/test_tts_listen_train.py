"""Training a listener: its examples, and that a tiny one learns to write what it hears."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from frontend.symbols import to_ids
from listening import tiny_listener, tiny_vocabulary
from tts.listen.reading import read_text
from tts.listen.sounds import SOUNDS, carried, sounds_of
from tts.listen.spelling import spell
from tts.listen.vocabulary import LISTEN
from tts.listen.writing import write
from tts.train.listen_batches import Diet, collate, misheard, row_lists, speech_batches
from tts.train.listen_data import Heard, load_heard, save_heard
from tts.train.listen_loop import Recipe, train

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
    alone = replace(example(TEXTS[2]), codes=np.zeros((0, 0), np.uint16), labels=np.zeros(0, int))
    written = [example(TEXTS[0]), alone]
    save_heard(written, tmp_path / "e.npz")
    for a, b in zip(written, load_heard([tmp_path / "e.npz"]), strict=True):
        assert (a.words, a.language) == (b.words, b.language)
        assert b.codes.shape == (4, len(a.labels))
        for name in ("labels", "sounds", "ends"):
            assert np.array_equal(getattr(a, name), getattr(b, name))


def test_words_are_written_some_sounds_after_their_end_and_the_rest_at_the_end():
    one, vocabulary = example(TEXTS[0]), tiny_vocabulary()
    pieces, targets = row_lists(one, one.ends, len(one.sounds), 3, vocabulary)
    assert vocabulary.decode([p for p in pieces if p >= 0]) == " Good morning, Anna."
    assert pieces.count(-1) == targets.count(LISTEN) == len(one.sounds)
    heard_before_first = pieces.index(next(p for p in pieces if p >= 0))
    assert heard_before_first == one.ends[0] + 3
    assert [p for p in targets if p != LISTEN] == [p for p in pieces if p >= 0]


def test_mishearing_keeps_words_in_order_and_leaves_distributions():
    one = example(TEXTS[0])
    for seed in range(20):
        ends, weights = misheard(one, Diet(mistakes=1.0), np.random.default_rng(seed))
        assert (np.diff(ends) >= 0).all()
        assert ends[-1] <= len(weights)
        assert torch.allclose(weights.sum(1), torch.ones(len(weights)))


def test_what_a_step_sees_depends_on_seed_and_step_alone():
    examples = [example(t, i) for i, t in enumerate(TEXTS)]
    diet = Diet(batch_frames=100)
    first = speech_batches(examples, diet, 3)
    third = [next(first) for _ in range(3)][2]
    again = next(speech_batches(examples, diet, 3, first_step=2))
    assert torch.equal(third.codes, again.codes)


def test_a_tiny_listener_learns_four_utterances_by_heart_and_goes_on_where_it_stopped(tmp_path):
    examples = [example(t, i) for i, t in enumerate(TEXTS)]
    model, vocabulary = tiny_listener(), tiny_vocabulary()
    model.requires_grad_(True)
    diet = Diet(batch_frames=120, join=0.0, wrong=0.0, hidden=0.0)
    recipe = Recipe(
        learning_rate=3e-3, warmup_steps=10, prefix_dropout=0.0, write_from=0.0, data=diet
    )
    train(model, vocabulary, examples, replace(recipe, max_steps=150), tmp_path, 1e6)
    train(model, vocabulary, examples, replace(recipe, max_steps=300), tmp_path, 1e6)
    steps = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(steps) == 6
    model.eval()
    for one, text in zip(examples, TEXTS, strict=True):
        batch = collate([one], None, np.random.default_rng(0))
        sounds = spell(model.hear(batch.codes, batch.lengths).sounds[0, : batch.lengths[0]])
        assert sounds.numbers.tolist() == one.sounds.tolist()
        found = vocabulary.decode([w.piece for w in write(model, sounds.weights)])
        assert found.strip() == text.replace("。", ".")

"""Words from sounds: counting them, and the search for the likeliest."""

from __future__ import annotations

import numpy as np
import pytest

from listening import read, tiny_lexicon
from tokenizer.hub import CheckpointError
from tts.listen.lexicon import BEGIN, Chances, Lexicon
from tts.listen.sounds import NOTHING, SOUNDS
from tts.listen.writing import Writer


def sure(sounds: np.ndarray) -> np.ndarray:
    """Logits in which each sound has two frames and a blank."""
    return 12 * np.eye(1 + len(SOUNDS))[np.stack([sounds, sounds, 0 * sounds], axis=1).ravel()]


def number(sound: str) -> int:
    return SOUNDS.index(sound) + 1


def written(lexicon: Lexicon, heard: np.ndarray) -> str:
    return "".join(w.word for w in Writer(lexicon).write(heard))


@pytest.mark.parametrize("text", ["Good morning, Anna.", "It is two twenty.", "我们今天去北京。"])
def test_what_is_heard_right_is_written_with_marks_and_case(text):
    ((words, sounds, ends),) = read([text])
    found = Writer(tiny_lexicon()).write(sure(sounds))
    assert tuple(w.word for w in found) == words
    assert [w.frame for w in found] == (3 * ends - 2).tolist()
    assert [s for w in found for s in w.sounds] == sounds.tolist()


def test_nothing_heard_is_nothing_written():
    assert Writer(tiny_lexicon()).write(np.zeros((0, 1 + len(SOUNDS)))) == []


def test_a_sound_that_was_misheard_missed_or_is_too_many_is_forgiven():
    ((words, sounds, _),) = read(["Who are you?"])
    text = "".join(words)
    wrong = sounds.copy()
    wrong[1] = number("OW1")
    missed = np.delete(sounds, 2)
    more = np.insert(sounds, 3, number("S"))
    for heard in (wrong, missed, more):
        assert written(tiny_lexicon(), sure(heard)) == text
    unsure = 0.45 * sure(sounds) + 0.55 * sure(sounds[::-1])
    assert written(tiny_lexicon(), unsure) == text


def test_a_sound_is_there_twice_where_a_blank_is_between():
    b, ae, s, ow = (number(sound) for sound in ("B", "AE1", "S", "OW1"))
    said = [
        ((" bass", " so"), [b, ae, s, s, ow], [3, 5]),
        ((" baa", " so"), [b, ae, s, ow], [2, 4]),
    ]
    lexicon = Lexicon.learn((words, np.array(own), np.array(ends)) for words, own, ends in said)
    once, twice = [b, ae, s, s, s, ow], [b, ae, s, NOTHING, s, ow]
    for frames, text in ((once, " baa so"), (twice, " bass so")):
        assert written(lexicon, 12 * np.eye(1 + len(SOUNDS))[frames]) == text


def test_where_sound_ends_in_the_middle_of_a_word_the_words_before_it_are_written():
    ((_, sounds, ends),) = read(["Good morning, Anna."])
    assert written(tiny_lexicon(), sure(sounds[: ends[1] + 1])).startswith(" Good morning")


def test_of_words_that_sound_alike_the_one_that_suits_its_neighbours_is_written():
    texts = ["I can see the sea.", "We see the sea.", "They see the boat.", "I swim in the sea."]
    lexicon = Lexicon.learn(read(texts))
    ((_, sounds, _),) = read(["We see the sea."])
    assert written(lexicon, sure(sounds)) == " We see the sea."


def test_chances_of_what_may_follow_are_a_distribution_and_know_what_did():
    lexicon = Lexicon.learn(read(["I see the sea.", "I see the boat.", "I see you."]))
    chances, numbers = Chances(lexicon), {w: n for n, w in enumerate(lexicon.words)}
    for first, second in ((BEGIN, BEGIN), (numbers[" I"], numbers[" see"]), (5, 2)):
        every = [np.exp(chances.after(first, second, w)) for w in range(len(lexicon.words))]
        assert sum(every) == pytest.approx(1)
    likelier = chances.after(numbers[" I"], numbers[" see"], numbers[" the"])
    assert likelier > chances.after(numbers[" I"], numbers[" see"], numbers[" boat"])


def test_a_lexicon_comes_back_from_its_file_and_damage_is_told(tmp_path):
    lexicon, path = tiny_lexicon(), tmp_path / "lexicon.npz"
    lexicon.save(path)
    again = Lexicon.load(path)
    assert again.words == lexicon.words
    assert list(again.readings()) == list(lexicon.readings())
    assert np.array_equal(again.pairs, lexicon.pairs)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="is damaged"):
        Lexicon.load(path)
    with pytest.raises(CheckpointError, match="is missing"):
        Lexicon.load(tmp_path / "none.npz")

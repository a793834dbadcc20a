"""Reading codes back: what is missing, what is said twice, and where."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from listening import tiny_listener
from tts.listen.check import check, compare
from tts.listen.config import CheckConfig
from tts.listen.model import Hearing, Listener
from tts.listen.reading import read_text
from tts.listen.sounds import SOUNDS, UNSTRESSED, sounds_of, spoken
from tts.train.listen_data import Heard
from tts.train.listen_threshold import clause, find_threshold, sound_frames, spoil

TEXT = np.arange(20, 60)
LIMITS = CheckConfig(6.0, 6.0)


def heard_as(sounds) -> tuple[np.ndarray, np.ndarray, int]:
    return np.array(sounds), 3 * np.arange(len(sounds)), 3 * len(sounds) + 1


@pytest.mark.parametrize(
    ("heard", "errors", "missing", "inserted", "frames"),
    [
        (TEXT, 0, 0, 0, (0, 0)),
        (np.delete(TEXT, [3, 20, 33]), 3, 1, 0, None),
        (np.delete(TEXT, range(10, 20)), 10, 10, 0, (30, 30)),
        (TEXT[:30], 10, 10, 0, (91, 91)),
        (np.insert(TEXT, 20, TEXT[10:20]), 10, 0, 10, None),
        ([*TEXT, *TEXT[-8:]], 8, 0, 8, (120, 145)),
        ([], 40, 40, 0, (1, 1)),
        (np.where(np.isin(np.arange(40), [5, 6]), 9, TEXT), 2, 0, 0, (0, 0)),
    ],
)
def test_stretches_that_are_lost_or_said_beside_are_found(heard, errors, missing, inserted, frames):
    found = compare(TEXT, *heard_as(heard))
    assert (found.errors, found.missing, found.inserted) == (errors, missing, inserted)
    if frames is not None:
        assert found.frames == frames
    assert (found.complaint(LIMITS, 25) is None) == (max(missing, inserted) < 6)


def test_one_sound_taken_right_inside_a_lost_clause_does_not_hide_it():
    heard = np.concatenate([TEXT[:10], TEXT[14:15], TEXT[20:]])
    assert compare(TEXT, *heard_as(heard)).missing >= 6


def test_a_complaint_says_what_and_where():
    lost = compare(TEXT, *heard_as(TEXT[10:])).complaint(LIMITS, 25)
    twice = compare(TEXT, *heard_as([*TEXT, *TEXT[:9]])).complaint(LIMITS, 25)
    assert lost == "other words: about 10 sounds of the text are missing, at 0.0 s"
    assert twice == "other words: about 9 sounds are said that are not in the text, at 4.8 s"


# ------------------------------------------------------------------------------- thresholds


class Perfect(Listener):
    """Reads sounds that stand in the codes."""

    def hear(self, codes, lengths=None, chunk=0):
        sounds = (codes[:, 0] * 32 + codes[:, 1]) * (codes[:, 2] == 0)
        logits = torch.nn.functional.one_hot(sounds, 1 + len(SOUNDS)) * 9.0
        return Hearing(logits, logits)


@pytest.fixture
def perfect() -> Listener:
    model = tiny_listener()
    model.__class__ = Perfect
    return model


def spoken_text(text: str) -> Heard:
    """Two frames a sound, the second of which is a blank."""
    symbols, words, ends = read_text(text)
    sounds = sounds_of(symbols)[0]
    labels = np.repeat(sounds, 2)
    again = np.arange(len(labels)) % 2
    codes = np.stack([labels // 32, labels % 32, again, again]).astype(np.uint16)
    return Heard("a", "s", "en", codes, labels, sounds, words, ends)


SENTENCE = "Take the next door on the left, then wait for me in the little garden."


def test_codes_are_compared_with_symbols(perfect):
    example = spoken_text(SENTENCE)
    codes = torch.from_numpy(example.codes.astype(np.int64))
    symbols = tuple(SOUNDS[n - 1] for n in example.sounds)
    whole = check(codes, ("<en>", *symbols), perfect)
    assert (whole.errors, whole.missing, whole.inserted) == (0, 0, 0)
    assert whole.sounds == len(spoken(example.sounds))
    assert check(codes[:, :0], symbols, perfect).missing == whole.sounds
    # Stress does not count.
    other = tuple(s[:-1] + "0" if s[-1] in "12" else s for s in symbols)
    assert check(codes, other, perfect).errors == 0


def test_a_clause_is_cut_and_doubled_where_its_words_are(perfect):
    example = spoken_text(SENTENCE)
    assert sound_frames(example).tolist() == [2 * n + 2 for n in range(len(example.sounds))]
    for seed in range(10):
        place = clause(example, np.random.default_rng(seed))
        found = spoil(perfect, example, np.random.default_rng(seed))
        assert place is not None
        assert found is not None
        sounds = example.sounds[place[0] // 2 : place[1] // 2]
        number = len(UNSTRESSED[sounds[spoken(sounds)]])
        assert found.good.errors == 0
        # Sounds at the edges may stand beside others of the same kind.
        assert found.cut.missing == pytest.approx(number, abs=2)
        assert found.doubled.inserted == pytest.approx(number, abs=2)


def test_limits_let_good_sentences_pass_and_find_spoilt_ones(perfect):
    found = find_threshold(perfect, [spoken_text(SENTENCE)] * 12)
    assert (found.sentences, found.false_alarms) == (12, 0.0)
    assert (found.found_missing, found.found_doubled) == (1.0, 1.0)
    assert found.limits == CheckConfig(0.5, 0.5)
    with pytest.raises(ValueError, match="give sentences"):
        find_threshold(perfect, [spoken_text("Yes.")])

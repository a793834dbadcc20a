"""From sounds to words: of the texts that a lexicon can write, the likeliest (beam search).

A hypothesis stands somewhere in a tree of all words' sounds, behind the words it has written. Each
sound that was heard takes it a step further, may have been misheard, may be one too many, or may
follow one that was not heard at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tts.listen.lexicon import BEGIN, REMEMBERED, Chances, Lexicon
from tts.listen.sounds import IS_MANDARIN, IS_MARK, IS_TONE, NOTHING, UNSTRESSED

# Hypotheses that are kept after each sound, and those among them that stand between two words; none
# is kept that is so much worse than the best one.
BEAM, BETWEEN, WORSE = 60, 12, 8.0
# Weight of the chances of words against those of sounds; both are logarithms.
WEIGHT = 0.6
# A sound that was heard and is none of the text's, the same of a mark, one that was not heard.
EXTRA, EXTRA_MARK, MISSED = -4.0, -2.0, -3.5
# How easily a sound is taken for any other, for one of its kind, for itself with another stress.
ANY, KIND, STRESS = 1e-3, 0.02, 0.3
# What one that was heard is likeliest to be: sounds that begin a word, that follow a missed one.
LIKELY, LIKELIEST = 10, 4


class Written(NamedTuple):
    """A word, and how many sounds had been heard when it was over."""

    word: str
    sounds: int


class _Text(NamedTuple):
    """The words of a hypothesis, the last one first."""

    before: _Text | None
    word: int
    sounds: int


# Where in the tree, and the last two words.
_Place = tuple[int, int, int]
_Beam = dict[_Place, tuple[float, _Text | None]]


class Writer:
    """A lexicon made ready to write from."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._chances = Chances(lexicon)
        # Of each node: the next one by sound, the words that end there, the best chance below it.
        self._next: list[dict[int, int]] = [{}]
        self._words: list[list[int]] = [[]]
        self._best = [-np.inf]
        self._skipped: dict[int, dict[int, list[int]]] = {}
        for word, sounds in lexicon.readings():
            self._grow(word, sounds, WEIGHT * self._chances.alone(word))

    def _grow(self, word: int, sounds: list[int], chance: float) -> None:
        node = 0
        self._best[0] = max(self._best[0], chance)
        for sound in sounds:
            if sound not in self._next[node]:
                self._next[node][sound] = len(self._next)
                self._next.append({})
                self._words.append([])
                self._best.append(-np.inf)
            node = self._next[node][sound]
            self._best[node] = max(self._best[node], chance)
        self._words[node].append(word)

    def write(self, weights: np.ndarray) -> list[Written]:
        """The words of sounds.

        Args:
            weights: (L, 1 + sounds), see `tts.listen.spelling.Sounds`.

        Returns:
            Words in order; none where nothing was heard.
        """
        beam: _Beam = {(0, BEGIN, BEGIN): (0.0, None)}
        for number, scores in enumerate(_scores(weights), start=1):
            beam = self._finish(self._hear(beam, scores), number)
        text = max(
            ((score, text) for (node, *_), (score, text) in beam.items() if node == 0),
            key=lambda found: found[0],
            default=(0.0, None),
        )[1]
        found = []
        while text is not None:
            found.append(Written(self.lexicon.words[text.word], text.sounds))
            text = text.before
        return found[::-1]

    def _hear(self, beam: _Beam, scores: np.ndarray) -> _Beam:
        """One sound further."""
        likely = np.argsort(-scores)[:LIKELY].tolist()
        chance = scores.tolist()
        extra = EXTRA_MARK if IS_MARK[likely[0]] else EXTRA
        found: _Beam = {}
        for place, (score, text) in beam.items():
            node, first, second = place
            _keep(found, place, score + extra, text)
            after = self._next[node]
            for sound in after if len(after) <= LIKELY else likely:
                there = after.get(sound)
                if there is not None:
                    _keep(found, (there, first, second), score + chance[sound], text)
            over = self._over(node)
            for sound in likely[:LIKELIEST] if node else likely[:1]:
                for there in over.get(sound, ()):
                    missed = score + MISSED + chance[sound]
                    _keep(found, (there, first, second), missed, text)
        return found

    def _over(self, node: int) -> dict[int, list[int]]:
        """The nodes two sounds further, by the second one."""
        known = self._skipped.get(node)
        if known is None:
            if len(self._skipped) >= REMEMBERED // 10:
                self._skipped.clear()
            known = self._skipped[node] = {}
            for between in self._next[node].values():
                for sound, there in self._next[between].items():
                    known.setdefault(sound, []).append(there)
        return known

    def _finish(self, beam: _Beam, number: int) -> _Beam:
        """The best of a beam, and their words where one is over."""
        ranks = {place: score + self._best[place[0]] for place, (score, _) in beam.items()}
        least = max(ranks.values()) - WORSE
        near = [own for own in beam.items() if ranks[own[0]] >= least]
        best = sorted(near, key=lambda own: -ranks[own[0]])[:BEAM]
        between: _Beam = {}
        kept: _Beam = {}
        for place, (score, text) in best:
            node, first, second = place
            if node == 0:
                _keep(between, place, score, text)
                continue
            kept[place] = score, text
            ends = [(node, score)]
            ends += [(there, score + MISSED) for there in self._next[node].values()]
            for there, own in ends:
                for word in self._words[there]:
                    whole = own + WEIGHT * self._chances.after(first, second, word)
                    _keep(between, (0, second, word), whole, _Text(text, word, number))
        best = sorted(between.items(), key=lambda own: -own[1][0])[:BETWEEN]
        return kept | dict(best)


def _keep(beam: _Beam, place: _Place, score: float, text: _Text | None) -> None:
    """Of two hypotheses in one place the better one stays."""
    known = beam.get(place)
    if known is None or known[0] < score:
        beam[place] = score, text


def _scores(weights: np.ndarray) -> np.ndarray:
    """How likely each sound of a text is behind each that was heard: (L, 1 + sounds), logarithms of
    such weights."""
    return np.log(np.maximum(weights @ _TAKEN, 1e-6))


def _taken() -> np.ndarray:
    kinds = _kinds()
    table = np.where(kinds[:, None] == kinds, KIND, ANY)
    table[UNSTRESSED[:, None] == UNSTRESSED] = STRESS
    np.fill_diagonal(table, 1)
    table[:, NOTHING] = 0
    return table


def _kinds() -> np.ndarray:
    """Sounds of one number are mistaken for each other: (1 + sounds,)."""
    vowels = np.arange(len(UNSTRESSED)) != UNSTRESSED
    vowels |= np.isin(np.arange(len(UNSTRESSED)), UNSTRESSED[vowels])
    return IS_MARK + 2 * IS_MANDARIN + 4 * IS_TONE + 8 * vowels


_TAKEN = _taken()

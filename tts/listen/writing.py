"""From what is heard to words: of the texts that a lexicon can write, the likeliest (beam search).

A hypothesis stands somewhere in a tree of all words' sounds, behind the words it has written. Each
frame adds a blank, goes on with the sound before it, or takes the hypothesis a step further (CTC);
two that have come to stand in one place become one, and their chances add up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tts.listen.lexicon import BEGIN, Chances, Lexicon
from tts.listen.sounds import NOTHING
from tts.listen.tree import ROOT, Tree

# Hypotheses that are kept after each frame, and so many at most that are between two words, of the
# likeliest by the words alone; none is kept that is so much worse than the best one.
BEAM, BETWEEN, ENDS, WORSE = 600, 40, 1000, 18.0
# Weight of the chances of words against those of sounds; both are logarithms.
WEIGHT = 0.8
# CTC is too sure, above all of blanks: logits are scaled, blanks then have so much less, and no
# sound has less chance than the last of these.
SCALE, LESS_BLANK, LEAST = 0.7, 1.3, 1e-4
# From this chance of a blank on (a logarithm) a frame is nothing else.
SURE = float(np.log(0.85))


class Written(NamedTuple):
    """A word, the sounds it was heard by, and the last frame of the last of them."""

    word: str
    sounds: tuple[int, ...]
    frame: int


class _Text(NamedTuple):
    """The words of a hypothesis, the last one first, each with its end in the tree."""

    before: _Text | None
    word: int
    node: int
    frame: int


class _Beam(NamedTuple):
    """Hypotheses: node in the tree; last: the sound of the frame before, NOTHING for a blank;
    context: the last two words, as one number; score: each (N,); text: of each."""

    node: np.ndarray
    last: np.ndarray
    context: np.ndarray
    score: np.ndarray
    text: list[_Text | None]


class Writer:
    """A lexicon made ready to write from."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._chances = Chances(lexicon)
        words = range(len(lexicon.words))
        self._alone = WEIGHT * np.array([self._chances.alone(word) for word in words])
        self._tree = Tree(lexicon, self._alone.tolist())

    def write(self, logits: np.ndarray) -> list[Written]:
        """The words of what was heard.

        Args:
            logits: (T, 1 + sounds) of frames, the blank first.

        Returns:
            Words in order; none where nothing was heard.
        """
        zero = np.zeros(1, dtype=np.int64)
        begin = self._context(zero + BEGIN, zero + BEGIN)
        beam = _Beam(zero + ROOT, zero + NOTHING, begin, np.zeros(1), [None])
        for frame, chances in enumerate(_log_chances(logits)):
            if chances[NOTHING] > SURE:
                beam = beam._replace(last=np.full_like(beam.last, NOTHING))
            else:
                beam = self._end_words(self._hear(beam, chances), frame)
        text, found = self._likeliest(beam), []
        while text is not None:
            sounds = tuple(self._tree.path(text.node))
            found.append(Written(self.lexicon.words[text.word], sounds, text.frame))
            text = text.before
        return found[::-1]

    @staticmethod
    def _likeliest(beam: _Beam) -> _Text | None:
        """The best text without half a word at its end; where the sound ends in one, what is before
        it."""
        whole = np.where(beam.node == ROOT, beam.score, -np.inf)
        return beam.text[int((whole if np.isfinite(whole).any() else beam.score).argmax())]

    def _context(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The last two words as one number."""
        return first * len(self.lexicon.words) + second

    def _hear(self, beam: _Beam, chances: np.ndarray) -> _Beam:
        """One frame further; chances (1 + sounds,) are logarithms."""
        every = np.arange(len(beam.node))
        # Between two words the last sound goes on in the hypothesis whose word is not over yet.
        again = np.flatnonzero((beam.last != NOTHING) & (beam.node != ROOT))
        origin, sound, there = self._tree.ways_on(beam.node)
        new = sound != beam.last[origin]
        origin, sound, there = origin[new], sound[new], there[new]
        node = np.concatenate([beam.node, beam.node[again], there])
        last = np.concatenate([np.full_like(every, NOTHING), beam.last[again], sound])
        origin = np.concatenate([every, again, origin])
        score = beam.score[origin] + chances[last]
        near = self._near(node, score)
        node, last, origin, score = node[near], last[near], origin[near], score[near]
        context = beam.context[origin]
        place = (context * len(self._tree) + node) * len(chances) + last
        # Of those in one place, the best one stands first.
        order = np.lexsort((-score, place))
        place = place[order]
        first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        score, best = np.logaddexp.reduceat(score[order], first), order[first]
        kept = self._best(node[best], score)
        best = best[kept]
        text = [beam.text[i] for i in origin[best].tolist()]
        return _Beam(node[best], last[best], context[best], score[kept], text)

    def _near(self, node: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Places of those that are not much worse than the best, by what may come of them."""
        ranks = score + self._tree.best[node]
        return np.flatnonzero(ranks >= ranks.max() - WORSE)

    def _best(self, node: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Places of the best `BEAM`."""
        if len(node) <= BEAM:
            return np.arange(len(node))
        return np.argpartition(-score - self._tree.best[node], BEAM)[:BEAM]

    def _end_words(self, beam: _Beam, frame: int) -> _Beam:
        """And those whose word may be over, behind it."""
        least = (beam.score + self._tree.best[beam.node]).max() - WORSE - self._tree.best[ROOT]
        over = self._tree.is_end[beam.node] & (beam.last != NOTHING) & (beam.score >= least)
        over = np.flatnonzero(over)
        origin, words = self._tree.words_at(beam.node[over])
        over = over[origin]
        likely = np.argsort(-beam.score[over] - self._alone[words])[:ENDS]
        over, words = over[likely], words[likely]
        firsts, seconds = np.divmod(beam.context[over], len(self.lexicon.words))
        contexts = self._context(seconds, words)
        between: dict[tuple[int, int], tuple[float, _Text]] = {}
        columns = (over, firsts, seconds, words, contexts, beam.last[over], beam.score[over])
        for i, first, second, word, context, last, before in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            score = before + WEIGHT * self._chances.after(first, second, word)
            place = context, last
            if score >= least and (place not in between or between[place][0] < score):
                between[place] = score, _Text(beam.text[i], word, int(beam.node[i]), frame)
        if not between:
            return beam
        best = sorted(between.items(), key=lambda own: -own[1][0])[:BETWEEN]
        return _Beam(
            np.concatenate([beam.node, np.full(len(best), ROOT)]),
            np.concatenate([beam.last, [last for (_, last), _ in best]]),
            np.concatenate([beam.context, [context for (context, _), _ in best]]),
            np.concatenate([beam.score, [score for _, (score, _) in best]]),
            beam.text + [text for _, (_, text) in best],
        )


def _log_chances(logits: np.ndarray) -> np.ndarray:
    """Of each sound in each frame, made less sure; -inf stays where it is."""
    logits = SCALE * logits.astype(np.float64)
    logits[:, NOTHING] -= LESS_BLANK
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    chances[np.isfinite(logits)] += LEAST
    with np.errstate(divide="ignore"):
        return np.log(chances / chances.sum(1, keepdims=True))

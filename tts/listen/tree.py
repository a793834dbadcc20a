"""All words of a lexicon by their sounds: a tree whose paths are what has been heard of a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts.listen.lexicon import Lexicon

ROOT = 0


class Tree:
    """Nodes are numbers, `ROOT` the one between two words.

    Attributes:
        sounds, nodes: int64 (nodes - 1,), of each way on to a node; those from one stand together.
        words: int64 (readings,), those that are over at one node stand together.
        is_end: bool (nodes,), whether a word is over there.
        best: float64 (nodes,), the best score of a word that is over at a node or behind it.
    """

    def __init__(self, lexicon: Lexicon, scores: Sequence[float]) -> None:
        """`scores`: of each word."""
        ways: list[dict[int, int]] = [{}]
        over: list[list[int]] = [[]]
        self._before: list[tuple[int, int]] = [(ROOT, 0)]
        for word, sounds in lexicon.readings():
            node = ROOT
            for sound in sounds:
                if sound not in ways[node]:
                    ways[node][sound] = len(ways)
                    self._before.append((node, sound))
                    ways.append({})
                    over.append([])
                node = ways[node][sound]
            over[node].append(word)
        self._first_way = np.cumsum([0, *map(len, ways)])
        self._first_word = np.cumsum([0, *map(len, over)])
        self.sounds = np.array([s for way in ways for s in way], dtype=np.int64)
        self.nodes = np.array([n for way in ways for n in way.values()], dtype=np.int64)
        self.words = np.array([word for own in over for word in own], dtype=np.int64)
        self.is_end = np.array([bool(own) for own in over])
        self.best = np.array([max([-np.inf, *(scores[w] for w in own)]) for own in over])
        # A node's number is above that of the node before it.
        for node in reversed(range(ROOT + 1, len(ways))):
            before = self._before[node][0]
            self.best[before] = max(self.best[before], self.best[node])

    def __len__(self) -> int:
        return len(self.best)

    def ways_on(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All steps from nodes (N,): places in `nodes`, the sound of each step, where it leads."""
        origin, ways = _spans(self._first_way, nodes)
        return origin, self.sounds[ways], self.nodes[ways]

    def words_at(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All words that are over at nodes (N,): places in `nodes`, the words."""
        origin, places = _spans(self._first_word, nodes)
        return origin, self.words[places]

    def path(self, node: int) -> list[int]:
        """The sounds from the root to a node."""
        sounds = []
        while node != ROOT:
            node, sound = self._before[node]
            sounds.append(sound)
        return sounds[::-1]


def _spans(first: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All numbers from first[n] to first[n + 1] of each node n, and of which it is."""
    counts = first[nodes + 1] - first[nodes]
    origin = np.repeat(np.arange(len(nodes)), counts)
    begins = first[nodes] - (counts.cumsum() - counts)
    return origin, np.arange(len(origin)) + begins[origin]

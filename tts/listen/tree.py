"""All words of a lexicon by their sounds: a tree whose paths are what has been heard of a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts.listen.lexicon import Lexicon

ROOT = 0


class Tree:
    """Nodes are numbers, `ROOT` the one between two words.

    Attributes:
        first: int64 (nodes + 1,); `sounds` and `nodes` from first[n] to first[n + 1] are the ways
            on from node n.
        sounds, nodes: int64 (nodes - 1,).
        words: those that are over at each node.
        is_end: bool (nodes,), whether there is one.
        best: float64 (nodes,), the best score of a word that is over at a node or behind it.
    """

    def __init__(self, lexicon: Lexicon, scores: Sequence[float]) -> None:
        """`scores`: of each word."""
        ways: list[dict[int, int]] = [{}]
        self.words: list[list[int]] = [[]]
        self._before: list[tuple[int, int]] = [(ROOT, 0)]
        for word, sounds in lexicon.readings():
            node = ROOT
            for sound in sounds:
                if sound not in ways[node]:
                    ways[node][sound] = len(ways)
                    self._before.append((node, sound))
                    ways.append({})
                    self.words.append([])
                node = ways[node][sound]
            self.words[node].append(word)
        self.first = np.cumsum([0, *map(len, ways)])
        self.sounds = np.array([s for way in ways for s in way], dtype=np.int64)
        self.nodes = np.array([n for way in ways for n in way.values()], dtype=np.int64)
        self.is_end = np.array([bool(words) for words in self.words])
        self.best = np.array([max([-np.inf, *(scores[w] for w in own)]) for own in self.words])
        for node in range(
            len(ways) - 1, ROOT, -1
        ):  # a node's number is above that of the one before
            before = self._before[node][0]
            self.best[before] = max(self.best[before], self.best[node])

    def __len__(self) -> int:
        return len(self.words)

    def ways_on(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All steps from nodes (N,): places in `nodes`, the sound of each step, where it leads."""
        counts = self.first[nodes + 1] - self.first[nodes]
        origin = np.repeat(np.arange(len(nodes)), counts)
        begins = self.first[nodes] - (counts.cumsum() - counts)
        ways = np.arange(len(origin)) + begins[origin]
        return origin, self.sounds[ways], self.nodes[ways]

    def path(self, node: int) -> list[int]:
        """The sounds from the root to a node."""
        sounds = []
        while node != ROOT:
            node, sound = self._before[node]
            sounds.append(sound)
        return sounds[::-1]

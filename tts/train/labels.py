"""What is spoken when, for the tokenizer's training: one phoneme index every 10 ms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from frontend.symbols import SYMBOLS
from tts.train.prepare import aligned_corpora


def make_labels(folders: list[Path], worst_share: float = 0.03) -> dict[str, np.ndarray]:
    """Phoneme labels of whole corpora, by forced alignment.

    Args:
        folders: each with a metadata.csv.
        worst_share: share of each language's utterances left out for the worst alignment.

    Returns:
        int16 (steps of 10 ms,) positions in `SYMBOLS`, by utterance id.
    """
    position = {symbol: i for i, symbol in enumerate(SYMBOLS)}
    labels = {}
    for items, ends in aligned_corpora(folders, worst_share).values():
        for utterance, symbols in items:
            if utterance.id in ends:
                lengths = np.diff(ends[utterance.id], prepend=0)
                index = np.array([position[s] for s in symbols], np.int16)
                labels[utterance.id] = np.repeat(index, lengths)
    return labels


def save_labels(labels: dict[str, np.ndarray], path: Path) -> None:
    """Write what `tokenizer.train.data.label` reads."""
    np.savez(
        path,
        ids=np.array(list(labels)),
        num_labels=np.array([len(x) for x in labels.values()]),
        labels=np.concatenate(list(labels.values())),
    )

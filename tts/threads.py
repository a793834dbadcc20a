"""How many threads speaking takes, and how they wait for each other.

Threads that share every matrix product stand still while one of them has no core, and by default
they spin while they wait: beside other work, speaking then takes many times as long. The products
of a small model are done before a second thread has begun. So commands that speak let threads
sleep while they wait, and give a small model one thread; its decoder has a thread of its own.
Models from MOSS-TTS-Nano's size on keep all the threads that torch would take. Whoever sets
OMP_NUM_THREADS or OMP_WAIT_POLICY decides; importing this package changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tts.model.weights import PreparedModel

# Entries of a model's widest weight from which a second thread pays: Nano's has 2.4 million, and a
# step of it takes 80 ms with one thread and 47 with two.
TWO_THREADS_FROM = 2_000_000


def sleep_while_waiting() -> None:
    """Tell OpenMP; it listens only until torch is imported."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def speaking_threads(model: PreparedModel, decoding_beside: bool = False) -> Iterator[None]:
    """As many of torch's threads as suit a model, for as long as the block lasts.

    Args:
        decoding_beside: a large model leaves half of them to its decoder, but keeps two, because
            the decoder needs far less.
    """
    import torch

    before = torch.get_num_threads()
    large = max(min(2, before), before // 2) if decoding_beside else before
    chosen = 1 if model.widest < TWO_THREADS_FROM else large
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(chosen)
    try:
        yield
    finally:
        torch.set_num_threads(before)

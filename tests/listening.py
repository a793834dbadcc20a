"""A tiny random listener that tests share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tiny import CODEBOOK_SIZE, FRAME_SIZE, NUM_CODEBOOKS, SAMPLE_RATE
from tokenizer.codes import codec_fingerprint
from tokenizer.model import CatTokenizer
from tts.listen.config import CheckConfig, ListenerConfig, StackConfig
from tts.listen.folder import save_listener
from tts.listen.lexicon import FILE, Lexicon
from tts.listen.model import Listener
from tts.listen.reading import read_text
from tts.listen.sounds import SOUNDS, sounds_of
from tts.train.listen_init import initialize

TEXTS = (
    "Good morning, Anna.",
    "It is two twenty.",
    "我们今天去北京。",
    "Who are you?",
    "Is it you?",
)


def read(texts: Sequence[str] = TEXTS) -> list[tuple[tuple[str, ...], np.ndarray, np.ndarray]]:
    """What a lexicon learns from."""
    parts = [read_text(text) for text in texts]
    return [(words, sounds_of(symbols)[0], ends) for symbols, words, ends in parts]


@cache
def tiny_lexicon() -> Lexicon:
    return Lexicon.learn(read())


def tiny_listener(codec: str = "", seed: int = 0) -> Listener:
    """For `tiny_codec`."""
    sizes = StackConfig(dim=32, ffn=64, layers=2, heads=2, head_dim=16)
    config = ListenerConfig(
        codec=codec,
        num_codebooks=NUM_CODEBOOKS,
        codebook_size=CODEBOOK_SIZE,
        frame_rate=SAMPLE_RATE / FRAME_SIZE,
        sounds=SOUNDS,
        hearing=sizes,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Listener(config)
        initialize(model)
    return model.requires_grad_(False).eval()


def save_tiny_listener(folder: Path, codec: CatTokenizer, limit: float = 1.0) -> Path:
    """A listener's folder for `codec`: untrained, so that it hears other words everywhere."""
    listener = tiny_listener(codec_fingerprint(codec))
    listener.config = replace(listener.config, check=CheckConfig(limit, limit))
    save_listener(listener, folder)
    tiny_lexicon().save(folder / FILE)
    return folder

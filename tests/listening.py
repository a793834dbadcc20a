"""A tiny random listener that tests share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from tiny import CODEBOOK_SIZE, FRAME_SIZE, NUM_CODEBOOKS, SAMPLE_RATE
from tokenizer.codes import codec_fingerprint
from tokenizer.model import CatTokenizer
from tts.listen.config import CheckConfig, ListenerConfig, StackConfig
from tts.listen.folder import save_listener
from tts.listen.model import Listener
from tts.listen.sounds import SOUNDS
from tts.listen.vocabulary import Vocabulary
from tts.train.listen_init import initialize


@cache
def tiny_vocabulary() -> Vocabulary:
    english = ["Good morning, Anna. It is two twenty. Who are you?", "Is it you?"]
    return Vocabulary.learn(english, list("我们今天去北京"), 60)


def tiny_listener(codec: str = "", seed: int = 0) -> Listener:
    """For `tiny_codec`."""
    sizes = StackConfig(dim=32, ffn=64, layers=2, heads=2, head_dim=16)
    config = ListenerConfig(
        codec=codec,
        num_codebooks=NUM_CODEBOOKS,
        codebook_size=CODEBOOK_SIZE,
        frame_rate=SAMPLE_RATE / FRAME_SIZE,
        sounds=SOUNDS,
        vocabulary=len(tiny_vocabulary()),
        delay=3,
        hearing=sizes,
        writing=sizes,
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
    save_listener(listener, tiny_vocabulary(), folder)
    return folder

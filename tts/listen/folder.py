"""A listener's folder: `config.json`, `model.safetensors`, and the lexicon that it writes from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from tokenizer.codes import codec_fingerprint
from tokenizer.files import replacing
from tokenizer.hub import CheckpointError
from tokenizer.model import CatTokenizer
from tokenizer.weights import load_weights, save_folder, without_numbers
from tts.folders import listener_folder
from tts.listen.config import CheckConfig, ListenerConfig
from tts.listen.lexicon import FILE, Lexicon
from tts.listen.model import Listener
from tts.listen.sounds import SOUNDS
from tts.listen.writing import Writer


def load_listener(
    name: str | Path, codec: CatTokenizer, device: str | torch.device = "cpu"
) -> Listener:
    """The listener of a folder, for the codes of `codec`; `load_writer` has its words.

    Args:
        name: 'embedded' or a folder.

    Raises:
        CheckpointError: there is none, it is damaged, or it reads another tokenizer's codes.
        ConfigError: its config asks for something unknown.
    """
    folder = listener_folder(name)
    config = ListenerConfig.from_file(folder / "config.json")
    own = codec_fingerprint(codec)
    if config.codec != own:
        raise CheckpointError(
            f"the listener at {folder} reads the codes of tokenizer {config.codec}, and the one in "
            f"use is {own}; give a listener for it by --listener, or its own tokenizer by --codec"
        )
    if config.sounds != SOUNDS:
        raise CheckpointError(
            f"the listener at {folder} was trained with other symbols than this front end has; "
            "use the version of cat-tts it came with, or train one anew (docs/listening.md)"
        )
    with without_numbers():
        model = Listener(config)
    load_weights(model, folder, lambda _: (torch.device(device), torch.float32))
    return model.requires_grad_(False).eval()


def load_writer(name: str | Path) -> Writer:
    """What a listener writes with; CheckpointError where its folder has no lexicon."""
    return Writer(Lexicon.load(listener_folder(name) / FILE))


def save_listener(model: Listener, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a listener to `folder` (made if need be), without a lexicon."""
    save_folder(model, model.config.to_dict(), folder, dtype)


def save_limits(folder: Path, limits: CheckConfig) -> None:
    """Write what `tts.listen.check` judges by into a listener's config."""
    config = replace(ListenerConfig.from_file(folder / "config.json"), check=limits)
    with replacing(folder / "config.json") as temporary:
        temporary.write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")


def check_limits(listener: Listener) -> None:
    """CheckpointError where a listener was never told when a piece is wrong."""
    limits = listener.config.check
    if not (limits.missing > 0 and limits.inserted > 0):
        raise CheckpointError(
            "this listener has no limits to check by; set them by "
            "`python -m tts.train.listen threshold` (docs/listening.md)"
        )

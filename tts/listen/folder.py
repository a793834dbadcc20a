"""A listener's folder: `config.json`, `model.safetensors`, the vocabulary."""

from __future__ import annotations

from pathlib import Path

import torch

from tokenizer.codes import codec_fingerprint
from tokenizer.files import replacing
from tokenizer.hub import CheckpointError
from tokenizer.model import CatTokenizer
from tokenizer.weights import load_weights, save_folder, without_numbers
from tts.listen.config import ListenerConfig
from tts.listen.model import Listener
from tts.listen.sounds import SOUNDS
from tts.listen.vocabulary import FILE, Vocabulary

EMBEDDED = Path(__file__).parent.parent / "pretrained" / "listener"


def load_listener(
    name: str | Path, codec: CatTokenizer, device: str | torch.device = "cpu"
) -> tuple[Listener, Vocabulary]:
    """The listener of a folder, for the codes of `codec`.

    Args:
        name: 'embedded' or a folder.

    Raises:
        CheckpointError: there is none, it is damaged, or it reads another tokenizer's codes.
        ConfigError: its config asks for something unknown.
    """
    folder = EMBEDDED if str(name) == "embedded" else Path(name)
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"no listener at {folder}: config.json is missing; give the folder of a listener for "
            "this tokenizer by --listener, or train one (docs/listening.md)"
        )
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
    vocabulary = Vocabulary.load(folder)
    return model.requires_grad_(False).eval(), vocabulary


def save_listener(
    model: Listener,
    vocabulary: Vocabulary,
    folder: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a listener's files to `folder` (made if need be), each whole or not at all."""
    save_folder(model, model.config.to_dict(), folder, dtype)
    with replacing(folder / FILE) as temporary:
        temporary.write_bytes(vocabulary.model)

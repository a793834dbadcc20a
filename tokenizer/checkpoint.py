"""Load and save tokenizers: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tokenizer.config import CatConfig
from tokenizer.hub import CheckpointError
from tokenizer.model import CatTokenizer
from tokenizer.weights import load_weights, model_folder, save_folder, spread

__all__ = ["EMBEDDED", "CheckpointError", "load_codec", "model_folder", "save_codec"]

EMBEDDED = Path(__file__).parent / "pretrained"


def load_codec(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
) -> CatTokenizer:
    """Load a tokenizer, ready for inference.

    Args:
        name: 'embedded', a folder in the published format, or a hub id.
        device: where its parameters go.
        dtype: of encoder and decoder; the quantizer stays float32.
        device_map: instead of `device`, for a model that does not fit one: 'auto', or stage
            name -> device.

    Raises:
        CheckpointError: folder, config or weights are missing, damaged or do not match.
        ConfigError: the config asks for something unknown.
    """
    folder = model_folder(name, EMBEDDED)
    with torch.device("meta"):
        codec = CatTokenizer(CatConfig.from_file(folder / "config.json"))
    one = torch.device(device)
    where = (
        spread(codec, ("TransformerStage", "ResidualQuantizer"), device_map, dtype)
        if (device_map is not None)
        else lambda _: one
    )
    load_weights(
        codec,
        folder,
        lambda n: (where(n), torch.float32 if n.startswith("quantizer.") else dtype),
    )
    return codec.requires_grad_(False).eval()


def save_codec(codec: CatTokenizer, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    save_folder(codec, codec.config.to_dict(), folder, dtype)

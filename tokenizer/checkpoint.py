"""Load and save tokenizers: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tokenizer.config import CatConfig
from tokenizer.hub import EMBEDDED, CheckpointError, model_folder
from tokenizer.model import CatTokenizer
from tokenizer.weights import (
    Place,
    load_weights,
    save_folder,
    shapes_in,
    spread,
    weight_files,
    without_numbers,
)

__all__ = ["EMBEDDED", "CheckpointError", "load_codec", "model_folder", "save_codec"]


def load_codec(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
    sparing: bool = False,
) -> CatTokenizer:
    """Load a tokenizer, ready for inference.

    Args:
        name: 'embedded', a folder in the published format, or a hub id.
        device: where its parameters go.
        dtype: of encoder and decoder; the quantizer stays float32.
        device_map: instead of `device`, for a model that does not fit one: 'auto', or stage
            name -> device.
        sparing: of memory: the encoder is read when something is to be encoded, and of the decoder
            only what is laid out for inference is kept.

    Raises:
        CheckpointError: folder, config or weights are missing, damaged or do not match.
        ConfigError: the config asks for something unknown.
    """
    folder = model_folder(name, EMBEDDED)
    codec = empty_codec(folder / "config.json", shapes_in(weight_files(folder)))
    one = torch.device(device)
    units = ("TransformerStage", "ResidualQuantizer")
    where = None if device_map is None else spread(codec, units, device_map, dtype)

    def place(name: str) -> tuple[torch.device, torch.dtype]:
        kind = torch.float32 if name.startswith("quantizer.") else dtype
        return (where(name) if where else one), kind

    parts = _Parts(codec, folder, place)
    codec.encoder.to(dtype)
    for part in ("quantizer", "decoder") if sparing else ("quantizer", "decoder", "encoder"):
        parts.load(part)
    codec.eval().requires_grad_(False).prepare()
    if sparing:
        for part in ("encoder", "decoder"):
            codec.fill_later(part, partial(parts.load, part))
    return codec


def empty_codec(config: Path, tensors: Collection[str] | None = None) -> CatTokenizer:
    """A tokenizer on the meta device: names and shapes, no numbers; see `CatTokenizer`."""
    with without_numbers():
        return CatTokenizer(CatConfig.from_file(config), tensors)


@dataclass(frozen=True)
class _Parts:
    """Fills a tokenizer part by part; see `load_codec`."""

    codec: CatTokenizer
    folder: Path
    place: Place

    def load(self, part: str) -> None:
        """'encoder', 'quantizer' or 'decoder'."""
        wanted = f"{part}."
        load_weights(
            self.codec,
            self.folder,
            self.place,
            self.codec.names,
            lambda name: name.startswith(wanted),
        )
        getattr(self.codec, part).requires_grad_(False)


def save_codec(codec: CatTokenizer, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    save_folder(codec, codec.config.to_dict(), folder, dtype)

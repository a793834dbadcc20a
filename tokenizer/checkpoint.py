"""Load and save tokenizers: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tokenizer.config import CatConfig
from tokenizer.decoder import use_decoder
from tokenizer.hub import EMBEDDED, CheckpointError, model_folder
from tokenizer.model import CatTokenizer
from tokenizer.weights import load_weights, save_folder, spread, without_numbers

__all__ = ["EMBEDDED", "CheckpointError", "load_codec", "model_folder", "save_codec"]


def load_codec(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
    decoder: Path | None = None,
    sparing: bool = False,
) -> CatTokenizer:
    """Load a tokenizer, ready for inference.

    Args:
        name: 'embedded', a folder in the published format, or a hub id.
        device: where its parameters go.
        dtype: of encoder and decoder; the quantizer stays float32.
        device_map: instead of `device`, for a model that does not fit one: 'auto', or stage
            name -> device.
        decoder: a file of `tokenizer.decoder`, taken in the place of the tokenizer's own decoder
            where it is for this tokenizer's codes.
        sparing: of memory: the encoder is read when something is to be encoded, and of the decoder
            only what is laid out for inference is kept.

    Raises:
        CheckpointError: folder, config or weights are missing, damaged or do not match.
        ConfigError: the config asks for something unknown.
    """
    folder = model_folder(name, EMBEDDED)
    with without_numbers():
        codec = CatTokenizer(CatConfig.from_file(folder / "config.json"))
    one = torch.device(device)
    where = (
        spread(codec, ("TransformerStage", "ResidualQuantizer"), device_map, dtype)
        if (device_map is not None)
        else lambda _: one
    )

    def load(*parts: str) -> None:
        load_weights(
            codec,
            folder,
            lambda n: (where(n), torch.float32 if n.startswith("quantizer.") else dtype),
            wanted=lambda n: n.startswith(parts),
        )

    codec.encoder.to(dtype)
    load("quantizer.")

    def load_decoder() -> None:
        place = (lambda n: (where(f"decoder.{n}"), dtype)) if decoder else None
        if decoder is None or not use_decoder(codec, decoder, place):
            load("decoder.")
        codec.decoder.requires_grad_(False)

    load_decoder()

    def load_encoder() -> None:
        load("encoder.")
        codec.encoder.requires_grad_(False)

    if not sparing:
        load_encoder()
    codec.eval().requires_grad_(False).prepare()
    if sparing:
        codec.fill_later("encoder", load_encoder)
        codec.fill_later("decoder", load_decoder)
    return codec


def save_codec(codec: CatTokenizer, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    save_folder(codec, codec.config.to_dict(), folder, dtype)

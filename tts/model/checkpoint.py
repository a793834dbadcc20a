"""Load and save CAT-TTS models: a folder with weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tokenizer.weights import load_weights, save_folder, spread, without_numbers
from tts.folders import model_folder_of
from tts.model.config import RowConfig
from tts.model.lm import FrameModel
from tts.model.registry import read_config, type_of
from tts.model.weights import PreparedModel, prepare

# Modules that stay on one device.
_UNITS = ("DecoderLayer", "GptBlock")


def load_model(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
) -> FrameModel:
    """Load a model, ready for inference.

    Args:
        name: 'embedded', a folder in the published format, or a hub id.
        device, dtype: where its parameters go and what they become.
        device_map: for a model that does not fit `device`: 'auto', or module name -> device.
            It spreads the temporal layers; the rest, which every frame runs through many
            times, stays on `device`.

    Raises:
        CheckpointError: folder or weights are missing, damaged or do not match the config.
        ConfigError: the config asks for something unknown.
    """
    return _load(name, device, dtype, dtype, device_map)


def load_prepared(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
) -> PreparedModel:
    """As `load_model`, laid out for inference and nothing more, which takes less memory."""
    return prepare(_load(name, device, None, dtype, device_map), dtype)


def _load(
    name: str | Path,
    device: str | torch.device,
    stored: torch.dtype | None,
    dtype: torch.dtype,
    device_map: str | Mapping[str, Any] | None,
) -> FrameModel:
    """Fill a model with weights of the dtype `stored`; None leaves them as the file has them."""
    folder = model_folder_of(name)
    model = empty_model(read_config(folder / "config.json"))
    one = torch.device(device)
    where = None if device_map is None else spread(model, _UNITS, device_map, dtype)
    load_weights(
        model,
        folder,
        lambda n: (where(n) if where and n.startswith(model.config.layers) else one, stored),
        model.names,
    )
    return model.requires_grad_(False).eval()


def empty_model(config: RowConfig) -> FrameModel:
    """A model on the meta device: names and shapes, no numbers."""
    with without_numbers():
        return type_of(config).model_class(config)


def save_model(model: FrameModel, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    save_folder(model, model.config.to_dict(), folder, dtype)

"""Load and save CAT-TTS models: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tokenizer.strict import read_object
from tokenizer.weights import load_weights, model_folder, save_folder, spread
from tts.config import TtsConfig
from tts.model import TtsModel

EMBEDDED = Path(__file__).parent / "pretrained"

# What models without phonemes are made for.
PUBLISHED_CODEC = "OpenMOSS-Team/MOSS-Audio-Tokenizer"
# Published files carry it; no row is ever looked up in it.
UNUSED = frozenset({"model.language_model.embed_tokens.weight"})
_LAYERS = "model.language_model.layers."


def load_model(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    device_map: str | Mapping[str, Any] | None = None,
) -> TtsModel:
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
    folder = model_folder_of(name)
    model = empty_model(TtsConfig.from_file(folder / "config.json"))
    one = torch.device(device)
    where = None if device_map is None else spread(model, ("DecoderLayer",), device_map, dtype)
    load_weights(
        model,
        folder,
        lambda n: (where(n) if where and n.startswith(_LAYERS) else one, dtype),
        UNUSED,
    )
    return model.requires_grad_(False).eval()


def model_folder_of(name: str | Path) -> Path:
    """Folder of a model; see `tokenizer.weights.model_folder`."""
    return model_folder(name, EMBEDDED)


def codec_name(model: str | Path, codec: str | Path | None) -> str | Path:
    """The tokenizer that goes with a model.

    Args:
        model: 'embedded', a folder or a hub id.
        codec: what the user asked for; None means MODEL/codec if there is one, else the
            embedded one for models that read phonemes, the published one for the others.

    Raises:
        CheckpointError: there is no such model.
    """
    if codec is not None or str(model) == "embedded":
        return codec or "embedded"
    folder = model_folder_of(model)
    if (folder / "codec").is_dir():
        return folder / "codec"
    return "embedded" if read_object(folder / "config.json").get("phonemes") else PUBLISHED_CODEC


def empty_model(config: TtsConfig) -> TtsModel:
    """A model on the meta device: names and shapes, no numbers."""
    with torch.device("meta"):
        return TtsModel(config)


def save_model(model: TtsModel, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    save_folder(model, model.config.to_dict(), folder, dtype)

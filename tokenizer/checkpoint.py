"""Load and save tokenizers: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokenizer.config import CatConfig
from tokenizer.model import CatTokenizer

EMBEDDED = Path(__file__).parent / "pretrained"


class CheckpointError(ValueError):
    """A model folder that cannot be loaded; the message says what is wrong and what to do."""


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a model folder, from one file or from the shards its index names.

    Raises:
        CheckpointError: nothing to read, a shard is missing, or a file is damaged.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        files = [folder / name for name in names]
    else:
        files = [folder / "model.safetensors"]
    tensors: dict[str, Tensor] = {}
    for file in files:
        if not file.is_file():
            raise CheckpointError(f"{file} is missing; a model folder needs it beside config.json")
        try:
            tensors.update(load_file(file))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{file} is damaged or cut short ({error}); fetch or copy it again"
            ) from error
    return tensors


def check_names(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], where: Path) -> None:
    """CheckpointError unless every name and shape is accounted for and none is left over."""
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or extra:
        raise CheckpointError(
            f"{where}: {len(missing)} tensors missing {missing[:3]}, "
            f"{len(extra)} unknown {extra[:3]}; config.json and weights do not belong together"
        )
    for name, tensor in expected.items():
        if tensor.shape != found[name].shape:
            raise CheckpointError(
                f"{where}: {name} has shape {tuple(found[name].shape)}, "
                f"the config asks for {tuple(tensor.shape)}"
            )


def model_folder(name: str | Path, embedded: Path) -> Path:
    """Folder of a model: 'embedded', or a path. CheckpointError if it holds no config.json."""
    folder = embedded if str(name) == "embedded" else Path(name)
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"no model at {folder}: config.json is missing; give 'embedded' or a folder with "
            "config.json and model.safetensors"
        )
    return folder


def load_codec(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> CatTokenizer:
    """Load a tokenizer, ready for inference.

    Args:
        name: 'embedded', or a folder in the published format.
        device: where its parameters go.
        dtype: of encoder and decoder; the quantizer stays float32.

    Raises:
        CheckpointError: folder, config or weights are missing, damaged or do not match.
        ConfigError: the config asks for something unknown.
    """
    folder = model_folder(name, EMBEDDED)
    config = CatConfig.from_file(folder / "config.json")
    with torch.device("meta"):
        codec = CatTokenizer(config)
    tensors = {name: tensor.float() for name, tensor in read_tensors(folder).items()}
    check_names(codec.state_dict(), tensors, folder)
    codec.load_state_dict(tensors, assign=True)
    codec.to(device)
    codec.encoder.to(dtype)
    codec.decoder.to(dtype)
    return codec.requires_grad_(False).eval()


def save_codec(codec: CatTokenizer, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().to(dtype).cpu().contiguous() for k, v in codec.state_dict().items()}
    temporary = folder / "model.safetensors.part"
    save_file(tensors, temporary)
    temporary.replace(folder / "model.safetensors")
    text = json.dumps(codec.config.to_dict(), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")

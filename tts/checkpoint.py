"""Load and save CAT-TTS models: a folder with `config.json` and `*.safetensors`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from tokenizer.checkpoint import check_names, model_folder, read_tensors
from tts.config import TtsConfig
from tts.model import TtsModel

EMBEDDED = Path(__file__).parent / "pretrained"

# Published files carry it; no row is ever looked up in it.
_UNUSED = {"model.language_model.embed_tokens.weight"}


def load_model(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TtsModel:
    """Load a model, ready for inference.

    Args:
        name: 'embedded', or a folder in the published format.
        device, dtype: where its parameters go and what they become.

    Raises:
        CheckpointError: folder or weights are missing, damaged or do not match the config.
        ConfigError: the config asks for something unknown.
    """
    folder = model_folder(name, EMBEDDED)
    config = TtsConfig.from_file(folder / "config.json")
    with torch.device("meta"):
        model = TtsModel(config)
    tensors = {k: v.to(dtype) for k, v in read_tensors(folder).items() if k not in _UNUSED}
    check_names(model.state_dict(), tensors, folder)
    model.load_state_dict(tensors, assign=True)
    return model.to(device).requires_grad_(False).eval()


def save_model(model: TtsModel, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().to(dtype).cpu().contiguous() for k, v in model.state_dict().items()}
    temporary = folder / "model.safetensors.part"
    save_file(tensors, temporary)
    temporary.replace(folder / "model.safetensors")
    text = json.dumps(model.config.to_dict(), indent=1) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")

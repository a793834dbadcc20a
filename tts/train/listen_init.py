"""How a new listener starts."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from tokenizer.codes import codec_fingerprint
from tokenizer.model import CatTokenizer
from tokenizer.strict import read_object
from tts.listen.config import ListenerConfig
from tts.listen.model import Listener
from tts.listen.sounds import SOUNDS


def new_listener(sizes: Path, codec: CatTokenizer) -> Listener:
    """A listener with the sizes of a JSON file for the codes of `codec`."""
    config = ListenerConfig.from_dict(
        {
            **read_object(sizes),
            "codec": codec_fingerprint(codec),
            "codebook_size": codec.codebook_size,
            "frame_rate": codec.frame_rate,
            "sounds": SOUNDS,
        },
        str(sizes),
    )
    model = Listener(config)
    initialize(model, code_values(codec, config.num_codebooks))
    return model


def initialize(model: Listener, values: Tensor | None = None) -> None:
    """Small normals; codes start as what they stand for, so that those which sound alike are alike
    from the first step on.

    Args:
        values: (num_codebooks * codebook_size, D), see `code_values`.
    """
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            continue
        table = name == "codes.weight"
        deep = "o_proj" in name or "down_proj" in name
        std = 0.05 if table else weight.shape[1] ** -0.5 * (0.5 if deep else 1)
        nn.init.normal_(weight, std=std)
    if values is not None:
        directions = torch.linalg.svd(values, full_matrices=False).Vh[: model.codes.embedding_dim]
        turned = values @ directions.t()
        books = turned.view(model.config.num_codebooks, -1, turned.shape[1])
        # What frames vary by: the codebooks' variances together.
        scale = 0.5 / books.var(dim=1).sum(0).mean().sqrt()
        with torch.no_grad():
            model.codes.weight[:, : turned.shape[1]] += turned * scale


def code_values(codec: CatTokenizer, num_codebooks: int) -> Tensor:
    """What each code of each codebook adds to a frame: (num_codebooks * codebook_size, D)."""
    levels = codec.quantizer.quantizers[:num_codebooks]
    every = torch.arange(codec.codebook_size, device=codec.device)
    with torch.no_grad():
        return torch.cat([level.lookup(every) for level in levels]).float().cpu()  # type: ignore

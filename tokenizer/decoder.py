"""A second decoder for the codes of a tokenizer: `decoder.safetensors` in a model's folder.

A language model speaks only the first few codebooks. A decoder that was trained to hear nothing
but those makes more of them than one that has to serve any number; codes mean the same to both.
"""

from __future__ import annotations

from pathlib import Path

import torch

from tokenizer.codes import codec_fingerprint
from tokenizer.model import CatTokenizer
from tokenizer.weights import Place, load_tensors, opened, save_tensors

DECODER = "decoder.safetensors"
MADE_FOR = "codec"


def save_decoder(codec: CatTokenizer, file: str | Path, dtype: torch.dtype = torch.float16) -> None:
    """Write the decoder of `codec`, and which tokenizer's codes it is for."""
    save_tensors(codec.decoder, Path(file), dtype, {MADE_FOR: codec_fingerprint(codec)})


def use_decoder(
    codec: CatTokenizer,
    file: str | Path,
    place: Place | None = None,
) -> bool:
    """Put the decoder of `file` in the place of the one of `codec`, which keeps its codes.

    Args:
        codec: its quantizer has its weights.
        file: made by `save_decoder`.
        place: device and dtype of a parameter by its name; None means where the old one is.

    Returns:
        Whether it was done; False, and nothing is changed, where the decoder is for the codes of
        another tokenizer.

    Raises:
        CheckpointError: the file is missing or damaged, or does not fit the tokenizer's config.
    """
    file = Path(file)
    with opened(file) as stored:
        if (stored.metadata() or {}).get(MADE_FOR) != codec_fingerprint(codec):
            return False
    own = codec.decoder.state_dict()
    load_tensors(codec.decoder, [file], place or (lambda n: (own[n].device, own[n].dtype)), file)
    codec.decoder.requires_grad_(False)
    if codec.is_prepared:
        codec.prepare()
    return True

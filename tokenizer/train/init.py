"""How a new tokenizer starts: signal of unit size all the way through."""

from __future__ import annotations

import torch
from torch import nn

from tokenizer.model import CatTokenizer
from tokenizer.transformer import TransformerStage

# Speech at -23 dBFS has an RMS of .07: the first projection brings it to about one. Without
# this, layer norms see hardly any level and the loss stays at that of the mean spectrum.
INPUT_GAIN = 12.0
# Speech again, seen from the last projection, whose input has unit size.
OUTPUT_GAIN = 0.03


@torch.no_grad()
def initialize_output(codec: CatTokenizer) -> None:
    """A fresh last projection (after training on mels): cosines and sines of every pitch.

    A patch is a sum of these with amplitudes and phases that the layers before have to find.
    """
    last = [m for m in codec.decoder if isinstance(m, TransformerStage)][-1]
    assert isinstance(last.output_proj, nn.Linear)
    patch, inputs = last.output_proj.weight.shape
    time = torch.arange(patch) + 0.5
    pitch = torch.arange(inputs) // 2 * (patch / inputs) + 0.5
    phase = torch.pi * time[:, None] * pitch / patch + torch.arange(inputs) % 2 * (torch.pi / 2)
    last.output_proj.weight.copy_(OUTPUT_GAIN * (2 / inputs) ** 0.5 * phase.cos())


@torch.no_grad()
def initialize(codec: CatTokenizer) -> None:
    """Orthogonal projections between stages, plain fan-in normals inside the layers."""
    for module in codec.modules():
        if isinstance(module, TransformerStage):
            for projection in (module.input_proj, module.output_proj):
                if isinstance(projection, nn.Linear):
                    nn.init.orthogonal_(projection.weight)
            for name, weight in module.transformer.named_parameters():
                if weight.ndim == 2:
                    scale = 0.5 if "out_projs" in name or "linear2" in name else 1.0
                    nn.init.normal_(weight, std=scale * weight.shape[1] ** -0.5)
    first = next(m for m in codec.encoder if isinstance(m, TransformerStage))
    assert isinstance(first.input_proj, nn.Linear)
    first.input_proj.weight.mul_(INPUT_GAIN)


def take_decoder(codec: CatTokenizer, other: CatTokenizer) -> None:
    """Put the decoder of `other` in the place of the one of `codec`, which keeps its codes.

    Raises:
        ValueError: it is of another shape.
    """
    if codec.config.decoder_kwargs != other.config.decoder_kwargs:
        raise ValueError("the decoder to take is of another shape than the tokenizer's own")
    codec.decoder.load_state_dict(other.decoder.state_dict())

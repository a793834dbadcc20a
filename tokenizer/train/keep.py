"""More for the codes to say, without a change in what the coarse ones say already.

A language model has learnt the first codebooks of a tokenizer by heart. The encoder can still learn
to put more into its latents, for finer codebooks to pick up, as long as the vectors that the first
ones search with stay where they were.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tokenizer.model import CatTokenizer
from tokenizer.quantizer import Codebook, ResidualQuantizer, pointwise
from tokenizer.train.quantize import seed_codebook


@torch.no_grad()
def add_codebooks(codec: CatTokenizer, total: int, latents: Tensor) -> None:
    """Append codebooks until there are `total`, each made for what the ones before leave over.

    A new codebook looks at the directions in which most is left (principal components) and starts
    from k-means, so it is of use before it has learnt anything.

    Args:
        latents: (B, T, input_dim) of the encoder, some thousands of frames.
    """
    quantizer = codec.quantizer
    config = replace(quantizer.config, num_quantizers=total)
    codec.config = replace(codec.config, quantizer_kwargs=config)
    residual = pointwise(quantizer.input_proj, latents.float())
    for level in quantizer.quantizers:
        assert isinstance(level, Codebook)
        residual = residual - level.lookup(level.nearest(level.project(residual)))
    for _ in range(total - len(quantizer.quantizers)):
        level = Codebook(config).to(residual.device)
        flat = residual.flatten(0, 1)
        components = torch.linalg.eigh(flat.T @ flat).eigenvectors[:, -config.codebook_dim :]
        for projection, weight in ((level.in_proj, components.T), (level.out_proj, components)):
            # a copy, because a weight that is a view of a larger matrix cannot be saved
            projection.weight = weight[:, :, None].clone(memory_format=torch.contiguous_format)
            torch.nn.init.zeros_(projection.bias)  # type: ignore[arg-type]
        seed_codebook(level, level.project(residual))
        residual = residual - level.lookup(level.nearest(level.project(residual)))
        quantizer.quantizers.append(level)
    quantizer.config = config


def drift(quantizer: ResidualQuantizer, latents: Tensor, reference: Tensor, kept: int) -> Tensor:
    """How far `latents` are from `reference`, as the first `kept` codebooks see it. Scalar.

    0 where they search with the same vectors; 1 where the difference is as large as the vectors.

    Args:
        latents, reference: (B, T, input_dim).
    """
    with torch.autocast(latents.device.type, enabled=False):
        moved, residual = (pointwise(quantizer.input_proj, x.float()) for x in (latents, reference))
        moved, shares = moved - residual, []
        for level in quantizer.quantizers[:kept]:
            assert isinstance(level, Codebook)
            z = level.project(residual)
            difference = level.project(residual + moved) - z
            shares.append(difference.square().sum() / z.square().sum().clamp_min(1e-9))
            residual = residual - level.lookup(level.nearest(z))
        return torch.stack(shares).mean()

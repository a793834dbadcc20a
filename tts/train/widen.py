"""A language model that begins with what another one knows, which is smaller or has other codes.

The units of the smaller model keep their weights and read nothing of what is new, so that at first
the larger one says what the smaller one said; what is new begins at random and writes from the
first step on, which lets it learn (after Net2Net, Chen et al. 2016).
"""

from __future__ import annotations

import torch
from torch import nn

from tokenizer.model import CatTokenizer
from tokenizer.quantizer import Codebook
from tts.model.config import TtsConfig
from tts.model.lm import TtsModel
from tts.train.init import initialize

# Lists of what each channel has of its own.
CHANNEL_TABLES = (
    "model.embedding_list",
    "local_to_speech_embedding_mlps",
    "layer_norm_before_lm_heads",
    "lm_heads",
)
# Deviations of trained models' embeddings and heads.
TABLE_SIZE, HEAD_SIZE = 0.05, 0.055


def widened(small: TtsModel, config: TtsConfig) -> TtsModel:
    """A model of `config`, of no less width, heads and codebooks than `small`.

    Raises:
        ValueError: where `config` is smaller somewhere, or means other symbols by its ids.
    """
    if small.config.phonemes != config.phonemes:
        raise ValueError("the model to begin with has other phonemes than the config")
    before, after = _fixed(small.config), _fixed(config)
    if before != after:
        raise ValueError(f"the model to begin with has {before}, the config {after}; use the same")
    model = TtsModel(config)
    initialize(model)
    new, old = dict(model.named_parameters()), dict(small.named_parameters())
    for name, weight in old.items():
        wanted = new[name].shape if name in new else ()
        if len(wanted) != weight.ndim or any(map(int.__lt__, wanted, weight.shape)):
            raise ValueError(
                f"{name} is {tuple(weight.shape)} in the model to begin with and {tuple(wanted)} "
                "in the config; only width, heads and codebooks can be added"
            )
    with torch.no_grad():
        for name, weight in old.items():
            _put(new[name], weight.float(), "embedding_list" in name)
    return model


def with_new_codebooks(model: TtsModel, kept: int, codec: CatTokenizer) -> TtsModel:
    """`model` where the codes after the first `kept` say something else than it has learnt: what
    belongs to these alone begins anew, and codes that are neighbours in `codec` begin as such.

    Raises:
        ValueError: it has fewer codebooks, or `codec` has, or they are of another size.
    """
    if not 0 < kept <= model.config.n_vq:
        raise ValueError(f"{kept} codebooks cannot be kept of {model.config.n_vq}")
    codebooks = codec.config.quantizer_kwargs
    wanted = model.config.n_vq, model.config.audio_vocab_size
    given = codebooks.num_quantizers, codebooks.codebook_size
    if given[0] < wanted[0] or given[1] != wanted[1]:
        raise ValueError(
            f"the tokenizer has {given[0]} codebooks of {given[1]} codes, the model {wanted[0]} of "
            f"{wanted[1]}; give the one whose codes it is to learn"
        )
    begun = TtsModel(model.config)
    initialize(begun)
    changed = range(kept + 1, 1 + model.config.n_vq)
    new = tuple(f"{name}.{channel}." for name in CHANNEL_TABLES for channel in changed)
    known = {k: v for k, v in model.state_dict().items() if not k.startswith(new)}
    begun.load_state_dict(begun.state_dict() | known)
    for channel in changed:
        level = codec.quantizer.quantizers[channel - 1]
        assert isinstance(level, Codebook)
        with torch.no_grad():
            for table, size in (
                (begun.table(channel), TABLE_SIZE),
                (begun.head(channel), HEAD_SIZE),
            ):
                table[: len(level.codebook.weight)] = _spread(level.codebook.weight, table, size)
    return begun


def _spread(entries: torch.Tensor, table: torch.Tensor, size: float) -> torch.Tensor:
    """The entries of a codebook (V, D) in random directions of a table's rows: (V, hidden), of the
    standard deviation `size`."""
    directions = nn.init.orthogonal_(torch.empty(entries.shape[1], table.shape[1]))
    rows = (entries - entries.mean(0)).cpu() @ directions
    return rows * (size / rows.std())


def _fixed(config: TtsConfig) -> dict[str, int]:
    """What cannot grow."""
    c = config.language_config
    return {
        "layers": c.num_hidden_layers,
        "depth layers": config.local_num_layers,
        "units a head": c.head_dim,
        "query heads a key head": c.num_attention_heads // c.num_key_value_heads,
    }


def _put(large: torch.Tensor, small: torch.Tensor, table: bool) -> None:
    """Write `small` into the first rows and columns of `large`."""
    if large.ndim == 1:
        # A norm divides by the root of the mean square, and that is over more units now.
        large[: len(small)] = small * (len(small) / len(large)) ** 0.5
        return
    rows, columns = small.shape
    large[:rows, :columns] = small
    if not table:
        large[:rows, columns:] = 0

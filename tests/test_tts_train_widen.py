"""A larger language model that begins with the weights of a smaller one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tiny import tiny_codec, tiny_codec_config, tiny_model, tiny_tts_config
from tokenizer.quantizer import Codebook
from tts.model.config import TtsConfig
from tts.model.lm import TtsModel
from tts.train.init import initialize
from tts.train.widen import CHANNEL_TABLES, widened, with_new_codebooks

SMALL = tiny_tts_config()


def larger(**changes: int) -> TtsConfig:
    c = SMALL.language_config
    wide = {"hidden_size": c.hidden_size + 16, "intermediate_size": c.intermediate_size + 8}
    heads = {
        "num_attention_heads": c.num_attention_heads + 2,
        "num_key_value_heads": c.num_key_value_heads + 1,
    }
    language = replace(c, **(wide | heads | changes))
    return replace(SMALL, language_config=language, n_vq=SMALL.n_vq + 2)


def trained() -> TtsModel:
    """A model whose rows are as large beside what new units write as those of a trained one."""
    torch.manual_seed(1)
    model = TtsModel(SMALL)
    initialize(model)
    with torch.no_grad():
        for table in model.model.embedding_list:
            table.weight *= 100  # type: ignore[operator]
    return model


@torch.no_grad()
def test_a_widened_model_says_what_the_small_one_said_and_learns_beyond_it():
    small = trained()
    torch.manual_seed(2)
    large = widened(small, larger())
    rows = torch.randint(0, SMALL.audio_vocab_size, (2, 12, 1 + large.config.n_vq))

    def logits(model: TtsModel, num_codebooks: int) -> list[torch.Tensor]:
        embedded = model.embed(rows[..., : 1 + model.config.n_vq], num_codebooks)
        told = model.frame_logits(model.temporal(embedded)[0], rows[0], num_codebooks)
        return [x[:, : SMALL.audio_pad_code] for x in told]

    for before, after in zip(logits(small, SMALL.n_vq), logits(large, SMALL.n_vq), strict=True):
        # what is new writes, and norms count it; two models of other seeds differ by 1.4
        assert (before - after).norm() / before.norm() < 0.3
    with torch.enable_grad():
        told = logits(large, large.config.n_vq)
        torch.stack([x.square().mean() for x in told]).sum().backward()
    c = SMALL.language_config
    added = dict(large.named_parameters())["model.language_model.layers.0.self_attn.o_proj.weight"]
    assert added.grad is not None
    assert added.grad[:, c.num_attention_heads * c.head_dim :].any()


def test_what_cannot_be_added_is_named():
    small = tiny_model()
    layers = SMALL.language_config.num_hidden_layers
    with pytest.raises(ValueError, match="depth layers"):
        widened(small, larger(num_hidden_layers=layers + 1))
    with pytest.raises(ValueError, match="only width"):
        widened(small, larger(hidden_size=SMALL.language_config.hidden_size - 16))
    assert SMALL.phonemes is not None
    other = replace(SMALL.phonemes, phases=SMALL.phonemes.phases + 1)
    with pytest.raises(ValueError, match="other phonemes"):
        widened(small, replace(larger(), phonemes=other))


def test_codes_that_say_something_else_begin_anew_as_neighbours_of_their_neighbours():
    old, codec = trained(), tiny_codec()
    torch.manual_seed(3)
    new = with_new_codebooks(old, 2, codec)
    for name, weight in new.state_dict().items():
        own = [name.startswith(f"{table}.{c}.") for table in CHANNEL_TABLES for c in (3, 4)]
        # norms begin at one, as those of a model that has learnt nothing
        assert torch.equal(weight, old.state_dict()[name]) != (any(own) and "norm" not in name)
    level = codec.quantizer.quantizers[2]
    assert isinstance(level, Codebook)
    entries = level.codebook.weight
    far = torch.pdist(entries)
    for table in (new.table(3), new.head_weight(3)):
        assert torch.corrcoef(torch.stack([far, torch.pdist(table[: len(entries)])]))[0, 1] > 0.99
    with pytest.raises(ValueError, match="9 codebooks cannot be kept of 4"):
        with_new_codebooks(old, 9, codec)
    config = tiny_codec_config()
    few = replace(config, quantizer_kwargs=replace(config.quantizer_kwargs, num_quantizers=2))
    with pytest.raises(ValueError, match=r"has 2 codebooks of 32 codes, the model 4 of 32"):
        with_new_codebooks(old, 2, tiny_codec(config=few))

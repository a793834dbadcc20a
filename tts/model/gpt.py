"""The block of Nano's transformers and of v1.5's inside a frame: LayerNorm, biases, two matrices.

Rotary positions pair dimensions 2i and 2i+1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.attention import rotate, rotations
from tokenizer.strict import ConfigError, strict
from tts.model.transformer import attend

# By their names in `config.json`.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
    "gelu": F.gelu,
    "silu": F.silu,
}


@dataclass(frozen=True)
class GptConfig:
    """`gpt2_config` of a published file; its class defaults are not those values, so none here."""

    vocab_size: int
    n_embd: int
    n_layer: int
    n_head: int
    n_inner: int
    rope_base: float
    activation_function: str = "gelu_new"
    layer_norm_epsilon: float = 1e-5
    n_positions: int = 32768
    position_embedding_type: str = "rope"
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False

    def __post_init__(self) -> None:
        fixed = {
            "position_embedding_type": "rope",
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
        }
        for name, wanted in fixed.items():
            if getattr(self, name) != wanted:
                value = getattr(self, name)
                raise ConfigError(f"gpt2_config: {name}={value!r} is not supported; use {wanted!r}")
        if self.activation_function not in ACTIVATIONS:
            raise ConfigError(
                f"gpt2_config: activation_function={self.activation_function!r} is unknown; use "
                f"one of {', '.join(ACTIVATIONS)}"
            )
        if self.n_embd % (2 * self.n_head):
            raise ConfigError(
                f"gpt2_config: n_embd={self.n_embd} must be a multiple of 2 x n_head={self.n_head}"
            )

    @classmethod
    def from_dict(cls, raw: Any) -> GptConfig:
        """Build from `gpt2_config`; ConfigError where a key is missing or a value unsupported."""
        if not isinstance(raw, Mapping):
            raise ConfigError("config: gpt2_config is missing")
        data = dict(raw)
        if data.get("n_inner") is None and "n_embd" in data:
            data["n_inner"] = 4 * data["n_embd"]
        return strict(cls, data, "gpt2_config", ignore_unknown=True)

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head


class GptAttention(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.num_heads = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x: Tensor, rotation: Tensor, mask: Tensor | None) -> Tensor:
        qkv = self.c_attn(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        y = attend(rotate(q, rotation), rotate(k, rotation), v, mask)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class GptMlp(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.activation = config.activation_function
        self.fc_in = nn.Linear(config.n_embd, config.n_inner)
        self.fc_out = nn.Linear(config.n_inner, config.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc_out(ACTIVATIONS[self.activation](self.fc_in(x)))


class GptBlock(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GptAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GptMlp(config)

    def forward(self, x: Tensor, rotation: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.attn(self.ln_1(x), rotation, mask)
        return x + self.mlp(self.ln_2(x))


class GptStack(nn.Module):
    """Blocks and a final norm, under the names of the published files."""

    def __init__(self, config: GptConfig, num_layers: int | None = None) -> None:
        super().__init__()
        self.head_dim, self.rope_theta = config.head_dim, config.rope_base
        count = config.n_layer if num_layers is None else num_layers
        self.h = nn.ModuleList(GptBlock(config) for _ in range(count))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, dim) -> (B, T, dim); the mask is that of `DecoderStack.forward`."""
        rotation = rotations(0, x.shape[1], self.head_dim, self.rope_theta, x.device)
        for block in self.h:
            x = block(x, rotation, mask)
        return self.ln_f(x)

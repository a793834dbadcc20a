"""What a CAT tokenizer is: strict dataclasses that mirror the published `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizer.strict import ConfigError, read_object, strict

__all__ = ["CatConfig", "ConfigError", "PatchConfig", "QuantizerConfig", "StageConfig"]

PATCH = "PatchedPretransform"
TRANSFORMER = "Transformer"
QUANTIZER_TYPES = ("rlfq", "random_prefix_rlfq", "rvq", "spec_rvq")

# Keys of published files that say nothing the rest does not say already.
_IGNORED = {
    "architectures",
    "auto_map",
    "code_dim",
    "dtype",
    "model_type",
    "quantizer_type",
    "reversed_decoder_kwargs",
    "torch_dtype",
    "transformers_version",
    "version",
}


@dataclass(frozen=True)
class PatchConfig:
    """Folds `patch_size` time steps into channels (encoder) or back (decoder)."""

    patch_size: int


@dataclass(frozen=True)
class StageConfig:
    """One stack of causal transformer layers at one frame rate."""

    input_dimension: int
    output_dimension: int
    d_model: int
    num_heads: int
    num_layers: int
    dim_feedforward: int
    layer_scale: float = 0.01
    max_period: float = 10000.0
    causal: bool = True
    norm: str = "layer_norm"
    positional_embedding: str = "rope"
    gating: str = "none"
    conv_layout: bool = True

    def __post_init__(self) -> None:
        fixed = {"causal": True, "norm": "layer_norm", "positional_embedding": "rope"}
        for name, wanted in {**fixed, "gating": "none"}.items():
            if getattr(self, name) != wanted:
                value = getattr(self, name)
                raise ConfigError(f"stage {name}={value!r} is not supported; use {wanted!r}")
        if self.d_model % (2 * self.num_heads):
            raise ConfigError(
                f"d_model={self.d_model} must be a multiple of 2 x num_heads={self.num_heads}"
            )


@dataclass(frozen=True)
class QuantizerConfig:
    """Residual quantizer: `num_quantizers` codebooks of `codebook_size` entries."""

    quantizer_type: str
    input_dim: int
    rvq_dim: int
    output_dim: int
    num_quantizers: int
    codebook_size: int
    codebook_dim: int

    def __post_init__(self) -> None:
        if self.quantizer_type not in QUANTIZER_TYPES:
            raise ConfigError(
                f"quantizer_type={self.quantizer_type!r} is unknown; use one of {QUANTIZER_TYPES}"
            )

    @property
    def normalized(self) -> bool:
        """Whether the nearest entry is searched on the unit sphere (rlfq)."""
        return "rlfq" in self.quantizer_type


@dataclass(frozen=True)
class CatConfig:
    """A whole tokenizer.

    Attributes:
        sampling_rate: of input and output, in Hz.
        downsample_rate: samples per frame; the product of the encoder's patch sizes.
        causal_transformer_context_duration: attention window of every stage, in seconds.
        encoder_kwargs, decoder_kwargs: stages in order of execution.
    """

    sampling_rate: int
    downsample_rate: int
    causal_transformer_context_duration: float
    encoder_kwargs: tuple[PatchConfig | StageConfig, ...]
    decoder_kwargs: tuple[PatchConfig | StageConfig, ...]
    quantizer_kwargs: QuantizerConfig

    def __post_init__(self) -> None:
        for name in ("encoder_kwargs", "decoder_kwargs"):
            product = 1
            for stage in getattr(self, name):
                product *= stage.patch_size if isinstance(stage, PatchConfig) else 1
            if product != self.downsample_rate:
                raise ConfigError(
                    f"patch sizes of {name} multiply to {product}, "
                    f"but downsample_rate is {self.downsample_rate}"
                )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> CatConfig:
        """Build from the JSON object of a published `config.json`.

        Raises:
            ConfigError: a key is unknown, missing, or has a value that is not supported.
        """
        data = {k: v for k, v in raw.items() if k not in _IGNORED}
        if "sample_rate" in data:
            rate = data.pop("sample_rate")
            if data.setdefault("sampling_rate", rate) != rate:
                raise ConfigError(f"sample_rate={rate} contradicts sampling_rate")
        for name in ("encoder_kwargs", "decoder_kwargs"):
            if isinstance(data.get(name), list):
                data[name] = tuple(
                    _stage(item, f"{name}[{i}]") for i, item in enumerate(data[name])
                )
        if isinstance(data.get("quantizer_kwargs"), Mapping):
            data["quantizer_kwargs"] = strict(
                QuantizerConfig, data["quantizer_kwargs"], "quantizer_kwargs"
            )
        return strict(cls, data, "config")

    @classmethod
    def from_file(cls, path: str | Path) -> CatConfig:
        """Read `config.json`; ConfigError if it is not valid JSON or not a CAT config."""
        return cls.from_dict(read_object(path))

    def to_dict(self) -> dict[str, Any]:
        """The published form, ready for `json.dump`."""
        data = asdict(self)
        for name in ("encoder_kwargs", "decoder_kwargs"):
            stages = zip(getattr(self, name), data[name], strict=True)
            data[name] = [
                {"module_type": PATCH if isinstance(stage, PatchConfig) else TRANSFORMER, **values}
                for stage, values in stages
            ]
        return data


def _stage(raw: Mapping[str, Any], where: str) -> PatchConfig | StageConfig:
    data = dict(raw)
    kind = data.pop("module_type", None)
    if kind == PATCH:
        return strict(PatchConfig, data, where)
    if kind == TRANSFORMER:
        return strict(StageConfig, data, where)
    raise ConfigError(f"{where}: module_type={kind!r} is unknown; use {PATCH!r} or {TRANSFORMER!r}")

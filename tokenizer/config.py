"""What a CAT tokenizer is: strict dataclasses that mirror the published `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
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
# Other names of the same keys.
_ALIASES = {"sample_rate": "sampling_rate", "channels_numbers": "number_channels"}


@dataclass(frozen=True)
class PatchConfig:
    """Folds `patch_size` time steps into channels (encoder) or back (decoder)."""

    patch_size: int


@dataclass(frozen=True)
class StageConfig:
    """One stack of causal transformer layers at one frame rate.

    context_duration: attention window in seconds; None means that of the whole tokenizer.
    """

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
    context_duration: float | None = None

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
        downsample_rate: samples per frame, of each channel; times the channels it is the product of
            the patch sizes.
        causal_transformer_context_duration: attention window in seconds, of stages without one of
            their own.
        encoder_kwargs, decoder_kwargs: stages in order of execution.
        number_channels: of input and output; the stages see one stream, sample by sample L R L R.
    """

    sampling_rate: int
    downsample_rate: int
    causal_transformer_context_duration: float
    encoder_kwargs: tuple[PatchConfig | StageConfig, ...]
    decoder_kwargs: tuple[PatchConfig | StageConfig, ...]
    quantizer_kwargs: QuantizerConfig
    number_channels: int = 1

    def __post_init__(self) -> None:
        wanted = self.downsample_rate * self.number_channels
        for name in ("encoder_kwargs", "decoder_kwargs"):
            product = 1
            for stage in getattr(self, name):
                product *= stage.patch_size if isinstance(stage, PatchConfig) else 1
            if product != wanted:
                raise ConfigError(
                    f"patch sizes of {name} multiply to {product}, but downsample_rate x "
                    f"number_channels is {wanted}"
                )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> CatConfig:
        """Build from the JSON object of a published `config.json`.

        Raises:
            ConfigError: a key is missing, or has a value that is not supported; or it is unknown,
                which is allowed where there are several channels, because no such file was seen.
        """
        data = {k: v for k, v in raw.items() if k not in _IGNORED}
        for alias, name in _ALIASES.items():
            if alias in data and data.setdefault(name, data[alias]) != data.pop(alias):
                raise ConfigError(f"{alias}={raw[alias]} contradicts {name}")
        channels = data.get("number_channels", 1)
        interleaved = data.pop("enable_channel_interleave", channels == 1)
        if channels not in (1, 2) or not (interleaved or channels == 1):
            raise ConfigError(
                f"number_channels={channels} with enable_channel_interleave={interleaved} is not "
                "supported; use 1 channel, or 2 that are interleaved"
            )
        for name in ("encoder_kwargs", "decoder_kwargs"):
            if isinstance(data.get(name), list):
                data[name] = tuple(
                    _stage(item, f"{name}[{i}]", channels > 1) for i, item in enumerate(data[name])
                )
        if channels > 1 and isinstance(data.get("encoder_kwargs"), tuple):
            data.setdefault("decoder_kwargs", _mirrored(data["encoder_kwargs"]))
        if isinstance(data.get("quantizer_kwargs"), Mapping):
            data["quantizer_kwargs"] = strict(
                QuantizerConfig, data["quantizer_kwargs"], "quantizer_kwargs", channels > 1
            )
        return strict(cls, data, "config", channels > 1)

    @classmethod
    def from_file(cls, path: str | Path) -> CatConfig:
        """Read `config.json`; ConfigError if it is not valid JSON or not a CAT config."""
        return cls.from_dict(read_object(path))

    def to_dict(self) -> dict[str, Any]:
        """The published form, ready for `json.dump`."""
        data = asdict(self)
        if self.number_channels > 1:
            data["enable_channel_interleave"] = True
        else:
            del data["number_channels"]
        for name in ("encoder_kwargs", "decoder_kwargs"):
            stages = zip(getattr(self, name), data[name], strict=True)
            data[name] = [
                {
                    "module_type": PATCH if isinstance(stage, PatchConfig) else TRANSFORMER,
                    **{k: v for k, v in values.items() if v is not None},
                }
                for stage, values in stages
            ]
        return data


def _mirrored(
    stages: tuple[PatchConfig | StageConfig, ...],
) -> tuple[PatchConfig | StageConfig, ...]:
    """The decoder of an encoder: its stages in reverse, inputs and outputs swapped."""
    return tuple(
        stage
        if isinstance(stage, PatchConfig)
        else replace(
            stage,
            input_dimension=stage.output_dimension,
            output_dimension=stage.input_dimension,
        )
        for stage in reversed(stages)
    )


def _stage(raw: Mapping[str, Any], where: str, ignore_unknown: bool) -> PatchConfig | StageConfig:
    data = dict(raw)
    kind = data.pop("module_type", None)
    if kind == PATCH:
        return strict(PatchConfig, data, where, ignore_unknown)
    if kind == TRANSFORMER:
        return strict(StageConfig, data, where, ignore_unknown)
    raise ConfigError(f"{where}: module_type={kind!r} is unknown; use {PATCH!r} or {TRANSFORMER!r}")

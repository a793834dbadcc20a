"""The types of models that can be loaded, in one table; nothing here imports torch.

Which type a `config.json` is of goes by its keys. What belongs to a type (classes, text side,
tokenizer, sampling, limits) stands in its row; what can be downloaded, in `tokenizer.published`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from tokenizer.published import CODEC_NANO, CODEC_V1, CODEC_V2, V15_LANGUAGES
from tokenizer.strict import ConfigError, read_object
from tts.model.config import (
    EMBEDDED_SAMPLING,
    PUBLISHED_SAMPLING,
    ChannelSampling,
    RowConfig,
    SamplingConfig,
)

TextSide = Literal["phonemes", "chat", "pieces", "nano"]
FOREVER = float("inf")


@dataclass(frozen=True)
class Pace:
    """How many frames of a stream are decoded at a time.

    Attributes:
        first: before anything was heard.
        steps: (lead, frames): how many while the sound that went out is ahead of the time since
            the first by less than `lead` seconds.
    """

    first: int
    steps: tuple[tuple[float, int], ...]

    def frames(self, lead: float | None) -> int:
        """None before anything was heard."""
        if lead is None:
            return self.first
        return next(frames for bound, frames in self.steps if lead < bound)


@dataclass(frozen=True)
class PromptRule:
    """How a model wants its prompts.

    Attributes:
        cut: trim silence, set the level, and cut what is longer than 10 s; else
            nothing is cut off.
        level: where nothing is cut, the level is moved towards -20 dBFS by at most 3 dB.
    """

    cut: bool = False
    level: bool = True


EMBEDDED_PROMPT = PromptRule(cut=True)


@dataclass(frozen=True)
class ModelType:
    """A row of the table.

    Attributes:
        name: for people.
        recognises: whether a config.json is of this type.
        sign: how people can tell.
        config, model: where its classes are, 'module:Class'.
        text_side: how it reads; see `tts.inference.prompt_builders` and `tts.inference.piecewise`.
        codec: hub id of the tokenizer it was made for, where nothing else is named.
        sampling: what its makers' tools do.
        prompt: what it wants of recordings.
        max_frames: most frames of a piece; None goes by the length of the text.
        languages: names that it knows; empty where any may be given, or none.
        pace: of streams; None doubles the chunks.
    """

    name: str
    recognises: Callable[[Mapping[str, Any]], bool]
    sign: str
    config: str
    model: str
    text_side: TextSide
    codec: str
    sampling: SamplingConfig
    prompt: PromptRule
    max_frames: int | None = None
    pace: Pace | None = None
    languages: tuple[str, ...] = ()

    @property
    def config_class(self) -> Any:
        return _class(self.config)

    @property
    def model_class(self) -> Any:
        return _class(self.model)


def _class(place: str) -> Any:
    # By name, because the models need torch, and this table is read without it.
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _has_depth(raw: Mapping[str, Any]) -> bool:
    return "local_num_layers" in raw or "local_hidden_size" in raw


_ONCE = ChannelSampling(temperature=1.0, top_k=50)
_WARM = ChannelSampling(temperature=1.7, top_p=0.8, top_k=25)

TYPES: tuple[ModelType, ...] = (
    ModelType(
        name="embedded",
        recognises=lambda raw: bool(raw.get("phonemes")),
        sign="phonemes",
        config="tts.model.config:TtsConfig",
        model="tts.model.lm:TtsModel",
        text_side="phonemes",
        codec="embedded",
        sampling=EMBEDDED_SAMPLING,
        prompt=EMBEDDED_PROMPT,
    ),
    ModelType(
        name="MOSS-TTS-Nano",
        recognises=lambda raw: raw.get("model_type") == "moss_tts_nano",
        sign="model_type moss_tts_nano",
        config="tts.model.nano:NanoConfig",
        model="tts.model.nano:NanoModel",
        text_side="nano",
        codec=CODEC_NANO,
        sampling=SamplingConfig(
            text=_ONCE,
            audio=ChannelSampling(temperature=0.8, top_p=0.95, top_k=25, repetition_penalty=1.2),
        ),
        prompt=PromptRule(level=False),
        max_frames=375,
        pace=Pace(1, ((0.20, 1), (0.55, 2), (1.10, 4), (FOREVER, 8))),
    ),
    ModelType(
        name="MOSS-TTS-Local-Transformer-v1.5",
        recognises=lambda raw: raw.get("model_type") == "moss_tts_local",
        sign="model_type moss_tts_local",
        config="tts.model.local_v15:LocalV15Config",
        model="tts.model.local_v15:LocalV15Model",
        text_side="pieces",
        codec=CODEC_V2,
        sampling=SamplingConfig(text=_ONCE, audio=_WARM),
        prompt=PromptRule(),
        max_frames=4096,
        pace=Pace(4, ((1e-9, 1), (0.16, 2), (0.32, 3), (0.64, 4), (1.0, 6), (FOREVER, 8))),
        languages=tuple(V15_LANGUAGES),
    ),
    ModelType(
        name="MOSS-TTS-Local-Transformer",
        recognises=lambda raw: raw.get("model_type") == "moss_tts_delay" and _has_depth(raw),
        sign="model_type moss_tts_delay with local_num_layers",
        config="tts.model.config:TtsConfig",
        model="tts.model.lm:TtsModel",
        text_side="chat",
        codec=CODEC_V1,
        sampling=PUBLISHED_SAMPLING,
        prompt=PromptRule(),
    ),
    ModelType(
        name="MOSS-TTS (8 B, delay pattern)",
        recognises=lambda raw: raw.get("model_type") == "moss_tts_delay" and not _has_depth(raw),
        sign="model_type moss_tts_delay without local_num_layers",
        config="tts.model.delay:DelayConfig",
        model="tts.model.delay:DelayModel",
        text_side="chat",
        codec=CODEC_V1,
        sampling=SamplingConfig(text=ChannelSampling(temperature=1.5, top_k=50), audio=_WARM),
        prompt=PromptRule(),
    ),
)


def model_type_of(raw: Mapping[str, Any], where: object) -> ModelType:
    """The type of a config.json.

    Raises:
        ConfigError: it is none that can be loaded; tells what was found and what is supported.
    """
    for row in TYPES:
        if row.recognises(raw):
            return row
    supported = "; ".join(f"{row.name} ({row.sign})" for row in TYPES)
    if "encoder_kwargs" in raw:
        found = "an audio tokenizer, which goes with --codec"
    else:
        found = f"model_type {raw.get('model_type')!r}, architectures {raw.get('architectures')}"
    raise ConfigError(f"{where} is of no known type of model: {found}; supported are {supported}")


def type_in(folder: Path) -> ModelType:
    """The type of the model in a folder; see `model_type_of`."""
    return model_type_of(read_object(folder / "config.json"), folder)


def type_of(config: RowConfig) -> ModelType:
    """The type of a model that is loaded."""
    return model_type_of(config.to_dict(), "the config")


def read_config(path: str | Path) -> Any:
    """A `config.json` of any type, as that type's `RowConfig`.

    Raises:
        ConfigError: it cannot be read, is of no known type, or a value is missing or unsupported.
    """
    raw = read_object(path)
    return model_type_of(raw, path).config_class.from_dict(raw)

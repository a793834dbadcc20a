"""What a CAT-TTS model is (`TtsConfig`) and what one call wants of it (`SamplingConfig`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from tokenizer.strict import ConfigError, read_object, strict

# Keys of published files that say nothing to this code.
_IGNORED = {
    "architectures",
    "auto_map",
    "dtype",
    "gen_token_id",
    "initializer_range",
    "torch_dtype",
    "transformers_version",
}
_IGNORED_LANGUAGE = {
    "_name_or_path",
    "architectures",
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "dtype",
    "eos_token_id",
    "hidden_act",
    "initializer_range",
    "layer_types",
    "max_window_layers",
    "model_type",
    "pad_token_id",
    "rope_parameters",
    "rope_scaling",
    "sliding_window",
    "tie_word_embeddings",
    "torch_dtype",
    "transformers_version",
    "use_cache",
    "use_sliding_window",
}


@dataclass(frozen=True)
class LanguageConfig:
    """The temporal transformer: a Qwen3 decoder."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rope_theta: float = 1e6
    rms_norm_eps: float = 1e-6
    max_position_embeddings: int = 32768

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ConfigError(
                f"num_attention_heads={self.num_attention_heads} must be a multiple of "
                f"num_key_value_heads={self.num_key_value_heads}"
            )

    @classmethod
    def from_dict(cls, raw: Any, ignore_unknown: bool = False) -> LanguageConfig:
        """Build from the part of a `config.json`; ConfigError on missing or unknown keys."""
        if not isinstance(raw, Mapping):
            raise ConfigError("config: language_config is missing")
        theta = (raw.get("rope_parameters") or {}).get("rope_theta")
        data = {k: v for k, v in raw.items() if k not in _IGNORED_LANGUAGE}
        if theta is not None:
            data.setdefault("rope_theta", theta)
        return strict(cls, data, "language_config", ignore_unknown)


@dataclass(frozen=True)
class PhonemeConfig:
    """How the embedded model turns symbols into text ids; see `tts.inference.prompt`.

    Attributes:
        symbols: inventory the model was trained on, in order.
        phases: every symbol has this many ids, one for each `index in text mod phases`.
        first_id: id of the first symbol's first phase.
        slowest, fastest: speeds that the monologue can be held to without harm to the words; what
            is asked for beyond is done by stretching the sound.
        continues: whether it goes on well behind frames of a stranger, so that continuation gives
            it those of the prompt as its own. Weights 2.7 do not: for 7 of 260 words that Whisper
            base hears wrong of a clone, 224 were wrong of a continuation.
    """

    symbols: tuple[str, ...]
    phases: int
    first_id: int
    slowest: float = 1.0
    fastest: float = 1.0
    continues: bool = False


@dataclass(frozen=True, kw_only=True)
class RowConfig:
    """What all types of models have in common: rows of a text channel and K audio channels.

    Attributes:
        n_vq: number of codebooks K.
        audio_vocab_size: entries per codebook.
        audio_pad_code: code of a row without audio; the one after the last.
        phonemes: present in models that read phonemes from `frontend`; absent in published
            ones, which bring their own text tokenizer.
        penalizes_greedy: whether the repetition penalty holds for greedy choices too.
        fixed_codebooks: why all codebooks must be used; empty where fewer may be.
        layers: prefix of the parameters of the temporal layers.
    """

    n_vq: int
    audio_vocab_size: int
    audio_pad_code: int
    pad_token_id: int
    im_start_token_id: int
    im_end_token_id: int
    audio_start_token_id: int
    audio_end_token_id: int
    audio_user_slot_token_id: int
    audio_assistant_gen_slot_token_id: int
    sampling_rate: int
    model_type: str
    phonemes: PhonemeConfig | None = None

    penalizes_greedy: ClassVar[bool] = True
    fixed_codebooks: ClassVar[str] = ""
    layers: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if self.audio_pad_code != self.audio_vocab_size:
            raise ConfigError(
                f"audio_pad_code is {self.audio_pad_code}; it must be the code after the last, "
                f"audio_vocab_size = {self.audio_vocab_size}"
            )

    @property
    def unused_code(self) -> int:
        """What stands in the channels of a row with audio that are not in use."""
        return self.audio_pad_code

    def embedded_codebooks(self, used: int) -> int:
        """Codebooks of a prompt's rows that are embedded where `used` are generated.

        All, where channels that are not in use hold the pad code, which adds nothing.
        """
        return self.n_vq if self.unused_code == self.audio_pad_code else used

    def to_dict(self) -> dict[str, Any]:
        """The published form, ready for `json.dump`."""
        data = asdict(self)
        if self.phonemes is None:
            del data["phonemes"]
        return data


@dataclass(frozen=True, kw_only=True)
class TtsConfig(RowConfig):
    """A model in the format of MOSS-TTS-Local-Transformer (v1), and the embedded one."""

    language_config: LanguageConfig
    local_hidden_size: int
    local_ffn_hidden_size: int
    local_num_layers: int
    additional_mlp_ffn_hidden_size: int
    audio_assistant_delay_slot_token_id: int
    im_end_token_id: int = 151645
    sampling_rate: int = 24000
    model_type: str = "moss_tts_delay"

    penalizes_greedy: ClassVar[bool] = False
    layers: ClassVar[str] = "model.language_model.layers."

    @property
    def unused_code(self) -> int:
        return 0

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> TtsConfig:
        """Build from the JSON object of a `config.json`; ConfigError on unknown or missing keys."""
        data = {k: v for k, v in raw.items() if k not in _IGNORED}
        data["language_config"] = LanguageConfig.from_dict(data.get("language_config"))
        if data.get("phonemes") is not None:
            phonemes = dict(data["phonemes"])
            phonemes["symbols"] = tuple(phonemes.get("symbols", ()))
            data["phonemes"] = strict(PhonemeConfig, phonemes, "phonemes")
        return strict(cls, data, "config")

    @classmethod
    def from_file(cls, path: str | Path) -> TtsConfig:
        """Read `config.json`; ConfigError if it is not valid JSON or not a CAT-TTS config."""
        return cls.from_dict(read_object(path))


@dataclass(frozen=True)
class ChannelSampling:
    """How one kind of channel is sampled; temperature 0 means greedy and ignores the rest,
    but for the penalty where a model's `RowConfig.penalizes_greedy` says so.

    guidance: of audio channels, how far to go beyond the difference that the text makes
        (classifier-free guidance); 1 is off, anything else computes every item twice.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 5:
            raise ValueError(f"temperature is {self.temperature}; use 0 (greedy) to 5")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; use a value in (0, 1]")
        if self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}; use 0 (off) or more")
        if self.repetition_penalty <= 0:
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; use a value > 0")
        if not 0 <= self.guidance <= 10:
            raise ValueError(f"guidance is {self.guidance}; use 1 (off) to 10")


# Pieces of a text count their seeds upwards from this one, and torch takes 64 bits.
MAX_SEED = 2**53

AUDIO_SAMPLING = tuple(field.name for field in fields(ChannelSampling))
# What users may ask for, by name: see `SamplingConfig.with_overrides`.
SAMPLING = (*AUDIO_SAMPLING, "text_temperature")

# What the authors of the published checkpoint recommend.
PUBLISHED_TEXT = ChannelSampling(temperature=1.5, top_p=1.0, top_k=50)
PUBLISHED_AUDIO = ChannelSampling(temperature=1.0, top_p=0.95, top_k=50, repetition_penalty=1.1)
GREEDY = ChannelSampling(temperature=0.0)


@dataclass(frozen=True)
class SamplingConfig:
    """What a call wants of the model: sampling of the text channel and of the audio channels."""

    text: ChannelSampling = PUBLISHED_TEXT
    audio: ChannelSampling = PUBLISHED_AUDIO

    def with_overrides(self, asked: Mapping[str, Any]) -> SamplingConfig:
        """The same with what is asked for put in.

        Args:
            asked: by the names in SAMPLING; None asks for nothing.

        Raises:
            ValueError: a value is out of range.
        """
        audio = {n: asked[n] for n in AUDIO_SAMPLING if asked.get(n) is not None}
        warmth = asked.get("text_temperature")
        text = {} if warmth is None else {"temperature": warmth}
        return SamplingConfig(replace(self.text, **text), replace(self.audio, **audio))


def check_guidance(sampling: SamplingConfig, config: RowConfig) -> None:
    """ValueError if a model that was not trained with hidden texts is to be guided."""
    if sampling.audio.guidance != 1 and config.phonemes is None:
        raise ValueError(
            f"guidance is {sampling.audio.guidance}, which needs a model that was trained with "
            "hidden texts, and published ones were not; use 1"
        )


# By the recogniser's error rate on 16 development sentences, of voices that are retired now.
# Temperature, two voices: .20, as greedy (.21) and .3 and .6 (.20); a little chance keeps seeds
# apart. Guidance, three voices: .24 without, .16 with 2, .16 with 3, .14 with 4.
EMBEDDED_SAMPLING = SamplingConfig(
    text=ChannelSampling(temperature=0.1),
    audio=ChannelSampling(temperature=0.4, top_k=50, guidance=2.5),
)
PUBLISHED_SAMPLING = SamplingConfig()


def check_codebooks(used: int, config: RowConfig) -> None:
    """ValueError unless a model can generate this many codebooks."""
    if not 1 <= used <= config.n_vq:
        raise ValueError(f"num_codebooks is {used}; this model has 1..{config.n_vq}")
    if used != config.n_vq and config.fixed_codebooks:
        raise ValueError(
            f"num_codebooks is {used}; this model speaks with all {config.n_vq} only, because "
            f"{config.fixed_codebooks}"
        )

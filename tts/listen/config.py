"""What a listener is: a folder's `config.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizer.strict import ConfigError, read_object, strict

MODEL_TYPE = "cat_listener"


@dataclass(frozen=True)
class StackConfig:
    """One stack of `tts.model.transformer`."""

    dim: int
    ffn: int
    layers: int
    heads: int
    head_dim: int


@dataclass(frozen=True)
class CheckConfig:
    """What `tts.listen.check` takes for a clause missing or doubled.

    Attributes:
        missing, inserted: scores of a stretch from which a piece counts as wrong; 0 where they were
            never set, and then nothing is judged.
    """

    missing: float = 0.0
    inserted: float = 0.0


@dataclass(frozen=True)
class ListenerConfig:
    """A listener.

    Attributes:
        codec: fingerprint of the tokenizer whose codes it reads.
        num_codebooks: codes of a frame that it can read, coarsest first; it may be given fewer.
        codebook_size, frame_rate: of that tokenizer.
        sounds: what it can hear, entries of `frontend.symbols.SYMBOLS`; see `tts.listen.sounds`.
        hearing: the stack over frames.
        certainty: a mean certainty of the sounds of a piece of sound below this means that it is
            no speech.
        check: for speech that checks itself.
    """

    codec: str
    num_codebooks: int
    codebook_size: int
    frame_rate: float
    sounds: tuple[str, ...]
    hearing: StackConfig
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6
    certainty: float = 0.5
    check: CheckConfig = CheckConfig()
    model_type: str = MODEL_TYPE

    def __post_init__(self) -> None:
        if self.model_type != MODEL_TYPE:
            raise ConfigError(f"model_type is {self.model_type!r}; a listener has {MODEL_TYPE!r}")

    @classmethod
    def from_file(cls, path: Path) -> ListenerConfig:
        """Read a `config.json`; ConfigError names what is wrong in it."""
        return cls.from_dict(read_object(path), str(path))

    @classmethod
    def from_dict(cls, raw: dict[str, Any], where: str = "config") -> ListenerConfig:
        parts: dict[str, Any] = {"sounds": tuple(raw.get("sounds", ()))}
        kinds = {"hearing": StackConfig, "check": CheckConfig}
        for name, kind in kinds.items():
            if name in raw:
                parts[name] = strict(kind, raw[name], f"{where}: {name}")
        return strict(cls, {**raw, **parts}, where)

    def to_dict(self) -> dict[str, Any]:
        """As `config.json` has it."""
        return asdict(self)

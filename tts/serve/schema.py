"""What requests look like.

Of the open API a field that is not here is passed over and named in the answer, and null means the
default, because clients send what other servers know; of the page's own routes both are errors.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tts.control import (
    MAX_CAST,
    MAX_PAUSE_S,
    MAX_SPEED,
    MIN_SPEED,
    PARAGRAPH_PAUSE_S,
    SENTENCE_PAUSE_S,
)
from tts.model.config import MAX_SEED, SAMPLING, SamplingConfig
from tts.synthesizer import SpeechOptions
from tts.voices import Voice


class VoiceId(BaseModel):
    """A voice by its id, as newer clients write it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str = Field(max_length=100)


class SpeechFields(BaseModel):
    """Fields that every request to speak may have."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    speed: float = Field(
        1.0,
        ge=MIN_SPEED,
        le=MAX_SPEED,
        description="1.0 is as the model speaks by itself; the pitch stays. Best from 0.7 to 1.5.",
    )
    ssml: bool | None = Field(
        None, description="the text is SSML; by default where it begins with <speak>"
    )
    cast: dict[str, str] = Field(
        default_factory=dict,
        max_length=MAX_CAST,
        description='voices of a play: lines "NAME: text" are then spoken by them',
    )
    sentence_pause: float = Field(
        SENTENCE_PAUSE_S, ge=0, le=MAX_PAUSE_S, description="seconds of silence between sentences"
    )
    paragraph_pause: float = Field(
        PARAGRAPH_PAUSE_S,
        ge=0,
        le=MAX_PAUSE_S,
        description="after paragraphs, headings and the speakers of a play",
    )
    check: bool = Field(
        False,
        description="read each piece back before it is sent; one with words left out or said twice "
        "is said again",
    )
    lang: Literal["auto", "en", "zh"] = Field("auto", description="how digits and signs are read")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="same request and seed, same samples")
    num_codebooks: int | None = Field(None, ge=1, le=1024, description="fewer is faster")
    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0, le=100_000)
    repetition_penalty: float | None = Field(None, gt=0, le=10)
    guidance: float | None = Field(None, ge=0, le=10, description="1 is off, and faster")
    text_temperature: float | None = Field(None, ge=0, le=5)

    def options(
        self, own: SamplingConfig, voice: str | Voice | None, continuation: bool = False
    ) -> SpeechOptions:
        """As the synthesizer takes it.

        Args:
            own: the model's own sampling, for what nobody asked for.
        """
        return SpeechOptions(
            voice=voice,
            lang=self.lang,
            seed=self.seed,
            num_codebooks=self.num_codebooks,
            sampling=own.with_overrides({name: getattr(self, name) for name in SAMPLING}),
            continuation=continuation,
            speed=self.speed,
            cast=self.cast,
            ssml=self.ssml,
            sentence_pause_s=self.sentence_pause,
            paragraph_pause_s=self.paragraph_pause,
            check=self.check,
        )


class SpeechBody(SpeechFields):
    """POST /v1/audio/speech. `seed` and what follows it are additions to OpenAI's fields."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    model: str = Field("cat-tts", max_length=100)
    input: str = Field(description="the text; markup such as [minute](M AY0 N UW1 T) is obeyed")
    voice: str | VoiceId | None = Field(
        None, description="a name from GET /v1/voices, or one of OpenAI's, which mean some of them"
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = Field(
        "mp3", description="pcm: 16-bit little-endian mono at 24 kHz; opus: in Ogg"
    )
    instructions: str | None = Field(
        None, max_length=10_000, description="accepted, but this model takes none"
    )
    stream: bool = Field(
        True,
        description="true sends sound as it is made; false waits for the end, and the file's "
        "header then tells its exact length",
    )
    stream_format: Literal["audio", "sse", "json"] = Field(
        "audio", description="sse: base64 in events; json: one object with all of it, at the end"
    )
    timestamp_granularities: list[Literal["word", "sentence"]] = Field(
        default_factory=list,
        max_length=2,
        description="when each is heard, by stream_format sse (as they become known) or json; "
        "models without a monologue know sentences only",
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data

    @property
    def voice_name(self) -> str | None:
        return self.voice.id if isinstance(self.voice, VoiceId) else self.voice

    @property
    def ignored(self) -> list[str]:
        """Fields that say nothing to this server or its model."""
        return [*(["instructions"] if self.instructions else []), *(self.model_extra or {})]


class Replaces(BaseModel):
    """Which piece of which result a new attempt takes the place of."""

    model_config = ConfigDict(extra="forbid", strict=True)
    result: str = Field(max_length=100)
    piece: int = Field(ge=0, le=100_000)


class PageBody(SpeechFields):
    """POST /app/speak, the page's own way to speak."""

    text: str
    voice: str | None = Field(None, max_length=100)
    prompt: str | None = Field(None, max_length=100, description="from the page's reference check")
    replaces: Replaces | None = None

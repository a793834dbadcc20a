"""POST /v1/audio/transcriptions: its form, and the answers in OpenAI's shapes."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tts.listen.transcribe import Segment, summary, whole_text
from tts.serve.service import SpeechService
from tts.serve.speech_http import IGNORED_HEADER, client_of, named, next_event, watched
from tts.serve.worker import END
from tts.subtitles import times_file

_NAMES = {"en": "english", "zh": "chinese", "": ""}
_LANGUAGES = {"en": "en", "english": "en", "zh": "zh", "chinese": "zh", "auto": "auto", "": "auto"}


class TranscriptionForm(BaseModel):
    """What to write down, and how."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    file: UploadFile
    model: str = Field("cat-tts", max_length=100)
    language: str = Field("", max_length=20, description="en or zh; by default what is heard")
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    timestamp_granularities: list[Literal["word", "segment"]] = Field(
        default_factory=list,
        max_length=2,
        alias="timestamp_granularities[]",
        description="of verbose_json; by default segment",
    )

    @property
    def ignored(self) -> list[str]:
        """Fields that say nothing here: prompt, temperature, stream and such."""
        return list(self.model_extra or {})


async def transcription_response(
    service: SpeechService, form: TranscriptionForm, request: Request
) -> Response:
    """Answer POST /v1/audio/transcriptions.

    Raises:
        QueueFullError, ValueError, ApiError: there is no room, or the request is unusable.
    """
    language = _LANGUAGES.get(form.language.strip().lower())
    if language is None:
        raise ValueError(f"language is {form.language!r}; use en or zh, or leave it out")
    if form.timestamp_granularities and form.response_format != "verbose_json":
        raise ValueError("timestamp_granularities go with response_format verbose_json; give that")
    data = await form.file.read()
    wav = await asyncio.to_thread(service.decode, data, service.limits.listen_s)
    ticket = service.listen(client_of(request), wav, language)
    segments: list[Segment] = []
    async with watched(ticket, request):
        while (event := await next_event(ticket)) is not END:
            if isinstance(event, Segment):
                segments.append(event)
    headers = {"Cache-Control": "no-store"}
    if form.ignored:
        headers[IGNORED_HEADER] = named(form.ignored)
    return answer_in(form.response_format, segments, form.timestamp_granularities, headers)


def answer_in(
    kind: str,
    segments: list[Segment],
    granularities: Sequence[str],
    headers: dict[str, str],
) -> Response:
    """Segments in one of the forms."""
    text, words, sentences = whole_text(segments)
    if kind == "text":
        return PlainTextResponse(text + "\n", headers=headers)
    if kind in ("srt", "vtt"):
        media = "text/vtt" if kind == "vtt" else "text/plain"
        return Response(times_file(kind, words, sentences), media_type=media, headers=headers)
    if kind == "json":
        return JSONResponse({"text": text}, headers=headers)
    facts = summary(segments)
    told: dict[str, Any] = {
        "task": "transcribe",
        "language": _NAMES[facts["language"]],
        "duration": facts["duration"],
        "text": text,
    }
    if "word" in granularities:
        told["words"] = [{"word": w.text, "start": w.start_s, "end": w.end_s} for w in words]
    if "segment" in granularities or not granularities:
        said = (segment for segment in segments if segment.text)
        told["segments"] = [_segment(number, segment) for number, segment in enumerate(said)]
    return JSONResponse(told, headers=headers)


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    """With the fields that clients of OpenAI's expect."""
    data = segment.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": segment.words[0].start_s,
        "end": segment.words[-1].end_s,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(segment.certainty), 4),
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 3),
        "no_speech_prob": round(1 - segment.certainty, 4),
    }

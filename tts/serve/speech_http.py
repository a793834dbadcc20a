"""From events to responses, and what happens when the client goes away."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tokenizer.audio import FORMATS, StreamEncoder, encode_sound, to_int16
from tts.inference.speaking import TextTimed
from tts.serve.errors import ApiError, as_api_error, body
from tts.serve.fairqueue import Client
from tts.serve.schema import SpeechBody
from tts.serve.service import SpeechService, Ticket
from tts.serve.speech import Sound, Started, TextSpoken
from tts.serve.worker import END, JobFailed
from tts.subtitles import times_object

LOOK_UP_S = 0.25
CLIENT_HEADER = "x-client-id"
GONE = ApiError(499, "the client is gone", "client_gone")


def client_of(request: Request) -> Client:
    """Whose turn a request takes: its host, and the name that it gives itself."""
    host = request.client.host if request.client else ""
    return Client(host, request.headers.get(CLIENT_HEADER, "")[:64])


async def next_event(ticket: Ticket, request: Request) -> Any:
    """The next event of a job; a JobFailed is raised.

    Raises:
        ApiError: the client went away, or the job failed.
    """
    while True:
        try:
            event = await asyncio.wait_for(ticket.next(), LOOK_UP_S)
        except TimeoutError:
            if await request.is_disconnected():
                raise GONE from None
            continue
        if isinstance(event, JobFailed):
            raise as_api_error(event.error) from event.error
        return event


class TicketResponse(StreamingResponse):
    """Streams a job's events; however it ends, the job ends with it."""

    def __init__(self, ticket: Ticket, content: AsyncIterator[bytes], **options: Any) -> None:
        super().__init__(content, **options)
        self._ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ticket.cancel()


async def speech_response(service: SpeechService, wanted: SpeechBody, request: Request) -> Response:
    """Answer POST /v1/audio/speech.

    The status is sent with the first sound, so that whatever is wrong before it has its own.

    Raises:
        QueueFullError, ValueError, ApiError: there is no room, or the request is unusable.
    """
    if wanted.timestamp_granularities and wanted.stream_format == "audio":
        raise ValueError(
            'timestamp_granularities have no place in a sound; give stream_format "sse" or "json"'
        )
    options = wanted.options(service.own_sampling, wanted.voice_name)
    ticket = service.speak(client_of(request), wanted.input, options)
    try:
        started = await _of_kind(Started, ticket, request)
        if wanted.stream_format == "json" or (
            not wanted.stream and wanted.stream_format == "audio"
        ):
            return await _whole(service, wanted, ticket, request)
        first = await _of_kind((Sound, TextSpoken), ticket, request)
    except BaseException:
        ticket.cancel()
        raise
    events = _events_from(first, ticket, request)
    headers = {"X-Seed": str(wanted.seed), "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if wanted.stream_format == "sse":
        content = _deltas(events, service.sample_rate, wanted, started)
        return TicketResponse(ticket, content, media_type="text/event-stream", headers=headers)
    content = _encoded(events, service.sample_rate, wanted.response_format)
    media_type = FORMATS[wanted.response_format].media_type
    return TicketResponse(ticket, content, media_type=media_type, headers=headers)


async def _of_kind(kind: type | tuple[type, ...], ticket: Ticket, request: Request) -> Any:
    while not isinstance(event := await next_event(ticket, request), kind):
        if event is END:
            raise ApiError(500, "the model said nothing; try another seed", "no_sound")
    return event


async def _events_from(first: Any, ticket: Ticket, request: Request) -> AsyncIterator[Any]:
    event = first
    while event is not END:
        yield event
        event = await next_event(ticket, request)


async def _whole(
    service: SpeechService, wanted: SpeechBody, ticket: Ticket, request: Request
) -> Response:
    pieces: list[np.ndarray] = []
    times: list[TextTimed] = []
    spoken: TextSpoken | None = None
    while (event := await next_event(ticket, request)) is not END:
        if isinstance(event, Sound):
            pieces.append(to_int16(event.wav))
        elif isinstance(event, TextTimed):
            times.append(event)
        elif isinstance(event, TextSpoken):
            spoken = event
    if not pieces or spoken is None:
        raise ApiError(500, "the model said nothing; try another seed", "no_sound")
    data = await asyncio.to_thread(
        encode_sound, np.concatenate(pieces), service.sample_rate, wanted.response_format
    )
    headers = {
        "X-Seed": str(wanted.seed),
        "X-Finished-By": spoken.finished_by,
        "Cache-Control": "no-store",
    }
    if wanted.stream_format == "json":
        told = {
            "audio": base64.b64encode(data).decode(),
            "format": wanted.response_format,
            "duration": round(spoken.seconds, 3),
            **times_wanted(times, wanted.timestamp_granularities),
        }
        return JSONResponse(told, headers=headers)
    return Response(data, media_type=FORMATS[wanted.response_format].media_type, headers=headers)


def times_wanted(
    events: Sequence[TextTimed], granularities: Sequence[str] = ("word", "sentence")
) -> dict[str, Any]:
    """`words` and `sentences` of events, those that are asked for; {} where there are none."""
    words = [word for event in events for word in event.words]
    sentences = [event.sentence for event in events if event.sentence is not None]
    told = times_object(words, sentences)
    return {name: told[name] for name in told if name[:-1] in granularities and told[name]}


async def _encoded(events: AsyncIterator[Any], sample_rate: int, name: str) -> AsyncIterator[bytes]:
    encoder = StreamEncoder(sample_rate, name)
    async for event in events:
        if isinstance(event, Sound) and (data := encoder.push(to_int16(event.wav))):
            yield data
    if data := encoder.finish():
        yield data


async def _deltas(
    events: AsyncIterator[Any], sample_rate: int, wanted: SpeechBody, started: Started
) -> AsyncIterator[bytes]:
    """OpenAI's events: speech.audio.delta as often as there is something, speech.audio.done.

    And speech.timestamps.delta, of words and sentences whose times have become known.
    """
    encoder = StreamEncoder(sample_rate, wanted.response_format)
    frames = 0

    def delta(data: bytes) -> bytes:
        return sse({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})

    try:
        async for event in events:
            if isinstance(event, Sound):
                frames = event.frames
                if data := encoder.push(to_int16(event.wav)):
                    yield delta(data)
            elif isinstance(event, TextTimed) and (
                told := times_wanted([event], wanted.timestamp_granularities)
            ):
                yield sse({"type": "speech.timestamps.delta", **told})
    except ApiError as error:
        yield sse({"type": "error", **body(error.message, error.code, error.status)})
        return
    if data := encoder.finish():
        yield delta(data)
    symbols = sum(piece.size for piece in started.pieces)
    usage = {"input_tokens": symbols, "output_tokens": frames, "total_tokens": symbols + frames}
    yield sse({"type": "speech.audio.done", "usage": usage})


def sse(event: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def event_stream(
    ticket: Ticket, request: Request, tell: Callable[[Any], dict[str, Any] | None]
) -> TicketResponse:
    """Send what `tell` makes of each event (None for nothing), and errors as events too."""

    async def content() -> AsyncIterator[bytes]:
        yield sse({"type": "queued", "before": ticket.before})
        try:
            while (event := await next_event(ticket, request)) is not END:
                if (told := tell(event)) is not None:
                    yield sse(told)
        except ApiError as error:
            yield sse({"type": "error", "message": error.message, "code": error.code})

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return TicketResponse(ticket, content(), media_type="text/event-stream", headers=headers)

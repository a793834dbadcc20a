"""From events to responses, and what happens when the client goes away."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tokenizer.audio import to_int16
from tts.inference.events import TextTimed
from tts.serve.encoding import MEDIA_TYPES, Encoder, encode_whole, sent_rate, stream_encoder
from tts.serve.errors import ApiError, as_api_error, body, words_for
from tts.serve.fairqueue import Client
from tts.serve.openai_names import voice_for
from tts.serve.schema import SpeechBody
from tts.serve.service import SpeechService, Ticket
from tts.serve.speech import Sound, Started, TextSpoken
from tts.serve.worker import END, JobFailed
from tts.subtitles import times_object

CLIENT_HEADER = "x-client-id"
IGNORED_HEADER = "X-Ignored-Fields"
# So many of them are named.
MAX_NAMED = 20
GONE = ApiError(499, "the client is gone", "client_gone")


def client_of(request: Request) -> Client:
    """Whose turn a request takes: its host, and the name that it gives itself."""
    host = request.client.host if request.client else ""
    return Client(host, request.headers.get(CLIENT_HEADER, "")[:64])


async def next_event(ticket: Ticket) -> Any:
    """The next event of a job.

    Raises:
        ApiError: the job failed, or its client has hung up.
    """
    event = await ticket.next()
    if isinstance(event, JobFailed):
        raise as_api_error(event.error) from event.error
    return event


@asynccontextmanager
async def watched(ticket: Ticket, request: Request) -> AsyncIterator[None]:
    """Within it, a client that hangs up ends the job at its next frame, and so does an error."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        ticket.give_up(GONE)

    watching = asyncio.create_task(watch())
    try:
        yield
    except BaseException:
        ticket.cancel()
        raise
    finally:
        watching.cancel()


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
    options = wanted.options(service.own_sampling, voice_for(wanted.voice_name))
    ticket = service.speak(client_of(request), wanted.input, options)
    headers = headers_of(service, wanted)
    at_once = wanted.stream_format == "json" or not (wanted.stream or wanted.stream_format == "sse")
    async with watched(ticket, request):
        started = await _of_kind(Started, ticket)
        if at_once:
            return await _whole(service, wanted, ticket, headers)
        first = await _of_kind((Sound, TextSpoken), ticket)
    events = _events_from(first, ticket)
    headers["X-Accel-Buffering"] = "no"
    encoder = stream_encoder(service.sample_rate, wanted.response_format)
    if wanted.stream_format == "sse":
        content = _deltas(events, encoder, wanted, started)
        return TicketResponse(ticket, content, media_type="text/event-stream", headers=headers)
    media_type = MEDIA_TYPES[wanted.response_format]
    return TicketResponse(ticket, _encoded(events, encoder), media_type=media_type, headers=headers)


def headers_of(service: SpeechService, wanted: SpeechBody) -> dict[str, str]:
    """What every answer with sound says of itself: seed, rate, and fields passed over."""
    headers = {
        "X-Seed": str(wanted.seed),
        "X-Sample-Rate": str(sent_rate(service.sample_rate, wanted.response_format)),
        "Cache-Control": "no-store",
    }
    if wanted.ignored:
        headers[IGNORED_HEADER] = named(wanted.ignored)
    return headers


def named(fields: Sequence[str]) -> str:
    """Names of fields that were passed over, fit for a header."""
    safe = [re.sub(r"[^\w.-]", "?", name, flags=re.ASCII)[:40] for name in fields]
    return ", ".join(safe[:MAX_NAMED])


async def _of_kind(kind: type | tuple[type, ...], ticket: Ticket) -> Any:
    while not isinstance(event := await next_event(ticket), kind):
        if event is END:
            raise ApiError(500, "the model said nothing; try another seed", "no_sound")
    return event


async def _events_from(first: Any, ticket: Ticket) -> AsyncIterator[Any]:
    event = first
    while event is not END:
        yield event
        event = await next_event(ticket)


async def _whole(
    service: SpeechService, wanted: SpeechBody, ticket: Ticket, headers: dict[str, str]
) -> Response:
    pieces: list[np.ndarray] = []
    times: list[TextTimed] = []
    spoken: TextSpoken | None = None
    while (event := await next_event(ticket)) is not END:
        if isinstance(event, Sound):
            pieces.append(to_int16(event.wav))
        elif isinstance(event, TextTimed):
            times.append(event)
        elif isinstance(event, TextSpoken):
            spoken = event
    if not pieces or spoken is None:
        raise ApiError(500, "the model said nothing; try another seed", "no_sound")
    data = await asyncio.to_thread(
        encode_whole, np.concatenate(pieces), service.sample_rate, wanted.response_format
    )
    headers["X-Finished-By"] = spoken.finished_by
    if wanted.stream_format == "json":
        told = {
            "audio": base64.b64encode(data).decode(),
            "format": wanted.response_format,
            "duration": round(spoken.seconds, 3),
            **({"check": list(spoken.checks)} if spoken.checks else {}),
            **times_wanted(times, wanted.timestamp_granularities),
        }
        return JSONResponse(told, headers=headers)
    return Response(data, media_type=MEDIA_TYPES[wanted.response_format], headers=headers)


def times_wanted(
    events: Sequence[TextTimed], granularities: Sequence[str] = ("word", "sentence")
) -> dict[str, Any]:
    """`words` and `sentences` of events, those that are asked for; {} where there are none."""
    words = [word for event in events for word in event.words]
    sentences = [event.sentence for event in events if event.sentence is not None]
    told = times_object(words, sentences)
    return {name: told[name] for name in told if name[:-1] in granularities and told[name]}


async def _encoded(events: AsyncIterator[Any], encoder: Encoder) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, Sound) and (data := encoder.push(to_int16(event.wav))):
            yield data
    if data := encoder.finish():
        yield data


async def _deltas(
    events: AsyncIterator[Any], encoder: Encoder, wanted: SpeechBody, started: Started
) -> AsyncIterator[bytes]:
    """OpenAI's events: speech.audio.delta as often as there is something, speech.audio.done.

    And speech.timestamps.delta, of words and sentences whose times have become known.
    """
    frames, checks = 0, ()

    def delta(data: bytes) -> bytes:
        return sse({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})

    try:
        async for event in events:
            if isinstance(event, Sound):
                frames = event.frames
                if data := encoder.push(to_int16(event.wav)):
                    yield delta(data)
            elif isinstance(event, TextSpoken):
                checks = event.checks
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
    heard = {"check": list(checks)} if checks else {}
    yield sse({"type": "speech.audio.done", "usage": usage, **heard})


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
            while (event := await next_event(ticket)) is not END:
                if (told := tell(event)) is not None:
                    yield sse(told)
        except ApiError as error:
            message = words_for(request.scope, error)
            yield sse({"type": "error", "message": message, "code": error.code})

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return TicketResponse(ticket, content(), media_type="text/event-stream", headers=headers)

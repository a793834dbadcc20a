"""The open API: speech as OpenAI's clients ask for it, voices, health."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.cors import CORSMiddleware

from tokenizer.audio import encode_sound
from tts.folders import voice_or_default
from tts.serve import errors
from tts.serve.access import Gate
from tts.serve.docs_page import docs_html
from tts.serve.encoding import MEDIA_TYPES
from tts.serve.errors import ApiError
from tts.serve.listening import TranscriptionForm, transcription_response
from tts.serve.schema import SpeechBody
from tts.serve.service import SpeechService
from tts.serve.settings import Access
from tts.serve.speech_http import IGNORED_HEADER, client_of, speech_response
from tts.voices import UnknownVoiceError, Voice, check_name, list_voices, load_voice, remove_voice

# Names that tools have built in; here they all mean the one model that is loaded.
MODEL = "cat-tts"
LISTENING_MODELS = (MODEL, "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
MODELS = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
TOLD_HEADERS = ("X-Seed", "X-Sample-Rate", "X-Finished-By", IGNORED_HEADER, "Retry-After")
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Sound in the format asked for, sent as it is made",
        "content": {kind: {} for kind in MEDIA_TYPES.values()},
    },
    400: {"description": "Something in the request is wrong; the message says what"},
    429: {"description": "Too many requests of yours are waiting; see Retry-After"},
    503: {"description": "The queue is full; see Retry-After"},
}
_HEARD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was heard, in the form asked for",
        "content": {kind: {} for kind in ("application/json", "text/plain", "text/vtt")},
    },
    **{status: _SOUND[status] for status in (400, 429, 503)},
}


class VoiceForm(BaseModel):
    """A new voice: its name, a recording, and what is said in it."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    name: str = Field(max_length=200)
    file: UploadFile
    transcript: str = Field("", max_length=2000)
    description: str = Field("", max_length=300)


def create_api(service: SpeechService, access: Access | None = None) -> FastAPI:
    """The application without the page, behind its gate."""
    app = FastAPI(
        title="CAT-TTS",
        version="1",
        description="Text to speech, and back. `POST /v1/audio/speech` and "
        "`POST /v1/audio/transcriptions` are compatible with OpenAI's.",
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app, service.worker.retry_after_s)
    access = access or Access()
    app.add_middleware(Gate, access=access, limits=service.limits)
    if access.origins:
        # Before the gate, because browsers ask without a key whether they may ask with one.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=access.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            expose_headers=TOLD_HEADERS,
        )
    app.include_router(_speech(service, access.strict))
    app.include_router(_listening(service, access.strict))
    app.include_router(_voices(service))

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        voice = voice_or_default(None) or "NAME"
        return HTMLResponse(docs_html(app.openapi(), str(request.base_url), voice))

    return app


def voice_facts(voice: Voice, frame_rate: float) -> dict[str, Any]:
    """What the API says of a voice."""
    return {
        "id": voice.name,
        "object": "voice",
        **voice.facts,
        "seconds": round(voice.codes.shape[1] / frame_rate, 2),
        "hash": hashlib.sha256(voice.codes.numpy().tobytes()).hexdigest()[:16],
        "shipped": voice.shipped,
    }


def _speech(service: SpeechService, strict: bool) -> APIRouter:
    router = APIRouter()

    def check_model(name: str) -> None:
        if name not in (*MODELS, service.synthesizer.name):
            message = f"model {name[:60]!r} is not here; use {MODEL!r}"
            raise ApiError(404, message, "model_not_found")

    def model_facts(name: str) -> dict[str, Any]:
        created = int(service.begun)
        return {"id": name, "object": "model", "created": created, "owned_by": MODEL}

    @router.post("/v1/audio/speech", responses=_SOUND, response_class=Response)
    async def create_speech(wanted: SpeechBody, request: Request) -> Response:
        """Speak a text."""
        check_model(wanted.model)
        if strict and wanted.ignored:
            message = f"unknown field {wanted.ignored[0][:60]!r}; leave it out"
            raise ApiError(400, message, "unsupported")
        return await speech_response(service, wanted, request)

    @router.get("/v1/models")
    def list_models() -> dict[str, Any]:
        """The one model that is loaded, under its own name."""
        return {"object": "list", "data": [model_facts(MODEL)]}

    @router.get("/v1/models/{name}")
    def model(name: str) -> dict[str, Any]:
        """The loaded model under one of its names, OpenAI's among them."""
        check_model(name)
        return model_facts(name)

    @router.get("/health")
    def health() -> dict[str, Any]:
        """Whether the server is alive, and how busy."""
        return {
            "status": "ok",
            "model": MODEL,
            "sample_rate": service.sample_rate,
            "channels": service.synthesizer.codec.channels,
            "frame_rate": service.synthesizer.codec.frame_rate,
            "num_codebooks": service.synthesizer.num_codebooks,
            "busy": service.worker.busy,
            "waiting": service.worker.waiting,
            "up_s": round(time.time() - service.begun, 1),
        }

    return router


def _listening(service: SpeechService, strict: bool) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/audio/transcriptions", responses=_HEARD, response_class=Response)
    async def transcribe(form: Annotated[TranscriptionForm, Form()], request: Request) -> Response:
        """Write down what is said in a recording."""
        if form.model not in (*LISTENING_MODELS, service.synthesizer.name):
            message = f"model {form.model[:60]!r} is not here; use {MODEL!r}"
            raise ApiError(404, message, "model_not_found")
        if strict and form.ignored:
            message = f"unknown field {form.ignored[0][:60]!r}; leave it out"
            raise ApiError(400, message, "unsupported")
        return await transcription_response(service, form, request)

    return router


def _voices(service: SpeechService) -> APIRouter:
    router = APIRouter()
    frame_rate = service.synthesizer.codec.frame_rate

    @router.get("/v1/voices")
    def voices() -> dict[str, Any]:
        """All voices, those that came with the package first."""
        listed = [voice_facts(v, frame_rate) for v in list_voices()]
        return {"object": "list", "data": listed, "default": voice_or_default(None)}

    @router.get("/v1/audio/voices")
    def voices_for_clients() -> dict[str, Any]:
        """The same where other servers have it, and under the name that their clients look for."""
        listed = voices()
        return listed | {"voices": listed["data"]}

    @router.get("/v1/voices/{name}/sample", response_class=Response)
    async def sample(name: str, request: Request) -> Response:
        """What a voice sounds like, as wav."""
        _existing(name)
        future = service.preview(client_of(request), name)
        samples = await asyncio.wrap_future(future)
        data = encode_sound(samples, service.sample_rate, "wav")
        headers = {"Cache-Control": "no-cache", "X-Sample-Rate": str(service.sample_rate)}
        return Response(data, media_type="audio/wav", headers=headers)

    @router.post("/v1/voices", status_code=201)
    async def add(form: Annotated[VoiceForm, Form()], request: Request) -> dict[str, Any]:
        """Make a voice from a recording: its codes, transcript and a hash are kept, no sound."""
        check_name(form.name)
        data = await form.file.read()
        prompt = await asyncio.to_thread(
            service.check_prompt, client_of(request), data, form.transcript, None
        )
        voice = await asyncio.to_thread(service.save, prompt, form.name, form.description)
        return voice_facts(voice, frame_rate) | {"notes": list(prompt.notes)}

    @router.delete("/v1/voices/{name}")
    def remove(name: str) -> dict[str, Any]:
        """Delete a voice that a user has made."""
        _existing(name)
        remove_voice(name)
        return {"id": name, "object": "voice.deleted", "deleted": True}

    return router


def _existing(name: str) -> Voice:
    try:
        return load_voice(name)
    except UnknownVoiceError as error:
        raise ApiError(404, str(error), "unknown_voice") from error

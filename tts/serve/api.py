"""The open API: speech as OpenAI's clients ask for it, voices, health."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tokenizer.audio import FORMATS, encode_sound
from tts.serve import errors
from tts.serve.access import Gate
from tts.serve.docs_page import docs_html
from tts.serve.errors import ApiError
from tts.serve.schema import SpeechBody
from tts.serve.service import SpeechService
from tts.serve.settings import Access
from tts.serve.speech_http import client_of, speech_response
from tts.voices import UnknownVoiceError, Voice, check_name, list_voices, load_voice, remove_voice

# Names that tools have built in; here they all mean the one model that is loaded.
MODEL = "cat-tts"
MODELS = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Sound in the format asked for, sent as it is made",
        "content": {kind.media_type: {} for kind in FORMATS.values()},
    },
    400: {"description": "Something in the request is wrong; the message says what"},
    429: {"description": "Too many requests of yours are waiting; see Retry-After"},
    503: {"description": "The queue is full; see Retry-After"},
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
        description="Text to speech. `POST /v1/audio/speech` is compatible with OpenAI's.",
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app, service.worker.retry_after_s)
    app.add_middleware(Gate, access=access or Access(), limits=service.limits)
    app.include_router(_speech(service))
    app.include_router(_voices(service))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(docs_html(app.openapi()))

    return app


def voice_facts(voice: Voice, frame_rate: float) -> dict[str, Any]:
    """What the API says of a voice."""
    return {
        "id": voice.name,
        "object": "voice",
        "name": voice.name,
        "lang": voice.lang,
        "gender": voice.gender,
        "description": voice.description,
        "transcript": voice.transcript,
        "source": voice.source,
        "seconds": round(voice.codes.shape[1] / frame_rate, 2),
        "hash": hashlib.sha256(voice.codes.numpy().tobytes()).hexdigest()[:16],
        "shipped": voice.shipped,
    }


def _speech(service: SpeechService) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/audio/speech", responses=_SOUND, response_class=Response)
    async def create_speech(wanted: SpeechBody, request: Request) -> Response:
        """Speak a text."""
        if wanted.model not in (*MODELS, service.synthesizer.name):
            message = f"model {wanted.model[:60]!r} is not here; use {MODEL!r}"
            raise ApiError(404, message, "model_not_found")
        if wanted.instructions:
            message = "instructions: this model takes none; leave the field out"
            raise ApiError(400, message, "unsupported")
        return await speech_response(service, wanted, request)

    @router.get("/v1/models")
    def list_models() -> dict[str, Any]:
        """The one model that is loaded, under its own name."""
        model = {
            "id": MODEL,
            "object": "model",
            "created": int(service.begun),
            "owned_by": "cat-tts",
        }
        return {"object": "list", "data": [model]}

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


def _voices(service: SpeechService) -> APIRouter:
    router = APIRouter()
    frame_rate = service.synthesizer.codec.frame_rate

    @router.get("/v1/voices")
    def voices() -> dict[str, Any]:
        """All voices, those that came with the package first."""
        return {"object": "list", "data": [voice_facts(v, frame_rate) for v in list_voices()]}

    @router.get("/v1/voices/{name}/sample", response_class=Response)
    async def sample(name: str, request: Request) -> Response:
        """What a voice sounds like, as wav."""
        _existing(name)
        future = service.preview(client_of(request), name)
        samples = await asyncio.wrap_future(future)
        data = encode_sound(samples, service.sample_rate, "wav")
        return Response(data, media_type="audio/wav", headers={"Cache-Control": "no-cache"})

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

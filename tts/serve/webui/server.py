"""The whole application: open API, the page's routes, and the page in two languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles

from tts.serve.api import create_api
from tts.serve.page_api import page_routes
from tts.serve.service import SpeechService
from tts.serve.settings import Access
from tts.serve.webui.page import build_page, save_prompt
from tts.serve.webui.problems import error_in_words, note_in_words
from tts.serve.webui.pronunciation import override, spoken_words
from tts.serve.webui.respelling import respelled
from tts.serve.webui.texts import LANGUAGES, cards, preferred, texts

ASSETS = Path(__file__).parent / "assets"
# Of a long text only so much is shown word by word.
SHOWN_CHARS = 1500
_HEAD = """<link rel="stylesheet" href="../app/assets/cat.css">
<script type="module" src="../app/assets/page.js"></script>"""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextBody(_Body):
    """A text whose pronunciation is asked for."""

    text: str = Field(max_length=1_000_000)
    lang: Literal["auto", "en", "zh"] = "auto"


class OverrideBody(TextBody):
    """How one of its words is to be said."""

    index: int = Field(ge=0)
    said: str = Field(max_length=400)


class SaveBody(_Body):
    """A checked recording that becomes a voice."""

    prompt: str = Field(max_length=100)
    name: str = Field(max_length=200)


def create_app(service: SpeechService, access: Access | None = None) -> FastAPI:
    """API and page behind one gate, on one service."""
    import gradio as gr
    from gradio.themes import Default

    app = create_api(service, access)
    app.state.tell = error_in_words
    app.include_router(page_routes(service, note_in_words))
    app.include_router(_routes(service))
    app.mount("/app/assets", StaticFiles(directory=ASSETS), name="assets")
    # Fonts of the system: Gradio's own would be fetched from another host.
    sans, mono = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    theme = Default(
        primary_hue="orange", neutral_hue="stone", spacing_size="sm", font=sans, font_mono=mono
    )
    for language in LANGUAGES:
        app = gr.mount_gradio_app(
            app,
            build_page(service, language),
            path=f"/{language}",
            footer_links=[],
            ssr_mode=False,
            show_error=False,
            max_file_size=service.limits.upload_bytes,
            theme=theme,
            head=_HEAD,
        )
    return app


def _routes(service: SpeechService) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def home(request: Request) -> RedirectResponse:
        language = preferred(request.headers.get("accept-language", ""))
        return RedirectResponse(f"{language}/", headers={"Vary": "Accept-Language"})

    @router.get("/favicon.ico")
    def icon() -> FileResponse:
        return FileResponse(ASSETS / "favicon.svg")

    @router.get("/app/texts/{language}")
    def words(language: Literal["en", "zh"]) -> dict[str, Any]:
        return texts(language) | {"cards": cards(language)}

    @router.post("/app/pronounce")
    def pronounce(body: TextBody) -> dict[str, Any]:
        shown = body.text[:SHOWN_CHARS]
        found = [
            {
                "text": word.text,
                "said": word.said,
                "respelled": respelled(word.said, word.lang),
                "lang": word.lang,
                "source": word.source,
                "editable": word.is_editable,
                "candidates": [
                    {"said": said, "respelled": respelled(said, word.lang)}
                    for said in word.candidates
                ],
            }
            for word in spoken_words(shown, body.lang)
        ]
        return {"words": found, "whole": len(shown) == len(body.text)}

    @router.post("/app/override")
    def overridden(body: OverrideBody) -> dict[str, str]:
        head, tail = body.text[:SHOWN_CHARS], body.text[SHOWN_CHARS:]
        return {"text": override(head, body.index, body.said, body.lang) + tail}

    @router.post("/app/voices")
    def save(body: SaveBody) -> dict[str, str]:
        return {"name": save_prompt(service, body.prompt, body.name)}

    @router.get("/app/costs")
    def costs() -> list[float | None]:
        most = service.synthesizer.num_codebooks
        return [service.rtf(used) for used in range(1, most + 1)]

    return router

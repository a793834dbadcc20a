"""The page's frame, and its part for recordings; the rest is in `parts` and `assets/`."""

from __future__ import annotations

import html
from pathlib import Path

import gradio as gr

from tts.serve.errors import as_api_error
from tts.serve.fairqueue import Client, QueueFullError
from tts.serve.service import Prompt, SpeechService
from tts.serve.uploads import UploadError
from tts.serve.webui import parts
from tts.serve.webui.problems import error_in_words, in_words
from tts.serve.webui.texts import examples, texts, told

_MARKS = {"good": "✓", "warn": "!", "bad": "✗"}


def build_page(service: SpeechService, language: str) -> gr.Blocks:
    """The page in one language, 'en' or 'zh'.

    Gradio holds the text, the recording and the frame; everything else is HTML that the scripts in
    `assets/` fill from the server's own routes. What stands later here comes later by the Tab key:
    the text, then Speak.
    """
    words = texts(language)
    with gr.Blocks(title="CAT-TTS", analytics_enabled=False, delete_cache=(300, 1800)) as page:
        _html(parts.brand(words, language))
        with gr.Row(elem_id="cat-stage"):
            with gr.Column(scale=7, min_width=320, elem_id="cat-main"):
                with gr.Column(elem_id="cat-composer"):
                    gr.Textbox(
                        label=words["text"],
                        placeholder=words["text_hint"],
                        lines=3,
                        max_lines=12,
                        value=examples(language)[0],
                        elem_id="cat-text",
                        container=False,
                        # No event of Gradio's takes it, so Gradio would only show it.
                        interactive=True,
                    )
                    _html(parts.actions(words, examples(language)))
                _html(parts.result(words))
            with gr.Column(scale=5, min_width=320):
                _html(parts.gallery(words))
        _html(parts.said(words))
        with gr.Row(elem_id="cat-more"):
            with gr.Column(scale=1, min_width=320):
                _prompt_part(service, language, words)
            with gr.Column(scale=1, min_width=320):
                _html(parts.settings(words, service))
        _html(parts.nav(words, language))
    return page


def _html(text: str) -> None:
    gr.HTML(text, padding=False, apply_default_css=False)


def _prompt_part(service: SpeechService, language: str, words: dict[str, str]) -> None:
    with gr.Accordion(words["prompt"], open=False, elem_id="cat-prompt"):
        _html(f'<p class="cat-note">{html.escape(words["prompt_hint"])}</p>')
        # Of its own, because Gradio's player refuses recordings that browsers call a video.
        upload = gr.UploadButton(words["upload"], elem_id="cat-upload", variant="secondary")
        audio = gr.Audio(
            sources=["microphone"],
            type="filepath",
            label=words["prompt_audio"],
            elem_id="cat-prompt-audio",
        )
        transcript = gr.Textbox(
            label=words["transcript"], lines=1, max_length=2000, elem_id="cat-transcript"
        )
        report = gr.HTML("", elem_id="cat-check", padding=False, apply_default_css=False)
        _html(parts.save_form(words))

    def check(path: str | None, said: str, request: gr.Request) -> str:
        client = Client(request.client.host if request.client else "", request.session_hash or "")
        return check_prompt(service, client, path, said, language)

    upload.upload(
        lambda path: path, upload, audio, api_visibility="private", show_progress="hidden"
    )
    for event in (audio.change, transcript.submit, transcript.blur):
        event(check, [audio, transcript], report, api_visibility="private", show_progress="hidden")


def check_prompt(
    service: SpeechService, client: Client, path: str | None, said: str, language: str
) -> str:
    """Look an uploaded recording over; HTML that tells what was found, and its handle if usable.

    Never raises for what users can do wrong: the message stands in the HTML.
    """
    words = texts(language)
    if not path:
        return ""
    try:
        prompt = service.check_prompt(client, _read(path, service.limits.upload_bytes), said, None)
    except (UploadError, QueueFullError) as error:
        problem = error_in_words(as_api_error(error), language)
        return _report([("bad", "", "", problem)], words["prompt_bad"], "")
    rows = [(f.grade, *told(f, words)) for f in prompt.findings]
    if prompt.voice is None:
        if not any(grade == "bad" for grade, *_ in rows):
            rows.append(("bad", "", "", in_words(language, "voice", prompt.problem)))
        return _report(rows, words["prompt_bad"], "")
    good = all(f.grade == "good" for f in prompt.findings)
    headline = words["prompt_good" if good else "prompt_doubtful"]
    return _report(rows, headline, service.prompts.put(prompt))


def save_prompt(service: SpeechService, handle: str, name: str) -> str:
    """Save a checked recording as a voice and return its name.

    Raises:
        UploadError: the recording is gone.
        VoiceError: the name is not allowed or taken.
    """
    prompt: Prompt | None = service.prompts.get(handle)
    if prompt is None:
        raise UploadError("this recording is not kept any more; upload or record it again")
    return service.save(prompt, name).name


def _read(path: str, limit: int) -> bytes:
    with Path(path).open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UploadError(f"the file is larger than {limit} bytes, which is the limit; shorten it")
    return data


def _report(rows: list[tuple[str, str, str, str]], headline: str, handle: str) -> str:
    items = "".join(
        f'<li class="cat-{grade}"><span aria-hidden="true">{_MARKS[grade]}</span>'
        f"<b>{html.escape(what)}</b> {html.escape(value)} <em>{html.escape(advice)}</em></li>"
        for grade, what, value, advice in rows
    )
    kept = f' data-prompt="{handle}"' if handle else ""
    shown = f"<p>{html.escape(headline)}</p><ul>{items}</ul>"
    return f'<div id="cat-report"{kept} role="status">{shown}</div>'

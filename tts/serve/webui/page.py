"""The page's widgets; what they do on the client is in `assets/`."""

from __future__ import annotations

import html
import logging
from pathlib import Path
from typing import Any

import gradio as gr

from tts.serve.fairqueue import Client, QueueFullError
from tts.serve.service import Prompt, SpeechService
from tts.serve.uploads import UploadError
from tts.serve.webui.texts import EXAMPLES, texts, told

log = logging.getLogger(__name__)

_COST = '<p id="cat-cost" class="cat-note" aria-live="polite"></p>'
_MARKS = {"good": "✓", "warn": "!", "bad": "✗"}
# What the Speak button hands to `catTts.generate`, in this order.
SPEAK_INPUTS = (
    "text",
    "lang",
    "num_codebooks",
    "seed",
    "speed",
    "temperature",
    "text_temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
)


def build_page(service: SpeechService, language: str) -> gr.Blocks:
    """The page in one language, 'en' or 'zh'.

    Its parts are Gradio's where there is a fitting one; gallery, pronunciations, result and
    history are HTML that the scripts in `assets/` fill from the server's own routes.
    """
    words = texts(language)
    wires: dict[str, Any] = {}
    with gr.Blocks(title="CAT-TTS", analytics_enabled=False, delete_cache=(300, 1800)) as page:
        gr.HTML(header_html(words, language), padding=False, apply_default_css=False)
        with gr.Row(elem_id="cat-columns"):
            with gr.Column(scale=6, min_width=320):
                _text_part(words, wires)
                gr.HTML(_said_html(words), padding=False, apply_default_css=False)
                gr.HTML(_gallery_html(words), padding=False, apply_default_css=False)
                _prompt_part(service, language, words)
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_id="cat-actions"):
                    speak = gr.Button(words["generate"], variant="primary", elem_id="cat-speak")
                    stop = gr.Button(words["stop"], variant="stop", elem_id="cat-stop")
                gr.HTML(_result_html(words), padding=False, apply_default_css=False)
                _settings_part(service, words, wires)
        speak.click(
            None, [wires[name] for name in SPEAK_INPUTS], js="(...all) => catTts.generate(all)"
        )
        stop.click(None, js="() => catTts.stop()")
    return page


def _text_part(words: dict[str, str], wires: dict[str, Any]) -> None:
    wires["text"] = gr.Textbox(
        label=words["text"],
        info=words["text_hint"],
        lines=3,
        max_lines=14,
        value=EXAMPLES[0],
        elem_id="cat-text",
    )
    buttons = "".join(
        f'<button type="button" class="cat-chip" data-example="{html.escape(e, quote=True)}">'
        f"{html.escape(e if len(e) <= 20 else e[:18] + '…')}</button>"
        for e in EXAMPLES
    )
    label = html.escape(words["examples"])
    gr.HTML(
        f'<div class="cat-chips" role="group" aria-label="{label}">{buttons}</div>',
        apply_default_css=False,
    )


def _prompt_part(service: SpeechService, language: str, words: dict[str, str]) -> None:
    with gr.Accordion(words["prompt"], open=False, elem_id="cat-prompt"):
        audio = gr.Audio(
            sources=["upload", "microphone"],
            type="filepath",
            label=words["prompt_audio"],
            elem_id="cat-prompt-audio",
        )
        transcript = gr.Textbox(
            label=words["transcript"], lines=1, max_length=2000, elem_id="cat-transcript"
        )
        report = gr.HTML("", elem_id="cat-check", padding=False, apply_default_css=False)
        gr.HTML(_save_html(words), padding=False, apply_default_css=False)

    def check(path: str | None, said: str, request: gr.Request) -> str:
        client = Client(request.client.host if request.client else "", request.session_hash or "")
        return check_prompt(service, client, path, said, language)

    for event in (audio.change, transcript.submit, transcript.blur):
        event(check, [audio, transcript], report, api_visibility="private", show_progress="hidden")


def _settings_part(service: SpeechService, words: dict[str, str], wires: dict[str, Any]) -> None:
    most = service.synthesizer.num_codebooks
    with gr.Accordion(words["settings"], open=True, elem_id="cat-settings"):
        with gr.Row():
            with gr.Column(min_width=200):
                wires["num_codebooks"] = gr.Slider(
                    1,
                    most,
                    most,
                    step=1,
                    label=words["quality"],
                    elem_id="cat-quality",
                )
                gr.HTML(_COST, padding=False, apply_default_css=False)
            with gr.Column(min_width=200):
                wires["speed"] = gr.Slider(
                    0.5,
                    2,
                    1,
                    step=0.05,
                    label=words["speed"],
                    elem_id="cat-speed",
                )
                note = f'<p class="cat-note">{html.escape(words["speed_hint"])}</p>'
                gr.HTML(note, padding=False, apply_default_css=False)
        with gr.Row(elem_id="cat-seed-row"):
            wires["seed"] = gr.Number(
                0,
                precision=0,
                minimum=0,
                label=words["seed_field"],
                info=words["seed_hint"],
                elem_id="cat-seed",
                min_width=180,
                scale=3,
            )
            dice = gr.Button(words["dice"], elem_id="cat-dice", min_width=100, scale=1)
    with gr.Accordion(words["advanced"], open=False, elem_id="cat-advanced"):
        choices = [(words[f"lang_{name}"], name) for name in ("auto", "en", "zh")]
        wires["lang"] = gr.Radio(choices, value="auto", label=words["lang"], elem_id="cat-lang")
        note = html.escape(words["advanced_hint"])
        gr.HTML(f'<p class="cat-note">{note}</p>', padding=False, apply_default_css=False)
        with gr.Row():
            for name in SPEAK_INPUTS[5:]:
                wires[name] = gr.Number(None, label=words[name], min_width=120)
    wires["num_codebooks"].change(None, wires["num_codebooks"], js="n => catTts.cost(n)")
    wires["lang"].change(None, wires["lang"], js="lang => catTts.readIn(lang)")
    dice.click(None, js="() => catTts.dice()")


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
        return _report([("bad", "", "", str(error))], words["prompt_bad"], "")
    rows = [(f.grade, *told(f, words)) for f in prompt.findings]
    if prompt.voice is None:
        if not any(grade == "bad" for grade, *_ in rows):
            rows.append(("bad", "", "", prompt.problem))
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


def header_html(words: dict[str, str], language: str) -> str:
    """Name, language, theme and documentation."""
    other = "zh" if language == "en" else "en"
    w = {key: html.escape(text) for key, text in words.items()}
    return f"""<header id="cat-header" data-language="{language}">
<h1>CAT-TTS</h1><span>{w["tagline"]}</span>
<nav><a href="../docs">{w["api"]}</a>
<a href="../{other}/" lang="{other}">{w["other_language"]}</a>
<button type="button" data-act="theme" aria-label="{w["theme"]}" title="{w["theme"]}">◐</button>
</nav>
</header>"""


def _said_html(words: dict[str, str]) -> str:
    w = {key: html.escape(text) for key, text in words.items()}
    return f"""<section class="cat-box" aria-labelledby="cat-said-title">
<h2 id="cat-said-title">{w["said"]}</h2><p class="cat-note">{w["said_hint"]}</p>
<div id="cat-said" aria-live="polite"></div><form id="cat-edit" hidden></form></section>"""


def _gallery_html(words: dict[str, str]) -> str:
    title = html.escape(words["voice"])
    return f"""<section class="cat-box"><fieldset id="cat-voices"><legend>{title}</legend>
<div id="cat-gallery"></div></fieldset></section>"""


def _save_html(words: dict[str, str]) -> str:
    w = {key: html.escape(text) for key, text in words.items()}
    return f"""<form id="cat-save"><label for="cat-name">{w["save_name"]}</label>
<input id="cat-name" name="name" maxlength="40" placeholder="{w["save_hint"]}" autocomplete="off">
<button type="submit">{w["save"]}</button></form><p class="cat-note">{w["saved_what"]}</p>"""


def _result_html(words: dict[str, str]) -> str:
    w = {key: html.escape(text) for key, text in words.items()}
    return f"""<section class="cat-box" id="cat-result" aria-label="{w["result"]}">
<p id="cat-status" role="status" aria-live="polite">{w["nothing_yet"]}</p>
<progress id="cat-progress" max="1" value="0" aria-label="{w["generate"]}"></progress>
<canvas id="cat-wave" role="img" aria-label="{w["waveform"]}" width="800" height="96"></canvas>
<audio id="cat-audio" controls hidden></audio>
<dl id="cat-facts"></dl><div id="cat-downloads" class="cat-chips"></div>
<div id="cat-pieces"></div>
<details id="cat-history" hidden><summary>{w["history"]}</summary><ol></ol></details>
<p id="cat-toast" role="alert"></p></section>"""

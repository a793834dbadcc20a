"""The page's parts as HTML; the scripts in `assets/` fill and wire them."""

from __future__ import annotations

import html

from tts.control import MAX_SPEED, MIN_SPEED
from tts.model.config import MAX_SEED, SamplingConfig
from tts.serve.service import SpeechService

# The numbers of sampling, with the bounds of `tts.serve.schema`: name, lowest, highest, step.
SAMPLING_FIELDS = (
    ("temperature", 0, 5, 0.05),
    ("text_temperature", 0, 5, 0.05),
    ("top_p", 0.01, 1, 0.01),
    ("top_k", 0, 100_000, 1),
    ("repetition_penalty", 0.05, 10, 0.05),
    ("guidance", 0, 10, 0.1),
)
# What the page offers of the speeds that the server takes.
LOW_SPEED, HIGH_SPEED = max(MIN_SPEED, 0.5), min(MAX_SPEED, 2.0)
# A cat whose whiskers are sound.
_LOGO = """<svg class="cat-logo" viewBox="0 0 64 64" aria-hidden="true">
<path d="M12 27 14 8 26 17q6-1.5 12 0L50 8l2 19q4 8 1 16-7 13-21 13T11 43q-3-8 1-16Z"/>
<g><circle cx="24" cy="32" r="3.4"/><circle cx="40" cy="32" r="3.4"/></g>
<path class="cat-logo-sound"
 d="M18 40v6M23 38v10M28 41v4M32 39v8M36 41v4M41 38v10M46 40v6"/></svg>"""


def _safe(words: dict[str, str]) -> dict[str, str]:
    return {key: html.escape(text) for key, text in words.items()}


def brand(words: dict[str, str], language: str) -> str:
    """Name and tagline; nothing in it takes the keyboard."""
    return f"""<header id="cat-header" data-language="{language}">{_LOGO}
<h1>CAT-TTS</h1><p>{_safe(words)["tagline"]}</p></header>"""


def nav(words: dict[str, str], language: str) -> str:
    """Expert switch, language, theme and documentation: shown at the top, last by the Tab key."""
    other, w = "zh" if language == "en" else "en", _safe(words)
    return f"""<nav id="cat-nav" aria-label="{w["page"]}">
<button type="button" role="switch" aria-checked="false" data-act="expert"
 title="{w["expert_hint"]}"><i aria-hidden="true"></i>{w["expert"]}</button>
<a href="../{other}/" lang="{other}">{w["other_language"]}</a>
<a href="../docs">{w["api"]}</a>
<button type="button" data-act="theme" aria-label="{w["theme"]}" title="{w["theme"]}">
<span aria-hidden="true">◐</span></button></nav>
<p id="cat-toast" role="status" aria-live="polite"></p>"""


def actions(words: dict[str, str], examples: tuple[str, ...]) -> str:
    """Speak, Stop, who will speak, and examples."""
    w = _safe(words)
    chips = "".join(
        f'<button type="button" class="cat-chip" data-example="{html.escape(e, quote=True)}">'
        f"{html.escape(e if len(e) <= 34 else e[:32] + '…')}</button>"
        for e in examples
    )
    return f"""<div id="cat-actions">
<button type="button" id="cat-speak"><span aria-hidden="true">▶</span> {w["generate"]}</button>
<button type="button" id="cat-stop" disabled><span aria-hidden="true">■</span> {w["stop"]}</button>
<p id="cat-who"></p><p id="cat-dock" aria-hidden="true"></p></div>
<div class="cat-chips" role="group" aria-label="{w["examples"]}">{chips}</div>"""


def result(words: dict[str, str]) -> str:
    """What Speak does happens here: status, waveform, player, downloads, errors."""
    w = _safe(words)
    return f"""<section class="cat-box" id="cat-result" data-state="empty"
 aria-label="{w["result"]}">
<div id="cat-face" aria-hidden="true"></div>
<div id="cat-told"><p id="cat-status" role="status" aria-live="polite">{w["empty"]}</p>
<p id="cat-detail">{w["empty_hint"]}</p><p id="cat-problem" role="alert"></p></div>
<canvas id="cat-wave" role="img" aria-label="{w["waveform"]}" width="1200" height="144"></canvas>
<progress id="cat-progress" max="1" value="0" aria-label="{w["generate"]}"></progress>
<audio id="cat-audio" controls hidden></audio><p id="cat-words" hidden></p>
<div id="cat-downloads" class="cat-chips"></div><dl id="cat-facts" class="cat-expert"></dl>
<ul id="cat-notes"></ul><div id="cat-pieces"></div>
<details id="cat-history" hidden><summary>{w["history"]}</summary><ol></ol></details></section>"""


def gallery(words: dict[str, str]) -> str:
    """Where the cards of voices stand."""
    return f"""<section class="cat-box" id="cat-cast"><fieldset id="cat-voices">
<legend>{_safe(words)["voice"]}</legend><div id="cat-gallery"></div></fieldset></section>"""


def said(words: dict[str, str]) -> str:
    """How the text will be said, word by word."""
    w = _safe(words)
    return f"""<section class="cat-box" aria-labelledby="cat-said-title">
<h2 id="cat-said-title">{w["said"]}</h2><p class="cat-note">{w["said_hint"]}</p>
<div id="cat-said" aria-live="polite"></div><form id="cat-edit" hidden></form></section>"""


def save_form(words: dict[str, str]) -> str:
    """Keep a recording as a voice."""
    w = _safe(words)
    return f"""<form id="cat-save"><label for="cat-name">{w["save_name"]}</label>
<input id="cat-name" name="name" maxlength="40" placeholder="{w["save_hint"]}" autocomplete="off">
<button type="submit">{w["save"]}</button></form><p class="cat-note">{w["saved_what"]}</p>"""


def settings(words: dict[str, str], service: SpeechService) -> str:
    """How to speak. An empty number means the model's own, which its placeholder shows."""
    w, most = _safe(words), service.synthesizer.num_codebooks
    least = most if service.synthesizer.model.config.fixed_codebooks else 1
    langs = "".join(
        f'<option value="{name}">{w[f"lang_{name}"]}</option>' for name in ("auto", "en", "zh")
    )
    sampling = "".join(
        _number(name, w[name], low, high, step, _own(service.own_sampling, name))
        for name, low, high, step in SAMPLING_FIELDS
    )
    return f"""<form id="cat-settings" class="cat-box" aria-labelledby="cat-settings-title">
<h2 id="cat-settings-title">{w["settings"]}</h2>
<label class="cat-field">{w["speed"]} <span class="cat-value">1</span>
<input type="range" name="speed" min="{LOW_SPEED}" max="{HIGH_SPEED}" step="0.05" value="1"></label>
<p class="cat-note">{w["speed_hint"]}</p>
<label class="cat-field">{w["lang"]} <select name="lang">{langs}</select></label>
<div class="cat-expert">
<label class="cat-field">{w["quality"]} <span class="cat-value">{most}</span>
<input type="range" name="num_codebooks" min="{least}" max="{most}" step="1" value="{most}"></label>
<p id="cat-cost" class="cat-note" aria-live="polite"></p>
<div class="cat-numbers">{_number("seed", w["seed_field"], 0, MAX_SEED, 1, 0)}
<button type="button" data-act="dice">{w["dice"]}</button></div>
<p class="cat-note">{w["seed_hint"]}</p>
<h3>{w["advanced"]}</h3><p class="cat-note">{w["advanced_hint"]}</p>
<div class="cat-numbers">{sampling}</div></div></form>"""


def _own(sampling: SamplingConfig, name: str) -> float:
    """The model's own value of one of `SAMPLING_FIELDS`."""
    part = sampling.text if name.startswith("text_") else sampling.audio
    return getattr(part, name.removeprefix("text_"))


def _number(name: str, label: str, low: float, high: float, step: float, own: float) -> str:
    return f"""<label class="cat-field">{label}<input type="number" name="{name}" min="{low}"
 max="{high}" step="{step}" placeholder="{own:g}" inputmode="decimal"></label>"""

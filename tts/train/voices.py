"""Shipped voices: one short prompt of each training speaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tokenizer.model import CatTokenizer
from tts.inference.prompt_audio import PromptEncoder
from tts.model.registry import EMBEDDED_PROMPT
from tts.train.corpus import Utterance, read_corpus
from tts.voices import Voice, save_voice

PROMPT_S = (1.3, 1.8)
MIN_WORDS = {"en": 4, "zh": 1}


def prompt_candidates(utterances: list[Utterance], count: int) -> dict[str, list[Utterance]]:
    """For each speaker the first `count` whole sentences of 1.3 to 1.8 s, in the order of ids."""
    found: dict[str, list[Utterance]] = {}
    for u in sorted(utterances, key=lambda u: u.id):
        whole = u.text.endswith((".", "。")) and len(u.text.split()) >= MIN_WORDS.get(u.language, 1)
        if whole and PROMPT_S[0] <= u.seconds <= PROMPT_S[1]:
            own = found.setdefault(u.speaker, [])
            if len(own) < count:
                own.append(u)
    return found


def make_voice(
    u: Utterance, codec: CatTokenizer, source: str = "synthetic training speech"
) -> Voice:
    """A voice whose prompt is this utterance; its name is the speaker's."""
    encoder = PromptEncoder(codec, EMBEDDED_PROMPT)
    voice, _ = encoder.voice_of(u.path, u.speaker.lower(), u.text, u.language)
    told = f"training speaker {u.speaker}"
    return replace(voice, source=source, gender=u.gender, description=told)


def make_voices(corpora: list[Path], codec: CatTokenizer, out: Path) -> list[str]:
    """Write NAME.safetensors for every speaker of the corpora; returns the names."""
    utterances = [u for folder in corpora for u in read_corpus(folder)]
    candidates = prompt_candidates(utterances, 1)
    voices = [make_voice(first, codec) for _, (first, *_) in sorted(candidates.items())]
    for voice in voices:
        (out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, out)
    return [voice.name for voice in voices]

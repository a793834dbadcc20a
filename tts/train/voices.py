"""Shipped voices: one short prompt of each training speaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tokenizer.audio import read_audio
from tokenizer.model import CatTokenizer
from tts.train.corpus import Utterance, read_corpus
from tts.voices import save_voice, voice_from_audio

PROMPT_S = (1.3, 1.8)
MIN_WORDS = {"en": 4, "zh": 1}


def choose_prompts(utterances: list[Utterance]) -> dict[str, Utterance]:
    """For each speaker the first whole sentence of 1.3 to 1.8 s, in the order of ids."""
    chosen: dict[str, Utterance] = {}
    for u in sorted(utterances, key=lambda u: u.id):
        whole = u.text.endswith((".", "。")) and len(u.text.split()) >= MIN_WORDS.get(u.language, 1)
        if whole and PROMPT_S[0] <= u.seconds <= PROMPT_S[1]:
            chosen.setdefault(u.speaker, u)
    return chosen


def make_voices(
    corpora: list[Path], codec: CatTokenizer, out: Path, source: str = "synthetic training speech"
) -> list[str]:
    """Write NAME.safetensors for every speaker of the corpora; returns the names."""
    utterances = [u for folder in corpora for u in read_corpus(folder)]
    names = []
    for speaker, u in sorted(choose_prompts(utterances).items()):
        name = speaker.lower()
        voice, _ = voice_from_audio(
            codec, read_audio(u.path, codec.sample_rate), name, u.text, u.language, source
        )
        voice = replace(voice, gender=u.gender, description=f"training speaker {speaker}")
        (out / f"{name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, out)
        names.append(name)
    return names

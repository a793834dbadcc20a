"""Shipped voices: who they are (recipes/voices.toml), and which recordings may be their prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizer.audio import read_audio
from tokenizer.strict import strict
from tokenizer.train.recipe import read_recipe
from tts.inference.prompt_audio import PromptEncoder
from tts.train.build import speaker_name
from tts.train.corpus import Utterance
from tts.voices import SYNTHETIC, Voice

# Longer ones cost more in each text; shorter ones do not show how the voice moves.
PROMPT_S = (1.3, 5.0)
MIN_WORDS = {"en": 4, "zh": 1}
# A sentence from its beginning to its end, in one language, without a list of single words.
WHOLE = {"en": re.compile(r"[A-Z][^一-鿿]*\."), "zh": re.compile(r"[^a-zA-Z、]+。")}


@dataclass(frozen=True)
class VoiceCard:
    """A row of recipes/voices.toml; see `Voice` for its fields. teacher: as corpora name it."""

    name: str
    teacher: str
    language: str
    gender: str
    accent: str
    description: str

    @property
    def speaker(self) -> str:
        """As corpora call the teacher's voice."""
        return speaker_name(self.teacher)


def read_cards(path: Path) -> list[VoiceCard]:
    """The voices of a file, in its order; ValueError names what is wrong in it."""
    rows = read_recipe(path).items()
    return [strict(VoiceCard, {"name": name, **row}, f"{path}: {name}") for name, row in rows]


def prompt_candidates(
    utterances: Iterable[Utterance], card: VoiceCard, count: int
) -> list[Utterance]:
    """The first `count` whole sentences of 1.3 to 5 s of a voice's teacher, longest first; see
    `WHOLE`."""
    found = [
        u
        for u in utterances
        if (u.speaker, u.language) == (card.speaker, card.language)
        and WHOLE[u.language].fullmatch(u.text)
        and len(u.text.split()) >= MIN_WORDS.get(u.language, 1)
        and PROMPT_S[0] <= u.seconds <= PROMPT_S[1]
    ]
    return sorted(found, key=lambda u: (-u.seconds, u.id))[:count]


def make_voice(u: Utterance, card: VoiceCard, encoder: PromptEncoder) -> Voice:
    """The voice of a card whose prompt is this utterance."""
    wav = read_audio(u.path, encoder.codec.sample_rate)
    voice, _ = encoder.voice(wav, card.name, u.text, card.language, SYNTHETIC + card.teacher)
    return replace(voice, gender=card.gender, accent=card.accent, description=card.description)

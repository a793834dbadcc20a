"""What the language model itself says, for a listener that reads it back to learn from.

    python -m tts.train.listen speak TEXTS... --mandarin 0.4 --hours 1 --out FILE.npz

Its codes are not quite those of recordings. What it left out or said wrong must not be learnt, so a
listener that has learnt from recordings alone can say which of its outputs to leave out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch

from frontend import EmptyTextError, phonemize
from frontend.clean import HAN_CHARACTER
from frontend.symbols import readable, to_ids
from tokenizer.train.held_out import held_out
from tts.inference.events import PieceDone
from tts.inference.prompt_builders import Piece, SpeechOptions
from tts.inference.speaking import PieceLoop
from tts.listen.check import check_sounds
from tts.listen.model import Listener
from tts.listen.sounds import OF_SYMBOL, sounds_of
from tts.synthesizer import BATCH, Synthesizer
from tts.train.listen_data import Heard, said_words
from tts.train.prepare import Example
from tts.voices import Voice

LONGEST_PROMPT_S = 8.0


def speak(
    synthesizer: Synthesizer,
    texts: Sequence[str],
    voices: Sequence[Voice],
    hours: float,
    mandarin: float,
    seed: int = 0,
) -> Iterator[Heard]:
    """Texts in voices of their language, until there are so many hours.

    Args:
        texts: drawn from.
        voices: each language's in turn.
        mandarin: share of the texts in Mandarin.
    """
    frames, most = 0, hours * 3600 * synthesizer.codec.frame_rate
    coming = _pieces(synthesizer, texts, voices, mandarin, seed)
    sampling = synthesizer.prompt_builder.sampling
    loop = PieceLoop(synthesizer.model, synthesizer.codec, sampling, batch_size=BATCH, sound="none")
    for event in loop.run(coming):
        if not isinstance(event, PieceDone) or event.complaint:
            continue
        assert isinstance(event.key, _Asked)
        example = event.key.heard(event)
        if example is not None:
            frames += len(example.labels)
            yield example
        if frames >= most:
            return


def prompt_voices(examples: Sequence[Example], longest: int) -> list[Voice]:
    """A voice for each speaker: what they said longest, up to `longest` frames."""
    found: dict[str, Example] = {}
    for example in sorted(examples, key=lambda e: e.codes.shape[1]):
        if example.codes.shape[1] <= longest and not held_out(example.id):
            found[example.speaker] = example
    return [
        Voice(name, torch.from_numpy(e.codes.astype(np.int64)), e.language)
        for name, e in sorted(found.items())
    ]


class _Asked(NamedTuple):
    """What was asked for; the key of its piece."""

    name: str
    text: str
    language: str
    voice: str

    def heard(self, done: PieceDone) -> Heard | None:
        symbols = np.array(to_ids(readable(phonemize(self.text, self.language).symbols)))
        said = said_words(self.text, self.language, symbols)
        if said is None:
            return None
        codes = done.codes.numpy().astype(np.uint16)
        labels = OF_SYMBOL[symbols][np.array(done.places)]
        sounds = sounds_of(symbols)[0]
        return Heard(self.name, self.voice, self.language, codes, labels, sounds, *said)


def _pieces(
    synthesizer: Synthesizer,
    texts: Sequence[str],
    voices: Sequence[Voice],
    mandarin: float,
    seed: int,
) -> Iterator[tuple[_Asked, Piece]]:
    """Without end: each language's voices in turn."""
    rng = np.random.default_rng(seed)
    by_language = {"en": [t for t in texts if not HAN_CHARACTER.search(t)]}
    by_language["zh"] = [t for t in texts if HAN_CHARACTER.search(t)]
    for language, share in (("en", 1 - mandarin), ("zh", mandarin)):
        if share and not (by_language[language] and language in {v.lang for v in voices}):
            raise ValueError(
                f"a share {share:g} is to be in {language!r}, and there is no text or no voice for "
                "it; give both, or another --mandarin, such as 0 or 1"
            )
    for number in count():
        language = "zh" if rng.random() < mandarin else "en"
        own = [voice for voice in voices if voice.lang == language]
        text = by_language[language][int(rng.integers(len(by_language[language])))]
        voice = own[number % len(own)]
        options = SpeechOptions(voice=voice, lang=language, seed=seed + number)
        try:
            pieces = synthesizer.pieces(text, options)
        except EmptyTextError:
            continue
        if len(pieces) == 1:
            name = f"spoken{seed}-{number}"
            yield _Asked(name, text, language, f"spoken {voice.name}"), pieces[0]


def well_said(listener: Listener, examples: Sequence[Heard], worst: float) -> list[Heard]:
    """Without the share `worst` of each language whose sounds `listener` finds most often wrong."""
    kept: list[Heard] = []
    for language in ("en", "zh"):
        own = [e for e in examples if e.language == language]
        rates = [
            check_sounds(torch.from_numpy(e.codes.astype(np.int64)), e.sounds, listener).rate
            for e in own
        ]
        order = np.argsort(rates, kind="stable")[: round(len(own) * (1 - worst))]
        kept += [own[i] for i in sorted(order.tolist())]
    return kept

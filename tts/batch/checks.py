"""Checks of rows against the model: codebooks that it has, voices that its tokenizer made."""

from __future__ import annotations

from pathlib import Path

from tts.batch.plan import Item, Settings
from tts.batch.rows import Fault
from tts.batch.sources import Digests
from tts.config import TtsConfig


def check_items(
    items: list[Item], config: TtsConfig, codec: Path, settings: Settings, digests: Digests
) -> list[Fault]:
    """Faults of items that this model cannot speak.

    Args:
        items: of the manifest.
        config: of the model.
        codec: folder of the tokenizer.
        settings: of the run; its codec revision names the tokenizer.
        digests: remembers which voices fit, so that the tokenizer is loaded once only.

    Raises:
        CheckpointError: the tokenizer is damaged.
    """
    most = config.n_vq
    faults = [
        Fault(item.row.line, f"num_codebooks is {used}; this model has 1 to {most}")
        for item in items
        if (used := item.row.num_codebooks) is not None and used > most
    ]
    voices = {item.row.voice for item in items if not item.prompt_digest}
    if config.phonemes is None:
        voices -= {None}  # published models speak without a voice too
    complaints = {
        name: complaint
        for name in voices
        if (complaint := _voice_complaint(name, codec, settings, digests))
    }
    faults += [
        Fault(item.row.line, complaints[item.row.voice])
        for item in items
        if not item.prompt_digest and item.row.voice in complaints
    ]
    return faults


def _voice_complaint(name: str | None, codec: Path, settings: Settings, digests: Digests) -> str:
    """Empty if the voice was made by this tokenizer."""
    from tts.batch.sources import voice_digest

    # the name too: voices of the same codes may claim different tokenizers
    fits = f"voice {name} {voice_digest(name)} fits {settings.codec}"
    if fits in digests.known:
        return ""
    from tokenizer.checkpoint import load_codec
    from tts.voices import VoiceError, check_voice, load_voice

    try:
        check_voice(load_voice(name), load_codec(codec))
    except VoiceError as error:
        return str(error)
    digests.known[fits] = []
    digests.changed = True
    return ""

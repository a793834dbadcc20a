"""Prompt recordings as voices: each encoded once, and kept on disk under its content."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from tokenizer.codes import CodesError, codes_bytes, load_codes
from tts.batch.plan import Item
from tts.batch.sources import Digests, SourceError, joined_digest
from tts.batch.store import STATE, Store
from tts.synthesizer import Synthesizer
from tts.voices import Voice

# Codes of a prompt take some kilobytes.
KEPT_IN_MEMORY = 256
_KEPT = ("lang", "transcript", "codec")


class PromptVoices:
    """Makes voices of prompt recordings.

    Args:
        synthesizer: encodes them.
        codec_revision: names it; part of the name under which codes are kept.
        store: the output folder, which keeps them too.
        digests: tells whether a recording is still the one that the run was planned with.
    """

    def __init__(
        self, synthesizer: Synthesizer, codec_revision: str, store: Store, digests: Digests
    ) -> None:
        self.synthesizer, self.codec_revision = synthesizer, codec_revision
        self.store, self.digests = store, digests
        self.recent: OrderedDict[str, Voice] = OrderedDict()

    def voice(self, item: Item) -> Voice:
        """The voice of an item's recording; its name is that of the file.

        Raises:
            SourceError: the recording is gone or has changed since the run was planned.
            AudioError, VoiceError: it cannot be used.
            OutputError: the codes cannot be kept.
        """
        path = item.row.prompt_wav
        assert path is not None
        parts = [item.prompt_digest, self.codec_revision, item.row.prompt_text]
        name = joined_digest(parts)[:32]
        voice = self.recent.get(name) or self._stored(name) or self._encode(path, name, item)
        self.recent[name] = voice
        self.recent.move_to_end(name)
        if len(self.recent) > KEPT_IN_MEMORY:
            self.recent.popitem(last=False)
        return voice

    def _stored(self, name: str) -> Voice | None:
        try:
            stored = load_codes(self.store.folder / _place(name))
        except CodesError:
            return None  # not there yet
        lang, transcript, codec = (stored.metadata[key] for key in _KEPT)
        return Voice(name, stored.codes, lang, transcript, codec=codec)

    def _encode(self, path: str, name: str, item: Item) -> Voice:
        if self.digests.of(path) != item.prompt_digest:
            raise SourceError(f"{path} has changed since the run began; start it again")
        encoder = self.synthesizer.prompt_encoder
        voice, _ = encoder.voice_of(path, transcript=item.row.prompt_text)
        said = {key: getattr(voice, key) for key in _KEPT}
        self.store.put(_place(name), codes_bytes(voice.codes, said))
        return replace(voice, name=name)


def _place(name: str) -> str:
    return f"{STATE}/prompts/{name}.safetensors"

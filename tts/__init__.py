"""Text to speech: text ids and a voice prompt in, codes and waveform out.

`from tts import Synthesizer, SpeechOptions, Voice` is what a program needs; the names are looked
up when they are used, so that importing the package alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.inference.prompt_builders import SpeechOptions
    from tts.synthesizer import Synthesizer
    from tts.voices import Voice

__all__ = ["SpeechOptions", "Synthesizer", "Voice"]

_HOMES = {
    "SpeechOptions": "tts.inference.prompt_builders",
    "Synthesizer": "tts.synthesizer",
    "Voice": "tts.voices",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tts' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

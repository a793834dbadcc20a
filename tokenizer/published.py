"""The checkpoints that can be downloaded: what they are, and how large.

Figures are their makers'. None of them was ever run here: what this code does was held to small
random checkpoints of the same formats, by `verify`.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A repository on the Hugging Face hub.

    Attributes:
        codec: of a language model, the tokenizer that it was made for; empty for tokenizers.
        parameters: as people write it. size_gb: about what it takes on disk.
        sound: what comes out. languages: as the makers list them; empty for tokenizers.
        makers: what its makers say of it.
    """

    repository: str
    codec: str
    parameters: str
    size_gb: float
    sound: str
    languages: str
    makers: str
    licence: str = "Apache-2.0"


_OWNER = "OpenMOSS-Team/"
CODEC_V1 = f"{_OWNER}MOSS-Audio-Tokenizer"
CODEC_NANO = f"{_OWNER}MOSS-Audio-Tokenizer-Nano"
CODEC_V2 = f"{_OWNER}MOSS-Audio-Tokenizer-v2"

_NANO_LANGUAGES = "zh en de es fr ja it he ko ru fa ar pl pt cs da sv hu el tr"
# As v1.5 wants them in its prompt.
V15_LANGUAGES = (
    "Chinese",
    "Cantonese",
    "English",
    "Arabic",
    "Czech",
    "Danish",
    "Dutch",
    "Finnish",
    "French",
    "German",
    "Greek",
    "Hebrew",
    "Hindi",
    "Hungarian",
    "Italian",
    "Japanese",
    "Korean",
    "Macedonian",
    "Malay",
    "Persian (Farsi)",
    "Polish",
    "Portuguese",
    "Romanian",
    "Russian",
    "Spanish",
    "Swahili",
    "Swedish",
    "Tagalog",
    "Thai",
    "Turkish",
    "Vietnamese",
)
PUBLISHED: tuple[Published, ...] = (
    Published(CODEC_V1, "", "1.77 B", 7.1, "24 kHz mono", "", "12.5 frames/s, 32 x 1024 codes"),
    Published(CODEC_NANO, "", "22 M", 0.09, "48 kHz stereo", "", "12.5 frames/s, 16 x 1024 codes"),
    Published(CODEC_V2, "", "2.12 B", 8.5, "48 kHz stereo", "", "12.5 frames/s, 32 x 1024 codes"),
    Published(
        f"{_OWNER}MOSS-TTS-Nano",
        CODEC_NANO,
        "0.12 B",
        0.24,
        "48 kHz stereo",
        _NANO_LANGUAGES,
        "made for CPUs; no figures of quality published",
    ),
    Published(
        f"{_OWNER}MOSS-TTS-Nano-100M",
        CODEC_NANO,
        "0.12 B",
        0.24,
        "48 kHz stereo",
        _NANO_LANGUAGES,
        "the same as MOSS-TTS-Nano",
    ),
    Published(
        f"{_OWNER}MOSS-TTS-Local-Transformer",
        CODEC_V1,
        "2.73 B",
        5.5,
        "24 kHz mono",
        "zh en and others",
        "paper: arXiv 2602.10934",
    ),
    Published(
        f"{_OWNER}MOSS-TTS-Local-Transformer-v1.5",
        CODEC_V2,
        "4.13 B",
        8.3,
        "48 kHz stereo",
        ", ".join(V15_LANGUAGES),
        "31 languages, pause tags",
    ),
    Published(
        f"{_OWNER}MOSS-TTS",
        CODEC_V1,
        "8 B",
        17.0,
        "24 kHz mono",
        "zh en and others",
        "delay pattern",
    ),
    Published(
        f"{_OWNER}MOSS-TTS-v1.5",
        CODEC_V1,
        "8 B",
        17.0,
        "24 kHz mono",
        ", ".join(V15_LANGUAGES),
        "delay pattern, pause tags",
    ),
)
BY_REPOSITORY = {entry.repository: entry for entry in PUBLISHED}

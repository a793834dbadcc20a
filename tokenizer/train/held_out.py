"""What no training may hear; decided by names alone, so that all agree."""

from __future__ import annotations

import hashlib

ONE_RECORDING_IN, ONE_SPEAKER_IN = 100, 10


def held_out(stem: str) -> bool:
    """Whether a recording belongs to the validation part."""
    return _number(stem) % ONE_RECORDING_IN == 0


def held_out_speaker(speaker: str) -> bool:
    """Whether none of a speaker's recordings is for training."""
    return _number(speaker) % ONE_SPEAKER_IN == 0


def _number(name: str) -> int:
    return int(hashlib.sha1(name.encode()).hexdigest(), 16)

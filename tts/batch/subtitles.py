"""Subtitles."""

from __future__ import annotations

from collections.abc import Sequence


def srt_bytes(pieces: Sequence[tuple[str, float, float]]) -> bytes:
    """Subtitles: text, start and end in seconds of each piece."""
    blocks = [
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{' '.join(text.split())}\n"
        for number, (text, start, end) in enumerate(pieces, start=1)
    ]
    return "\n".join(blocks).encode("utf-8")


def _clock(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"

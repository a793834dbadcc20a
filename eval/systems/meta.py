"""The Seed-TTS meta file: what is to be said, in whose voice, and the true recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from frontend.clean import HAN_CHARACTER
from tokenizer.audio import ENDINGS

_FORBIDDEN = re.compile(r"[/\\\x00]")


class MetaError(ValueError):
    """A meta file that cannot be used; names the line."""


@dataclass(frozen=True)
class MetaItem:
    """One line of a meta file.

    Attributes:
        utt: name of the output, without ".wav"; unique in its file.
        text: what is to be said.
        prompt_text: words of the prompt; "" if not known.
        prompt_wav: the prompt recording; None if the line has none.
        truth_wav: a recording of `text` by the prompt's speaker; None if the line has none.
    """

    utt: str
    text: str
    prompt_text: str = ""
    prompt_wav: Path | None = None
    truth_wav: Path | None = None


def parse_line(line: str, folder: Path) -> MetaItem:
    """One line with 2, 3, 4 or 5 fields between "|".

    2: utt, text. 3: utt, text, prompt wav. 4: utt, prompt text, prompt wav, text. 5: as 4, and
    the true recording. Relative paths start at `folder`.

    Raises:
        MetaError: another number of fields, no utt or no word of text, a utt that is no file
            name, or a recording that is none, as where a text holds a "|".
    """
    fields = [field.strip() for field in line.strip().split("|")]
    if len(fields) == 2:
        item = MetaItem(fields[0], fields[1])
    elif len(fields) == 3:
        item = MetaItem(fields[0].removesuffix(".wav"), fields[1], "", _wav(fields[2], folder))
    elif len(fields) in (4, 5):
        truth = _wav(fields[4], folder) if len(fields) == 5 else None
        item = MetaItem(fields[0], fields[3], fields[1], _wav(fields[2], folder), truth)
    else:
        raise MetaError(f"{len(fields)} fields between '|', must be 2, 3, 4 or 5")
    if not item.utt or not any(char.isalnum() for char in item.text):
        raise MetaError(f"the name of the utterance or its text is empty: {line.strip()[:60]!r}")
    for wav in (item.prompt_wav, item.truth_wav):
        if wav is not None and wav.suffix.lower() not in ENDINGS:
            raise MetaError(
                f"{wav.name[:60]!r} stands where a recording belongs and is none "
                f"({', '.join(ENDINGS)}); is there a stray '|' in a text?"
            )
    if _FORBIDDEN.search(item.utt) or item.utt.startswith("."):
        raise MetaError(f"utterance {item.utt!r} must be a plain file name, without '/' or '\\'")
    return item


def read_meta(path: Path, limit: int | None = None) -> list[MetaItem]:
    """Read a meta file.

    Args:
        path: UTF-8 text; empty lines are skipped.
        limit: only the first so many items, >= 1; None means all.

    Raises:
        MetaError: unreadable, empty, a bad line, a utt that occurs twice, or a bad limit.
    """
    if limit is not None and limit < 1:
        raise MetaError(f"limit is {limit}, must be at least 1")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MetaError(f"cannot read meta file {path}: {error}") from error
    items: dict[str, MetaItem] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = parse_line(line, path.parent)
        except MetaError as error:
            raise MetaError(f"{path}, line {number}: {error}") from error
        if item.utt in items:
            raise MetaError(f"{path}, line {number}: utterance {item.utt!r} occurs twice")
        items[item.utt] = item
    if not items:
        raise MetaError(f"{path} holds no item; write one 'utt|…|text' per line")
    return list(items.values())[:limit]


def guess_lang(items: list[MetaItem]) -> str:
    """'zh' if most texts hold a Chinese character, else 'en'."""
    count = sum(HAN_CHARACTER.search(item.text) is not None for item in items)
    return "zh" if 2 * count > len(items) else "en"


def _wav(field: str, folder: Path) -> Path | None:
    # Joining with an absolute path yields that path.
    return folder / field if field else None

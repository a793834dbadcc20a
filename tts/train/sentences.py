"""When two sentences are the same, and which are Mandarin."""

import re

from tts.train.everyday import word_keys

HAN = re.compile(r"[\u4e00-\u9fff]")


def sentence_key(sentence: str) -> str:
    """Return what two sentences must share to count as the same: words, not case or marks."""
    return " ".join(word_keys(sentence))

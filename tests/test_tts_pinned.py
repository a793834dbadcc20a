"""What the embedded model is asked for and answers, for twenty texts: both stay as they are.

The digests in `pinned_requests.json` belong to weights 3.1. A change of the code that moves one
is a change of the voice, and has to be meant; new weights or a new reading of a text move them
too, and then `python tests/test_tts_pinned.py` writes the file again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from tts.synthesizer import SpeechOptions, Synthesizer

PINNED = Path(__file__).with_name("pinned_requests.json")
# (text, voice, seed, codebooks; None means all)
CASES = (
    ("Good morning.", "heart", 0, None),
    ("Please close the window before you go.", "michael", 1, None),
    ("She bought fresh bread, butter and a dozen eggs.", "daniel", 2, None),
    ("The train leaves at half past nine.", "sarah", 3, None),
    ("It is late; we should go home.", "emma", 4, None),
    ("Dr. Smith paid $5.20 on 3 May 2021.", "liam", 5, None),
    ("Is it going to rain today?", "liam", 6, None),
    ("One, two, three, four.", "heart", 7, 2),
    ("I read a book. He will read it too.", "michael", 8, None),
    ("The [minute](M AY0 N UW1 T) hand fell off.", "heart", 9, None),
    ("Call me at 555-0123!", "daniel", 10, 1),
    ("The GPU is at 98.6% and rising.", "sarah", 11, None),
    ("No", "heart", 12, None),
    ("Well — perhaps: not today.", "michael", 13, None),
    ("今天天气很好。", "xiaoxiao", 0, None),
    ("你好,世界!", "yunxi", 1, None),
    ("他在银行工作了三年。", "xiaoxiao", 2, None),
    ("我有3个苹果和GPT-4。", "yunxi", 3, None),
    ("First sentence here. A second one follows it. And a third ends it.", "heart", 2**40, None),
    ("Wait... what was that noise?", "emma", 15, None),
)


def digest_of(tensor) -> str:
    """Sixteen hex digits of int64 values and their shape."""
    values = tensor.cpu().contiguous().numpy().astype("<i8")
    return hashlib.sha256(str(values.shape).encode() + values.tobytes()).hexdigest()[:16]


@cache
def embedded() -> Synthesizer:
    return Synthesizer.load()


def facts_of(text: str, voice: str, seed: int, num_codebooks: int | None) -> dict:
    """Rows, seeds and budgets asked for, and the codes that come of it."""
    options = SpeechOptions(voice=voice, seed=seed, num_codebooks=num_codebooks)
    requests = embedded().requests(text, options)
    spoken = embedded().synthesize(text, options)
    return {
        "text": text,
        "rows": [digest_of(request.rows) for request in requests],
        "seeds": [request.seed for request in requests],
        "budgets": [request.max_frames for request in requests],
        "frames": spoken.frames,
        "codes": digest_of(spoken.codes),
        "finished_by": spoken.finished_by,
    }


@pytest.mark.parametrize("number", range(len(CASES)))
def test_rows_and_codes_are_unchanged(number):
    pinned = json.loads(PINNED.read_text("utf-8"))
    found, expected = facts_of(*CASES[number]), pinned["cases"][number]
    if pinned["cpu"] != torch.backends.cpu.get_cpu_capability():
        for facts in (found, expected):
            for name in ("codes", "frames", "finished_by"):
                del facts[name]
    assert found == expected


if __name__ == "__main__":
    cases = [facts_of(*case) for case in CASES]
    pinned = {"cpu": torch.backends.cpu.get_cpu_capability(), "cases": cases}
    PINNED.write_text(json.dumps(pinned, ensure_ascii=False, indent=1) + "\n", "utf-8")
    sys.exit(0)

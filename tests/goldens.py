"""Where the reference's numbers lie: a small part beside the tests, all of it beside the clone.

CAT_TTS_GOLDEN names another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "golden"
_OWN = Path(__file__).parent / "golden"
GOLDEN = Path(os.environ.get("CAT_TTS_GOLDEN", _BESIDE if _BESIDE.is_dir() else _OWN))


def golden(name: str) -> Path:
    """A folder of that name; the test is skipped where there is none."""
    for folder in (GOLDEN / name, _OWN / name):
        if folder.is_dir():
            return folder
    pytest.skip(f"no golden files at {GOLDEN / name}; set CAT_TTS_GOLDEN to their folder")

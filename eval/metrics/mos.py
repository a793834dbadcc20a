"""Predicted mean opinion scores; optional, by models inside an installed package."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np

from eval.audio import AudioError, check_mono, resample
from eval.extras import installed_version, require

DNSMOS_RATE_HZ = 16000
# speechmos' names of its scores -> ours.
_DNSMOS_SCORES = {"ovrl_mos": "overall", "sig_mos": "signal", "bak_mos": "background"}


class MosRater(Protocol):
    """Anything that predicts how listeners would rate an utterance."""

    def rate(self, wav: np.ndarray, sample_rate: int) -> dict[str, float]:
        """Scores, about 1 (bad) to 5 (excellent).

        Args:
            wav: float (N,), mono, N >= 1, in [-1, 1].
            sample_rate: in Hz.

        Raises:
            AudioError: wav is empty, not mono or not finite.
        """
        ...


class DnsmosRater:
    """DNSMOS P.835 of the package speechmos (its models are inside), made for telephone noise.

    It hears noise and distortion, not whether the right words were said.
    """

    def __init__(self) -> None:
        require("onnxruntime", extra="mos")
        self._dnsmos = require("speechmos.dnsmos", "speechmos", extra="mos")

    def rate(self, wav: np.ndarray, sample_rate: int) -> dict[str, float]:
        """See `MosRater.rate`."""
        audio = resample(check_mono(wav, sample_rate), sample_rate, DNSMOS_RATE_HZ)
        if audio.size == 0:  # the package would repeat it for ever
            raise AudioError("wav is empty; nothing to rate")
        # Resampling may overshoot full scale, which the package refuses.
        found = self._dnsmos.run(np.clip(audio, -1.0, 1.0), DNSMOS_RATE_HZ)
        return {name: float(found[theirs]) for theirs, name in _DNSMOS_SCORES.items()}


def rater_identity(name: str) -> str:
    """What the rater called `name` is, for the report; ValueError for an unknown name."""
    if name == "dnsmos":
        return f"DNSMOS P.835 (speechmos {installed_version('speechmos')})"
    raise ValueError(
        f"unknown rater {name!r}; use dnsmos. UTMOS is left out: no maintained package carries its "
        "weights"
    )


@lru_cache(maxsize=1)
def load_rater(name: str = "dnsmos") -> MosRater:
    """Load a rater once.

    Raises:
        ValueError: unknown name.
        MissingExtraError: its package is not installed.
    """
    rater_identity(name)
    return DnsmosRater()

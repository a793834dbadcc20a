"""Predicted mean opinion scores; optional, by models inside an installed package."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from eval.audio import AudioError, check_mono, resample
from eval.extras import installed_version, require

MOS_RATE_HZ = 16000
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
        audio = resample(check_mono(wav, sample_rate), sample_rate, MOS_RATE_HZ)
        if audio.size == 0:  # the package would repeat it for ever
            raise AudioError("wav is empty; nothing to rate")
        # Resampling may overshoot full scale, which the package refuses.
        found = self._dnsmos.run(np.clip(audio, -1.0, 1.0), MOS_RATE_HZ)
        return {name: float(found[theirs]) for theirs, name in _DNSMOS_SCORES.items()}


class DistillMosRater:
    """DistillMOS (Stahl and Gamper 2025), weights inside the package: one score, `overall`.

    Unlike DNSMOS it hears what synthesis does to a voice.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Load the weights.

        Args:
            folder: with the packages, as `scripts/fetch_judges.py` leaves them; None where they
                are installed.

        Raises:
            MissingExtraError: the package is not there.
        """
        self._torch = require("torch")
        if folder and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        # The package imports torchaudio at its top and uses it for files alone; the real one does
        # not load beside the CPU build of torch.
        absent = "torchaudio" not in sys.modules
        if absent:
            sys.modules["torchaudio"] = ModuleType("torchaudio")
        try:
            package = require("distillmos", extra="judges")
        finally:
            if absent:
                del sys.modules["torchaudio"]
        self._model = package.ConvTransformerSQAModel().eval()

    def rate(self, wav: np.ndarray, sample_rate: int) -> dict[str, float]:
        """See `MosRater.rate`."""
        audio = resample(check_mono(wav, sample_rate), sample_rate, MOS_RATE_HZ)
        if audio.size == 0:
            raise AudioError("wav is empty; nothing to rate")
        with self._torch.inference_mode():
            score = self._model(self._torch.from_numpy(audio.astype(np.float32))[None])
        return {"overall": float(score)}


def rater_identity(name: str) -> str:
    """What the rater called `name` is, for the report; ValueError for an unknown name."""
    kind, _, folder = name.partition(":")
    if name == "dnsmos":
        return f"DNSMOS P.835 (speechmos {installed_version('speechmos')})"
    if kind == "distillmos":
        version = "" if folder else f" {installed_version('distillmos')}"
        return f"DistillMOS{version}"
    raise ValueError(
        f"unknown rater {name!r}; use dnsmos, distillmos or distillmos:FOLDER "
        "(`python scripts/fetch_judges.py DIR`, then DIR/distillmos). UTMOS is left out: no "
        "maintained package carries its weights"
    )


@lru_cache(maxsize=2)
def load_rater(name: str = "dnsmos") -> MosRater:
    """Load a rater once.

    Args:
        name: "dnsmos"; "distillmos", or "distillmos:FOLDER" where the package is not installed.

    Raises:
        ValueError: unknown name.
        MissingExtraError: its package is not installed.
    """
    rater_identity(name)
    kind, _, folder = name.partition(":")
    if kind == "distillmos":
        return DistillMosRater(Path(folder) if folder else None)
    return DnsmosRater()

"""Pronounce words that are in no dictionary with the neural model of the package g2p-en.

Importing g2p-en takes seconds and tries to download data for its tagger, so only its checkpoint
file is read; the GRU encoder-decoder is run here with numpy.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from frontend.symbols import ARPABET

_GRAPHEMES = {char: index for index, char in enumerate("abcdefghijklmnopqrstuvwxyz", start=3)}
_UNKNOWN_GRAPHEME, _END_GRAPHEME = 1, 2
_START_PHONEME, _END_PHONEME = 2, 3
# The checkpoint's own output order: four specials, then ARPAbet sorted, with a bare UW in it.
_PHONEMES = ("", "", "", "", *sorted({*ARPABET, "UW"}))
_MAX_PHONEMES = 40


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    import numpy as np

    spec = find_spec("g2p_en")
    if spec is None or spec.origin is None:
        raise ValueError("package g2p-en not found: install it with `pip install g2p-en`")
    with np.load(Path(spec.origin).with_name("checkpoint20.npz")) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}


def _gru_step(x: Any, hidden: Any, weights: dict[str, Any], side: str) -> Any:
    """Advance one GRU step; x (64,), hidden (128,), gates in the order reset, update, new."""
    import numpy as np

    from_input = weights[f"{side}_w_ih"] @ x + weights[f"{side}_b_ih"]
    from_hidden = weights[f"{side}_w_hh"] @ hidden + weights[f"{side}_b_hh"]
    size = hidden.shape[0]
    gates = 1.0 / (1.0 + np.exp(-(from_input[: 2 * size] + from_hidden[: 2 * size])))
    reset, update = gates[:size], gates[size:]
    new = np.tanh(from_input[2 * size :] + reset * from_hidden[2 * size :])
    return (1.0 - update) * new + update * hidden


def predict_phonemes(word: str) -> tuple[str, ...]:
    """Guess the pronunciation of an English word, greedily.

    Args:
        word: lower-case letters; other characters count as unknown graphemes.

    Returns:
        ARPAbet symbols with stress digits; empty when the model says nothing.

    Raises:
        ValueError: the package g2p-en is not installed.
    """
    import numpy as np

    weights = _weights()
    hidden = np.zeros(weights["enc_w_hh"].shape[1], np.float32)
    for index in [*(_GRAPHEMES.get(char, _UNKNOWN_GRAPHEME) for char in word), _END_GRAPHEME]:
        hidden = _gru_step(weights["enc_emb"][index], hidden, weights, "enc")
    phonemes: list[str] = []
    previous = _START_PHONEME
    while len(phonemes) < _MAX_PHONEMES:
        hidden = _gru_step(weights["dec_emb"][previous], hidden, weights, "dec")
        previous = int((weights["fc_w"] @ hidden + weights["fc_b"]).argmax())
        if previous == _END_PHONEME:
            break
        if previous > _END_PHONEME:
            phonemes.append("UW1" if _PHONEMES[previous] == "UW" else _PHONEMES[previous])
    return tuple(phonemes)

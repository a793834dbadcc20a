"""The recurrent network of the package g2pM (Apache-2.0), run with numpy.

One bidirectional LSTM over the characters of a sentence and two layers on top give a score to
every reading. The weights are those that g2pM ships, stored as float16 in `data/polyphones.npz`.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NetWeights:
    """float32 arrays: embedding (V, 64), LSTM weights per direction, two output layers.

    Attributes:
        embedding: (V, 64); row 0 is unknown, rows 1 and 2 are begin and end of the sentence.
        forward: input weights (128, 64), recurrent weights (128, 32), bias (128,).
        backward: the same for the reversed sentence.
        hidden: weights (32, 64) and bias (32,).
        output: weights (C, 32) and bias (C,).
    """

    embedding: Any
    forward: tuple[Any, Any, Any]
    backward: tuple[Any, Any, Any]
    hidden: tuple[Any, Any]
    output: tuple[Any, Any]


UNKNOWN_ROW, BEGIN_ROW, END_ROW = 0, 1, 2


def _run_lstm(inputs: Any, weights: tuple[Any, Any, Any]) -> Any:
    """Run one direction; inputs (T, 64), result (T, 32)."""
    import numpy as np

    w_input, w_hidden, bias = weights
    from_input = inputs @ w_input.T + bias
    size = w_hidden.shape[1]
    hidden = np.zeros(size, np.float32)
    cell = np.zeros(size, np.float32)
    outputs = np.empty((len(inputs), size), np.float32)
    for step in range(len(inputs)):
        gates = from_input[step] + w_hidden @ hidden
        # tanh(x / 2) is the sigmoid up to scale: one call serves three gates.
        squashed = 0.5 * np.tanh(0.5 * gates) + 0.5
        cell = squashed[size : 2 * size] * cell
        cell += squashed[:size] * np.tanh(gates[2 * size : 3 * size])
        hidden = squashed[3 * size :] * np.tanh(cell)
        outputs[step] = hidden
    return outputs


def score_readings(weights: NetWeights, rows: list[int], positions: list[int]) -> Any:
    """Score all readings at some positions of a sentence.

    Args:
        weights: the network.
        rows: embedding row of each character, without begin and end.
        positions: indices into `rows`.

    Returns:
        float32 (len(positions), C), unnormalised log probabilities.
    """
    import numpy as np

    inputs = weights.embedding[[BEGIN_ROW, *rows, END_ROW]]
    states = np.concatenate(
        [_run_lstm(inputs, weights.forward), _run_lstm(inputs[::-1], weights.backward)[::-1]],
        axis=1,
    )[[position + 1 for position in positions]]
    hidden = np.maximum(states @ weights.hidden[0].T + weights.hidden[1], 0.0)
    return hidden @ weights.output[0].T + weights.output[1]

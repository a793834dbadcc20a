"""The states an utterance goes through: what its phoneme symbols mean to the aligner."""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

STATES = 3  # per phone, and per pause: so a phone lasts at least 30 ms
SKIP = STATES + 1  # from the state before an optional pause to the one after it
SILENCE = 0  # the emission that all states of all pauses share
_PAUSE = "<pause>"
_TAG = re.compile(r"<.*>|(?:[a-z]+_)?\d+|\s*")  # `<en>`, tones as in `zh_3`, white space
_PHONE = re.compile(r".*[^\W\d_].*")


@dataclasses.dataclass(frozen=True, eq=False)
class StateChain:
    """States of one utterance, in order.

    Attributes:
        emissions: int64 (num_states,).
        owners: int64 (num_states,), the symbol each state belongs to.
        skips: bool (num_states,), True where the pause before this state may be left out.
    """

    emissions: np.ndarray
    owners: np.ndarray
    skips: np.ndarray


def symbol_kind(symbol: str) -> str:
    """Say how a symbol takes time.

    Returns:
        `tag` for what lasts no time (`<en>`, tones such as `zh_3`, white space), `phone` for what
        has a letter, `pause` for the rest, a silence that may be left out: punctuation, `<pause>`.
    """
    if symbol == _PAUSE:
        return "pause"
    if _TAG.fullmatch(symbol):
        return "tag"
    return "phone" if _PHONE.fullmatch(symbol) else "pause"


def phone_of(symbol: str) -> str:
    """Return a phone symbol without its stress or tone digits."""
    return symbol.rstrip("0123456789")


def state_chain(symbols: Sequence[str], phones: Sequence[str]) -> StateChain:
    kinds = [symbol_kind(symbol) for symbol in symbols]
    if "phone" not in kinds:
        raise ValueError(f"symbols {list(symbols)!r} hold no phone: nothing to align")
    place = {phone: i for i, phone in enumerate(phones)}
    stand_in = len(phones) - 1
    # silence may stand at both ends, where it belongs to the nearest phone unless a pause claims it
    blocks = [(SILENCE, kinds.index("phone"))]
    for i, kind in enumerate(kinds):
        if kind == "phone":
            blocks.append((1 + STATES * place.get(phone_of(symbols[i]), stand_in), i))
        elif kind == "pause" and len(blocks) == 1:
            blocks[0] = (SILENCE, i)
        elif kind == "pause" and blocks[-1][0] != SILENCE:
            blocks.append((SILENCE, i))
    if blocks[-1][0] != SILENCE:
        blocks.append((SILENCE, blocks[-1][1]))
    emissions = [first + (j if first else 0) for first, _ in blocks for j in range(STATES)]
    skips = [
        j == 0 and k > 1 and blocks[k - 1][0] == SILENCE
        for k in range(len(blocks))
        for j in range(STATES)
    ]
    owners = np.repeat([owner for _, owner in blocks], STATES)
    return StateChain(np.array(emissions), owners, np.array(skips))


def fits(chain: StateChain, num_frames: int) -> bool:
    """Say whether the frames suffice for every state that may not be skipped."""
    return bool(num_frames >= int(np.count_nonzero(chain.emissions != SILENCE)))

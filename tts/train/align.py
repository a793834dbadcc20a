"""Forced alignment: when each phoneme of a transcript is spoken.

A hidden Markov model per phone, three states each, trained from a flat start by Viterbi
expectation-maximisation on the corpus itself: no pronunciation or time labels are needed beside
the phoneme symbols.

    features = normalise_by_speaker([mfcc(wav) for wav in wavs], speakers)
    model = train_aligner(features[:1500], symbols[:1500])
    ends = align(model, features, symbols)[0].ends
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tts.train.chain import (
    SILENCE,
    SKIP,
    STATES,
    StateChain,
    fits,
    phone_of,
    state_chain,
    symbol_kind,
)

_VARIANCE_FLOOR = 0.05  # of normalised features
_MIN_OCCUPANCY = 30  # frames a state needs for a Gaussian of its own
_BATCH_FRAMES = 40000
_IMPOSSIBLE = np.float32(-1e30)


@dataclasses.dataclass(frozen=True, eq=False)
class AlignerModel:
    """Emission and transition parameters.

    Attributes:
        phones: known phones; phone i has the emissions 1 + 3 i to 3 + 3 i; the last one, named
            "", stands in for any phone that the training sample lacked.
        means: float32 (num_emissions, num_components, num_features).
        variances: float32, as `means`.
        log_weights: float32 (num_emissions, num_components).
        leave: float32 (num_emissions,), probability to leave a state after a frame.
    """

    phones: tuple[str, ...]
    means: np.ndarray
    variances: np.ndarray
    log_weights: np.ndarray
    leave: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Alignment:
    """When the symbols of one utterance end.

    Attributes:
        ends: int64 (num_symbols,), in 10 ms frames, not decreasing, the last is the number of
            frames. Silence before the first phone belongs to that phone.
        score: mean log likelihood per frame; far below its neighbours' where the transcript is
            wrong; -inf where the audio is too short for the symbols, and `ends` is a plain
            division of the time.
    """

    ends: np.ndarray
    score: float


# ------------------------------------------------------------------------------- Viterbi


def _log_densities(model: AlignerModel, features: np.ndarray) -> np.ndarray:
    """Return log p(frame | emission), float32 (num_frames, num_emissions)."""
    precision = 1 / model.variances
    constant = model.log_weights - 0.5 * (
        np.log(2 * np.pi * model.variances) + np.square(model.means) * precision
    ).sum(axis=2)
    shape = (-1, model.means.shape[2])
    joint = np.square(features) @ (-0.5 * precision).reshape(shape).T
    joint += features @ (model.means * precision).reshape(shape).T
    joint = joint.reshape(len(features), *constant.shape) + constant
    top = joint.max(axis=2)
    if constant.shape[1] == 1:
        return top
    return top + np.log(np.exp(joint - top[:, :, None]).sum(axis=2))


def _viterbi(
    model: AlignerModel, features: list[np.ndarray], chains: list[StateChain]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Find the best path through each utterance's states, a batch at once.

    Returns:
        int64 (num_frames,) state indices for each utterance, and float (batch,) mean log
        likelihoods per frame.
    """
    size = len(features)
    lengths = np.array([len(f) for f in features])
    counts = np.array([len(c.emissions) for c in chains])
    num_frames, num_states = int(lengths.max()), int(counts.max())
    emissions = np.zeros((size, num_states), dtype=np.int64)
    skip_cost = np.full((size, num_states), _IMPOSSIBLE, dtype=np.float32)
    local = np.zeros((num_frames, size, num_states), dtype=np.float32)
    for b, (frames, chain) in enumerate(zip(features, chains, strict=True)):
        emissions[b, : counts[b]] = chain.emissions
        skip_cost[b, : counts[b]][chain.skips] = 0
        local[: lengths[b], b] = _log_densities(model, frames)[:, emissions[b]]
    leave, stay = np.log(model.leave)[emissions], np.log1p(-model.leave)[emissions]

    best = np.full((size, num_states), _IMPOSSIBLE, dtype=np.float32)
    best[:, [0, STATES]] = local[0][:, [0, STATES]]
    came = np.zeros((num_frames, size, num_states), dtype=np.int8)
    history = np.empty((num_frames, size, 2), dtype=np.float32)
    rows = np.arange(size)
    final = np.stack([counts - 1, counts - 1 - STATES], axis=1)  # after or before the last pause
    history[0] = best[rows[:, None], final]
    step = np.full_like(best, _IMPOSSIBLE)
    skip = np.full_like(best, _IMPOSSIBLE)
    for t in range(1, num_frames):
        left = best + leave
        best = best + stay
        step[:, 1:] = left[:, :-1]
        skip[:, SKIP:] = left[:, :-SKIP] + skip_cost[:, SKIP:]
        moved, hopped = step > best, skip > np.maximum(step, best)
        came[t] = np.where(hopped, SKIP, moved)
        best = np.maximum(np.maximum(best, step), skip) + local[t]
        history[t] = best[rows[:, None], final]

    ending = history[lengths - 1, rows]
    state = np.zeros(size, dtype=np.int64)
    path = np.zeros((num_frames, size), dtype=np.int64)
    start = final[rows, ending.argmax(axis=1)]
    for t in range(num_frames - 1, -1, -1):
        state = np.where(lengths - 1 == t, start, state)
        path[t] = state
        state = state - came[t, rows, state]
    return [path[: lengths[b], b] for b in range(size)], ending.max(axis=1) / lengths


def _batches(features: Sequence[np.ndarray], chosen: list[int]) -> Iterator[list[int]]:
    """Group utterances of like length, so that little is padded."""
    batch: list[int] = []
    for i in sorted(chosen, key=lambda i: len(features[i])):
        if batch and (len(batch) + 1) * len(features[i]) > _BATCH_FRAMES:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


# ------------------------------------------------------------------------------ training


def train_aligner(
    features: Sequence[np.ndarray],
    symbols: Sequence[Sequence[str]],
    iterations: int = 10,
    num_components: int = 4,
) -> AlignerModel:
    """Train on utterances of one language, best a sample of 500 to 1500.

    Args:
        features: float32 (num_frames, num_features) each, normalised by speaker.
        symbols: phoneme symbols of each utterance (see `symbol_kind`).
        iterations: rounds of alignment and re-estimation.
        num_components: Gaussians per state in the end, a power of 2; doubled along the way.

    Returns:
        A model for `align`. Training is deterministic.

    Raises:
        ValueError: lists of different length or empty, or no utterance is long enough.
    """
    _check_pairs(features, symbols)
    if iterations < 1 or num_components not in (1, 2, 4, 8):
        raise ValueError(
            f"iterations is {iterations}, num_components {num_components}: "
            "give at least 1 iteration and 1, 2, 4 or 8 components"
        )
    found = {phone_of(s) for line in symbols for s in line if symbol_kind(s) == "phone"}
    phones = (*sorted(found), "")
    chains = [state_chain(line, phones) for line in symbols]
    usable = [i for i, chain in enumerate(chains) if fits(chain, len(features[i]))]
    if not usable:
        raise ValueError("every utterance is too short for its symbols: 30 ms a phone are needed")
    features = [features[i] for i in usable]
    chains = [chains[i] for i in usable]
    paths = [_flat_path(f, chain) for f, chain in zip(features, chains, strict=True)]
    model = _estimate(_blank_model(phones, features), features, chains, paths)
    doublings = {
        max(1, iterations * (k + 1) // (num_components.bit_length() + 1))
        for k in range(num_components.bit_length() - 1)
    }
    for round_number in range(iterations):
        if round_number in doublings:
            model = _doubled(model)
        for batch in _batches(features, list(range(len(features)))):
            found_paths, _ = _viterbi(
                model, [features[i] for i in batch], [chains[i] for i in batch]
            )
            for i, path in zip(batch, found_paths, strict=True):
                paths[i] = path
        model = _estimate(model, features, chains, paths)
    return model


def _check_pairs(features: Sequence[np.ndarray], symbols: Sequence[Sequence[str]]) -> None:
    if len(features) != len(symbols) or not len(features):
        raise ValueError(
            f"{len(features)} features, {len(symbols)} symbol lists: give one of each an utterance"
        )


def _flat_path(features: np.ndarray, chain: StateChain) -> np.ndarray:
    """Divide the louder part of the time evenly among the phones' states."""
    loudness = features[:, 0]
    low, high = np.quantile(loudness, [0.05, 0.9])
    loud = np.flatnonzero(loudness > low + 0.35 * (high - low))
    spoken = np.flatnonzero(chain.emissions != SILENCE)
    first, last = (loud[0], loud[-1] + 1) if len(loud) >= len(spoken) else (0, len(features))
    share = (np.arange(first, last) - first) * len(spoken) // (last - first)
    before, after = np.zeros(first, int), np.full(len(features) - last, len(chain.emissions) - 1)
    return np.concatenate([before, spoken[share], after])


def _blank_model(phones: tuple[str, ...], features: list[np.ndarray]) -> AlignerModel:
    count = 1 + STATES * len(phones)
    every = np.concatenate(features)
    shape = (count, 1, every.shape[1])
    return AlignerModel(
        phones,
        np.broadcast_to(every.mean(axis=0), shape).astype(np.float32),
        np.broadcast_to(every.var(axis=0) + _VARIANCE_FLOOR, shape).astype(np.float32),
        np.zeros((count, 1), dtype=np.float32),
        np.full(count, 0.3, dtype=np.float32),
    )


def _doubled(model: AlignerModel) -> AlignerModel:
    """Split every Gaussian in two, a little apart."""
    offset = 0.2 * np.sqrt(model.variances)
    return dataclasses.replace(
        model,
        means=np.concatenate([model.means - offset, model.means + offset], axis=1),
        variances=np.concatenate([model.variances] * 2, axis=1),
        log_weights=np.concatenate([model.log_weights - np.float32(np.log(2))] * 2, axis=1),
    )


def _estimate(
    model: AlignerModel,
    features: list[np.ndarray],
    chains: list[StateChain],
    paths: list[np.ndarray],
) -> AlignerModel:
    """Fit every state to the frames that the paths give it; leave rare states as they are."""
    every = np.concatenate(features)
    emitted = np.concatenate([c.emissions[p] for c, p in zip(chains, paths, strict=True)])
    visits = np.concatenate([c.emissions[np.unique(p)] for c, p in zip(chains, paths, strict=True)])
    count = len(model.leave)
    frames = np.bincount(emitted, minlength=count)
    leave = (np.bincount(visits, minlength=count) + 1) / (frames + 3)
    means, variances = model.means.copy(), model.variances.copy()
    log_weights = model.log_weights.copy()
    order = np.argsort(emitted, kind="stable")
    for e, own in enumerate(np.split(order, np.cumsum(frames)[:-1])):
        if len(own) >= _MIN_OCCUPANCY:
            means[e], variances[e], log_weights[e] = _fit_mixture(
                every[own], means[e], variances[e], log_weights[e]
            )
    return AlignerModel(
        model.phones, means, variances, log_weights, np.clip(leave, 0.01, 0.9).astype(np.float32)
    )


def _fit_mixture(
    frames: np.ndarray, means: np.ndarray, variances: np.ndarray, log_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take one step of EM for a mixture of diagonal Gaussians.

    Args:
        frames: float32 (num_frames, num_features).
        means: float32 (num_components, num_features); likewise `variances`.
        log_weights: float32 (num_components,).
    """
    distance = np.square(frames[:, None] - means) / variances + np.log(variances)
    joint = log_weights - 0.5 * distance.sum(axis=2)
    share = np.exp(joint - joint.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    weight = share.sum(axis=0) + 1e-3
    mean = share.T @ frames / weight[:, None]
    variance = share.T @ np.square(frames) / weight[:, None] - np.square(mean)
    kept = weight < _MIN_OCCUPANCY / 2  # too few frames for this component: it stays
    return (
        np.where(kept[:, None], means, mean).astype(np.float32),
        np.where(kept[:, None], variances, np.maximum(variance, _VARIANCE_FLOOR)).astype(
            np.float32
        ),
        np.log(weight / weight.sum()).astype(np.float32),
    )


# ----------------------------------------------------------------------------- alignment


def align(
    model: AlignerModel, features: Sequence[np.ndarray], symbols: Sequence[Sequence[str]]
) -> list[Alignment]:
    """Find when every symbol ends.

    Args:
        model: from `train_aligner`.
        features: float32 (num_frames, num_features) each, normalised as in training.
        symbols: phoneme symbols of each utterance; unknown phones are allowed.

    Returns:
        One alignment an utterance, in order; the result does not depend on the others.

    Raises:
        ValueError: lists of different length or empty, or an utterance without any phone.
    """
    _check_pairs(features, symbols)
    chains = [state_chain(line, model.phones) for line in symbols]
    found: dict[int, Alignment] = {}
    fitting = []
    for i, chain in enumerate(chains):
        if fits(chain, len(features[i])):
            fitting.append(i)
        else:
            even = np.arange(len(features[i])) * len(chain.owners) // max(1, len(features[i]))
            found[i] = Alignment(_ends(chain, even, len(symbols[i])), float("-inf"))
    for batch in _batches(features, fitting):
        paths, scores = _viterbi(model, [features[i] for i in batch], [chains[i] for i in batch])
        for i, path, score in zip(batch, paths, scores, strict=True):
            found[i] = Alignment(_ends(chains[i], path, len(symbols[i])), float(score))
    return [found[i] for i in range(len(features))]


def _ends(chain: StateChain, path: np.ndarray, num_symbols: int) -> np.ndarray:
    # a symbol without frames so shares the end of the one before it
    return np.cumsum(np.bincount(chain.owners[path], minlength=num_symbols))

"""Forced alignment: against known boundaries, against a uncached reference, and at its edges."""

import random

import numpy as np
import pytest

from tts.train.align import AlignerModel, _log_densities, _viterbi, align, train_aligner
from tts.train.chain import SKIP, StateChain, phone_of, state_chain, symbol_kind
from tts.train.mfcc import mfcc, normalise_by_speaker

RATE_HZ = 16000
VOWELS = {"AA": (700, 1200), "IY": (300, 2300), "UW": (300, 800), "EH": (550, 1800)}
NOISES = {"S": (4500, 7500), "F": (1500, 6000)}


def sound(phone: str, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Make a phone of two formant tones, or of noise in a band."""
    time = np.arange(num_samples) / RATE_HZ
    if phone in VOWELS:
        low, high = (np.sin(2 * np.pi * hz * time + rng.uniform(0, 6)) for hz in VOWELS[phone])
        return np.asarray(0.1 * (low + high))
    if phone == "":
        return np.zeros(num_samples)
    spectrum = np.fft.rfft(rng.normal(0, 0.08, num_samples))
    hz = np.fft.rfftfreq(num_samples, 1 / RATE_HZ)
    low, high = NOISES[phone]
    return np.fft.irfft(spectrum * ((hz > low) & (hz < high)), num_samples)


def utterance(seed: int) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Make a waveform, its symbols, and the true end of every symbol in frames."""
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    symbols, parts, ends, frames = ["<en>"], [("", 8)], [0], 8
    last = ""
    for i in range(pick.randint(6, 10)):
        last = pick.choice([p for p in (*VOWELS, *NOISES) if p != last])
        symbols.append(last + ("1" if last in VOWELS else ""))
        parts.append((last, pick.randint(6, 20)))
        ends.append(frames := frames + parts[-1][1])
        if i == 3:  # a comma is spoken as a pause only sometimes
            symbols.append(",")
            parts.append(("", pick.choice([0, 20])))
            ends.append(frames := frames + parts[-1][1])
    symbols.append(".")
    parts.append(("", 10))
    ends.append(frames + 10)
    wav = np.concatenate([sound(p, 160 * n, rng) for p, n in parts if n])
    return wav + rng.normal(0, 1e-4, len(wav)), symbols, np.array(ends)


CORPUS = [utterance(seed) for seed in range(90)]
SYMBOLS = [symbols for _, symbols, _ in CORPUS]


@pytest.fixture(scope="module")
def features() -> list[np.ndarray]:
    return normalise_by_speaker([mfcc(wav) for wav, _, _ in CORPUS], ["one"] * len(CORPUS))


@pytest.fixture(scope="module")
def model(features: list[np.ndarray]) -> AlignerModel:
    return train_aligner(features[:60], SYMBOLS[:60], iterations=8, num_components=2)


def test_boundaries_of_unseen_utterances(model: AlignerModel, features: list[np.ndarray]) -> None:
    found = align(model, features[60:], SYMBOLS[60:])
    errors = np.concatenate(
        [a.ends[1:] - ends[1:] for a, (_, _, ends) in zip(found, CORPUS[60:], strict=True)]
    )
    assert np.median(np.abs(errors)) <= 1
    assert np.quantile(np.abs(errors), 0.95) <= 3
    for a, (_, symbols, ends) in zip(found, CORPUS[60:], strict=True):
        i = symbols.index(",")
        assert (a.ends[i] > a.ends[i - 1]) == (ends[i] > ends[i - 1])


def test_ends_never_fall_and_reach_the_last_frame(
    model: AlignerModel, features: list[np.ndarray]
) -> None:
    for a, f, symbols in zip(align(model, features, SYMBOLS), features, SYMBOLS, strict=True):
        assert a.ends.shape == (len(symbols),)
        assert a.ends.dtype == np.int64
        assert a.ends[0] == 0  # the language tag
        assert np.all(np.diff(a.ends) >= 0)
        assert a.ends[-1] == len(f)


def test_batch_equals_single(model: AlignerModel, features: list[np.ndarray]) -> None:
    together = align(model, features[:12], SYMBOLS[:12])
    for i in range(12):
        (alone,) = align(model, features[i : i + 1], SYMBOLS[i : i + 1])
        np.testing.assert_array_equal(alone.ends, together[i].ends)
        assert alone.score == pytest.approx(together[i].score, rel=1e-4)


def best_score(model: AlignerModel, frames: np.ndarray, chain: StateChain) -> float:
    """Score the best path, one state and one frame at a time."""
    local = _log_densities(model, frames)[:, chain.emissions].astype(float)
    leave = np.log(model.leave[chain.emissions])
    stay = np.log(1 - model.leave[chain.emissions])
    count = len(chain.emissions)
    best = [local[0, s] if s in (0, SKIP - 1) else -np.inf for s in range(count)]
    for t in range(1, len(frames)):
        after = []
        for s in range(count):
            ways = [best[s] + stay[s]]
            if s:
                ways.append(best[s - 1] + leave[s - 1])
            if chain.skips[s]:
                ways.append(best[s - SKIP] + leave[s - SKIP])
            after.append(max(ways) + local[t, s])
        best = after
    return max(best[-1], best[-SKIP]) / len(frames)


def test_viterbi_equals_its_slow_twin(model: AlignerModel, features: list[np.ndarray]) -> None:
    chains = [state_chain(symbols, model.phones) for symbols in SYMBOLS[:5]]
    paths, scores = _viterbi(model, features[:5], chains)
    for frames, chain, path, score in zip(features, chains, paths, scores, strict=False):
        assert score == pytest.approx(best_score(model, frames, chain), rel=1e-4)
        steps = np.diff(path)
        assert set(steps) <= {0, 1, SKIP}
        assert chain.skips[path[1:][steps == SKIP]].all()


def test_wrong_transcripts_score_lower(model: AlignerModel, features: list[np.ndarray]) -> None:
    right = [a.score for a in align(model, features, SYMBOLS)]
    wrong = [a.score for a in align(model, features, SYMBOLS[1:] + SYMBOLS[:1])]
    assert np.quantile(right, 0.05) > np.quantile(wrong, 0.9)


def test_training_is_deterministic(features: list[np.ndarray]) -> None:
    first, second = (train_aligner(features[:20], SYMBOLS[:20], 2, 2) for _ in range(2))
    np.testing.assert_array_equal(first.means, second.means)


def test_unknown_phones_and_too_short_audio(
    model: AlignerModel, features: list[np.ndarray]
) -> None:
    symbols = ["<en>", "S", "ZH", "AA1", "OY0", "."]
    (odd,) = align(model, features[:1], [symbols])
    assert np.isfinite(odd.score)
    assert odd.ends[-1] == len(features[0])
    (short,) = align(model, [features[0][:9]], [symbols])
    assert short.score == float("-inf")
    assert short.ends[-1] == 9
    assert np.all(np.diff(short.ends) >= 0)


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("AH0", "phone"), ("zh_ang", "phone"), ("zh_erhua", "phone"), ("zh_3", "tag"),
        ("5", "tag"), ("<zh>", "tag"), (" ", "tag"), (",", "pause"), ("…", "pause"),
        ("<pause>", "pause"),
    ],
)  # fmt: skip
def test_symbol_kinds(symbol: str, kind: str) -> None:
    assert symbol_kind(symbol) == kind


def test_stress_is_no_part_of_a_phone() -> None:
    assert [phone_of(s) for s in ("AH0", "T", "zh_ii")] == ["AH", "T", "zh_ii"]


def test_zero_length_symbols_share_the_end_before(
    model: AlignerModel, features: list[np.ndarray]
) -> None:
    symbols = ["<zh>", "S", "AA", "zh_3", ",", ".", "IY", "5", "<en>"]
    (a,) = align(model, features[:1], [symbols])
    assert a.ends[2] == a.ends[3]
    assert a.ends[4] == a.ends[5]
    assert a.ends[6] == a.ends[7] == a.ends[8] == len(features[0])


def test_bad_input(model: AlignerModel, features: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="hold no phone"):
        align(model, features[:1], [["<en>", "."]])
    with pytest.raises(ValueError, match="2 features, 1 symbol lists"):
        align(model, features[:2], SYMBOLS[:1])
    with pytest.raises(ValueError, match="num_components 3"):
        train_aligner(features, SYMBOLS, num_components=3)
    with pytest.raises(ValueError, match="too short"):
        train_aligner([features[0][:5]], SYMBOLS[:1])
    with pytest.raises(ValueError, match="at least 30 ms"):
        mfcc(np.zeros((2, 16000)))
    with pytest.raises(ValueError, match="give one for each"):
        normalise_by_speaker(features, ["one"])


def test_normalising_removes_what_a_speaker_is(features: list[np.ndarray]) -> None:
    shifted = [2 * f + 3 for f in features]
    both = normalise_by_speaker([*features, *shifted], ["a"] * 90 + ["b"] * 90)
    for plain, other in zip(both[:90], both[90:], strict=True):
        np.testing.assert_allclose(plain, other, atol=1e-3)

"""What the language model sees in training: who is heard how often, prompts, joined utterances."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from frontend import phonemize
from frontend.symbols import SYMBOLS
from tiny import tiny_tts_config
from tts.inference.prompt import Monologue, prompt_rows, text_ids
from tts.train.dataset import (
    POOL_BATCHES,
    Mixture,
    Prompts,
    batches,
    example_rows,
    joined,
)
from tts.train.prepare import Example

CONFIG = tiny_tts_config()
SHORT = Mixture(min_prompt_frames=2, max_prompt_frames=4)


def make_example(number: int, speaker: str = "s", language: str = "en") -> Example:
    """Symbols at an even pace; all codes of an utterance are its number."""
    rng = np.random.default_rng(number)
    length = int(rng.integers(4, 9))
    frames = length + int(rng.integers(4, 7))
    places = np.minimum(np.arange(frames), length - 1)
    codes = np.full((CONFIG.n_vq, frames), number % CONFIG.audio_vocab_size, np.uint16)
    symbols = rng.integers(20, 40, length)
    return Example(f"u{number}", speaker, language, symbols, codes, places)


def make_examples(count: int = 12) -> list[Example]:
    return [make_example(i, f"s{i % 2}") for i in range(count)]


def said(number: int, text: str, language: str) -> Example:
    """An example of a text as the front end reads it."""
    symbols = np.array([SYMBOLS.index(s) for s in phonemize(text, language).symbols])
    places = np.minimum(np.arange(len(symbols) + 3), len(symbols) - 1)
    return replace(
        make_example(number),
        language=language,
        symbols=symbols,
        places=places,
        codes=np.full((CONFIG.n_vq, len(places)), number, np.uint16),
    )


# ------------------------------------------------------------------------------- how often


def chances(mixture: Mixture) -> dict[str, float]:
    """By speaker: 90 utterances of ann, 10 of bob, 20 of li, who speaks Mandarin."""
    speakers = ["ann"] * 90 + ["bob"] * 10 + ["li"] * 20
    examples = [make_example(i, s, "zh" if s == "li" else "en") for i, s in enumerate(speakers)]
    chance = mixture.chances(examples)
    assert chance.sum() == pytest.approx(1)
    return {s: float(chance[np.array(speakers) == s].sum()) for s in ("ann", "bob", "li")}


def test_balance_draws_utterances_alike_or_speakers_alike():
    assert chances(Mixture()) == pytest.approx({"ann": 90 / 120, "bob": 10 / 120, "li": 20 / 120})
    assert chances(Mixture(balance=0.0)) == pytest.approx(
        dict.fromkeys(("ann", "bob", "li"), 1 / 3)
    )
    roots = {"ann": 90**0.5, "bob": 10**0.5, "li": 20**0.5}
    total = sum(roots.values())
    assert chances(Mixture(balance=0.5)) == pytest.approx({s: r / total for s, r in roots.items()})


def test_a_language_has_its_share_and_the_others_the_rest():
    some = chances(Mixture(shares={"zh": 0.4}))
    assert some == pytest.approx({"ann": 0.54, "bob": 0.06, "li": 0.4})
    even = chances(Mixture(shares={"zh": 0.4}, balance=0.0))
    assert even == pytest.approx({"ann": 0.3, "bob": 0.3, "li": 0.4})
    both = chances(Mixture(shares={"en": 0.2, "zh": 0.6}))  # all named: in proportion
    assert both["li"] == pytest.approx(0.75)
    assert chances(Mixture(shares={"zh": 0.0}))["li"] == 0
    assert chances(Mixture(shares={"fr": 0.5})) == pytest.approx(chances(Mixture()))


def test_speakers_have_their_shares_and_count_once():
    shares = chances(Mixture(shares={"en:a*": 0.3, "en:[ab]*": 0.2, "zh": 0.4}))
    assert shares == pytest.approx({"ann": 0.3 / 0.9, "bob": 0.2 / 0.9, "li": 0.4 / 0.9})
    rest = chances(Mixture(shares={"en:bob": 0.3, "fr:li": 0.2}))
    # ann and li share, 90 to 20, what is left
    assert rest == pytest.approx(
        {"ann": 0.5 * 90 / 110 / 0.8, "bob": 0.3 / 0.8, "li": 10 / 110 / 0.8}
    )


def test_batches_keep_to_the_shares():
    """Drawn from many more examples than a pool holds: zh, every tenth, is near its 40 %."""
    examples = [make_example(i, "zh" if i % 10 == 0 else "en") for i in range(3000)]
    examples = [
        replace(e, language=e.speaker, codes=np.full_like(e.codes, e.speaker == "zh"))
        for e in examples
    ]
    prompts = Prompts(examples, replace(SHORT, shares={"zh": 0.4}))
    source = batches(examples, prompts, CONFIG, 4, seed=0)
    count = Counter()
    for _ in range(2 * POOL_BATCHES):
        batch = next(source)
        count.update((batch.rows[..., 1] == 1).any(dim=1).tolist())
    assert count[True] / count.total() == pytest.approx(0.4, abs=0.08)


# --------------------------------------------------------------------------------- prompts


def test_a_prompt_runs_over_several_utterances_and_has_the_length_that_was_asked():
    examples = make_examples(20)
    prompts = Prompts(examples, SHORT)
    rng = np.random.default_rng(0)
    for length in (1, 5, 30, 60):
        several = 0
        for example in examples:
            codes = prompts.draw(example, length, rng)
            assert codes.shape == (CONFIG.n_vq, length)
            numbers = set(codes[0].tolist())
            # the codes tell which utterances: of the speaker, and not the example itself
            assert int(example.id[1:]) not in numbers
            assert {n % 2 for n in numbers} == {int(example.speaker[1:])}
            several += len(numbers) > 1
        assert several > 0.8 * len(examples) if length >= 30 else length == 5 or not several


def test_most_prompts_are_short_and_some_are_long():
    mixture = Mixture(min_prompt_frames=4, max_prompt_frames=64)
    rng = np.random.default_rng(0)
    lengths = np.array([mixture.prompt_frames(rng) for _ in range(4000)])
    assert (lengths.min(), lengths.max()) == (4, 64)
    assert np.median(lengths) == 6
    assert np.mean(lengths >= 16) == pytest.approx(1 - 0.5 ** (1 / 3), abs=0.03)
    one = Mixture(min_prompt_frames=7, max_prompt_frames=7)
    assert {one.prompt_frames(rng) for _ in range(20)} == {7}


def test_prompts_of_a_batch_have_one_length():
    examples = make_examples(60)
    prompts = Prompts(examples, Mixture(min_prompt_frames=3, max_prompt_frames=20))
    source = batches(examples, prompts, CONFIG, 4, 0)
    found = set()
    for _ in range(20):
        slots = (next(source).rows[..., 0] == CONFIG.audio_user_slot_token_id).sum(dim=1)
        assert len(set(slots.tolist())) == 1
        found.add(int(slots[0]))
    assert len(found) > 4


def test_a_lonely_utterance_is_its_own_prompt():
    lonely = make_example(3, "nobody else")
    for known in ([lonely], make_examples(4)):  # alone, or its speaker is not known at all
        codes = Prompts(known, SHORT).draw(lonely, 30, np.random.default_rng(0))
        assert set(codes[0].tolist()) == {3}


# ---------------------------------------------------------------------------------- joined


@pytest.mark.parametrize(
    ("language", "texts", "between"),
    [
        ("en", ("Good morning.", "See you there!"), " "),
        ("zh", ("你好。", "今天天气很好吗？"), ""),
        ("en", ("I live in 北京。", "Do you?"), ""),
        ("zh", ("我用Python。", "你呢？"), ""),
    ],
)
def test_joined_examples_are_what_the_engine_would_lay_out(language, texts, between):
    first, second = (said(i, text, language) for i, text in enumerate(texts))
    both = joined(first, second)
    assert both.id == "u0+u1"
    phonemes = CONFIG.phonemes
    assert phonemes is not None
    symbols = phonemize(between.join(texts), language).symbols
    assert [SYMBOLS[i] for i in both.symbols] == list(symbols)
    voice = make_example(5).codes[:, :3]
    row = example_rows(both, voice, CONFIG)
    ids = text_ids(symbols, phonemes)
    expected = prompt_rows(ids, torch.from_numpy(voice.astype(np.int64)), CONFIG)
    assert torch.equal(row.rows[: row.prompt], expected)
    monologue = Monologue(ids, CONFIG.audio_end_token_id)
    for i, token in enumerate(row.rows[row.prompt :, 0].tolist()):
        offered = [c for c in row.choices[i].tolist() if c >= 0]
        assert offered == monologue.allowed().tolist()
        assert row.choices[i, row.chosen[i]] == token
        monologue = monologue.after(token)
    frames = row.rows[row.prompt : -1, 1]
    assert frames.tolist() == [*first.codes[0].tolist(), *second.codes[0].tolist()]


def test_joining_stops_at_the_longest_example_and_keeps_to_the_speaker():
    examples = make_examples(20)
    rng = np.random.default_rng(0)
    prompts = Prompts(examples, replace(SHORT, join=0.9, max_frames=40))
    made = [prompts.join(e, rng) for e in examples for _ in range(5)]
    assert max(len(e.places) for e in made) <= 40
    assert max(len(e.id.split("+")) for e in made) >= 3
    for example in made:
        numbers = [int(part[1:]) for part in example.id.split("+")]
        assert len(set(numbers)) == len(numbers)
        assert {n % 2 for n in numbers} == {int(example.speaker[1:])}
    never = Prompts(examples, SHORT)
    assert never.join(examples[0], rng) is examples[0]


# --------------------------------------------------------------------------------- batches


def test_a_batch_depends_on_seed_and_step_alone():
    examples = make_examples(200)
    mixture = replace(SHORT, join=0.5, textless=0.3, noise=0.2, balance=0.5)
    prompts = Prompts(examples, mixture)
    running = batches(examples, prompts, CONFIG, 4, 7)
    seen = [next(running) for _ in range(POOL_BATCHES + 3)]
    for step in (3, POOL_BATCHES - 1, POOL_BATCHES + 2):
        resumed = next(batches(examples, prompts, CONFIG, 4, 7, first_step=step))
        for ours, theirs in zip(seen[step], resumed, strict=True):
            assert torch.equal(ours, theirs)
    other = next(batches(examples, prompts, CONFIG, 4, 8, first_step=3))
    assert other.rows.shape != seen[3].rows.shape or not torch.equal(other.rows, seen[3].rows)


def test_short_ones_first_are_short_and_not_joined():
    examples = make_examples(200)
    prompts = Prompts(examples, replace(SHORT, join=0.9))
    source = batches(examples, prompts, CONFIG, 4, 0, max_frames=10)
    for _ in range(8):
        batch = next(source)
        # the last row of the prompt and every frame are sources
        assert int(batch.source.sum(dim=1).max()) - 1 <= 10


def test_noise_reaches_what_is_read_and_not_what_is_asked():
    examples = make_examples()
    clean, noisy = (
        next(batches(examples, Prompts(examples, replace(SHORT, noise=noise)), CONFIG, 4, 0))
        for noise in (0.0, 0.5)
    )
    assert torch.equal(clean.inputs, clean.rows)
    assert torch.equal(noisy.rows, clean.rows)
    assert torch.equal(noisy.labels(), clean.labels())
    differ = noisy.inputs != noisy.rows
    assert differ.any()
    assert not differ[:, :, 0].any()
    # prompts and padding stay as they are
    assert not differ[~noisy.source].any()
    assert (noisy.inputs[noisy.source] == CONFIG.audio_pad_code).sum() == (
        noisy.rows[noisy.source] == CONFIG.audio_pad_code
    ).sum()
    assert differ.any(dim=2).sum() > 3

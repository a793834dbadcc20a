"""The language model's training: batches, losses, prefix dropout, resuming."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from frontend import phonemize
from frontend.symbols import SYMBOLS
from tiny import SAMPLE_RATE, speech_like, tiny_codec, tiny_model, tiny_tts_config
from tokenizer.train.held_out import held_out
from tts.inference.prompt import MAX_ADVANCE, Monologue, text_ids
from tts.model.config import TtsConfig
from tts.train.__main__ import main as program
from tts.train.dataset import Batch, Mixture, Prompts, batches, collate, example_rows
from tts.train.guide import IGNORED, AttentionInputs, guide_loss
from tts.train.labels import make_labels
from tts.train.loop import ROUND_FRAMES, Recipe, draw_codebooks, losses, train, weighted
from tts.train.natural import resized
from tts.train.prepare import (
    Example,
    frame_places,
    load_examples,
    prepare,
    save_examples,
)

CONFIG = tiny_tts_config()
RECIPES = Path(__file__).parent.parent / "recipes"
SHORT = Mixture(min_prompt_frames=2, max_prompt_frames=4)


def three_layers() -> TtsConfig:
    language = replace(CONFIG.language_config, num_hidden_layers=3)
    return replace(CONFIG, language_config=language)


def make_examples(count: int = 12, seed: int = 0) -> list[Example]:
    rng = np.random.default_rng(seed)
    examples = []
    for i in range(count):
        length, frames = int(rng.integers(4, 9)), int(rng.integers(9, 14))
        places = np.sort(rng.integers(0, length, frames))
        places[-1] = length - 1
        codes = rng.integers(0, CONFIG.audio_vocab_size, (CONFIG.n_vq, frames)).astype(np.uint16)
        symbols = rng.integers(0, 40, length)
        examples.append(Example(f"u{i}", f"s{i % 2}", "en", symbols, codes, places))
    return examples


def test_places_follow_the_alignment_and_end_on_the_last_symbol():
    ends = np.array([0, 8, 16, 24, 40])  # 10 ms steps
    places = frame_places(ends, 5, 0.08)
    assert places is not None
    assert places.tolist() == [1, 2, 3, 4, 4]


def test_speech_faster_than_a_frame_can_hold_is_refused():
    ends = np.arange(1, 40)  # 39 symbols in 0.39 s
    assert frame_places(ends, 5, 0.08) is None


def test_places_never_jump_further_than_the_engine_allows():
    ends = np.array([*([10] * 9), 100])
    places = frame_places(ends, 13, 0.08)
    assert places is not None
    assert np.diff(places, prepend=-1).max() <= MAX_ADVANCE


def test_training_rows_are_what_the_engine_builds_and_allows():
    example = make_examples(1)[0]
    rows, prompt, _, choices, chosen = example_rows(example, example.codes[:, :3], CONFIG)
    phonemes = CONFIG.phonemes
    assert phonemes is not None
    symbols = tuple(phonemes.symbols[i] for i in example.symbols)
    monologue = Monologue(text_ids(symbols, phonemes), CONFIG.audio_end_token_id)
    for i, token in enumerate(rows[prompt:, 0].tolist()):
        assert token in monologue.allowed().tolist()
        offered = [c for c in choices[i].tolist() if c >= 0]
        assert offered == monologue.allowed().tolist()
        assert choices[i, chosen[i]] == token
        monologue = monologue.after(token)
    assert rows[-1, 0] == CONFIG.audio_end_token_id
    assert torch.equal(rows[prompt:-1, 1:].t(), torch.from_numpy(example.codes.astype(np.int64)))


def test_labels_are_the_rows_that_follow():
    example = make_examples(1)[0]
    row = example_rows(example, example.codes[:, :3], CONFIG)
    rows, prompt = row.rows, row.prompt
    batch = collate([row, row], CONFIG)
    labels = batch.labels()
    frames = len(rows) - prompt
    assert torch.equal(labels[:frames], rows[prompt:])
    assert batch.real[:frames].tolist() == [True] * (frames - 1) + [False]


def test_the_guide_points_at_the_rows_of_the_text():
    example = make_examples(1)[0]
    rows, prompt, looks, _, _ = example_rows(example, example.codes[:, :3], CONFIG)
    frames = range(prompt, len(rows) - 1)
    for row in frames:
        assert rows[looks[1, row], 0] == rows[row, 0]  # a frame's own place
        assert looks[2, row - 1] == looks[1, row]  # the place of the frame that follows
    text = [r for r in range(len(rows)) if looks[0, r] != IGNORED]
    assert len(text) == len(example.symbols) - 1
    assert all(looks[0, r] == r - 1 for r in text)
    assert (looks[1:, : prompt - 1] == IGNORED).all()


def test_a_hidden_text_is_nowhere_to_be_seen_and_nothing_is_asked_of_it():
    example = make_examples(1)[0]
    config = three_layers()
    assert config.phonemes is not None
    told = example_rows(example, example.codes[:, :3], config)
    untold = example_rows(example, example.codes[:, :3], config, textless=True)
    assert (told.rows[:, 0] >= config.phonemes.first_id).any()
    assert not (untold.rows[:, 0] >= config.phonemes.first_id).any()
    assert torch.equal(told.rows[:, 1:], untold.rows[:, 1:])
    assert (untold.chosen == IGNORED).all()
    assert (untold.looks == IGNORED).all()


def test_guided_heads_learn_where_to_look():
    examples = make_examples(4)
    model = tiny_model(config=three_layers()).requires_grad_(True)
    kept = AttentionInputs(model)
    batch = next(batches(examples, Prompts(examples, SHORT), CONFIG, 4, 0))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    values = []
    for _ in range(25):
        losses(model, batch, 1)
        loss = guide_loss(model, kept, tuple(batch.looks.unbind()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.7 * values[0]


def test_dropped_codebooks_do_not_reach_loss_or_input():
    examples = make_examples()
    batch = next(batches(examples, Prompts(examples, SHORT), CONFIG, 4, 0))
    model = tiny_model().requires_grad_(True)
    values = losses(model, batch, 2)[0]
    assert len(values) == 3
    weighted(values, Recipe()).backward()
    tables = model.model.embedding_list
    assert tables[1].weight.grad is not None
    assert tables[2].weight.grad is not None  # input sum of the next frame
    assert tables[3].weight.grad is None
    assert model.lm_heads[3].weight.grad is None
    changed = batch.rows.clone()
    real = changed[..., 3] < CONFIG.audio_pad_code
    changed[..., 3][real] = (changed[..., 3][real] + 1) % CONFIG.audio_vocab_size
    other = losses(model, batch._replace(rows=changed), 2)[0]
    assert [v.item() for v in values] == [v.item() for v in other]


def test_prefix_length_covers_its_range():
    drawn = {draw_codebooks(Recipe(prefix_dropout=1.0), 4, step) for step in range(100)}
    assert drawn == {1, 2, 3, 4}
    assert {draw_codebooks(Recipe(prefix_dropout=0.0), 4, s) for s in range(9)} == {4}


def test_examples_survive_the_disk(tmp_path):
    examples = make_examples()
    save_examples(examples, tmp_path / "x.npz")
    loaded = load_examples([tmp_path / "x.npz"])
    for a, b in zip(examples, loaded, strict=True):
        assert (a.id, a.speaker, a.language) == (b.id, b.speaker, b.language)
        for name in ("symbols", "codes", "places"):
            assert np.array_equal(getattr(a, name), getattr(b, name))


def test_training_learns_and_resumes(tmp_path):
    examples = make_examples(8)
    recipe = Recipe(
        batch_size=4,
        warmup_steps=5,
        data=SHORT,
        short_share=0,
        max_steps=50,
    )
    model = tiny_model(config=three_layers()).requires_grad_(True).train()
    batch = next(batches(examples, Prompts(examples, SHORT), CONFIG, 4, 0))
    before = float(weighted(losses(model, batch, 4)[0], recipe))
    train(model, examples, recipe, tmp_path, 600)
    assert float(weighted(losses(model, batch, 4)[0], recipe)) < before
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    again = tiny_model(5, three_layers()).requires_grad_(True).train()
    train(again, examples, recipe, tmp_path, 600)  # all steps are done: loads and stops
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert first["step"] == 50


def test_speakers_can_be_made_larger_and_nothing_held_out_is(tmp_path):
    codec = tiny_codec(0)
    write_corpus(tmp_path, ["Good morning."] * 120, 0.8)
    plain, larger = (prepare([tmp_path], codec, 15, worst_share=0, sizes=[s]) for s in (1, 1.25))
    assert {e.speaker for e in plain} == {"a"}
    assert {e.speaker for e in larger} == {"a-1.25"}
    kept = {e.id: e for e in plain if not held_out(e.id)}
    assert {e.id for e in larger} == set(kept) != {e.id for e in plain}
    for e in larger:
        assert abs(len(e.places) - 1.25 * len(kept[e.id].places)) <= 1.25
        assert np.array_equal(e.symbols, kept[e.id].symbols)


def test_a_larger_speaker_is_lower_and_slower_by_as_much():
    tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000).astype(np.float32)
    low = resized(tone, 8000, 1.25)
    assert len(low) == 10000
    assert np.abs(np.fft.rfft(low)).argmax() == 200  # in 1.25 s
    assert resized(tone, 8000, 1.0) is tone


def test_sizes_out_of_range_are_refused(tmp_path, capsys):
    out = tmp_path / "x.npz"
    assert program(["prepare", str(tmp_path), "--out", str(out), "--sizes", "3"]) == 2
    assert "--sizes [3.0]: use numbers from 0.8 to 1.25" in capsys.readouterr().err
    assert not out.exists()


def write_corpus(folder: Path, texts: list[str], seconds: float) -> None:
    """Noise that is said to be these texts."""
    (folder / "audio").mkdir()
    lines = ["id|speaker|gender|language|seconds|text"]
    for i, text in enumerate(texts):
        sound = speech_like(seconds, seed=i)
        soundfile.write(folder / "audio" / f"u{i}.flac", sound, SAMPLE_RATE)
        lines.append(f"u{i}|a|f|en|{seconds}|{text}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")


def test_labels_of_a_corpus_run_through_its_phonemes(tmp_path):
    texts = ["Good morning.", "See you there!", "Where is my book?", "Good book.", "Is it there?"]
    write_corpus(tmp_path, texts, 1.5)
    labels = make_labels([tmp_path], worst_share=0.0)
    assert set(labels) == {f"u{i}" for i in range(len(texts))}
    for i, text in enumerate(texts):
        own = labels[f"u{i}"]
        assert abs(len(own) - 150) <= 3
        runs = own[np.flatnonzero(np.diff(own, prepend=-1))]
        symbols = [SYMBOLS.index(s) for s in phonemize(text, "en").symbols]
        rest = iter(symbols)
        assert all(any(s == run for s in rest) for run in runs)  # a subsequence, in order
        assert len(runs) > len(symbols) // 2


def test_labels_follow_the_readings_beside_a_corpus(tmp_path):
    """What was said is written down; a later front end's reading must not take its place."""
    write_corpus(tmp_path, ["Quite another text."] * 3, 1.5)
    readings = ("<en> G UH1 D B UH1 K .", "<en> M AO1 R N IH0 NG .", "<en> S IY1 DH EH1 R !")
    rows = "".join(f"u{i}\t{reading}\n" for i, reading in enumerate(readings))
    (tmp_path / "readings.tsv").write_text(rows)
    labels = make_labels([tmp_path], worst_share=0.0)
    for i, reading in enumerate(readings):
        assert {SYMBOLS[k] for k in labels[f"u{i}"]} <= set(reading.split())


def many_frames() -> tuple[list[Example], Batch]:
    examples = make_examples(40)
    return examples, next(batches(examples, Prompts(examples, SHORT), CONFIG, 32, 0))


def test_finer_codes_from_a_share_of_the_frames_cost_the_same_on_average():
    _, batch = many_frames()
    model = tiny_model()
    whole = losses(model, batch, 4)[0]
    assert batch.source.sum() > 4 * ROUND_FRAMES
    torch.manual_seed(0)
    drawn = torch.stack(
        [torch.stack(losses(model, batch, 4, depth_share=0.25)[0]) for _ in range(60)]
    )
    # place and first code are asked of all frames
    assert torch.allclose(drawn[:, :2], torch.stack(whole[:2]).expand(60, 2), atol=1e-5)
    assert (drawn[:, 2:].std(0) > 1e-4).all()
    error = drawn.std(0) / 60**0.5
    assert ((drawn.mean(0) - torch.stack(whole)).abs()[2:] < 4 * error[2:]).all()


def test_gradients_of_a_share_of_the_frames_reach_the_whole_model():
    _, batch = many_frames()
    model = tiny_model().requires_grad_(True)
    torch.manual_seed(0)
    losses(model, batch, 4, depth_share=0.25)[0][3].backward()
    grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert grads["lm_heads.3.weight"].abs().sum() > 0
    assert any("layers.0" in n and g.abs().sum() > 0 for n, g in grads.items())
    assert grads["model.embedding_list.0.weight"].abs().sum() > 0


def test_fewer_codebooks_than_two_need_no_share():
    _, batch = many_frames()
    model = tiny_model()
    whole, some = (losses(model, batch, 1, depth_share=share)[0] for share in (1.0, 0.1))
    assert [v.item() for v in whole] == [v.item() for v in some]


def test_a_run_with_all_that_a_recipe_can_ask_resumes(tmp_path):
    examples = make_examples(40)
    data = replace(SHORT, balance=0.5, join=0.5, textless=0.2, noise=0.2, shares={"en": 0.9})
    recipe = Recipe(
        batch_size=8, depth_share=0.25, data=data, max_steps=3, short_share=0, average=0.5
    )
    model = tiny_model(config=three_layers()).requires_grad_(True).train()
    train(model, examples, recipe, tmp_path, 600)
    train(model, examples, replace(recipe, max_steps=5), tmp_path, 600)
    assert all(p.isfinite().all() for p in model.parameters())
    kept = json.loads((tmp_path / "recipe.json").read_text())
    assert (kept["data"]["join"], kept["max_steps"]) == (0.5, 5)


def test_a_recipe_is_read_from_a_file(tmp_path):
    path = tmp_path / "lm.toml"
    path.write_text(
        "batch_size = 3\naudio_weights = [2.0, 1.0]\n[data]\njoin = 0.25\nshares = {zh = 0.4}\n"
    )
    recipe = Recipe.from_file(path)
    data = Mixture(join=0.25, shares={"zh": 0.4})
    assert recipe == Recipe(batch_size=3, audio_weights=(2.0, 1.0), data=data)
    path.write_text("")
    assert Recipe.from_file(path) == Recipe()
    assert json.dumps(asdict(recipe))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize = 3", "lm.toml: unknown key batchsize"),
        ("[data]\nprompt = 3", "lm.toml: data: unknown key prompt"),
        ("batch_size = ", "lm.toml is not valid TOML"),
        ("depth_share = 0.0", "depth_share is 0.0"),
        ("depth_share = 1.5", "depth_share is 1.5"),
        ("[data]\nmin_prompt_frames = 0", "prompts of 0 to 31 frames"),
        ("[data]\nmin_prompt_frames = 50", "prompts of 50 to 31 frames"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "lm.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Recipe.from_file(path)


def test_the_recipe_of_the_project_can_be_read():
    assert Recipe.from_file(RECIPES / "language-model.toml").data.shares

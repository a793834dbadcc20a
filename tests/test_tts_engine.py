"""The autoregressive loop: cached == uncached, batch == single, seeds, budgets, golden rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from generating import collect, generate
from goldens import golden
from tiny import CODEBOOK_SIZE, NUM_CODEBOOKS, tiny_model, tiny_tts_config
from tts.inference.cached import CachedRunner, DepthSteps
from tts.inference.engine import Request, Session
from tts.inference.prompt import Monologue, prompt_rows, text_ids, without_text
from tts.inference.reference import UncachedRunner, pad_left, prompt_mask
from tts.model.checkpoint import load_model, load_prepared, save_model
from tts.model.config import GREEDY, ChannelSampling, SamplingConfig
from tts.model.weights import prepare

CONFIG = tiny_tts_config()
WARM = SamplingConfig(
    text=ChannelSampling(temperature=0.8),
    audio=ChannelSampling(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=1.2),
)
COLD = SamplingConfig(GREEDY, GREEDY)
GUIDED = SamplingConfig(WARM.text, replace(WARM.audio, guidance=2.5))
TEXTS = {
    "short": ("<en>", "HH", "AY1", "."),
    "long": ("<en>", "DH", "AH0", "K", "AE1", "T", "S", "AE1", "T", ","),
    "zh": ("<zh>", "zh_n", "zh_i", "zh_3", "."),
}


def request(text: str = "short", seed: int = 0, max_frames: int = 12, **kwargs) -> Request:
    assert CONFIG.phonemes is not None
    ids = text_ids(TEXTS[text], CONFIG.phonemes)
    generator = torch.Generator().manual_seed(len(text))
    voice = torch.randint(CODEBOOK_SIZE, (NUM_CODEBOOKS, 3 + len(text)), generator=generator)
    monologue = Monologue(ids, CONFIG.audio_end_token_id, max_stay=4)
    return Request(prompt_rows(ids, voice, CONFIG), seed, max_frames, monologue, **kwargs)


def half_model(seed: int = 0):
    """A model whose weights float16 holds, as those of every shipped file."""
    model = tiny_model(seed)
    for parameter in model.parameters():
        parameter.copy_(parameter.half().float())
    return model


def run(requests, sampling=WARM, k=NUM_CODEBOOKS, slow=False, model=None):
    model = model or half_model()
    runner = UncachedRunner(model, k) if slow else None
    return collect(generate(model, requests, sampling, k, runner), requests)


@pytest.mark.parametrize("k", [1, 2, NUM_CODEBOOKS])
@pytest.mark.parametrize("sampling", [WARM, COLD, GUIDED], ids=["warm", "cold", "guided"])
def test_cached_equals_uncached(k, sampling):
    requests = [request("long", 3), request("short", 4)]
    for fast, slow in zip(
        run(requests, sampling, k), run(requests, sampling, k, slow=True), strict=True
    ):
        assert torch.equal(fast.codes, slow.codes)
        assert torch.equal(fast.text, slow.text)
        assert fast.finished_by == slow.finished_by


@pytest.mark.parametrize("guided", [(), (0, 2), (0, 1, 2)])
def test_an_item_does_not_depend_on_its_batch_mates(guided):
    requests = [request("long", 3), request("zh", 9), request("short", 4, max_frames=5)]
    for i in guided:
        requests[i] = replace(requests[i], sampling=GUIDED)
    together = run(requests)
    shuffled = run(requests[::-1])[::-1]
    for one, item, other in zip(requests, together, shuffled, strict=True):
        alone = run([one])[0]
        assert torch.equal(item.codes, alone.codes)
        assert torch.equal(item.codes, other.codes)
        assert item.finished_by == alone.finished_by


def greedy_with_guidance(one: Request, scale: float) -> torch.Tensor:
    """Codes (K, T), everything computed anew for every channel of every frame."""
    model, end = half_model(), CONFIG.audio_end_token_id
    monologue, rows = one.monologue, one.rows
    assert monologue is not None
    frames = []
    while len(frames) < one.max_frames:
        row = torch.zeros(1, 1 + NUM_CODEBOOKS, dtype=torch.int64)
        for channel in range(1 + NUM_CODEBOOKS):
            logits = []
            for hide in (False, True):
                seen, frame = rows, row
                if hide:
                    seen = without_text(rows, CONFIG)
                    frame = without_text(row, CONFIG)
                hidden = model.temporal(model.embed(seen, NUM_CODEBOOKS)[None])[0, -1:]
                logits.append(model.frame_logits(hidden, frame, NUM_CODEBOOKS)[channel][0])
            cond, uncond = logits
            if channel:
                row[0, channel] = (uncond + scale * (cond - uncond))[:CODEBOOK_SIZE].argmax()
            else:
                allowed = monologue.allowed()
                row[0, 0] = allowed[cond[allowed].argmax()]
        if int(row[0, 0]) == end:
            break
        monologue = monologue.after(int(row[0, 0]))
        frames.append(row[0, 1:])
        rows = torch.cat([rows, row])
    return torch.stack(frames, dim=1)


def test_guidance_goes_away_from_what_is_said_without_the_text():
    said = []
    for scale in (1.0, 3.0):
        sampling = SamplingConfig(GREEDY, replace(GREEDY, guidance=scale))
        one = request("long", max_frames=8)
        said.append(run([one], sampling)[0].codes)
        assert torch.equal(said[-1], greedy_with_guidance(one, scale))
    assert not torch.equal(*said)


def test_guidance_asks_for_a_model_that_was_trained_for_it():
    published = tiny_model()
    published.config = replace(CONFIG, phonemes=None)
    session = Session(published, GUIDED, NUM_CODEBOOKS)
    with pytest.raises(ValueError, match="guidance"):
        session.admit(request())
    with pytest.raises(ValueError, match="guidance is -1"):
        ChannelSampling(guidance=-1)


@pytest.mark.parametrize("batch", [2, 7, 16])
def test_rows_do_not_depend_on_their_neighbours_bit_for_bit(batch):
    """Sounds would differ now and then if sums were made in another order in a batch."""
    weights = prepare(half_model())
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, CONFIG.language_config.hidden_size, generator=generator)

    def logits(latents: torch.Tensor) -> torch.Tensor:
        seen = []

        def choose(channel: int, logits: torch.Tensor) -> torch.Tensor:
            seen.append(logits.clone())
            return logits.argmax(dim=-1)

        DepthSteps(weights, len(latents), NUM_CODEBOOKS).frame(latents, choose)
        return torch.cat(seen, dim=1)

    with torch.inference_mode():
        together = logits(x)
        for i in range(batch):
            assert torch.equal(logits(x[i : i + 1])[0], together[i])


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_steps_in_place_equal_the_plain_ones(batch):
    """The other path is that of GPUs and of half precision."""
    model = half_model()
    prompts = [request("long", 3).rows, *[request("short", i).rows for i in range(batch - 1)]]
    found = []

    def greedy(channel: int, logits: torch.Tensor) -> torch.Tensor:
        return logits.argmax(dim=-1)

    with torch.inference_mode():
        for in_place in (True, False):
            runner = CachedRunner(prepare(model), NUM_CODEBOOKS)
            assert runner.in_place
            runner.in_place = in_place
            latents = torch.cat([runner.admit(i, r, len(r) + 4) for i, r in enumerate(prompts)])
            rows, steps = runner.frame(latents, greedy), [latents]
            for _ in range(3):
                steps.append(runner.step(range(batch), rows))
                rows = runner.frame(steps[-1], greedy)
            found.append((torch.stack(steps), rows))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-4)
    assert torch.equal(found[0][1], found[1][1])


def test_weights_are_prepared_once():
    weights = prepare(half_model())
    assert prepare(weights) is weights


def test_weights_in_the_dtype_of_their_file_speak_alike(tmp_path):
    model = half_model()
    save_model(model, tmp_path, torch.float16)
    stored = load_prepared(tmp_path)
    assert stored.dtype == torch.float32
    requests = [request("long", 3), request("short", 4)]
    for one, other in zip(run(requests, model=model), run(requests, model=stored), strict=True):
        assert torch.equal(one.codes, other.codes)


def test_full_precision_weights_run_alike():
    model = tiny_model()
    requests = [request("long", 3), request("short", 4)]
    for fast, slow in zip(
        run(requests, model=model), run(requests, slow=True, model=model), strict=True
    ):
        assert torch.equal(fast.codes, slow.codes)


def drain(session: Session, spoken: dict) -> None:
    for ticket, text, codes, finished_by, *_ in session.step():
        entry = spoken.setdefault(ticket, {"codes": [], "text": [], "by": None})
        if codes is not None:
            entry["codes"].append(codes)
            entry["text"].append(text)
        entry["by"] = finished_by


def test_items_may_enter_and_leave_at_any_time():
    model = half_model()
    requests = [request("long", 3), request("zh", 9), request("short", 4, 5), request("long", 8)]
    session, spoken, tickets = Session(model, WARM, NUM_CODEBOOKS), {}, []
    for item in requests:
        tickets.append(session.admit(item))
        for _ in range(3):
            drain(session, spoken)
    while session:
        drain(session, spoken)
    assert session.step() == []
    assert isinstance(session.runner, CachedRunner)
    assert not session.runner.caches, "caches of items that have left are freed"
    for item, ticket in zip(requests, tickets, strict=True):
        alone = run([item], model=model)[0]
        assert torch.equal(torch.stack(spoken[ticket]["codes"], dim=1), alone.codes)
        assert spoken[ticket]["text"] == alone.text.tolist()
        assert spoken[ticket]["by"] == alone.finished_by


@pytest.mark.parametrize("when", ["before the first step", "later"])
def test_an_item_can_be_dropped(when):
    session = Session(half_model(), WARM, NUM_CODEBOOKS)
    kept, gone = request("long", 3), request("zh", 9)
    tickets = [session.admit(gone), session.admit(kept)]
    spoken: dict = {}
    if when == "later":
        drain(session, spoken)
    session.drop(tickets[0])
    assert len(session) == 1
    while session:
        drain(session, spoken)
    codes = torch.stack(spoken[tickets[1]]["codes"], dim=1)
    assert torch.equal(codes, run([kept])[0].codes)


def test_every_item_may_be_sampled_in_its_own_way():
    hot = SamplingConfig(ChannelSampling(temperature=2.0), ChannelSampling(temperature=3.0))
    requests = [
        request("long", 3, sampling=COLD),
        request("long", 3),
        request("long", 3, sampling=hot),
    ]
    together = run(requests)
    expected = [run([request("long", 3)], s)[0] for s in (COLD, WARM, hot)]
    for item, alone in zip(together, expected, strict=True):
        assert torch.equal(item.codes, alone.codes)
    assert not torch.equal(together[0].codes[:, :2], together[2].codes[:, :2])


def test_seed_decides_and_greedy_ignores_it():
    first, again, other = (run([request("long", seed)])[0].codes for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    cold = [run([request("long", seed)], COLD)[0].codes for seed in (5, 6)]
    assert torch.equal(*cold)


def test_the_past_does_not_see_the_future():
    """A longer budget only adds frames."""
    short, long = (run([request("long", 2, n)])[0] for n in (4, 12))
    assert torch.equal(short.codes, long.codes[:, : short.codes.shape[1]])


def test_monologue_walks_through_the_whole_text_and_never_back():
    for seed in range(6):
        item = request("long", seed, max_frames=60)
        assert item.monologue is not None
        done = run([item])[0]
        assert done.finished_by == "eos"
        ids = item.monologue.ids.tolist()
        places = [ids.index(t) for t in done.text.tolist()]
        assert places == sorted(places)
        assert places[-1] == len(ids) - 1
        assert max(places.count(p) for p in places) <= item.monologue.max_stay


def test_budget_stops_an_item_and_says_so():
    done = run([request("long", 1, max_frames=2)])[0]
    assert done.finished_by == "budget"
    assert done.codes.shape == (NUM_CODEBOOKS, 2)


def test_forced_codes_are_spoken_first():
    forced = torch.randint(CODEBOOK_SIZE, (NUM_CODEBOOKS, 2))
    done = run([request("long", 1, forced=forced)])[0]
    assert torch.equal(done.codes[:, :2], forced)


def test_codes_stay_in_range_and_never_are_the_pad_code():
    done = run([request("long", s, 40) for s in range(4)])
    for item in done:
        assert item.codes.min() >= 0
        assert item.codes.max() < CODEBOOK_SIZE


@pytest.mark.parametrize("k", [0, NUM_CODEBOOKS + 1])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match="num_codebooks"):
        run([request()], k=k)


def test_no_request_and_no_budget():
    with pytest.raises(ValueError, match="no request"):
        run([])
    with pytest.raises(ValueError, match="max_frames"):
        run([request(max_frames=0)])


def test_left_padding_hides_itself():
    rows, valid = pad_left([request("long").rows, request("short").rows], CONFIG)
    assert rows.shape[:2] == valid.shape
    mask = prompt_mask(valid)[1, 0]
    hidden = (~valid[1]).nonzero().flatten()
    visible = valid[1].nonzero().flatten()
    assert not mask[visible][:, hidden].any()
    assert mask.any(dim=-1).all()
    assert not mask.triu(1).any()


def test_checkpoint_round_trip(tmp_path):
    save_model(tiny_model(3), tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.config == CONFIG
    one = collect(generate(loaded, [request()], WARM, 2), [request()])[0]
    two = collect(generate(tiny_model(3), [request()], WARM, 2), [request()])[0]
    assert torch.equal(one.codes, two.codes)


@pytest.mark.parametrize("k", [4, 8])
def test_golden_greedy_rows(k):
    model, io = load_model(golden("tts_local")), load_file(golden("tts_local") / "io.safetensors")
    masks = io["attention_mask"].bool()
    prompts = [ids[mask] for ids, mask in zip(io["input_ids"], masks, strict=True)]
    batches = [[0], [1], [0, 1]]
    for runner in (None, UncachedRunner(model, k)):
        for batch in batches:
            requests = [Request(prompts[b], 0, 12) for b in batch]
            frames = list(generate(model, requests, COLD, k, runner))
            for i, b in enumerate(batch):
                got = torch.stack([torch.cat([f.text[i : i + 1], f.codes[i]]) for f in frames])
                assert torch.equal(got, io[f"greedy_k{k}_row{b}"][1:, : k + 1])


def test_golden_teacher_forcing():
    model, io = load_model(golden("tts_local")), load_file(golden("tts_local") / "io.safetensors")
    rows, labels = io["tf_input_ids"], io["tf_labels"][0]
    hidden = model.temporal(model.embed(rows, 8))

    def close(a, b):
        return float((a - b).abs().max() / b.abs().max()) < 1e-4

    assert close(hidden, io["tf_hidden"])
    tokens = torch.roll(rows[0], -1, dims=0)  # a row predicts the one after it
    assert torch.equal(tokens[labels >= 0], labels[labels >= 0])
    for channel, got in enumerate(model.frame_logits(hidden[0], tokens, 8)):
        known = labels[:, channel] >= 0
        width = -1 if channel else None  # the reference leaves the pad code open
        want = io[f"tf_logits_{channel}"][0]
        assert close(got[known, :width], want[known, :width])
        loss = torch.nn.functional.cross_entropy(want[known], labels[known, channel])
        assert close(loss, io["tf_loss_per_channel"][channel])


def test_a_voice_is_read_once_and_what_is_said_does_not_depend_on_who_spoke_before(monkeypatch):
    read = []
    embed = CachedRunner._embed
    monkeypatch.setattr(
        CachedRunner, "_embed", lambda self, rows: read.append(len(rows)) or embed(self, rows)
    )
    model = prepare(half_model())
    said = [run([request("short")], GUIDED, model=model) for _ in range(2)]
    voice, rest = 1 + 3 + len("short"), 1 + len(TEXTS["short"]) + 2
    rows = [n for n in read if n > 2]  # frames are read by ones and twos
    # Once for both branches of guidance and for the next time.
    assert rows == [voice, rest, rest, rest, rest]
    run([request("long")], GUIDED, model=model)
    said += [run([request("short")], GUIDED, model=m) for m in (model, prepare(half_model()))]
    for other in said[1:]:
        assert torch.equal(said[0][0].codes, other[0].codes)

"""Speed of the language model: frames a second, and how near they come to bare arithmetic."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from tokenizer.linear import packed
from tokenizer.model import CatTokenizer
from tokenizer.weights import without_numbers
from tts.inference.engine import Request, Session
from tts.inference.reference import UncachedRunner
from tts.inference.runner import Runner
from tts.inference.speaking import larger_chunk
from tts.model.config import LanguageConfig, RowConfig, SamplingConfig, TtsConfig
from tts.model.gpt import GptBlock, GptStack
from tts.model.lm import FrameModel, Stack, TtsModel
from tts.model.registry import type_of
from tts.model.transformer import SwiGlu
from tts.model.weights import PreparedModel, prepare

PROMPT_ROWS = 64
CLONE_ROWS = 130
WARM_UP = 1
TURNS = 6

# 104 M parameters; the one that frames a second are compared on.
REFERENCE_CONFIG = TtsConfig(
    language_config=LanguageConfig(
        vocab_size=3200,
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=12,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=64,
    ),
    n_vq=32,
    audio_vocab_size=1024,
    audio_pad_code=1024,
    local_hidden_size=384,
    local_ffn_hidden_size=1024,
    local_num_layers=4,
    additional_mlp_ffn_hidden_size=512,
    pad_token_id=0,
    im_start_token_id=1,
    im_end_token_id=2,
    audio_start_token_id=3,
    audio_end_token_id=4,
    audio_user_slot_token_id=5,
    audio_assistant_gen_slot_token_id=6,
    audio_assistant_delay_slot_token_id=7,
)


def random_model(config: RowConfig, device: str, dtype: torch.dtype, half: bool) -> FrameModel:
    """Random weights of the size that trained ones have.

    Args:
        half: round them to float16, as files store them; else full float32.
    """
    torch.manual_seed(0)
    with without_numbers():
        model = type_of(config).model_class(config)
    model = model.to_empty(device=device).to(dtype)
    with torch.inference_mode():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                weight.normal_(std=weight.shape[1] ** -0.5)
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)
            if half:
                weight.copy_(weight.half())
        if isinstance(model, TtsModel):
            # The end is never among the best fifty, so that no item leaves.
            model.lm_heads[0].weight[config.audio_end_token_id] = 0  # type: ignore[index]
    return model.requires_grad_(False).eval()


def requests(
    config: RowConfig, batch: int, frames: int, prompt_rows: int = PROMPT_ROWS
) -> list[Request]:
    """Random prompts."""
    generator = torch.Generator().manual_seed(1)
    shape = (batch, prompt_rows, 1 + config.n_vq)
    rows = torch.randint(8, min(config.audio_vocab_size, 512), shape, generator=generator)
    return [Request(r, seed, frames) for seed, r in enumerate(rows)]


def endless(
    model: FrameModel | PreparedModel,
    num_codebooks: int,
    batch: int,
    frames: int,
    runner: Runner | None = None,
    prompt_rows: int = PROMPT_ROWS,
) -> Session:
    """A session of items that speak at least `frames` frames: to them no token is the end.

    A trained model would end at once, because the prompts mean nothing.
    """
    embedded = model.config.phonemes is not None
    sampling = SamplingConfig() if embedded else type_of(model.config).sampling
    session = Session(model, sampling, num_codebooks, runner)
    session.config = replace(session.config, audio_end_token_id=-1)
    for request in requests(model.config, batch, frames + 1, prompt_rows):
        session.admit(request)
    return session


def step_seconds(
    model: FrameModel | PreparedModel,
    num_codebooks: int,
    batch: int,
    frames: int,
    runner: Runner | None = None,
) -> list[float]:
    """Seconds of each of `frames` steps of a session, after a few to warm up."""
    session = endless(model, num_codebooks, batch, frames + WARM_UP, runner)
    return _timed(session.step, frames, _waiting(model))


def lm_row(model: PreparedModel, num_codebooks: int, batch: int, frames: int) -> dict[str, float]:
    """Frames a second, of all items together; milliseconds a step, and to the first frame.

    The first frame counts from the prompt of `PROMPT_ROWS` rows on, once all is warm.
    """
    seconds = sorted(step_seconds(model, num_codebooks, batch, frames))
    middle = seconds[len(seconds) // 2]

    def begin() -> None:
        endless(model, num_codebooks, batch, 1).step()

    first = sorted(_timed(begin, 3, _waiting(model)))[1]
    return {
        "frames_per_s": round(batch / middle, 2),
        "step_ms": round(1000 * middle, 3),
        "first_frame_ms": round(1000 * first, 2),
    }


def speech_row(
    model: PreparedModel, codec: CatTokenizer, num_codebooks: int, frames: int
) -> dict[str, float]:
    """Both together, from the prompt on, decoded in growing chunks as a stream is: RTF, and the
    first sound.

    The prompt has `CLONE_ROWS` rows: the template and some seconds of a recording.
    """
    found = []
    for _ in range(3):
        begun, first, state = time.perf_counter(), 0.0, None
        session = endless(model, num_codebooks, 1, frames, prompt_rows=CLONE_ROWS)
        waiting, size = [], 1
        with torch.inference_mode():
            for left in reversed(range(frames)):
                codes = session.step()[0].codes
                assert codes is not None
                waiting.append(codes)
                if left and len(waiting) < size:
                    continue
                latents = codec.dequantize(torch.stack(waiting, dim=1)[None])
                _, state = codec.decode_latents(latents, state)
                first = first or time.perf_counter() - begun
                waiting, size = [], larger_chunk(size, codec.frame_rate)
        found.append((time.perf_counter() - begun, first))
    total, first = (sorted(values)[1] for values in zip(*found, strict=True))
    return {
        "codebooks": num_codebooks,
        "rtf": round(total * codec.frame_rate / frames, 3),
        "first_sound_ms": round(1000 * first, 1),
    }


def roofline(
    model: FrameModel, num_codebooks: int, batch: int, frames: int, uncached_frames: int
) -> dict[str, float]:
    """Time of one frame's bare matrix products over the time of a real frame.

    The products have the same shapes and dtype, and lie ready in memory; they are run in both
    layouts, and the faster counts. Bare and real frames take turns, a few of each at a time. The
    ratio is that of the fastest of each, so that other work on the machine matters little;
    beside it stands that of the medians.

    The frames of the uncached reference are measured in the same run; `times_uncached` is the
    engine's frames a second over its.
    """
    products = frame_products(model, num_codebooks)
    each = max(2, frames // TURNS)
    session = endless(prepare(model), num_codebooks, batch, TURNS * (each + WARM_UP))
    kinds = [_packed_products(products, batch), _plain_products(products, batch)]
    packed_s, plain_s, real, uncached = ([] for _ in range(4))
    wait = _waiting(model)
    for _ in range(TURNS):
        packed_s += _timed(kinds[0], each, wait)
        plain_s += _timed(kinds[1], each, wait)
        real += _timed(session.step, each, wait)
    if uncached_frames:
        slow = UncachedRunner(model, num_codebooks)
        uncached = step_seconds(model, num_codebooks, batch, uncached_frames, slow)
    bare = min(packed_s, plain_s, key=min)
    row = {
        "batch": batch,
        "codebooks": num_codebooks,
        "bare_ms": round(1000 * min(bare), 3),
        "frame_ms": round(1000 * min(real), 3),
        "efficiency": round(min(bare) / min(real), 3),
        "efficiency_of_medians": round(median(bare) / median(real), 3),
        "frames_per_s": round(batch / min(real), 2),
    }
    if uncached:
        row["uncached_efficiency"] = round(min(bare) / min(uncached), 3)
        row["uncached_frames_per_s"] = round(batch / min(uncached), 2)
        row["times_uncached"] = round(min(uncached) / min(real), 2)
    return {**row, **arithmetic(products, batch)}


def arithmetic(products: list[Tensor], batch: int) -> dict[str, float]:
    """What one frame asks of the machine: bytes of weights read, and floating-point operations."""
    entries = sum(weight.numel() for weight in products)
    return {
        "mega_weights_read": round(entries / 1e6, 1),
        "gflop": round(2 * batch * entries / 1e9, 3),
    }


def frame_products(model: FrameModel, num_codebooks: int) -> list[Tensor]:
    """The weights (out, in) that one frame multiplies by, in order, as often as it does."""
    weights = _stack_products(model.temporal_stack)
    if not isinstance(model, TtsModel):
        assert model.depth_stack is not None
        for channel in range(num_codebooks + 1):
            if channel == 0 or channel > model.depth_from:
                weights += _stack_products(model.depth_stack)
            weights.append(model.head(channel))
        return weights
    inner = _swiglu_products(model.speech_embedding_to_local_mlp)
    inner += _stack_products(model.local_transformer)
    for channel in range(num_codebooks + 1):
        out = model.local_to_speech_embedding_mlps[channel]
        assert isinstance(out, SwiGlu)
        head = model.lm_heads[channel].weight
        assert isinstance(head, Tensor)
        weights += [*inner, *_swiglu_products(out), head]
    return weights


def _stack_products(stack: Stack) -> list[Tensor]:
    weights: list[Tensor] = []
    if isinstance(stack, GptStack):
        for block in stack.h:
            assert isinstance(block, GptBlock)
            weights += [block.attn.c_attn.weight, block.attn.c_proj.weight]
            weights += [block.mlp.fc_in.weight, block.mlp.fc_out.weight]
        return weights
    for layer in stack.layers:
        a = layer.self_attn
        qkv = torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])  # type: ignore[union-attr]
        weights += [qkv, a.o_proj.weight, *_swiglu_products(layer.mlp)]  # type: ignore[union-attr, arg-type, list-item]
    return weights


def _swiglu_products(mlp: SwiGlu) -> list[Tensor]:
    return [torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]), mlp.down_proj.weight]


def _inputs(weights: list[Tensor], batch: int) -> list[Tensor]:
    like = weights[0]
    made = {
        size: torch.randn(batch, size, device=like.device, dtype=like.dtype)
        for size in {w.shape[1] for w in weights}
    }
    return [made[w.shape[1]] for w in weights]


def _packed_products(weights: list[Tensor], batch: int) -> Callable[[], None]:
    layouts = {id(w): packed(w) for w in weights}
    pairs = [(layouts[id(w)], x) for w, x in zip(weights, _inputs(weights, batch), strict=True)]

    def run() -> None:
        for multiply, x in pairs:
            multiply(x)

    return run


def _plain_products(weights: list[Tensor], batch: int) -> Callable[[], None]:
    transposed = {id(w): w.t() for w in weights}
    outputs = {len(w): torch.empty(batch, len(w), device=w.device, dtype=w.dtype) for w in weights}
    triples = [
        (x, transposed[id(w)], outputs[len(w)])
        for w, x in zip(weights, _inputs(weights, batch), strict=True)
    ]

    def run() -> None:
        for x, weight, out in triples:
            torch.mm(x, weight, out=out)

    return run


def _waiting(model: FrameModel | PreparedModel) -> Callable[[], None]:
    return torch.cuda.synchronize if model.device.type == "cuda" else lambda: None


@torch.inference_mode()
def _once(run: Callable[[], object], wait: Callable[[], None]) -> float:
    begun = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - begun


def _timed(run: Callable[[], object], times: int, wait: Callable[[], None]) -> list[float]:
    return [_once(run, wait) for _ in range(times + WARM_UP)][WARM_UP:]

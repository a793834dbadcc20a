"""Tiny seeded random models, voices and sounds that the tests share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from frontend.symbols import SYMBOLS
from tokenizer.checkpoint import save_codec
from tokenizer.config import CatConfig, PatchConfig, QuantizerConfig, StageConfig
from tokenizer.model import CatTokenizer
from tts.model.checkpoint import save_model
from tts.model.config import LanguageConfig, PhonemeConfig, RowConfig, TtsConfig
from tts.model.local_v15 import LocalV15Config
from tts.model.nano import NanoConfig
from tts.model.registry import type_of
from tts.model.weights import prepare

SAMPLE_RATE = 24000
FRAME_SIZE = 1920
NUM_CODEBOOKS = 4
CODEBOOK_SIZE = 32
PHASES, FIRST_ID = 8, 8


def tiny_codec_config(quantizer_type: str = "rlfq") -> CatConfig:
    """24 kHz, 12.5 Hz, 4 codebooks of 32; a window of 0.4 s is 5 frames."""

    def stage(inputs: int, outputs: int) -> StageConfig:
        # A layer scale of 0.5, because with 0.01 attention would hardly show in the output.
        return StageConfig(inputs, outputs, 16, 2, 1, 32, layer_scale=0.5)

    return CatConfig(
        sampling_rate=SAMPLE_RATE,
        downsample_rate=FRAME_SIZE,
        causal_transformer_context_duration=0.4,
        encoder_kwargs=(PatchConfig(240), stage(240, 16), PatchConfig(8), stage(128, 16)),
        decoder_kwargs=(stage(16, 128), PatchConfig(8), stage(16, 240), PatchConfig(240)),
        quantizer_kwargs=QuantizerConfig(
            quantizer_type,
            input_dim=16,
            rvq_dim=12,
            output_dim=16,
            num_quantizers=NUM_CODEBOOKS,
            codebook_size=CODEBOOK_SIZE,
            codebook_dim=4,
        ),
    )


def tiny_stereo_config(num_codebooks: int = NUM_CODEBOOKS) -> CatConfig:
    """48 kHz stereo, 12.5 Hz; windows of 0.2 and 0.4 s, projections between equal sizes too."""

    def stage(inputs: int, outputs: int, context_s: float) -> StageConfig:
        return StageConfig(
            inputs, outputs, 16, 2, 1, 32, layer_scale=0.5, context_duration=context_s
        )

    mono = tiny_codec_config()
    return replace(
        mono,
        sampling_rate=2 * SAMPLE_RATE,
        downsample_rate=2 * FRAME_SIZE,
        number_channels=2,
        encoder_kwargs=(
            PatchConfig(240),
            stage(240, 16, 0.2),
            PatchConfig(32),
            stage(512, 16, 0.4),
        ),
        decoder_kwargs=(
            stage(16, 512, 0.4),
            PatchConfig(32),
            stage(16, 240, 0.2),
            PatchConfig(240),
        ),
        quantizer_kwargs=replace(mono.quantizer_kwargs, num_quantizers=num_codebooks),
    )


def tiny_codec(
    seed: int = 0, quantizer_type: str = "rlfq", config: CatConfig | None = None
) -> CatTokenizer:
    """A random CAT tokenizer, ready for inference; its output is noise of moderate level."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        codec = CatTokenizer(config or tiny_codec_config(quantizer_type))
    for name, parameter in codec.quantizer.named_parameters():
        # Biases would outweigh the small signals of a random encoder: all codes would be alike.
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    return codec.requires_grad_(False).eval().prepare()


def tiny_tts_config(num_codebooks: int = NUM_CODEBOOKS) -> TtsConfig:
    """A phoneme model for `tiny_codec`."""
    return TtsConfig(
        language_config=LanguageConfig(
            vocab_size=FIRST_ID + len(SYMBOLS) * PHASES,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
        ),
        n_vq=num_codebooks,
        audio_vocab_size=CODEBOOK_SIZE,
        audio_pad_code=CODEBOOK_SIZE,
        local_hidden_size=24,
        local_ffn_hidden_size=32,
        local_num_layers=1,
        additional_mlp_ffn_hidden_size=32,
        pad_token_id=0,
        im_start_token_id=1,
        im_end_token_id=2,
        audio_start_token_id=3,
        audio_end_token_id=4,
        audio_user_slot_token_id=5,
        audio_assistant_gen_slot_token_id=6,
        audio_assistant_delay_slot_token_id=7,
        sampling_rate=SAMPLE_RATE,
        phonemes=PhonemeConfig(symbols=SYMBOLS, phases=PHASES, first_id=FIRST_ID),
    )


def tiny_published_config(vocabulary: int = 320) -> TtsConfig:
    """A model for `tiny_codec` that reads text, as the published ones do."""
    config = tiny_tts_config()
    language = replace(config.language_config, vocab_size=vocabulary)
    return replace(config, language_config=language, phonemes=None)


def byte_tokenizer():
    """A text tokenizer of `transformers`: ids 0..7 are special, then one id for each byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    # Ids 0..7 are the special ones of `tiny_tts_config`, then one id for each byte.
    special = ["<pad>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>"]
    special += ["<|user_slot|>", "<|gen_slot|>", "<|delay_slot|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(special + alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", additional_special_tokens=special[1:]
    )


def save_tiny_published(folder: Path, seed: int = 0) -> Path:
    """Write a tiny random model in the published layout: weights, text tokenizer, codec/."""
    save_model(tiny_model(seed, tiny_published_config()), folder)
    byte_tokenizer().save_pretrained(str(folder))
    save_codec(tiny_codec(seed), folder / "codec")
    return folder


# What the newer types have in common; ids are those of Nano's published tokenizer.
_NEWER = {
    "n_vq": NUM_CODEBOOKS,
    "audio_vocab_size": CODEBOOK_SIZE,
    "audio_pad_token_id": CODEBOOK_SIZE,
    "audio_tokenizer_sample_rate": 2 * SAMPLE_RATE,
    "pad_token_id": 3,
    "im_start_token_id": 4,
    "im_end_token_id": 5,
    "audio_start_token_id": 6,
    "audio_end_token_id": 7,
    "audio_user_slot_token_id": 8,
    "audio_assistant_slot_token_id": 9,
    "local_transformer_layers": 1,
}
_GPT = {"vocab_size": 300, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 48}
_GPT |= {"rope_base": 10000.0}
CONTROLS = [f"<|{name}|>" for name in ("im_start", "im_end", "audio_start", "audio_end")]
CONTROLS += [f"<|{name}|>" for name in ("vision_pad", "video_pad", "vision_start", "vision_end")]
CONTROLS += ["<|audio_pad|>", "<user_inst>", "</user_inst>"]


def save_tiny_nano(folder: Path, seed: int = 0) -> Path:
    """Write a tiny random Nano as it is downloaded: pickled weights, SentencePiece, codec/."""
    from sentencepiece import SentencePieceTrainer

    config = NanoConfig.from_dict({**_NEWER, "model_type": "moss_tts_nano", "gpt2_config": _GPT})
    model = tiny_model(seed, config)
    ends = [config.audio_end_token_id, config.audio_assistant_gen_slot_token_id]
    model.transformer.wte.weight[ends] *= 0.1
    _talkative(model, model.transformer.wte.weight[ends])
    save_model(model, folder)
    tensors = {k: v.bfloat16() for k, v in load_file(folder / "model.safetensors").items()}
    tensors["text_lm_head.weight"] = tensors["transformer.wte.weight"]
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    corpus = [
        f"The {a} {b}s here. {a} 你好，世界。" for a in ("cat", "dog") for b in ("sit", "run")
    ]
    SentencePieceTrainer.train(
        sentence_iterator=iter(corpus * 5),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        user_defined_symbols=CONTROLS,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    (folder / "tokenizer.vocab").unlink()
    save_codec(tiny_codec(seed, config=tiny_stereo_config()), folder / "codec")
    return folder


def save_tiny_v15(folder: Path, seed: int = 0) -> Path:
    """Write a tiny random Local v1.5: weights, text tokenizer, a codec with more codebooks."""
    language = {**asdict(tiny_tts_config().language_config), "vocab_size": 320}
    gpt = {**_GPT, "vocab_size": 320, "activation_function": "silu"}
    raw = {**_NEWER, "model_type": "moss_tts_local", "qwen3_config": language, "gpt2_config": gpt}
    raw |= {"pad_token_id": 0, "im_start_token_id": 1, "im_end_token_id": 2}
    raw |= {"audio_start_token_id": 3, "audio_end_token_id": 4, "audio_user_slot_token_id": 5}
    raw |= {"audio_assistant_slot_token_id": 6}
    model = tiny_model(seed, LocalV15Config.from_dict(raw))
    for layer in model.transformer.layers:
        # By chance alone a row would hardly notice those before it.
        layer.self_attn.o_proj.weight *= 5
    _talkative(model, model.local_text_lm_head.weight.flip(0))
    save_model(model, folder)
    byte_tokenizer().save_pretrained(str(folder))
    codec = tiny_codec(seed, config=tiny_stereo_config(NUM_CODEBOOKS + 2))
    save_codec(codec, folder / "codec")
    return folder


def _talkative(model: Any, stop_and_go: torch.Tensor) -> None:
    """Have a random model stop after about fifteen frames; by chance alone it is after two."""
    stop, go = stop_and_go
    apart = go - stop
    model.local_transformer.ln_f.bias += 2.7 * apart / apart.dot(apart)


def tiny_model(seed: int = 0, config: RowConfig | None = None) -> Any:
    """A random CAT-TTS model, ready for inference."""
    config = config or tiny_tts_config()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = type_of(config).model_class(config)
    return model.requires_grad_(False).eval()


def tiny_voice(name: str = "tiny", seed: int = 0, num_frames: int = 20, codec=None):
    """A `Voice` of random codes; it carries the fingerprint of `codec` if one is given."""
    from tokenizer.codes import codec_fingerprint
    from tts.voices import Voice

    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(CODEBOOK_SIZE, (NUM_CODEBOOKS, num_frames), generator=generator)
    voice = Voice(name, codes, lang="en", transcript="a tiny voice")
    return replace(voice, codec=codec_fingerprint(codec)) if codec is not None else voice


def tiny_synthesizer(seed: int = 0):
    """A `Synthesizer` of `tiny_model` and `tiny_codec`; give it `tiny_voice()` to speak with."""
    from tts.synthesizer import Synthesizer

    return Synthesizer(prepare(tiny_model(seed)), tiny_codec(seed), "tiny")


def save_tiny(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Write both models below `folder`; returns the folders of model and codec."""
    model, codec = folder / "model", folder / "codec"
    save_model(tiny_model(seed), model)
    save_codec(tiny_codec(seed), codec)
    return model, codec


def speech_like(seconds: float, sample_rate: int = SAMPLE_RATE, seed: int = 0) -> np.ndarray:
    """float32 (N,), a gliding buzz in syllables with some noise: loud, never silent for long."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * time)
    phase = 2 * np.pi * np.cumsum(140 + 45 * np.sin(2 * np.pi * 2.3 * time)) / sample_rate
    tone = sum(np.sin(h * phase) / h for h in range(1, 8))
    wav = 0.12 * syllables * tone + 0.005 * rng.standard_normal(len(time))
    return wav.astype(np.float32)


def cut_notes(notes: Sequence[str]) -> list[str]:
    """Those of a prompt's notes that tell of what was cut off; others judge the recording."""
    return [note for note in notes if "only the first" in note or "left aside" in note]

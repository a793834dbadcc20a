"""Tiny seeded random models, voices and sounds that the tests share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from frontend.symbols import SYMBOLS
from tokenizer.checkpoint import save_codec
from tokenizer.config import CatConfig, PatchConfig, QuantizerConfig, StageConfig
from tokenizer.model import CatTokenizer
from tts.model.checkpoint import save_model
from tts.model.config import LanguageConfig, PhonemeConfig, TtsConfig
from tts.model.lm import TtsModel
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


def tiny_codec(seed: int = 0, quantizer_type: str = "rlfq") -> CatTokenizer:
    """A random CAT tokenizer, ready for inference; its output is noise of moderate level."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        codec = CatTokenizer(tiny_codec_config(quantizer_type))
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


def save_tiny_published(folder: Path, seed: int = 0) -> Path:
    """Write a tiny random model in the published layout: weights, text tokenizer, codec/."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    # Ids 0..7 are the special ones of `tiny_tts_config`, then one id for each byte.
    special = ["<pad>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>"]
    special += ["<|user_slot|>", "<|gen_slot|>", "<|delay_slot|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(special + alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    text_tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", additional_special_tokens=special[1:]
    )
    save_model(tiny_model(seed, tiny_published_config()), folder)
    text_tokenizer.save_pretrained(str(folder))
    save_codec(tiny_codec(seed), folder / "codec")
    return folder


def tiny_model(seed: int = 0, config: TtsConfig | None = None) -> TtsModel:
    """A random CAT-TTS model, ready for inference."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TtsModel(config or tiny_tts_config())
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

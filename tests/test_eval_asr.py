"""Listeners. Whisper is a tiny random one: the path is tested, not what it hears."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.asr import ListenerError, PocketsphinxListener, load_listener
from eval.audio import AudioError
from eval.teachers import TEACHERS
from tiny import speech_like


@pytest.fixture(scope="module")
def listener() -> PocketsphinxListener:
    return PocketsphinxListener()


def test_transcripts_do_not_depend_on_what_was_heard_before(listener: PocketsphinxListener):
    # Buzzes, of which it makes words; they differ in level, so that a mean that leaks shows.
    sounds = [speech_like(1.2, seed=i) * gain for i, gain in enumerate((1.0, 0.1, 3.0))]
    alone = [PocketsphinxListener().transcribe(wav, 24000) for wav in sounds[:2]]
    backwards = [listener.transcribe(wav, 24000) for wav in reversed(sounds)]
    assert [backwards[2], backwards[1]] == alone
    assert listener.transcribe(sounds[0], 24000) == alone[0]


def test_silence_and_nothing_are_empty(listener: PocketsphinxListener):
    assert listener.transcribe(np.zeros(0, np.float32), 16000) == ""
    assert listener.transcribe(np.zeros(1, np.float32), 16000) == ""
    assert listener.transcribe(np.zeros(16000, np.float32), 24000) == ""


def test_bad_audio(listener: PocketsphinxListener):
    with pytest.raises(AudioError, match="mono"):
        listener.transcribe(np.zeros((2, 100), np.float32), 16000)
    with pytest.raises(AudioError, match="NaN"):
        listener.transcribe(np.full(100, np.nan, np.float32), 16000)
    with pytest.raises(AudioError, match="positive"):
        listener.transcribe(np.zeros(100, np.float32), 0)


@pytest.mark.skipif(not TEACHERS["flite-rms"].installed, reason="flite is not installed")
def test_hears_a_clear_voice(listener: PocketsphinxListener):
    wav, rate = TEACHERS["flite-rms"].say("Nobody could find the right key.")
    assert listener.transcribe(wav, rate) == "nobody could find the right key"


def test_unknown_listener():
    with pytest.raises(ListenerError, match="use pocketsphinx or whisper"):
        load_listener("ears")


def _save_tiny_whisper(folder: Path) -> None:
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>"]
    specials += ["<|translate|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokenizer = WhisperTokenizer(
        vocab={char: i for i, char in enumerate(bytes_to_unicode().values())}, merges=[]
    )
    tokenizer.add_tokens(specials, special_tokens=True)
    ids: Any = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    ends = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), ids["<|endoftext|>"])
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=80,
        max_target_positions=24,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        **ends,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        is_multilingual=True,
        lang_to_id={"<|en|>": ids["<|en|>"]},
        task_to_id={name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
        max_length=12,
        **ends,
    )
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    model.save_pretrained(folder)


def test_whisper_from_a_folder(tmp_path: Path):
    _save_tiny_whisper(tmp_path)
    listener = load_listener(f"whisper:{tmp_path}")
    assert listener.name == f"whisper:{tmp_path}"
    wav = speech_like(1.0)
    first = listener.transcribe(wav, 24000)
    # Random weights say something, without special tokens, and the same each time.
    assert first
    assert "<|" not in first
    assert listener.transcribe(wav, 24000) == first
    assert listener.transcribe(np.zeros(0, np.float32), 24000) == ""


def test_whisper_without_weights_says_what_to_fetch(tmp_path: Path):
    with pytest.raises(ListenerError, match="hf download openai/whisper-large-v3"):
        load_listener(f"whisper:{tmp_path}")

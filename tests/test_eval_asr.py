"""Listeners. Whisper is a tiny random one: the path is tested, not what it hears."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.signal

from eval.audio import AudioError, read_wav, resample
from eval.extras import MissingExtraError
from eval.systems.asr import (
    PARAFORMER_REPOSITORY,
    WHISPER_REVISIONS,
    ListenerError,
    PocketsphinxListener,
    WhisperListener,
    is_ctranslate_folder,
    listener_identity,
    load_listener,
)
from tiny import speech_like

AUDIO = Path(__file__).parent / "eval_audio"
JUDGES = os.environ.get("CAT_TTS_JUDGES", "")


@pytest.fixture(scope="module")
def listener() -> PocketsphinxListener:
    return PocketsphinxListener()


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ("rms-key", "nobody could find the right key"),
        ("rms-birds", "the birds were singing in the tall trees"),
    ],
)
def test_hears_clear_recordings(listener: PocketsphinxListener, clip: str, words: str):
    assert listener.transcribe(*read_wav(AUDIO / f"{clip}.ogg")) == words


def test_transcripts_do_not_depend_on_what_was_heard_before(listener: PocketsphinxListener):
    # They differ in level, so that a mean that leaks shows.
    clips = [read_wav(AUDIO / f"{name}.ogg") for name in ("rms-key", "slt-key", "rms-birds")]
    sounds = [
        resample(w, r, 24000) * gain for (w, r), gain in zip(clips, (1, 0.05, 0.5), strict=True)
    ]
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


def test_unknown_listener():
    with pytest.raises(ListenerError, match="use pocketsphinx or whisper"):
        load_listener("ears")


def save_tiny_whisper(folder: Path) -> None:
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
    save_tiny_whisper(tmp_path)
    listener = load_listener(f"whisper:{tmp_path}")
    assert listener.name == f"whisper:{tmp_path}"
    wav = speech_like(1.0)
    first = listener.transcribe(wav, 24000)
    assert listener_identity(f"whisper:{tmp_path}").startswith("whisper (sha256 ")
    # Random weights say something, without special tokens, and the same each time.
    assert first
    assert "<|" not in first
    assert listener.transcribe(wav, 24000) == first
    assert listener.transcribe(np.zeros(0, np.float32), 24000) == ""


def test_whisper_without_weights_says_what_to_fetch(tmp_path: Path):
    with pytest.raises(ListenerError, match="hf download openai/whisper-large-v3"):
        load_listener(f"whisper:{tmp_path}")


def test_whisper_is_called_as_the_official_script_does(tmp_path: Path, monkeypatch):
    save_tiny_whisper(tmp_path)
    listener = WhisperListener(str(tmp_path))
    asked: dict[str, Any] = {}
    processor, model = listener._processor, listener._model
    features = processor.feature_extractor

    def hear(audio, **options):
        asked["audio"], asked["rate"] = audio, options["sampling_rate"]
        return features(audio, **options)

    def generate(*args, **options):
        asked["task"] = options
        return type(model).generate(model, *args, **options)

    monkeypatch.setattr(listener, "_processor", _Processor(hear, processor.batch_decode))
    monkeypatch.setattr(model, "generate", generate)
    wav = speech_like(1.01, 24000)[:24235]
    listener.transcribe(wav, 24000)
    assert asked["task"] == {"language": "english", "task": "transcribe"}
    assert asked["rate"] == 16000
    expected = scipy.signal.resample(wav.astype(np.float64), int(24235 * 16000 / 24000))
    np.testing.assert_allclose(asked["audio"], np.asarray(expected), atol=1e-7)


class _Processor:
    def __init__(self, hear, batch_decode):
        self.hear, self.batch_decode = hear, batch_decode

    def __call__(self, audio, **options):
        return self.hear(audio, **options)


def test_revisions_are_pinned_and_named():
    for model, revision in WHISPER_REVISIONS.items():
        assert len(revision) == 40
        assert f"{model}@{revision}, transformers " in listener_identity(f"whisper:{model}")
    named = listener_identity("whisper:someone/model@abc123", "zh")
    assert named.startswith("whisper:someone/model@abc123, transformers ")
    assert listener_identity("paraformer-zh", "zh").startswith("paraformer:paraformer-zh@v2.0.4")
    assert listener_identity("pocketsphinx").startswith("pocketsphinx, pocketsphinx 5")


@pytest.mark.parametrize(
    ("name", "lang", "match"),
    [("pocketsphinx", "zh", "English only"), ("paraformer-zh", "en", "Mandarin only")],
)
def test_a_listener_of_another_language_is_refused(name: str, lang: str, match: str):
    with pytest.raises(ListenerError, match=match):
        load_listener(name, lang=lang)
    with pytest.raises(ListenerError, match=match):
        listener_identity(name, lang)


class FakeAutoModel:
    """Stands for funasr's class, to see how it is called; hears traditional characters."""

    calls: list[dict[str, Any]]

    def __init__(self, **options: Any) -> None:
        type(self).calls = [options]
        if options["model"] == "paraformer-zh":  # as funasr does without a network
            raise RuntimeError("model 'paraformer-zh' is not registered.\nRegistered: …")

    def generate(self, **options: Any) -> list[dict[str, Any]]:
        self.calls.append(options)
        return [{"key": "x", "text": "漢字"}]


def _install_fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    converter = SimpleNamespace(convert=lambda text: text.replace("漢", "汉"))
    opencc = SimpleNamespace(OpenCC=lambda name: {"t2s": converter}[name])
    monkeypatch.setitem(sys.modules, "funasr", SimpleNamespace(AutoModel=FakeAutoModel))
    monkeypatch.setitem(sys.modules, "opencc", opencc)


def test_paraformer_is_called_as_the_official_script_does(tmp_path: Path, monkeypatch):
    _install_fakes(monkeypatch)
    for name in ("config.yaml", "model.pt"):
        (tmp_path / name).write_text("x")
    listener = load_listener(f"paraformer:{tmp_path}", lang="zh")
    assert listener.transcribe(speech_like(1.0, 24000), 24000) == "汉字"
    made, heard = FakeAutoModel.calls
    assert made["model"] == str(tmp_path)
    assert made["disable_update"] is True
    assert heard["batch_size_s"] == 300
    assert heard["fs"] == 16000
    assert heard["input"].shape == (16000,)
    assert heard["input"].dtype == np.float32
    assert listener.transcribe(np.zeros(0, np.float32), 16000) == ""


def test_paraformer_without_weights_says_what_to_fetch_and_where_to_put_it(
    tmp_path: Path, monkeypatch
):
    _install_fakes(monkeypatch)
    for name in (f"paraformer:{tmp_path}", "paraformer-zh"):
        with pytest.raises(ListenerError) as caught:
            load_listener(name, lang="zh")
        for part in (PARAFORMER_REPOSITORY, "v2.0.4", "paraformer:FOLDER"):
            assert part in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert FakeAutoModel.calls[0]["model_revision"] == "v2.0.4"


def test_paraformer_without_funasr_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "funasr", None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[zh-asr\]'"):
        load_listener("paraformer-zh", lang="zh")


class FakeWhisperModel:
    """Stands for faster-whisper's class, to see how it is called."""

    calls: list[dict[str, Any]]

    def __init__(self, folder: str, **options: Any) -> None:
        type(self).calls = [{"folder": folder, **options}]
        if (Path(folder) / "model.bin").read_text() == "broken":
            raise RuntimeError("Unsupported model binary version")

    def transcribe(self, audio: np.ndarray, **options: Any) -> tuple[list[SimpleNamespace], None]:
        self.calls.append({"audio": audio, **options})
        return [SimpleNamespace(text=" Good morning,"), SimpleNamespace(text=" everyone. ")], None


@pytest.fixture
def ctranslate_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake = SimpleNamespace(WhisperModel=FakeWhisperModel)
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
    (tmp_path / "model.bin").write_text("weights")
    load_listener.cache_clear()
    return tmp_path


def test_a_folder_of_ctranslate2_is_known_by_its_file(ctranslate_folder: Path):
    assert is_ctranslate_folder(str(ctranslate_folder))
    assert not is_ctranslate_folder("")
    assert not is_ctranslate_folder(str(AUDIO))
    named = listener_identity(f"whisper:{ctranslate_folder}")
    assert named.startswith("whisper (sha256 ")
    assert ", faster-whisper " in named


@pytest.mark.parametrize(("lang", "asks"), [("en", False), ("zh", True)])
def test_ctranslate2_hears_with_beams_and_alone(ctranslate_folder: Path, lang: str, asks: bool):
    listener = load_listener(f"whisper:{ctranslate_folder}", lang=lang)
    assert listener.name == f"whisper:{ctranslate_folder}"
    assert listener.transcribe(speech_like(1.5, 24000), 24000) == "Good morning, everyone."
    made, heard = FakeWhisperModel.calls
    assert (made["folder"], made["local_files_only"]) == (str(ctranslate_folder), True)
    assert heard["audio"].dtype == np.float32
    assert heard["audio"].shape == (24000,)
    assert (heard["language"], heard["beam_size"], heard["temperature"]) == (lang, 5, 0)
    assert heard["condition_on_previous_text"] is False
    assert bool(heard["initial_prompt"]) == asks
    assert listener.transcribe(np.zeros(0, np.float32), 24000) == ""
    assert len(FakeWhisperModel.calls) == 2
    with pytest.raises(AudioError, match="mono"):
        listener.transcribe(np.zeros((2, 100), np.float32), 16000)


def test_where_whisper_writes_its_prompt_it_hears_again_without(
    ctranslate_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def transcribe(self: FakeWhisperModel, audio: np.ndarray, **options: Any):
        return [SimpleNamespace(text=options["initial_prompt"] or "31")], None

    monkeypatch.setattr(FakeWhisperModel, "transcribe", transcribe)
    listener = load_listener(f"whisper:{ctranslate_folder}", lang="zh")
    assert listener.transcribe(speech_like(1.0, 16000), 16000) == "31"


def test_a_folder_that_ctranslate2_cannot_read_says_what_to_fetch(ctranslate_folder: Path):
    (ctranslate_folder / "model.bin").write_text("broken")
    with pytest.raises(ListenerError, match=r"Unsupported model.*fetch_judges\.py DIR"):
        load_listener(f"whisper:{ctranslate_folder}")


def test_ctranslate2_without_its_package_says_how_to_install_it(
    ctranslate_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match=r"faster-whisper .*pip install -e '\.\[judges\]'"):
        load_listener(f"whisper:{ctranslate_folder}")


@pytest.mark.skipif(not JUDGES, reason="CAT_TTS_JUDGES names no folder of judges")
def test_the_real_one_hears_a_clear_recording():
    pytest.importorskip("faster_whisper")
    folder = Path(JUDGES) / "whisper-base"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    listener = load_listener(f"whisper:{folder}")
    heard = listener.transcribe(*read_wav(AUDIO / "rms-birds.ogg"))
    assert "birds were singing in the tall trees" in heard.lower()

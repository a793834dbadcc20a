"""Rendering, the guard, and results as bytes: the same whatever the batch."""

from __future__ import annotations

import io
import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load

from batching import make_home
from tiny import SAMPLE_RATE, speech_like
from tokenizer.audio import encode_sound
from tts.batch.plan import Item, Settings
from tts.batch.prompts import PromptVoices
from tts.batch.render import Failed, ItemRenderer, Rendered
from tts.batch.rows import Row
from tts.batch.sources import Digests
from tts.batch.store import Store
from tts.control import SENTENCE_PAUSE_S
from tts.inference.engine import Session
from tts.inference.guard import asked_pause_s, code_complaint, longest_repeat, sound_complaint
from tts.inference.prompt_audio import PromptEncoder
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.voices import load_voice

TEXTS = [
    "Hello.",
    "One, two, three. Four five six!",
    "A somewhat longer sentence, with a comma in it.",
    "You and I?",
    "Eleven. Twelve. Thirteen.",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def synthesizer(home: Path) -> Synthesizer:
    return Synthesizer.load(home / "model")


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))


def renderer(
    synthesizer: Synthesizer, folder: Path, batch_size: int = 1, **settings: object
) -> ItemRenderer:
    chosen = Settings("m", "c", **settings)  # type: ignore[arg-type]
    store = Store(folder)
    store.close()  # its lock, so that a test may have several
    store.temporary.mkdir()
    prompts = PromptVoices(synthesizer, "c", store, Digests(folder / "d.json"))
    return ItemRenderer(synthesizer, chosen, prompts, batch_size)


def item(number: int, **row: object) -> Item:
    values = {"text": TEXTS[number % len(TEXTS)], "voice": "tiny", "seed": number, **row}
    return Item(Row(number, f"i{number}", **values), "k", "", "")  # type: ignore[arg-type]


def render(renderer: ItemRenderer, items, stopped=lambda: False) -> dict[str, Any]:
    results = list(renderer.render(items, stopped))
    assert len({i.row.id for i, _ in results}) == len(results)
    return {i.row.id: outcome for i, outcome in results}


def assert_same(one: dict, other: dict) -> None:
    assert set(one) == set(other)
    for name, result in one.items():
        assert isinstance(result, Rendered), result
        assert result.wav is not None
        assert torch.equal(result.codes, other[name].codes), name
        assert np.array_equal(result.wav, other[name].wav), name
        assert result.words == other[name].words
        assert result.sentences == other[name].sentences
        assert result.retries == other[name].retries


@pytest.mark.parametrize("batch_size", [1, 2, 5, 16])
def test_batches_give_what_one_at_a_time_gives(synthesizer, tmp_path, batch_size):
    mixed = [
        item(n, **more)
        for n, more in enumerate(
            [
                {},
                {"sampling": (("temperature", 0.9), ("top_k", 5))},
                {"num_codebooks": 2},
                {"sampling": (("repetition_penalty", 1.3), ("text_temperature", 0.0))},
                {},
                {"lang": "zh", "text": "你好，今天天气很好。"},
                {"num_codebooks": 2},
                {"sampling": (("temperature", 0.0),)},
            ]
        )
    ]
    alone = {}
    for one in mixed:
        alone |= render(renderer(synthesizer, tmp_path), [one])
    for items in (mixed, mixed[::-1]):
        assert_same(alone, render(renderer(synthesizer, tmp_path, batch_size), items))
    assert alone["i2"].codes.shape[0] == 2
    for one in mixed:
        options = SpeechOptions(
            voice="tiny",
            seed=one.row.seed,
            lang=one.row.lang,
            num_codebooks=one.row.num_codebooks,
            sampling=synthesizer.prompt_builder.sampling.with_overrides(dict(one.row.sampling)),
        )
        said = synthesizer.synthesize(one.row.text, options)
        assert torch.equal(said.codes, alone[one.row.id].codes)


def test_an_item_is_what_say_would_speak(synthesizer, tmp_path):
    row = item(2).row
    result = render(renderer(synthesizer, tmp_path, 4), [item(2), item(1)])["i2"]
    said = synthesizer.synthesize(row.text, SpeechOptions(voice="tiny", seed=row.seed))
    assert torch.equal(result.codes, said.codes)
    assert np.abs(result.wav - said.wav).max() < 1e-5


def test_sentence_times_fit_the_sound(synthesizer, tmp_path):
    result = render(renderer(synthesizer, tmp_path), [item(4)])["i4"]
    texts, starts, ends, _ = zip(*result.sentences, strict=True)
    assert [text.strip() for text in texts] == ["Eleven.", "Twelve.", "Thirteen."]
    assert starts[0] == 0
    assert ends[-1] == pytest.approx(len(result.wav) / SAMPLE_RATE)
    for end, start in zip(ends, starts[1:], strict=False):
        assert start - end == pytest.approx(SENTENCE_PAUSE_S)
    pause = result.wav[round(ends[0] * SAMPLE_RATE) : round(starts[1] * SAMPLE_RATE)]
    assert not pause.any()
    words = [word.text for word in result.words]
    assert words == ["Eleven", "Twelve", "Thirteen"]


def test_a_piece_without_words_is_passed_over(synthesizer, tmp_path):
    result = render(renderer(synthesizer, tmp_path), [item(0, text="One. (…) Two.")])
    texts = [one.text.strip() for one in result["i0"].sentences]
    assert texts[0] == "One."
    assert texts[-1].endswith("Two.")


def test_new_items_enter_while_others_speak(synthesizer, tmp_path, monkeypatch):
    sizes = []
    step = Session.step

    def counted(self):
        sizes.append(len(self))
        return step(self)

    monkeypatch.setattr(Session, "step", counted)
    items = [item(n) for n in range(20)]
    render(renderer(synthesizer, tmp_path, 4), items)
    assert max(sizes) == 4
    # Full until nothing is left to enter, and then ever emptier.
    assert sizes == sorted(sizes, reverse=True)
    assert sizes.count(4) > len(sizes) // 2


def test_items_are_taken_as_there_is_room(synthesizer, tmp_path):
    taken = itertools.count()
    items = (item(n) for n, _ in zip(range(1000), taken, strict=False))
    results = renderer(synthesizer, tmp_path, 2).render(items, lambda: False)
    next(results)
    del results
    assert next(taken) < 6


def test_stopping_ends_after_the_frame_in_hand(synthesizer, tmp_path):
    for batch_size in (1, 3):
        asked = itertools.count()
        result = render(
            renderer(synthesizer, tmp_path, batch_size),
            [item(n) for n in range(50)],
            lambda asked=asked: next(asked) > 5,
        )
        assert len(result) < 50


def test_what_cannot_be_said_fails_and_the_others_go_on(synthesizer, tmp_path):
    items = [item(0), item(1, text="(—)"), item(2, voice="nobody"), item(3)]
    result = render(renderer(synthesizer, tmp_path, 2), items)
    assert isinstance(result["i0"], Rendered)
    assert isinstance(result["i3"], Rendered)
    assert result["i1"].lasting
    assert "nothing to say" in result["i1"].reason
    assert not result["i2"].lasting
    assert "nobody" in result["i2"].reason


def runaway(monkeypatch: pytest.MonkeyPatch, seeds: set[int]) -> None:
    """Requests with these seeds are cut after a frame, as if they did not end."""
    admit = Session.admit

    def short(self, request):
        return admit(self, replace(request, max_frames=1) if request.seed in seeds else request)

    monkeypatch.setattr(Session, "admit", short)


def test_a_runaway_is_spoken_again_with_another_seed(synthesizer, tmp_path, monkeypatch):
    again = render(renderer(synthesizer, tmp_path), [item(0, seed=3 + 1_000_003)])["i0"]
    runaway(monkeypatch, {3})
    for size in (1, 4):
        result = render(renderer(synthesizer, tmp_path, size), [item(0, seed=3), item(1)])
        assert result["i0"].retries == 1
        assert torch.equal(result["i0"].codes, again.codes)
        assert result["i1"].retries == 0


def test_retries_are_bounded(synthesizer, tmp_path, monkeypatch):
    runaway(monkeypatch, {5 + 1_000_003 * n for n in range(3)})
    for size in (1, 4):
        items = [item(4, seed=3), item(1), item(3)]
        result = render(renderer(synthesizer, tmp_path, size, retries=2), items)
        failed = result["i4"]
        assert failed.reason == "sentence 3 of 3: runaway: no end after 1 frames (3 attempts)"
        assert (failed.lasting, failed.retries) == (True, 2)
        assert isinstance(result["i1"], Rendered)
    patient = renderer(synthesizer, tmp_path, 1, retries=3)
    assert render(patient, [item(4, seed=3)])["i4"].retries == 3


def test_one_failure_for_an_item_with_several_bad_sentences(synthesizer, tmp_path, monkeypatch):
    runaway(monkeypatch, set(range(10)))
    shop = renderer(synthesizer, tmp_path, 8, retries=0)
    result = render(shop, [item(4, seed=0), item(1, seed=100)])
    assert isinstance(result["i4"], Failed)
    assert isinstance(result["i1"], Rendered)


def prompt_item(folder: Path, number: int, text: str = "") -> Item:
    path = folder / "p.wav"
    soundfile.write(path, speech_like(2.0), SAMPLE_RATE)
    row = Row(number, f"i{number}", "Hello.", prompt_wav=str(path), prompt_text=text)
    return Item(row, "k", Digests(folder / "other.json").of(path), "")


@pytest.mark.parametrize("text", ["", "what is said"])
def test_prompts_are_encoded_once(synthesizer, tmp_path, monkeypatch, text):
    first = prompt_item(tmp_path, 1, text)
    shop = renderer(synthesizer, tmp_path, 2)
    result = render(shop, [first])["i1"]
    assert isinstance(result, Rendered)
    assert len(list((tmp_path / ".cat-tts/prompts").iterdir())) == 1
    # Neither the recording nor the encoder is needed again, also not by another run.
    Path(first.row.prompt_wav or "").unlink()
    monkeypatch.setattr(PromptEncoder, "voice", None)
    for again in (shop, renderer(synthesizer, tmp_path)):
        assert_same({"i1": result}, render(again, [first]))


def test_continuing_a_prompt_is_what_say_does(synthesizer, tmp_path):
    one = prompt_item(tmp_path, 1, "what is said")
    shop = renderer(synthesizer, tmp_path, 2)
    result = render(shop, [one, item(3)])["i1"]
    voice = shop.prompts.voice(one)
    options = SpeechOptions(voice=voice, continuation=synthesizer.continues(voice))
    said = synthesizer.synthesize(one.row.text, options)
    assert torch.equal(result.codes, said.codes)
    assert np.abs(result.wav - said.wav).max() < 1e-5


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_prompt_that_goes_away_fails_its_item_alone(synthesizer, tmp_path, what):
    one = prompt_item(tmp_path, 1)
    path = Path(one.row.prompt_wav or "")
    path.unlink()
    if what == "changed":
        soundfile.write(path, speech_like(2.0, seed=5), SAMPLE_RATE)
    result = render(renderer(synthesizer, tmp_path, 2), [one, item(3)])
    assert isinstance(result["i3"], Rendered)
    assert not result["i1"].lasting
    assert "p.wav" in result["i1"].reason


def test_codes_only_makes_no_sound(synthesizer, tmp_path):
    whole = render(renderer(synthesizer, tmp_path), [item(1)])["i1"]
    codes = render(renderer(synthesizer, tmp_path, 2, codes_only=True), [item(1)])
    assert codes["i1"].wav is None
    assert torch.equal(codes["i1"].codes, whole.codes)
    assert codes["i1"].seconds == pytest.approx(whole.codes.shape[1] * 1920 / SAMPLE_RATE)


def test_guard_hears_repetition():
    generator = torch.Generator().manual_seed(0)
    speech = torch.randint(1024, (8, 100), generator=generator)
    assert longest_repeat(speech, 12) == 0
    assert code_complaint(speech, "eos", 12.5, 3.0) is None
    for period in (1, 3, 7):
        looped = speech.clone()
        looped[:2, 20:80] = speech[:2, 20 : 20 + period].repeat(1, 60)[:, :60]
        assert longest_repeat(looped, 12) >= 60
        assert "repetition: the same for" in str(code_complaint(looped, "eos", 12.5, 3.0))
        assert code_complaint(looped, "eos", 12.5, 0) is None
        assert code_complaint(looped, "eos", 12.5, 6.0) is None
    assert "runaway" in str(code_complaint(speech, "budget", 12.5, 3.0))
    assert "empty" in str(code_complaint(speech[:, :0], "eos", 12.5, 3.0))
    assert code_complaint(speech[:, :1], "eos", 12.5, 3.0) is None


def test_guard_hears_silence():
    speech = speech_like(2.0)
    paused = np.concatenate([speech, np.zeros(round(3.5 * SAMPLE_RATE), np.float32), speech])
    assert sound_complaint(speech, SAMPLE_RATE, 3.0) is None
    assert sound_complaint(paused, SAMPLE_RATE, 3.0) == "silence: a pause of 3.5 s"
    assert sound_complaint(paused, SAMPLE_RATE, 4.0) is None
    assert sound_complaint(paused, SAMPLE_RATE, 0) is None
    assert "nothing can be heard" in str(sound_complaint(0 * speech, SAMPLE_RATE, 3.0))
    assert "nothing can be heard" in str(sound_complaint(speech[:0], SAMPLE_RATE, 3.0))


def test_pauses_that_were_asked_for():
    assert asked_pause_s("no pause") == 0
    assert asked_pause_s("a [pause 0.6s] b [pause 1500ms]") == 1.5
    assert asked_pause_s("a [pause ..s]") == 0


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg", "opus"])
def test_the_same_sound_is_the_same_bytes(ending):
    wav = speech_like(2.5)
    first = encode_sound(wav, SAMPLE_RATE, ending)
    time.sleep(1.1)  # encoders of Ogg go by the clock
    assert encode_sound(wav, SAMPLE_RATE, ending) == first
    back, rate = soundfile.read(io.BytesIO(first))
    assert rate in (SAMPLE_RATE, 48000)
    assert len(back) / rate == pytest.approx(2.5, abs=0.1)
    level = np.sqrt(np.square(back).mean()) / np.sqrt(np.square(wav).mean())
    assert level == pytest.approx(1, abs=0.1)


def test_codes_as_bytes_are_what_the_tokenizer_stores(tmp_path):
    from tokenizer.codes import codes_bytes, load_codes

    codes = torch.randint(1024, (8, 25))
    data = codes_bytes(codes, {"transcript": "a", "codec": "c"})
    assert torch.equal(load(data)["codes"].long(), codes)
    (tmp_path / "a.safetensors").write_bytes(data)
    stored = load_codes(tmp_path / "a.safetensors")
    assert torch.equal(stored.codes, codes)
    assert stored.metadata["transcript"] == "a"
    assert data == codes_bytes(codes, {"codec": "c", "transcript": "a"})


def test_voice_files_are_read_once(synthesizer, tmp_path, monkeypatch):
    reads = []

    def counted(name, text):
        reads.append(name)
        return load_voice(name, text)

    monkeypatch.setattr("tts.synthesizer.load_voice", counted)
    render(renderer(synthesizer, tmp_path), [item(n) for n in range(3)])
    assert reads == ["tiny"]

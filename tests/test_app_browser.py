"""What a user does with the page, in a real browser on a real server; see `browsing`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from browsing import READY, expert, finished, speak, upload, write
from serving import running, spoken_alone, wait_until
from tiny import SAMPLE_RATE, speech_like
from tokenizer.audio import to_int16
from tts.folders import voices_folder
from tts.serve.service import SpeechService
from tts.synthesizer import SpeechOptions

pytestmark = pytest.mark.browser

TEXT = "Hello there. The kettle is on! Would you like some tea?"
LONG = "This sentence is one of very many that nobody will wait for. " * 12
# What of the browser's own sound output can be told from outside it.
LOUDNESS = """async (src) => {
  const data = await (await fetch(src)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, 24000).decodeAudioData(data);
  const wav = sound.getChannelData(0);
  const power = wav.reduce((sum, x) => sum + x * x, 0) / wav.length;
  return {duration: sound.duration, rms: Math.sqrt(power)};
}"""
HAS_LENGTH = "document.querySelector('#cat-audio').duration > 0"
METER = """() => {
  const meter = catTts.live.meter, wave = new Float32Array(meter.fftSize);
  meter.getFloatTimeDomainData(wave);
  return Math.max(...wave.map(Math.abs));
}"""


def loudness(page) -> dict[str, float]:
    return page.evaluate(LOUDNESS, page.get_attribute("#cat-audio", "src"))


def downloaded(page, ending: str, folder: Path) -> np.ndarray:
    with page.expect_download() as download:
        page.click(f"#cat-downloads a:has-text('{ending}')")
    path = folder / f"sound.{ending}"
    download.value.save_as(path)
    return soundfile.read(path, dtype="int16")[0]


def test_type_choose_a_voice_and_hear(page, page_service: SpeechService, slowly, tmp_path: Path):
    write(page, TEXT)
    expert(page)
    page.click("[data-voice=other] label")
    page.fill("[name=seed]", "7")
    page.click("#cat-speak")
    page.wait_for_function("catTts.live?.begun", timeout=20_000)
    assert page.evaluate("document.querySelector('#cat-audio').hidden"), "it waited for the end"
    assert wait_until(lambda: page.evaluate(METER) > 0.01), "nothing came out of the player"
    finished(page)
    page.wait_for_function(HAS_LENGTH)
    sound = loudness(page)
    options = SpeechOptions(voice="other", seed=7)
    expected = spoken_alone(page_service.synthesizer, TEXT, options)
    assert sound["duration"] == pytest.approx(len(expected) / SAMPLE_RATE, abs=0.01)
    assert sound["rms"] > 0.01
    for ending in ("wav", "flac"):
        assert np.array_equal(downloaded(page, ending, tmp_path), to_int16(expected))
    for ending in ("mp3", "ogg"):
        assert abs(len(downloaded(page, ending, tmp_path)) - len(expected)) < SAMPLE_RATE / 10
    facts = page.inner_text("#cat-facts")
    for word in ("duration", "RTF", "first sound after", "seed"):
        assert word in facts
    page.click("#cat-again")
    finished(page)
    assert np.array_equal(downloaded(page, "wav", tmp_path), to_int16(expected))
    assert page.locator("#cat-history li").count() == 2


def test_the_scheduled_sound_has_no_gaps(page, slowly):
    """Chunks lie edge to edge: in one span, and with every sample that was made."""
    speak(page, TEXT)
    page.wait_for_function(HAS_LENGTH)
    spans, given, total = page.evaluate(
        "[catTts.live.spans.length, catTts.live.given,"
        " Math.round(document.querySelector('#cat-audio').duration * 24000)]"
    )
    assert abs(given - total) <= 1
    assert spans >= 1


def test_stop_stops_a_long_one(page, page_service: SpeechService, slowly):
    assert page.is_disabled("#cat-stop")
    write(page, LONG)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("catTts.live?.begun", timeout=20_000)
    value = page.get_attribute("#cat-progress", "value")
    assert value is not None
    assert 0 < float(value) < 0.9
    page.click("#cat-stop")
    finished(page, "stopped")
    assert page.is_disabled("#cat-stop")
    worker = page_service.worker
    assert wait_until(lambda: not worker.busy and worker.waiting == 0, 5)
    assert 0 < loudness(page)["duration"] < 30


def test_a_recording_becomes_a_voice_that_is_there_after_a_reload(
    page, page_service: SpeechService, tmp_path: Path
):
    path = tmp_path / "me.ogg"
    soundfile.write(path, speech_like(2.5), SAMPLE_RATE)
    upload(page, path)
    page.wait_for_selector("#cat-report[data-prompt]", timeout=30_000)
    assert "s of speech" in page.inner_text("#cat-report")
    assert page.is_checked("[data-voice=''] input")
    speak(page, "Hello.")
    assert loudness(page)["rms"] > 0.01
    page.fill("#cat-name", "me-myself")
    page.click("#cat-save button")
    page.wait_for_selector("[data-voice=me-myself]")
    assert (voices_folder() / "me-myself.safetensors").is_file()
    page.reload()
    page.wait_for_selector(READY, timeout=60_000)
    page.click("[data-voice=me-myself] label")
    speak(page, "Hello.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("[data-voice=me-myself] button[aria-label^=Delete]")
    page.wait_for_selector("[data-voice=me-myself]", state="detached")
    assert not (voices_folder() / "me-myself.safetensors").exists()


def test_a_useless_recording_is_told_so(page, tmp_path: Path):
    for name, data in (("silent.wav", None), ("text.wav", b"this is a text, not a sound")):
        path = tmp_path / name
        if data is None:
            soundfile.write(path, np.zeros(2 * SAMPLE_RATE), SAMPLE_RATE)
        else:
            path.write_bytes(data)
        upload(page, path)
        page.wait_for_selector("#cat-report:has-text('cannot be used')", timeout=30_000)
        assert page.locator("#cat-report[data-prompt]").count() == 0
        page.reload()
        page.wait_for_selector(READY, timeout=60_000)


def test_a_pronunciation_is_overridden_by_a_click(page):
    write(page, "I went to the 银行 at 3:30.")
    page.click("#cat-said button:has-text('银行')")
    page.fill("#cat-edit-said", "yin2 xing2")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cat-said button.cat-own:has-text('银行')")
    text = page.input_value("#cat-text textarea")
    assert text == "I went to the [银行](yin2 xing2) at 3:30."
    page.click("#cat-said button.cat-own")
    page.fill("#cat-edit-said", "nonsense9")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cat-toast.cat-bad:not(:empty)")
    page.click("#cat-edit button:has-text('As before')")
    page.wait_for_function(
        "document.querySelector('#cat-text textarea').value === 'I went to the 银行 at 3:30.'"
    )


def test_a_piece_is_said_again(page, tmp_path: Path):
    speak(page, TEXT)
    before = downloaded(page, "wav", tmp_path)
    page.click("#cat-pieces li:nth-child(2) button")
    page.wait_for_selector("#cat-pieces li:nth-child(2).cat-speaking", state="detached")
    page.wait_for_selector("#cat-pieces li:nth-child(2) button")
    after = downloaded(page, "wav", tmp_path)
    assert not np.array_equal(before, after)
    assert np.array_equal(before[:4000], after[:4000])


def test_the_word_that_is_heard_lights_up_and_a_click_plays_from_it(page, slowly):
    write(page, TEXT)
    page.click("#cat-speak")
    words = page.locator("#cat-words .cat-heard")
    # While it is still being made.
    page.wait_for_selector("#cat-words .cat-lit", timeout=20_000)
    assert page.inner_text("#cat-status") == "Speaking"
    finished(page)
    page.wait_for_function(HAS_LENGTH)
    assert words.all_inner_texts() == [word.strip(".!?") for word in TEXT.split()]
    assert page.inner_text("#cat-words") == TEXT
    page.wait_for_function("catTts.live.context.state === 'closed'", timeout=60_000)
    for index, word in ((3, "kettle"), (0, "Hello")):
        words.nth(index).click()
        page.wait_for_function(
            "word => document.querySelector('#cat-words .cat-lit')?.textContent === word",
            arg=word,
            timeout=20_000,
        )
    assert page.evaluate("!document.querySelector('#cat-audio').paused")


def test_a_voice_can_be_listened_to(page):
    with page.expect_response("**/v1/voices/tiny/sample") as answer:
        page.click("[data-voice=tiny] button")
    assert answer.value.ok


def test_errors_are_told_in_words(page):
    speak_button = page.locator("#cat-speak")
    write(page, "   ")
    speak_button.click()
    assert "Type some text" in page.inner_text("#cat-problem")
    write(page, "[x](Q9)")
    speak_button.click()
    page.wait_for_selector("#cat-problem:has-text('Q9')")
    finished(page, "failed")


def test_everything_has_a_name_for_screen_readers(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, audio, canvas, progress')]
        .filter(e => e.checkVisibility({visibilityProperty: true}))
        .filter(e => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.title
          || e.labels?.length || e.getAttribute('aria-labelledby')))
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_the_page_works_behind_a_password(browser, page_service: SpeechService):
    from tts.serve.settings import Access
    from tts.serve.webui.server import create_app

    with running(create_app(page_service, Access("anna", "secret"))) as address:
        credentials = {"username": "anna", "password": "secret"}
        page = browser.new_page(http_credentials=credentials)
        page.goto(f"{address}/en/")
        page.wait_for_selector(READY, timeout=60_000)
        speak(page, "Hello.")
        assert loudness(page)["rms"] > 0.01
        page.close()

"""Sound files in and out, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tiny import SAMPLE_RATE, speech_like
from tokenizer.audio import (
    ENDINGS,
    PEAK_LIMIT,
    AudioError,
    check_writable,
    is_silent,
    normalize_loudness,
    quietest_cut,
    read_audio,
    trim_silence,
    write_audio,
)
from tokenizer.files import OutputError, replacing
from tts.serve.uploads import decode_upload


def rms_db(wav: np.ndarray) -> float:
    return float(10 * np.log10(np.square(wav, dtype=np.float64).mean()))


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_every_format_round_trips(tmp_path, ending):
    # Three seconds and a bit, so that more than one block is written.
    wav = speech_like(3.3)
    path = tmp_path / f"sound{ending.upper()}"
    write_audio(path, wav, SAMPLE_RATE)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    back = read_audio(path, SAMPLE_RATE)
    assert back.dtype == np.float32
    if ending in (".wav", ".flac"):
        assert len(back) == len(wav)
        assert np.abs(back - wav).max() < 1e-4
    else:
        assert abs(len(back) - len(wav)) < 0.1 * SAMPLE_RATE
        assert abs(rms_db(back) - rms_db(wav)) < 1.0


def test_loud_samples_are_clipped_not_wrapped(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([2.0, -2.0, 0.5], np.float32), SAMPLE_RATE)
    back = read_audio(tmp_path / "a.wav", SAMPLE_RATE)
    assert np.abs(back - [1.0, -1.0, 0.5]).max() < 1e-4


@pytest.mark.parametrize("second", [-1.0, -0.95])
def test_channels_that_cancel_do_not_become_silence(tmp_path, second):
    wav = speech_like(1.0)
    soundfile.write(tmp_path / "s.wav", np.stack([wav, second * wav], axis=1), SAMPLE_RATE)
    uploaded = decode_upload((tmp_path / "s.wav").read_bytes(), SAMPLE_RATE, 9.0)
    for back in (read_audio(tmp_path / "s.wav", SAMPLE_RATE), uploaded):
        assert np.abs(np.abs(back) - np.abs(wav)).max() < 1e-3


def test_channels_are_averaged_and_rates_changed(tmp_path):
    time = np.arange(44100) / 44100
    left, right = 0.5 * np.sin(2 * np.pi * 440 * time), 0.1 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "s.wav", np.stack([left, right], axis=1), 44100)
    wav = read_audio(tmp_path / "s.wav", SAMPLE_RATE)
    assert wav.shape == (SAMPLE_RATE,)
    expected = 0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    inner = slice(500, -500)
    assert np.abs(wav - expected)[inner].max() < 2e-3


def test_resampling_keeps_aliases_out(tmp_path):
    time = np.arange(48000) / 48000
    soundfile.write(tmp_path / "h.wav", 0.5 * np.sin(2 * np.pi * 15000 * time), 48000)
    assert np.abs(read_audio(tmp_path / "h.wav", SAMPLE_RATE)[500:-500]).max() < 1e-3


def test_unreadable_files_are_named(tmp_path):
    corrupt, empty, nan = tmp_path / "c.wav", tmp_path / "e.wav", tmp_path / "n.wav"
    corrupt.write_bytes(b"RIFF then nothing that makes sense" * 9)
    soundfile.write(empty, np.zeros(0, np.float32), SAMPLE_RATE)
    soundfile.write(nan, np.array([0.1, np.nan], np.float32), SAMPLE_RATE, subtype="FLOAT")
    cases = {
        corrupt: "cannot be read as sound",
        empty: "no samples",
        nan: "NaN",
        tmp_path: "is a folder",
        tmp_path / "absent.wav": "no such file",
    }
    for path, words in cases.items():
        with pytest.raises(AudioError, match=words) as caught:
            read_audio(path, SAMPLE_RATE)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.xyz", "a", ".wav", "a.wav.part"])
def test_unknown_endings_name_the_known_ones(tmp_path, name):
    with pytest.raises(AudioError, match=r"\.wav, \.flac, \.mp3, \.ogg, \.opus"):
        check_writable(tmp_path / name)


def test_unwritable_places(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.wav").mkdir()
    for path, words in {
        tmp_path / "absent" / "a.wav": "does not exist",
        tmp_path / "file" / "a.wav": "not a folder",
        tmp_path / "folder.wav": "is a folder",
    }.items():
        for act in (check_writable, lambda p: write_audio(p, speech_like(0.1), SAMPLE_RATE)):
            with pytest.raises(OutputError, match=words):
                act(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.wav"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="may write"):
        check_writable(folder / "a.wav")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_file_system_that_takes_no_files():
    with pytest.raises(OutputError, match="cannot write"):
        check_writable("/proc/a.wav")


def test_check_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_the_format_cannot_hold(tmp_path):
    with pytest.raises(AudioError, match="44100 Hz"):
        write_audio(tmp_path / "a.opus", speech_like(0.2, 44100), 44100)
    assert list(tmp_path.iterdir()) == []


def test_wrong_shapes_and_values_are_not_written(tmp_path):
    for bad in (np.zeros((2, 500), np.float32), np.array([np.inf], np.float32)):
        with pytest.raises(AudioError, match="finite"):
            write_audio(tmp_path / "a.wav", bad, SAMPLE_RATE)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(target) as temporary:  # noqa: PT012
        temporary.write_bytes(b"half of the n")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_link_is_written_through(tmp_path):
    (tmp_path / "real.wav").write_bytes(b"")
    (tmp_path / "link.wav").symlink_to("real.wav")
    write_audio(tmp_path / "link.wav", speech_like(0.2), SAMPLE_RATE)
    assert (tmp_path / "link.wav").is_symlink()
    assert len(read_audio(tmp_path / "real.wav", SAMPLE_RATE)) == round(0.2 * SAMPLE_RATE)


@pytest.mark.parametrize("gain", [0.02, 1.0, 3.0])
def test_loudness_is_that_of_the_speech(gain):
    speech = speech_like(2.0)
    pauses = np.zeros(SAMPLE_RATE, np.float32)
    levelled = normalize_loudness(gain * np.concatenate([pauses, speech, pauses]))
    assert abs(rms_db(levelled[SAMPLE_RATE:-SAMPLE_RATE]) + 23.0) < 0.3
    assert levelled.dtype == np.float32


def test_loudness_stops_at_the_peak_limit():
    click = speech_like(1.0) * 0.02
    click[5000] = 0.9
    levelled = normalize_loudness(click, -10.0)
    assert np.abs(levelled).max() == pytest.approx(PEAK_LIMIT, rel=1e-5)


def test_silence_has_no_loudness():
    silence = np.full(SAMPLE_RATE, 1e-4, np.float32)
    assert is_silent(silence)
    assert is_silent(silence[:0])
    assert not is_silent(speech_like(0.1))
    with pytest.raises(AudioError, match="silent"):
        normalize_loudness(silence)
    with pytest.raises(AudioError, match="target_dbfs"):
        normalize_loudness(speech_like(1.0), 3.0)


def test_trimming_keeps_a_margin():
    speech = speech_like(1.0)
    trimmed = trim_silence(np.pad(speech, SAMPLE_RATE), SAMPLE_RATE)
    assert len(speech) <= len(trimmed) <= len(speech) + 0.15 * SAMPLE_RATE
    assert len(trim_silence(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE)) == 0
    assert np.array_equal(trim_silence(speech, SAMPLE_RATE), speech)


def test_cut_falls_into_the_pause():
    wav = np.full(6 * SAMPLE_RATE, 0.3, np.float32)
    wav[int(3.4 * SAMPLE_RATE) : int(3.6 * SAMPLE_RATE)] = 0.0
    cut = quietest_cut(wav, SAMPLE_RATE, 3.0, 4.0) / SAMPLE_RATE
    assert 3.4 < cut < 3.6

"""Manifests: what can be read, and how faults are told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from batching import arguments, contents, make_home, write_rows
from tiny import SAMPLE_RATE, speech_like, tiny_codec, tiny_voice
from tts.__main__ import main
from tts.batch.manifest import Manifest, ManifestError, read_manifest
from tts.batch.rows import MAX_ID_BYTES, MAX_TEXT_CHARS, Defaults, Row
from tts.folders import HOME_VARIABLE
from tts.model.config import MAX_SEED
from tts.voices import save_voice


def read(path: Path, text: str | bytes, **defaults: object) -> Manifest:
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_manifest(path, Defaults(path.parent, **defaults))  # type: ignore[arg-type]


def test_csv_with_quotes_line_breaks_and_private_columns(tmp_path):
    text = '\ufeffid,text,_note,seed\r\na,"One, ""two""\nthree.",x,7\r\n\r\nb,Four.,,\r\n'
    manifest = read(tmp_path / "m.csv", text, seed=3, lang="en")
    assert manifest.faults == []
    assert manifest.rows == [
        Row(line=2, id="a", text='One, "two"\nthree.', lang="en", seed=7),
        Row(line=5, id="b", text="Four.", lang="en", seed=3),
    ]


def test_tsv_and_sampling_of_rows(tmp_path):
    text = "text\ttop_k\ttemperature\tformat\nHello, you.\t5\t0.5\tFLAC\nBye.\t\t\t\n"
    manifest = read(tmp_path / "m.tsv", text, sampling=(("temperature", 0.9),))
    assert manifest.faults == []
    first, second = manifest.rows
    assert first.id == "0000002"
    assert first.format == "flac"
    assert first.sampling == (("temperature", 0.5), ("top_k", 5))
    assert second.sampling == (("temperature", 0.9),)


def test_json_lines(tmp_path):
    text = '{"id": 7, "text": "Hi.", "top_p": 0.5, "seed": null, "_who": [1]}\n\n{"text": "好"}\n'
    manifest = read(tmp_path / "m.jsonl", text)
    assert manifest.faults == []
    assert [(r.id, r.text, r.line) for r in manifest.rows] == [
        ("7", "Hi.", 1),
        ("0000003", "好", 3),
    ]
    assert manifest.rows[0].sampling == (("top_p", 0.5),)


def test_seed_tts_meta(tmp_path):
    text = "a|said|p/a.wav|to say\nb.wav|to say|p/b.wav\nc|to say\nd|said|p/d.wav|to say|t.wav\n"
    manifest = read(tmp_path / "meta.lst", text)
    assert manifest.faults == []
    assert [row.id for row in manifest.rows] == ["a", "b", "c", "d"]
    assert all(row.text == "to say" for row in manifest.rows)
    assert [row.prompt_text for row in manifest.rows] == ["said", "", "", "said"]
    assert manifest.rows[0].prompt_wav == str(tmp_path / "p/a.wav")
    assert manifest.rows[2].prompt_wav is None


def test_plain_text_names_lines(tmp_path):
    manifest = read(tmp_path / "m.txt", "One.\n\n  Two.\n")
    assert [(row.id, row.text) for row in manifest.rows] == [
        ("0000001", "One."),
        ("0000003", "Two."),
    ]


def test_voice_of_the_command_line_yields_to_a_prompt(tmp_path):
    text = "text,voice,prompt_wav\na,,\nb,heart,\nc,,p.wav\n"
    manifest = read(tmp_path / "m.csv", text, voice="michael")
    assert [row.voice for row in manifest.rows] == ["michael", "heart", None]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "id,txt\na,b\n", ["'txt'", "columns: id, text", "'_'"]),
        ("m.csv", "id,text,id\na,b,c\n", ["twice"]),
        ("m.csv", "id,voice\na,b\n", ["no column 'text'"]),
        ("m.csv", '"id,text\na,b\n', ["header"]),
        ("m.csv", "", ["no column 'text'"]),
        ("m.csv", "id,text\n", ["no rows"]),
        ("m.txt", "\n\n", ["no rows"]),
        ("m.xls", "text\n", ["ending", "--manifest-format"]),
    ],
)
def test_useless_manifests(tmp_path, name, text, words):
    with pytest.raises(ManifestError) as error:
        read(tmp_path / name, text)
    for word in words:
        assert word in str(error.value)


def test_missing_manifest(tmp_path):
    with pytest.raises(ManifestError, match="No such file"):
        read_manifest(tmp_path / "m.csv", Defaults(tmp_path))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("[1]", "a JSON list"),
        ('{"text": "a"', "is not JSON"),
        ('{"text": "a", "txt": 1}', "unknown key 'txt'"),
        ('{"text": "a", "text": "b"}', "twice"),
        ('{"text": ["a"]}', "text is ['a']"),
        ('{"text": "a", "seed": true}', "seed is True"),
        ('{"text": "a", "seed": 1.5}', "seed is 1.5"),
        ('{"text": "a", "temperature": NaN}', "temperature is nan"),
        ('{"text": "\\ud800"}', "UTF-8"),
        ('{"id": "a", "text": ""}', "text is empty"),
        ("[" * 100_000, "nested"),
    ],
    ids=lambda value: value[:20],
)
def test_bad_json_lines(tmp_path, line, word):
    manifest = read(tmp_path / "m.jsonl", f'{{"text": "good"}}\n{line}\n')
    assert len(manifest.rows) == 1
    assert [fault.line for fault in manifest.faults] == [2]
    assert word in manifest.faults[0].reason


@pytest.mark.parametrize("name", ["two words", "a" * 201, "a/b", ".hidden", " "])
def test_the_rule_of_ids_is_told(tmp_path, name):
    (fault,) = read(tmp_path / "m.jsonl", json.dumps({"id": name, "text": "Hi."})).faults
    assert "1 to 200 bytes of UTF-8, no space, none of / " in fault.reason


def test_bad_meta_lines(tmp_path):
    manifest = read(tmp_path / "meta.lst", "a\nb|c|d|e|f|g\nok|text\n|text\n")
    assert [(fault.line, fault.reason[:10]) for fault in manifest.faults] == [
        (1, "1 fields b"),
        (2, "6 fields b"),
        (4, "id is empt"),
    ]


def sounds(folder: Path) -> None:
    """Recordings that cannot be prompts, and a good one."""
    wavs = {
        "good": speech_like(2.0),
        "short": speech_like(0.4),
        "long": speech_like(31.0),
        "silent": np.zeros(2 * SAMPLE_RATE, np.float32),
        "pauses": np.pad(speech_like(0.4), SAMPLE_RATE),
        "none": np.zeros(0, np.float32),
    }
    for name, wav in wavs.items():
        soundfile.write(folder / f"{name}.wav", wav, SAMPLE_RATE)
    (folder / "noise.wav").write_bytes(bytes(range(256)) * 40)
    (folder / "folder.wav").mkdir()


# What a row says besides a good id and text, and what the fault must name.
BAD: list[tuple[dict[str, str], str]] = [
    ({"id": ""}, "id is empty"),
    ({"id": "a b"}, "space"),
    ({"id": "../up"}, "file names"),
    ({"id": ".hidden"}, "dot"),
    ({"id": "x" * (MAX_ID_BYTES + 1)}, f"has {MAX_ID_BYTES + 1} bytes"),
    ({"id": "bell\x07"}, "file names"),
    ({"id": "good-1"}, "'good-1' is that of line 2 too"),
    ({"id": "GOOD-1"}, "differ by case only"),
    ({"text": ""}, "text is empty"),
    ({"text": " \t "}, "text is empty"),
    ({"text": "?!... --"}, "nothing to say"),
    ({"text": "a" * (MAX_TEXT_CHARS + 1)}, f"{MAX_TEXT_CHARS + 1} characters"),
    ({"text": "be\x08ll"}, "control characters"),
    ({"text": "caf\udce9"}, "not UTF-8"),
    ({"text": "[minute](M AY9 NOPE)"}, "ARPAbet"),
    ({"voice": "nobody"}, "voice 'nobody' is unknown; voices:"),
    ({"voice": "broken"}, "'broken' is damaged"),
    ({"voice": "foreign"}, "another tokenizer"),
    ({"voice": "tiny", "prompt_wav": "good.wav"}, "both voice and prompt_wav"),
    ({"prompt_text": "said"}, "give prompt_wav too"),
    ({"prompt_wav": "absent.wav"}, "No such file"),
    ({"prompt_wav": "folder.wav"}, "directory"),
    ({"prompt_wav": "noise.wav"}, "cannot be read as sound"),
    ({"prompt_wav": "short.wav"}, "too short: 0.40 s"),
    ({"prompt_wav": "long.wav"}, "too long: 31.0 s"),
    ({"prompt_wav": "silent.wav"}, "silent"),
    ({"prompt_wav": "pauses.wav"}, "not silence"),
    ({"prompt_wav": "none.wav"}, "no samples"),
    ({"lang": "fr"}, "auto, en, zh"),
    ({"seed": "x"}, "seed is 'x'; give a whole number"),
    ({"seed": "-1"}, f"seed is -1; use 0 to {MAX_SEED}"),
    ({"seed": str(MAX_SEED + 1)}, "seed is"),
    ({"format": "m4a"}, "wav, flac, mp3, opus, ogg"),
    ({"num_codebooks": "0"}, "num_codebooks is 0"),
    ({"num_codebooks": "5"}, "this model has 1..4"),
    ({"num_codebooks": "all"}, "num_codebooks is 'all'"),
    ({"temperature": "warm"}, "temperature is 'warm'; give a number"),
    ({"temperature": "nan"}, "temperature is 'nan'"),
    ({"temperature": "6"}, "temperature is 6"),
    ({"top_p": "0"}, "top_p is 0"),
    ({"top_k": "-1"}, "top_k is -1"),
    ({"top_k": "1.5"}, "top_k is '1.5'"),
    ({"repetition_penalty": "0"}, "repetition_penalty is 0"),
    ({"guidance": "-1"}, "guidance is -1"),
    ({"text_temperature": "9"}, "text_temperature is 9"),
]
# Lines that are no rows at all.
BROKEN = [("one,two", "2 cells, the header has"), ('x,"a"b' + "," * 12, "cannot be read")]


def bad_manifest(folder: Path) -> Path:
    names = ["id", "text", *sorted({k for row, _ in BAD for k in row} - {"id", "text"})]
    good = [{"id": f"good-{i}", "text": "Yes."} for i in (1, 2)]
    bad = [{"id": f"bad-{i}", "text": "No.", **row} for i, (row, _) in enumerate(BAD)]
    rows = [dict.fromkeys(names, "") | row for row in [*good, *bad]]
    path = folder / "m.csv"
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
        file.writelines(f"{line}\r\n" for line, _ in BROKEN)
    return path


def test_all_faults_are_told_before_any_work(tmp_path, monkeypatch, capsys):
    home = make_home(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(home / "home"))
    voices = home / "home" / "voices"
    (voices / "broken.safetensors").write_bytes(b"nothing")
    save_voice(tiny_voice("foreign", codec=tiny_codec(seed=1)), voices)
    sounds(tmp_path)
    manifest, output = bad_manifest(tmp_path), tmp_path / "out"
    assert main(arguments(home, manifest, output)) == 2
    err = capsys.readouterr().err
    told = {}
    for line in err.splitlines()[:-1]:
        place, _, reason = line.partition("m.csv:")[2].partition(": ")
        told[int(place)] = reason
    expected = [reason for _, reason in BAD + BROKEN]
    assert len(expected) > 30
    assert list(told) == list(range(4, 4 + len(expected)))
    for reason, word in zip(told.values(), expected, strict=True):
        assert word in reason
    assert f"{len(expected)} bad rows beside 2 good ones" in err.splitlines()[-1]
    assert not output.exists()
    # With --skip-bad the good ones are done, and no others.
    assert main(arguments(home, manifest, output, "--skip-bad")) == 4
    assert sorted(contents(output)) == ["metadata.csv", "wavs/good-1.wav", "wavs/good-2.wav"]


def test_skip_bad_with_nothing_good(tmp_path, monkeypatch, capsys):
    home = make_home(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(home / "home"))
    manifest = write_rows(tmp_path / "m.jsonl", [{"text": ""}])
    assert main(arguments(home, manifest, tmp_path / "out", "--skip-bad")) == 2
    assert "1 bad rows beside 0 good ones" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

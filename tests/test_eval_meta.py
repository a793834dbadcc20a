"""The official meta files: 2, 3, 4 or 5 fields, paths relative to the file."""

from pathlib import Path

import pytest

from eval.systems.meta import MetaError, MetaItem, guess_lang, parse_line, read_meta

HERE = Path("/data/en")


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("u1|Say this.", MetaItem("u1", "Say this.")),
        ("u1.wav|Say this.|p/a.wav", MetaItem("u1", "Say this.", "", HERE / "p/a.wav")),
        ("u1|He said.|p.wav|Say it.", MetaItem("u1", "Say it.", "He said.", HERE / "p.wav")),
        (
            "u1|He said.|/abs/p.wav|Say it.|wavs/u1.wav\n",
            MetaItem("u1", "Say it.", "He said.", Path("/abs/p.wav"), HERE / "wavs/u1.wav"),
        ),
        # Only the three-field form strips the ending, as the official script does.
        ("u1.wav|Say this.", MetaItem("u1.wav", "Say this.")),
        ("u1|He said.||Say it.|", MetaItem("u1", "Say it.", "He said.")),
        (
            "10002287-00000094|在此|p.wav|你好。",
            MetaItem("10002287-00000094", "你好。", "在此", HERE / "p.wav"),
        ),
    ],
)
def test_fields(line: str, item: MetaItem):
    assert parse_line(line, HERE) == item


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("only one", "1 fields"),
        ("a|b|c|d|e|f", "6 fields"),
        ("|text", "is empty"),
        ("u1|p|w.wav|", "is empty"),
        ("u1|...", "is empty"),
        ("u1|A text with | a bar", "'a bar' stands where a recording belongs"),
        ("u1|p|w.wav|A text with | a bar", "stray"),
        ("u1|A prompt with | a bar|w.wav|Text.", "stray"),
        ("../u1|text", "plain file name"),
        (".hidden|text", "plain file name"),
    ],
)
def test_bad_lines(line: str, match: str):
    with pytest.raises(MetaError, match=match):
        parse_line(line, HERE)


def test_file(tmp_path: Path):
    meta = tmp_path / "meta.lst"
    meta.write_text("\ufeffa|One.\r\n\n b|Two.\n c |Three.\n", encoding="utf-8")
    assert [(i.utt, i.text) for i in read_meta(meta)] == [
        ("a", "One."),
        ("b", "Two."),
        ("c", "Three."),
    ]
    assert [i.utt for i in read_meta(meta, 2)] == ["a", "b"]
    assert guess_lang(read_meta(meta)) == "en"
    assert guess_lang([MetaItem("a", "我用GPT"), MetaItem("b", "好"), MetaItem("c", "OK")]) == "zh"


def test_bad_files(tmp_path: Path):
    meta = tmp_path / "meta.lst"
    with pytest.raises(MetaError, match="cannot read"):
        read_meta(meta)
    meta.write_text("a|One.\nb\n")
    with pytest.raises(MetaError, match="line 2: 1 fields"):
        read_meta(meta)
    meta.write_text("a|One.\na|Two.\n")
    with pytest.raises(MetaError, match="line 2: utterance 'a' occurs twice"):
        read_meta(meta)
    meta.write_text("\n")
    with pytest.raises(MetaError, match="no item"):
        read_meta(meta)
    with pytest.raises(MetaError, match="limit is 0"):
        read_meta(meta, 0)
    meta.write_bytes(b"a|\xff\xfe\n")
    with pytest.raises(MetaError, match="cannot read"):
        read_meta(meta)

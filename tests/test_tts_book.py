"""Books: chapters of each kind of file, killed and resumed, marks read back by mutagen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mutagen.id3
import mutagen.mp4
import numpy as np
import pytest
import soundfile
from ebooklib import epub
from pyloudnorm import Meter

from batching import environment, make_home
from tokenizer.audio import read_sound
from tts.__main__ import main
from tts.book.chapters import PART_CHARS, BookError, Chapter, parts_of, read_book
from tts.book.sound import chapter_file, levelled
from tts.folders import HOME_VARIABLE

STORY = "\n\n".join(
    f"# Chapter {n}\n\n" + "\n\n".join(f"Sentence {n} {k} of it. And more." for k in range(3))
    for n in (1, 2, 3)
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def book(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run `cat-tts book` in an empty folder with the tiny model."""
    monkeypatch.setenv(HOME_VARIABLE, str(home / "home"))
    monkeypatch.chdir(tmp_path)
    Path("story.md").write_text(STORY)
    return lambda *arguments: main(command(home, *arguments))


def command(home: Path, *arguments: str) -> list[str]:
    chosen = ["--model", str(home / "model"), "--voice", "tiny", "--quiet"]
    return ["book", *arguments, *chosen]


def save_epub(path: Path) -> Path:
    made = epub.EpubBook()
    made.set_title("A Story")
    made.add_author("Ann Author")
    pages = []
    for n in (1, 2, 3):
        page = epub.EpubHtml(title=f"Part {n}", file_name=f"p{n}.xhtml")
        page.content = f"<h1>Part <i>{n}</i></h1><p>Text of {n}.<br/>On.</p><script>no</script>"
        made.add_item(page)
        pages.append(page)
    made.toc = pages
    made.add_item(epub.EpubNcx())
    made.add_item(epub.EpubNav())
    made.spine = ["nav", *pages]
    epub.write_epub(str(path), made)
    return path


CHAPTERS = [
    ("a.md", "Before.\n\n# One\nText.\n\n## Two ##\n\nMore.\n\n### Three\nEnd.",
     ["a", "One", "Two"]),
    ("a.txt", "CHAPTER IV\n\nText.\n\nChapter five: The End\n\nMore.",
     ["CHAPTER IV", "Chapter five: The End"]),
    ("a.txt", "第一章 开始\n\n你好。\n\n第二章\n\n再见。\n\n尾声\n\n完。",
     ["第一章 开始", "第二章", "尾声"]),
    ("a.txt", "The chapter is closed.\nPart of it.", ["a"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "titles"), CHAPTERS)
def test_chapters_go_by_headings(tmp_path, name, text, titles):
    (tmp_path / name).write_text(text, encoding="utf-8")
    chapters = read_book(tmp_path / name).chapters
    assert [chapter.title for chapter in chapters] == titles
    said = "".join(chapter.text for chapter in chapters)
    assert "".join(said.split()) == "".join(text.split())


def test_an_epub_is_read_by_its_contents(tmp_path):
    found = read_book(save_epub(tmp_path / "a.epub"))
    assert (found.title, found.author) == ("A Story", "Ann Author")
    assert [chapter.title for chapter in found.chapters] == ["Part 1", "Part 2", "Part 3"]
    assert found.chapters[1].text == "## Part 2\n\nText of 2. On."


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"x"), ("none.txt", None), ("a.txt", b"\xff"), ("a.md", b"..."), ("a.epub", b"PK")],
)
def test_what_is_no_book_is_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BookError, match=name):
        read_book(tmp_path / name)


def test_parts_are_short_and_lose_nothing():
    paragraphs = ["Short one.", "A sentence of some length, it is. " * 100, "[voice heart] Last."]
    text = "\n\n".join([*paragraphs, "word " * 300])
    parts = parts_of(Chapter("c", text))
    assert max(len(part.text) for part in parts) <= PART_CHARS + len("[voice heart] ")
    assert [part.paragraph for part in parts[:3]] == [True, False, False]
    assert parts[-1].text.startswith("[voice heart] word")
    said = " ".join(part.text for part in parts).replace("[voice heart]", "")
    assert said.split() == text.replace("[voice heart]", "").split()
    whole = parts_of(Chapter("c", text), whole_paragraphs=True)
    assert paragraphs[1].strip() in [part.text for part in whole]


def test_a_file_for_each_chapter(book):
    assert book("story.md", "-o", "out", "--format", "flac") == 0
    names = [f"0{n} Chapter {n}.{ending}" for n in (1, 2, 3) for ending in ("flac", "srt")]
    assert sorted(path.name for path in Path("out").iterdir()) == names
    assert not Path(".out.parts").exists()
    wav, rate = read_sound("out/02 Chapter 2.flac")
    assert Meter(rate).integrated_loudness(wav.astype(np.float64)) == pytest.approx(-19, abs=0.2)
    cues = Path("out/02 Chapter 2.srt").read_text()
    assert cues.count("-->") == 7
    assert "Sentence 2 1 of it." in cues
    assert chapter_file(7, 'a/b: "c"\n', 120) == "007 a b c"


@pytest.mark.parametrize("name", ["out.m4b", "out.mp3"])
def test_one_file_with_chapter_marks(book, name):
    assert book("story.md", "-o", name, "--title", "T", "--author", "A") == 0
    seconds = soundfile.info(name).duration if name.endswith("mp3") else None
    if name.endswith("mp3"):
        tags = mutagen.id3.ID3(name)
        marks = [(str(m.sub_frames["TIT2"]), m.start_time / 1000) for m in tags.getall("CHAP")]
        told = (str(tags["TIT2"]), str(tags["TPE1"]))
    else:
        file = mutagen.mp4.MP4(name)
        marks = [(chapter.title, chapter.start) for chapter in file.chapters or []]
        told, seconds = (file["\xa9nam"][0], file["\xa9ART"][0]), file.info.length
    assert told == ("T", "A")
    assert [title for title, _ in marks] == ["Chapter 1", "Chapter 2", "Chapter 3"]
    starts = [start for _, start in marks]
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert starts[-1] < seconds
    # The subtitles go on through the whole file.
    assert Path("out.srt").read_text().count("-->") == 21


@pytest.mark.slow
@pytest.mark.parametrize(("file", "output"), [("story.md", "out.m4b"), ("story.epub", "out.mp3")])
def test_killed_three_times_it_ends_with_the_same_bytes(home, tmp_path, file, output):
    long = "\n\n".join(STORY.replace("Chapter", f"Chapter {n}") for n in range(8))
    (tmp_path / "story.md").write_text(long)
    save_epub(tmp_path / "story.epub")

    def start(name: str) -> subprocess.Popen:
        arguments = command(home, file, "-o", name, "--batch-size", "4")
        run = [sys.executable, "-m", "tts", *arguments]
        return subprocess.Popen(run, cwd=tmp_path, env=environment(home))

    begun = time.monotonic()
    assert start(f"calm-{output}").wait() == 0
    whole_s = time.monotonic() - begun
    for share in (0.6, 0.8, 0.9):
        child = start(output)
        time.sleep(share * whole_s)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert start(output).wait() == 0
    for name in (output, "out.srt"):
        assert (tmp_path / name).read_bytes() == (tmp_path / f"calm-{name}").read_bytes()


def test_bad_options_say_so(book, capsys):
    for arguments, words in (
        (["story.md", "-o", "out.xyz"], "m4b"),
        (["story.md", "-o", "no/out"], "no"),
        (["story.md", "-o", "out", "--ssml"], "--ssml"),
        (["story.md", "-o", "out", "--speed", "9"], "speed is 9"),
    ):
        assert book(*arguments) == 2
        assert words in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["story.md"]


def test_loudness_is_brought_to_the_target():
    tone = np.sin(np.arange(48000) / 9).astype(np.float32)
    for level in (0.001, 0.1, 1.0):
        found = Meter(24000).integrated_loudness(levelled(tone * level, 24000).astype(np.float64))
        assert found == pytest.approx(-19, abs=0.1)
    peaky = tone * 1e-3
    peaky[100] = 0.9
    assert np.abs(levelled(peaky, 24000)).max() <= 0.951
    assert len(levelled(tone[:100], 24000)) == 100

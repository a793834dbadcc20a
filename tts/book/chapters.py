"""A book as chapters, and chapters as parts: txt, Markdown, EPUB."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frontend.script import VOICE_MARK
from frontend.split import split_sentences

ENDINGS = (".txt", ".md", ".epub")
# A part is what is lost when the work is ended: about a minute and a half of speech.
PART_CHARS = 1200
MAX_BOOK_CHARS = 20_000_000
MAX_EPUB_BYTES = 500 * 2**20
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_MARKDOWN_HEADING = re.compile(r"^[ \t]{0,3}#{1,2}[ \t]+(?P<title>\S.*?)[ \t]*#*[ \t]*$", re.M)
_NUMBER = (
    r"(?:\d{1,3}|[IVXLC]{1,7}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|"
    r"twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty\S*|thirty\S*)"
)
_TEXT_HEADING = re.compile(
    rf"^[ \t]*(?P<title>(?:(?:chapter|part|book)[ \t]+{_NUMBER}\b[^\n]{{0,60}}|"
    r"(?:prologue|epilogue|preface|foreword|introduction|afterword)[ \t.:]*|"
    r"第[ \t]*[0-9〇零一二三四五六七八九十百]{1,6}[ \t]*[章回部卷][^\n。]{0,40}|"
    r"序[章言]?|楔子|尾声|后记))[ \t]*$",
    re.M | re.IGNORECASE,
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset(
    [*_HEADINGS, "p", "div", "li", "blockquote", "pre", "tr", "section", "article", "dt", "dd"]
)


class BookError(ValueError):
    """A book that cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Chapter:
    """title: of its heading, or of the book. text: with its heading."""

    title: str
    text: str


@dataclass(frozen=True)
class Book:
    """title, author: as the file tells; "" where it does not."""

    title: str
    author: str
    chapters: tuple[Chapter, ...]


def read_book(path: str | Path) -> Book:
    """Read a book.

    Args:
        path: .txt, .md or .epub.

    Raises:
        BookError: it cannot be read, or there is nothing in it.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BookError(f"{path}: cannot tell its kind by the ending; use {', '.join(ENDINGS)}")
    if not path.is_file():
        raise BookError(f"{path}: no such file; check the name")
    if ending == ".epub":
        book = _read_epub(path)
    else:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise BookError(
                f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
            ) from error
        heading = _MARKDOWN_HEADING if ending == ".md" else _TEXT_HEADING
        book = Book("", "", tuple(_chapters(text, heading, path.stem)))
    size = sum(len(chapter.text) for chapter in book.chapters)
    if not any(char.isalnum() for chapter in book.chapters for char in chapter.text):
        raise BookError(f"{path} holds nothing to say; give a book with text in it")
    if size > MAX_BOOK_CHARS:
        raise BookError(f"{path} has {size} characters, the limit is {MAX_BOOK_CHARS}; split it")
    return book


def _chapters(text: str, heading: re.Pattern[str], title: str) -> Iterator[Chapter]:
    """From heading to heading; what stands before the first is a chapter too."""
    start, name = 0, title
    for match in heading.finditer(text):
        if text[start : match.start()].strip():
            yield Chapter(name, text[start : match.start()].strip())
        start, name = match.start(), " ".join(match["title"].split())
    if text[start:].strip():
        yield Chapter(name, text[start:].strip())


def _read_epub(path: Path) -> Book:
    try:
        from ebooklib import ITEM_DOCUMENT, epub
    except ImportError:
        raise BookError("EPUB needs the package ebooklib; pip install 'cat-tts[book]'") from None
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_EPUB_BYTES:
            raise BookError(f"{path} unpacks to {size} bytes, the limit is {MAX_EPUB_BYTES}")
        read = epub.read_epub(str(path), {"ignore_ncx": False})
    except (zipfile.BadZipFile, epub.EpubException, KeyError, OSError, SyntaxError) as error:
        raise BookError(f"{path} cannot be read as EPUB ({error}); give an intact one") from error
    names = _titles(read.toc)
    chapters: list[Chapter] = []
    for name, _ in read.spine:
        item = read.get_item_with_id(name)
        if item is None or item.get_type() != ITEM_DOCUMENT or isinstance(item, epub.EpubNav):
            continue
        heading, text = _page(item.get_content())
        title = names.get(Path(item.get_name()).name, heading)
        if not text.strip():
            continue
        if not title and chapters:  # a chapter in several files
            last = chapters.pop()
            chapters.append(Chapter(last.title, f"{last.text}\n\n{text}"))
        else:
            chapters.append(Chapter(title or path.stem, text))
    return Book(_told(read, "title"), _told(read, "creator"), tuple(chapters))


def _titles(contents: Any) -> dict[str, str]:
    """File -> its first title in the table of contents."""
    found: dict[str, str] = {}
    for entry in contents:
        link, below = entry if isinstance(entry, tuple) else (entry, ())
        file = Path((link.href or "").partition("#")[0]).name
        if file and link.title:
            found.setdefault(file, " ".join(link.title.split()))
        for name, title in _titles(below).items():
            found.setdefault(name, title)
    return found


def _told(book: Any, name: str) -> str:
    values = book.get_metadata("DC", name)
    return " ".join(values[0][0].split()) if values and values[0][0] else ""


def _page(content: bytes) -> tuple[str, str]:
    """First heading and text of a page; headings are marked as those of Markdown."""
    from lxml import html
    from lxml.etree import ParserError, XMLSyntaxError  # pyright: ignore[reportAttributeAccessIssue]

    parser = html.HTMLParser(encoding="utf-8", no_network=True)
    try:
        root = html.document_fromstring(content, parser=parser)
    except (ParserError, XMLSyntaxError):
        return "", ""
    for element in root.xpath("//script|//style|//head|//nav|//rt|//rp"):
        element.drop_tree()
    first = ""
    for element in list(root.iter()):
        if element.tag in _HEADINGS:
            said = " ".join(element.text_content().split())
            first = first or said
            for child in list(element):
                element.remove(child)
            element.text = f"## {said}" if said else ""
        elif element.tag == "br":
            element.tail = f" {element.tail or ''}"
        if element.tag in _BLOCKS:
            element.tail = f"\n\n{element.tail or ''}"
            element.text = f"\n\n{element.text or ''}"
    paragraphs = _PARAGRAPH.split(root.text_content())
    kept = [" ".join(paragraph.split()) for paragraph in paragraphs]
    return first, "\n\n".join(paragraph for paragraph in kept if paragraph)


@dataclass(frozen=True)
class Part:
    """What is spoken at one go.

    text: of it. paragraph: whether it begins with one, rather than inside.
    """

    text: str
    paragraph: bool


def parts_of(chapter: Chapter, whole_paragraphs: bool = False) -> list[Part]:
    """Cut a chapter between paragraphs, or inside long ones between sentences.

    Args:
        chapter: to cut.
        whole_paragraphs: never cut inside: who speaks in a play is known by the line's beginning.
    """
    parts: list[Part] = []
    for paragraph in _PARAGRAPH.split(chapter.text):
        paragraph = paragraph.strip()
        if not any(char.isalnum() for char in paragraph):
            continue
        if len(paragraph) <= PART_CHARS or whole_paragraphs:
            _add(parts, paragraph, "\n\n", True)
            continue
        for number, sentence in enumerate(split_sentences(paragraph, PART_CHARS)):
            _add(parts, sentence, "\n\n" if number == 0 else " ", number == 0)
    return _voices_kept(parts)


def _add(parts: list[Part], text: str, between: str, paragraph: bool) -> None:
    if parts and len(parts[-1].text) + len(text) <= PART_CHARS:
        parts[-1] = Part(f"{parts[-1].text}{between}{text}", parts[-1].paragraph)
    else:
        parts.append(Part(text, paragraph))


def _voices_kept(parts: list[Part]) -> list[Part]:
    """`[voice heart]` holds until the next one, beyond the end of a part."""
    kept, voice = [], ""
    for part in parts:
        kept.append(Part(f"{voice} {part.text}".lstrip(), part.paragraph))
        marks = list(VOICE_MARK.finditer(part.text))
        if marks:
            voice = marks[-1][0] if marks[-1]["voice"].strip() else ""
    return kept

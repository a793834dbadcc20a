"""SSML: what is followed, what is refused, and that no entity is ever opened."""

from __future__ import annotations

import pytest

from frontend.ssml import read_ssml, read_text
from frontend.types import MarkupError


def told(body: str, **attributes: str) -> list[tuple]:
    """Passages as (text, voice, speed, pause, before) with what is at its default left out."""
    given = "".join(f' {name.replace("_", ":")}="{value}"' for name, value in attributes.items())
    script = read_ssml(f"<speak{given}>{body}</speak>")
    rows = []
    for one in script.passages:
        assert script.text[one.at : one.at + len(one.text)] == one.text
        more = {"voice": one.voice, "speed": one.speed, "pause": one.pause_s, "lang": one.lang}
        more["before"] = one.before
        usual = {"voice": "", "speed": 1.0, "pause": None, "lang": "", "before": ""}
        row = {name: value for name, value in more.items() if value != usual[name]}
        rows.append((" ".join(one.text.split()), row))
    return rows


P, S = {"before": "paragraph"}, {"before": "speaker"}
ACCEPTED = [
    ("Hi.", [("Hi.", {})]),
    ('a<break time="600ms"/>b', [("a", {}), ("b", {"pause": 0.6})]),
    ('a<break time="0.6s"/>b', [("a", {}), ("b", {"pause": 0.6})]),
    ('a<break time=".5s"/>b', [("a", {}), ("b", {"pause": 0.5})]),
    ('a<break time="+1s"/>b', [("a", {}), ("b", {"pause": 1.0})]),
    ('a<break time="0ms"/>b', [("a", {}), ("b", {"pause": 0.0})]),
    ('a<break time="1s"/><break time="2s"/>b', [("a", {}), ("b", {"pause": 3.0})]),
    ('<break time="1s"/>b', [("b", {"pause": 1.0})]),
    ("a<break/>b", [("a", {}), ("b", {"pause": 0.4})]),
    ('a<break strength="none"/>b', [("a", {}), ("b", {"pause": 0.0})]),
    ('a<break strength="weak"/>b', [("a", {}), ("b", {"pause": 0.2})]),
    ('a<break strength="x-strong"/>b', [("a", {}), ("b", {"pause": 1.2})]),
    ('a<break strength="weak" time="2s"/>b', [("a", {}), ("b", {"pause": 2.0})]),
    ("<p>One.</p><p>Two.</p>", [("One.", P), ("Two.", P)]),
    ("<s>One</s><s>Two</s>", [("One", {}), ("Two", {})]),
    ('<say-as interpret-as="characters">a1 b</say-as>', [("A, 1, B", {})]),
    ('<say-as interpret-as="spell-out">GPU</say-as>', [("G, P, U", {})]),
    ('<say-as interpret-as="digits">555-01</say-as>', [("5, 5, 5, 0, 1", {})]),
    ('<say-as interpret-as="ordinal">22</say-as>', [("22nd", {})]),
    ('<say-as interpret-as="ordinal">113</say-as>', [("113th", {})]),
    ('<say-as interpret-as="cardinal">22</say-as>', [("22", {})]),
    ('<say-as interpret-as="telephone">555 01</say-as>', [("555 01", {})]),
    ('<say-as interpret-as="date">3/5/2024</say-as>', [("March 5th, 2024", {})]),
    ('<say-as interpret-as="date" format="dmy">3/5/2024</say-as>', [("May 3rd, 2024", {})]),
    ('<say-as interpret-as="date" format="ymd">2024-05-21</say-as>', [("May 21st, 2024", {})]),
    ('<say-as interpret-as="date" format="my">5.2024</say-as>', [("May, 2024", {})]),
    ('<say-as interpret-as="date" format="y">1984</say-as>', [("1984", {})]),
    ('<phoneme alphabet="ipa" ph="təˈmɑtoʊ">tomato</phoneme>', [("[tomato](təˈmɑtoʊ)", {})]),
    ('<phoneme ph="mɔs">MOSS</phoneme>', [("[MOSS](mɔs)", {})]),
    ('<phoneme alphabet="x-arpabet" ph="M AY0 N UW1 T">minute</phoneme>',
     [("[minute](M AY0 N UW1 T)", {})]),
    ('<phoneme alphabet="x-pinyin" ph="yin2 hang2">银行</phoneme>', [("[银行](yin2 hang2)", {})]),
    ('<sub alias="World Wide Web">WWW</sub> it', [("World Wide Web it", {})]),
    ('a <prosody rate="80%">b</prosody> c', [("a", {}), ("b", {"speed": 0.8}), ("c", {})]),
    ('<prosody rate="slow">b</prosody>', [("b", {"speed": 0.8})]),
    ('<prosody rate="+25%">b</prosody>', [("b", {"speed": 1.25})]),
    ('<prosody rate="0.5">a<prosody rate="2">b</prosody></prosody>',
     [("a", {"speed": 0.5}), ("b", {})]),
    ('a<voice name="heart">b</voice>c', [("a", {}), ("b", {"voice": "heart", **S}), ("c", S)]),
    ('<voice name="heart"><prosody rate="2">b</prosody></voice>',
     [("b", {"voice": "heart", "speed": 2.0, **S})]),
    ('a <lang xml:lang="zh-CN">5</lang> b', [("a", {}), ("5", {"lang": "zh"}), ("b", {})]),
    ("<emphasis>a</emphasis> <mark name='m'/>b", [("a b", {})]),
    ("a<desc>not said</desc>b", [("ab", {})]),
    ("<![CDATA[a < b]]> &amp; &#99;", [("a < b & c", {})]),
    ("a<!-- not said -->b", [("ab", {})]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), ACCEPTED)
def test_what_is_followed(body: str, expected: list):
    assert told(body) == expected


def test_the_document_around_it():
    assert told("5", xml_lang="en-US") == [("5", {"lang": "en"})]
    chinese = '<say-as interpret-as="date">2024-05-03</say-as>'
    assert told(chinese, xml_lang="zh") == [("2024年5月3日", {"lang": "zh"})]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    script = read_text(f'{head}<speak version="1.1">a<break time="2s"/></speak>')
    assert ([p.text for p in script.passages], script.after_s) == (["a"], 2.0)
    assert read_text("a <speak> b").passages[0].text == "a <speak> b"
    notes = read_ssml('<speak><prosody pitch="+2st" rate="1">a</prosody><mark name="x"/></speak>')
    assert len(notes.notes) == 2
    assert "pitch" in notes.notes[0]


BOMB = '<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><speak>&b;</speak>'
REFUSED = [
    ("", "no element"),
    ("Hello", "syntax error"),
    ("<speak>a", "no element found"),
    ("<speak>a</s></speak>", "mismatched tag"),
    ("<p>a</p>", "begins with <p>"),
    ("<speak><speak>a</speak></speak>", "one is enough"),
    ("<speak>a & b</speak>", "not well-formed"),
    ("<speak>&nbsp;</speak>", "undefined entity"),
    (BOMB, "document type"),
    ('<!DOCTYPE s SYSTEM "file:///etc/passwd"><speak>a</speak>', "document type"),
    ('<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><speak>&e;</speak>', "document type"),
    ('<!DOCTYPE s [<!ENTITY % p SYSTEM "http://x.org/d">%p;]><speak>a</speak>', "document type"),
    ("<speak><?php echo 1 ?></speak>", "processing instruction"),
    ('<speak><audio src="http://x.org/a.wav"/></speak>', "<audio> is not followed"),
    ("<speak><script>a</script></speak>", "<script> is not followed"),
    ('<speak><break time="600"/></speak>', "write 600ms"),
    ('<speak><break time="-1s"/></speak>', "write 600ms"),
    ('<speak><break time="11s"/></speak>', "outside (0, 10]"),
    ('<speak><break strength="huge"/></speak>', "strength is 'huge'"),
    ('<speak><say-as interpret-as="swear">a</say-as></speak>', "interpret-as is 'swear'"),
    ("<speak><say-as>a</say-as></speak>", "interpret-as is missing"),
    ('<speak><say-as interpret-as="digits">a1</say-as></speak>', "not made of digits"),
    ('<speak><say-as interpret-as="date" format="mdy">13/1/2024</say-as></speak>', "month is 13"),
    ('<speak><say-as interpret-as="date" format="xyz">1/1/24</say-as></speak>', "format is 'xyz'"),
    ('<speak><phoneme alphabet="x-sampa" ph="a">a</phoneme></speak>', "x-sampa"),
    ('<speak><phoneme alphabet="ipa" ph="AH0">a</phoneme></speak>', "no IPA"),
    ('<speak><phoneme alphabet="x-pinyin" ph="qwx9">a</phoneme></speak>', "qwx9"),
    ('<speak><phoneme alphabet="ipa">a</phoneme></speak>', "ph is missing"),
    ("<speak><sub>a</sub></speak>", "alias is missing"),
    ('<speak><sub alias="a"><break/></sub></speak>', "plain text only"),
    ('<speak><prosody rate="fastest">a</prosody></speak>', "rate is 'fastest'"),
    ('<speak><prosody rate="5">a</prosody></speak>', "rate comes to 5"),
    ("<speak><voice>a</voice></speak>", "name is missing"),
    ('<speak xml:lang="fr">a</speak>', "use en or zh"),
    ("<speak>" + "<p>" * 70 + "a" + "</p>" * 70 + "</speak>", "more than 64"),
]


@pytest.mark.parametrize(("document", "reason"), REFUSED)
def test_what_is_refused(document: str, reason: str):
    with pytest.raises(MarkupError) as caught:
        read_ssml(document)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)

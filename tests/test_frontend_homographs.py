"""English homographs: 30 words in 5 sentences each, written before the rules were tuned.

In a sentence the word in question is marked with asterisks; beside it stand its phonemes.
"""

import pytest

from frontend import phonemize

CASES: dict[str, list[tuple[str, str]]] = {
    "read": [
        ("I *read* that book last year.", "R EH1 D"),
        ("Please *read* the next page aloud.", "R IY1 D"),
        ("She has *read* every letter twice.", "R EH1 D"),
        ("They like to *read* in bed.", "R IY1 D"),
        ("Did you *read* the news today?", "R IY1 D"),
    ],
    "live": [
        ("They *live* near the station.", "L IH1 V"),
        ("The concert was broadcast *live* on the radio.", "L AY1 V"),
        ("Where do you *live* now?", "L IH1 V"),
        ("We heard *live* music in the park.", "L AY1 V"),
        ("He wants to *live* in Spain.", "L IH1 V"),
    ],
    "lead": [
        ("The pipes were made of *lead* and had to go.", "L EH1 D"),
        ("She will *lead* the meeting tomorrow.", "L IY1 D"),
        ("This road can *lead* you to the coast.", "L IY1 D"),
        ("Old paint often contains *lead* and dust.", "L EH1 D"),
        ("Our team took the *lead* in the second half.", "L IY1 D"),
    ],
    "refuse": [
        ("I *refuse* to answer that question.", "R AH0 F Y UW1 Z"),
        ("The *refuse* is collected on Mondays.", "R EH1 F Y UW2 Z"),
        ("They may *refuse* the offer.", "R AH0 F Y UW1 Z"),
        ("A pile of *refuse* lay behind the house.", "R EH1 F Y UW2 Z"),
        ("Why did he *refuse* your help?", "R AH0 F Y UW1 Z"),
    ],
    "record": [
        ("She broke the world *record* in Tokyo.", "R EH1 K ER0 D"),
        ("We will *record* the song on Friday.", "R AH0 K AO1 R D"),
        ("Please *record* your answer here.", "R AH0 K AO1 R D"),
        ("He bought an old jazz *record* yesterday.", "R EH1 K ER0 D"),
        ("There is no *record* of the call.", "R EH1 K ER0 D"),
    ],
    "wind": [
        ("A cold *wind* blew from the north.", "W IH1 N D"),
        ("Don't forget to *wind* the clock.", "W AY1 N D"),
        ("The *wind* knocked down a tree.", "W IH1 N D"),
        ("You have to *wind* the rope around the post.", "W AY1 N D"),
        ("There was rain and *wind* all night.", "W IH1 N D"),
    ],
    "tear": [
        ("A *tear* ran down her cheek.", "T IH1 R"),
        ("Be careful not to *tear* the paper.", "T EH1 R"),
        ("He wiped a *tear* from his eye.", "T IH1 R"),
        ("They plan to *tear* down the old wall.", "T EH1 R"),
        ("You might *tear* your coat on that nail.", "T EH1 R"),
    ],
    "close": [
        ("Please *close* the door behind you.", "K L OW1 Z"),
        ("The hotel is *close* to the beach.", "K L OW1 S"),
        ("They are *close* friends.", "K L OW1 S"),
        ("The shops *close* at six.", "K L OW1 Z"),
        ("Stay *close* and hold my hand.", "K L OW1 S"),
    ],
    "object": [
        ("A strange *object* fell from the sky.", "AA1 B JH EH0 K T"),
        ("I *object* to that plan.", "AH0 B JH EH1 K T"),
        ("They will not *object* if you leave.", "AH0 B JH EH1 K T"),
        ("The *object* of the game is simple.", "AA1 B JH EH0 K T"),
        ("Does anyone *object* to this?", "AH0 B JH EH1 K T"),
    ],
    "present": [
        ("She gave me a birthday *present* wrapped in red.", "P R EH1 Z AH0 N T"),
        ("He will *present* the results on Monday.", "P R IY0 Z EH1 N T"),
        ("All members were *present* at the meeting.", "P R EH1 Z AH0 N T"),
        ("We are proud to *present* our new show.", "P R IY0 Z EH1 N T"),
        ("The *present* situation is difficult.", "P R EH1 Z AH0 N T"),
    ],
    "content": [
        ("The *content* of the letter was secret.", "K AA1 N T EH0 N T"),
        ("She was *content* with her life.", "K AH0 N T EH1 N T"),
        ("He seemed *content* to wait.", "K AH0 N T EH1 N T"),
        ("This site has new *content* every day.", "K AA1 N T EH0 N T"),
        ("Check the sugar *content* before you buy it.", "K AA1 N T EH0 N T"),
    ],
    "minute": [
        ("Wait a *minute* please.", "M IH1 N AH0 T"),
        ("The dust held *minute* traces of gold.", "M AY0 N UW1 T"),
        ("He arrived at the last *minute* again.", "M IH1 N AH0 T"),
        ("They studied it in *minute* detail.", "M AY0 N UW1 T"),
        ("Every *minute* counts.", "M IH1 N AH0 T"),
    ],
    "bass": [
        ("He plays *bass* guitar in a band.", "B EY1 S"),
        ("We caught a huge *bass* in the lake.", "B AE1 S"),
        ("Turn down the *bass* on that speaker.", "B EY1 S"),
        ("Grilled sea *bass* is on the menu.", "B AE1 S"),
        ("Her brother sings *bass* in the choir.", "B EY1 S"),
    ],
    "bow": [
        ("She tied a *bow* in her hair.", "B OW1"),
        ("The actors took a *bow* at the end.", "B AW1"),
        ("He shot the deer with a *bow* and arrow.", "B OW1"),
        ("You should *bow* to the queen.", "B AW1"),
        ("We stood at the *bow* of the ship.", "B AW1"),
    ],
    "row": [
        ("We sat in the front *row* of the theater.", "R OW1"),
        ("They *row* the boat across the lake.", "R OW1"),
        ("She won three games in a *row* last week.", "R OW1"),
        ("Click on the first *row* of the table.", "R OW1"),
        ("A *row* of trees lined the street.", "R OW1"),
    ],
    "desert": [
        ("Camels live in the *desert* of Arabia.", "D EH1 Z ER0 T"),
        ("He would never *desert* his friends.", "D IH0 Z ER1 T"),
        ("The Sahara is a hot *desert* with little rain.", "D EH1 Z ER0 T"),
        ("Soldiers who *desert* are punished.", "D IH0 Z ER1 T"),
        ("They crossed the *desert* at night.", "D EH1 Z ER0 T"),
    ],
    "use": [
        ("Can I *use* your phone?", "Y UW1 Z"),
        ("It is no *use* crying.", "Y UW1 S"),
        ("The *use* of force was illegal.", "Y UW1 S"),
        ("We *use* this room for storage.", "Y UW1 Z"),
        ("You should *use* a pencil.", "Y UW1 Z"),
    ],
    "house": [
        ("They bought a new *house* by the sea.", "HH AW1 S"),
        ("The museum will *house* the collection.", "HH AW1 Z"),
        ("My *house* is on the hill.", "HH AW1 S"),
        ("We need a building to *house* the refugees.", "HH AW1 Z"),
        ("There is nobody in the *house* today.", "HH AW1 S"),
    ],
    "excuse": [
        ("*Excuse* me, where is the station?", "IH0 K S K Y UW1 Z"),
        ("That is a poor *excuse* for being late.", "IH0 K S K Y UW1 S"),
        ("He had no *excuse* at all.", "IH0 K S K Y UW1 S"),
        ("Please *excuse* the noise.", "IH0 K S K Y UW1 Z"),
        ("I cannot *excuse* such behavior.", "IH0 K S K Y UW1 Z"),
    ],
    "permit": [
        ("You need a *permit* to fish here.", "P ER1 M IH2 T"),
        ("The rules do not *permit* smoking.", "P ER0 M IH1 T"),
        ("His work *permit* expires in June.", "P ER1 M IH2 T"),
        ("The weather may *permit* a short walk.", "P ER0 M IH1 T"),
        ("They refused to *permit* the march.", "P ER0 M IH1 T"),
    ],
    "project": [
        ("The *project* will take two years.", "P R AA1 JH EH0 K T"),
        ("They *project* a small loss this year.", "P R AH0 JH EH1 K T"),
        ("She finished her science *project* early.", "P R AA1 JH EH0 K T"),
        ("Try to *project* your voice.", "P R AH0 JH EH1 K T"),
        ("We started a *project* together.", "P R AA1 JH EH0 K T"),
    ],
    "produce": [
        ("The farm sells fresh *produce* in summer.", "P R OW1 D UW0 S"),
        ("These trees *produce* sweet apples.", "P R AH0 D UW1 S"),
        ("The factory can *produce* ten cars an hour.", "P R AH0 D UW1 S"),
        ("Wash all *produce* before eating.", "P R OW1 D UW0 S"),
        ("They hope to *produce* a film.", "P R AH0 D UW1 S"),
    ],
    "separate": [
        ("They sleep in *separate* rooms.", "S EH1 P ER0 IH0 T"),
        ("Please *separate* the eggs.", "S EH1 P ER0 EY2 T"),
        ("We went our *separate* ways.", "S EH1 P ER0 IH0 T"),
        ("It is hard to *separate* fact from fiction.", "S EH1 P ER0 EY2 T"),
        ("That is a *separate* issue.", "S EH1 P ER0 IH0 T"),
    ],
    "estimate": [
        ("We *estimate* the cost at ten dollars.", "EH1 S T AH0 M EY2 T"),
        ("The plumber gave us an *estimate* for the job.", "EH1 S T AH0 M AH0 T"),
        ("It is hard to *estimate* the damage.", "EH1 S T AH0 M EY2 T"),
        ("That is only a rough *estimate* of the price.", "EH1 S T AH0 M AH0 T"),
        ("Experts *estimate* that prices will rise.", "EH1 S T AH0 M EY2 T"),
    ],
    "wound": [
        ("The *wound* healed quickly.", "W UW1 N D"),
        ("She *wound* the scarf around her neck.", "W AW1 N D"),
        ("He died of a gunshot *wound* in the chest.", "W UW1 N D"),
        ("The road *wound* through the hills.", "W AW1 N D"),
        ("The nurse cleaned the *wound* carefully.", "W UW1 N D"),
    ],
    "does": [
        ("*Does* she know?", "D AH1 Z"),
        ("He *does* his homework at night.", "D AH1 Z"),
        ("It *does* not matter.", "D AH1 Z"),
        ("What *does* that mean?", "D AH1 Z"),
        ("The *does* ran into the forest with their fawns.", "D OW1 Z"),
    ],
    "dove": [
        ("A white *dove* sat on the roof.", "D AH1 V"),
        ("He *dove* into the pool.", "D OW1 V"),
        ("The *dove* is a symbol of peace.", "D AH1 V"),
        ("She *dove* off the high board.", "D OW1 V"),
        ("They *dove* under the waves.", "D OW1 V"),
    ],
    "subject": [
        ("My favorite *subject* is history.", "S AH1 B JH IH0 K T"),
        ("Prices are *subject* to change.", "S AH1 B JH IH0 K T"),
        ("They did not *subject* him to questions.", "S AH0 B JH EH1 K T"),
        ("Let us change the *subject* now.", "S AH1 B JH IH0 K T"),
        ("I would never *subject* a child to that.", "S AH0 B JH EH1 K T"),
    ],
    "lives": [
        ("She *lives* in Boston.", "L IH1 V Z"),
        ("Cats have nine *lives* they say.", "L AY1 V Z"),
        ("The vaccine saved many *lives* last year.", "L AY1 V Z"),
        ("My uncle *lives* alone.", "L IH1 V Z"),
        ("They changed their *lives* for good.", "L AY1 V Z"),
    ],
    "conduct": [
        ("His *conduct* was shameful.", "K AA1 N D AH0 K T"),
        ("She will *conduct* the orchestra.", "K AH0 N D AH1 K T"),
        ("Metals *conduct* heat well.", "K AH0 N D AH1 K T"),
        ("There is a code of *conduct* for members.", "K AA1 N D AH0 K T"),
        ("They want to *conduct* a survey.", "K AH0 N D AH1 K T"),
    ],
}  # fmt: skip


def _said(sentence: str) -> str:
    """Phonemes of the marked word."""
    position = len(sentence[: sentence.index("*")].split())
    words = [word for word in phonemize(sentence.replace("*", "")).words if word.lang == "en"]
    return " ".join(words[position].symbols)


def test_table_is_thirty_by_five() -> None:
    assert len(CASES) == 30
    assert all(len(cases) == 5 for cases in CASES.values())


def test_at_least_ninety_percent_are_right() -> None:
    wrong = [
        f"{sentence}: {_said(sentence)}, not {expected}"
        for cases in CASES.values()
        for sentence, expected in cases
        if _said(sentence) != expected
    ]
    assert len(wrong) <= 15, "\n".join(wrong)


@pytest.mark.parametrize("word", ["read", "live", "lead", "record", "close", "use"])
def test_frequent_words_are_all_right(word: str) -> None:
    for sentence, expected in CASES[word]:
        assert _said(sentence) == expected, sentence

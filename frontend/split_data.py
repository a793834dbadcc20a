"""Abbreviations and words by which `split.py` tells a full stop from a sentence end."""

from typing import Final

from frontend.wordlist import words

#: A full stop after these ends no sentence unless a typical first word of one follows.
ABBREVIATIONS: Final = frozenset(
    words(
        "mr mrs ms dr prof rev hon st mt ft jr sr sgt capt lt col gen gov sen rep pres no nos vs "
        "etc eg ie approx dept est inc ltd co corp fig figs vol vols ch pp p ed eds jan feb mar "
        "apr "
        "jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ave blvd rd "
        "u.s u.k a.m p.m e.g i.e ph.d cf al lb lbs oz tsp tbsp doz min mins sec secs hr hrs wk wks "
        "yr yrs mo mos ext apt ste rm bldg tel nr eq eqs sect art par para ref refs ca viz resp "
        "incl excl misc temp avg max tot qty pt pts qt gal kg cm mm km ft in sq cu mi mph assn "
        "assoc "
        "bros univ inst intl natl govt admin asst adm maj cmdr cpl pvt supt det insp sir fr br ven "
        "msgr esq messrs mme mlle ter ln ct pl hwy pkwy rte pk sq terr jct a.k.a d.c b.c a.d u.n "
        "e.u u.s.a u.s.c b.i.d t.i.d q.i.d q.d p.r.n r.i.p p.s n.b w.r.t d.o.b ala ariz ark calif "
        "colo conn del fla ga ill ind kan ky la md mass mich minn miss mo mont neb nev okla ore pa "
        "penn tenn tex va vt wash wis wyo anon trans rev illus comp approx eds orig dist obs"
    )
)
#: These are words as well; they abbreviate only where a digit stands beside them.
BESIDE_DIGITS: Final = frozenset(
    words(
        "in art par no fig sat sun mar jun may mon sec min max ed mo pt det del ill ind la wash "
        "mass miss ore pa trans comp ms ch ref pl inst resp tot ct br fr par tel pk dist temp "
        "para p"
    )
)
#: Titles and the like: what follows them is never a new sentence.
NEVER_END: Final = frozenset(
    words(
        "mr mrs ms dr prof rev hon mt sgt capt lt col gen gov sen rep pres vs eg ie e.g i.e cf fig "
        "figs messrs mme mlle msgr supt cmdr maj cpl pvt ext approx"
    )
)
#: Capitalised words that begin a sentence far more often than a name.
STARTERS: Final = frozenset(
    words(
        "he she it they we you i the a an this that these those there then but and so or if when "
        "while after before because since although however also now here what who why how where "
        "which my your his her its our their in on at for from with by as to not no yes do does "
        "did "
        "is are was were will would can could should have has had please let some many most all "
        "every each both one two another other such meanwhile finally first next later once "
        "it's that's there's he's she's i'm i've i'll we're we've you're they're don't let's what's"
    )
)
#: Before a single capital these make it a letter, not an initial: plan B, vitamin C, got an A.
LETTER_BEFORE: Final = (
    r"\b(?:plan|vitamin|grade|option|gate|type|class|group|team|letter|hepatitis|exhibit|answer|"
    r"(?:got|get|gets|gave|earned|received|wanted)(?: (?:me|him|her|you|us|them))? an?)\s$"
)
#: Words at which a long clause may be cut, before them.
CLAUSE_WORDS: Final = (
    "and|but|or|so|because|although|though|which|who|that|when|while|where|if|unless|until|since|"
    "before|after|as|than|whereas|however|therefore|then"
)
CLAUSE_WORDS_ZH: Final = (
    "但是|可是|不过|然而|因为|所以|如果|虽然|而且|并且|然后|于是|或者|还有|以及|因此|只要|只有|即使|"
    "除非|同时|另外|接着|之后|后来|但|而|并|却|就|才|也|都|还|又|再|在|把|被|让|跟|和|与|对|从|向"
)

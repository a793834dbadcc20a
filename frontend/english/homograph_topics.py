"""Topics that tell the meanings of a homograph apart: words met near one of them.

A topic is a feature of the classifier for its word only, so that words too rare for its training
data also speak.
"""

from functools import lru_cache
from typing import Final

#: word -> topics, each a text of words.
_TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "bass": (
        "fish fishing fisherman fishermen angler anglers trout catfish perch bream crappie walleye "
        "pike sunfish bluegill salmon carp lake river pond bait striped largemouth smallmouth "
        "white "
        "sea black species caught catch hatchery spawning lure tournament reservoir muskie tuna "
        "cod "
        "rock channel spotted hybrid grilled fillet water waters stocked",
        "guitar guitars drums vocals keyboards double player band album clef singer baritone tenor "
        "line lines played plays drum piano music song songs bassist baritones voice amp amplifier "
        "electric upright acoustic solo trombone clarinet opera choir",
    ),
    "lead": (
        "pipe pipes metal metals zinc copper tin mercury arsenic cadmium iron silver gold paint "
        "poisoning toxic ore ores mine mines mining smelter smelting bullets bullet pellets shot "
        "sheet sheets roof roofing glass acid battery batteries gasoline petrol pencil weights "
        "weighted coffin seal seals dust contamination exposure levels alloy solder soldering "
        "melted "
        "molten cast tiles cames isotope bismuth crystal oxide sulfide carbonate nitrate plates "
        "plumbing heavy element leaded unleaded free contains soil blood plumbum",
        "role roles singer vocals guitar actor actress vocalist guitarist team scored goal points "
        "lap season game series took win second first character cast starring single writer author "
        "designer to would will can must could investigator detective way",
    ),
    "bow": (
        "arrow arrows archery archer archers string strings violin cello viola fiddle hair ribbon "
        "ribbons tie ties hunting crossbow longbow weapon weapons draw drew drawn shoot shooting "
        "quiver knot hat dress rosin spear sword swords hunter bass strung instrument cross",
        "ship ships boat boats stern hull deck vessel vessels torpedo tube tubes thrusters forward "
        "keel rudder aft port starboard wave bulbous mast anchor yacht ram knots sailing sank "
        "collision doors sail submarine guns gun visor ferry lowered head took take audience king "
        "queen actors stage curtain down respectfully",
    ),
    "axes": (
        "sword swords spears knives weapons weapon battle stone bronze iron flint hammers tools "
        "handle blade blades throwing hand wood woodcutters polished neolithic shield shields "
        "carrying wielding bows silver crossed picks saws adzes shovels arms warriors viking head "
        "heads soldiers armed men pole chisels cut chopped ice",
        "x y z rotation coordinate coordinates symmetry plane planes optical vertical horizontal "
        "parallel perpendicular angle angles ellipse crystal rotate graph cartesian principal "
        "major "
        "minor scale rotational spin inertia orthogonal axis system robot machine ellipsoid road "
        "roads central main streets two three four",
    ),
    "sake": (
        "rice wine drink drinks brewing brewery breweries brewed japanese japan bottle cup cups "
        "beer alcohol alcoholic shochu vessels tasting drinking fermented drunk served barrel koji "
        "restaurant sushi warm hot offerings ceremonial brewers mirin dashi soy tokkuri mature "
        "drank pour poured",
        "for god god's goodness heaven's own simplicity art argument clarity completeness sake",
    ),
    "pasty": (
        "cornish pie pies meat potato beef crust baked food filling pasties pastry eat bakery shop "
        "vegetable steak onion swede turnip oggy eaten tax shops lunch snack dish cheese miners",
        "skin face pale white complexion substance consistency faced lava gas texture thick soft "
        "looking mass liquid glue semi",
    ),
    "reading": (
        "fc football berkshire pennsylvania railroad railway company england town borough station "
        "university oxford london swindon newbury berks united wycombe wolves slough basingstoke "
        "festival west bridge street abbey gaol county city coal philadelphia road loan signed "
        "joined leeds hospital terminal promoted championship league madejski wokingham windsor "
        "bracknell near massachusetts phillies rugby against club anthracite depot barons line",
        "book books writing comprehension skills language room literacy list speed newspaper "
        "reading bible learn learning school children interest read story script bill third first",
    ),
    "celtic": (
        "rangers glasgow fc boston scored season match league cup hibernian aberdeen dundee hearts "
        "football goal manager footballer park signed club coach nba lakers basketball knicks "
        "stalybridge farsley bloemfontein motherwell game played joined player players bulls",
        "languages language irish ireland welsh breton tribes tribe culture music origin gaelic "
        "mythology christianity cross art gods god sea word druids iron age britons coins "
        "inhabitants settlement studies nations scots folk peoples people ancient religion roots",
    ),
    "tear": (
        "eye eyes gas cheek cheeks cried crying cry wept weeping face shed sad ducts duct drop "
        "drops wiped fluid film lacrimal sadness shaped sorrow single emotional police canisters",
        "down apart muscle ligament acl meniscus injury knee hamstring tendon ripped paper cloth "
        "fabric wear up off shirt pieces labrum shoulder cuff rotator surgery season ended aortic "
        "suffered flesh limb limbs tissue groin calf torn fabric sleeve jeans trousers",
    ),
    "wound": (
        "gunshot bullet blood healing heal infection knife stab injury injuries died chest head "
        "fatal mortal wounds doctor bandage dressing suffered mortally stabbed surgical shot "
        "hospital "
        "salt burn pain bleeding battle leg shoulder",
        "up around coil coils wire spring clock thread through road river winding tightly its way "
        "down tape yarn string rotor stator bobbin copper path custom pickups pickup machine hand",
    ),
    "sow": (
        "pig pigs piglets boar boars farrowing litter swine farrow farrowed bear hog cubs pork "
        "herd sty suckling thistle thistles white gilt pregnant",
        "seed seeds crops crop wheat plant planted fields field grain farmer farmers reap discord "
        "doubt confusion seeding spring ground soil wild oats harvest dissension distrust fear",
    ),
    "polish": (
        "shoe shoes nail nails furniture silver wax floor car shine spit skills remover metal "
        "surface french up boot gleaming finish lacks english",
        "poland warsaw army war german lithuanian russian jewish born language soviet king "
        "krakow noble village football commonwealth government footballer poet politician",
    ),
    "mobile": (
        "alabama bay mobile's gulf orleans montgomery birmingham county biloxi pensacola fort "
        "confederate spanish campaign tensas port usa baldwin louisiana florida mardi southern "
        "polk livingston born airport register district",
        "phone phones device devices app apps network networks home homes data internet service "
        "games game station unit units banking computing telephone operating platforms android",
    ),
    "august": (
        "von der gustav born german germany wilhelm prince wilson strindberg karl friedrich saxony "
        "nineteenth-century ludwig sander macke thyssen hermann",
        "july september june january december march april may october november february on in "
        "since until late early published released",
    ),
    "jesus": (
        "garcia rodriguez gonzalez maria de san hernandez lopez martinez perez jose sanchez torres "
        "navas luis gil mexican spanish mexico spain newcomer footballer colombian venezuelan "
        "cuban pitcher rubalcava franco velasco baseball montero",
        "christ god church lord holy bible christian gospel mary disciples prayer faith apostles "
        "cross saints crucifixion society nazareth",
    ),
    "minute": (
        "tiny detail details amounts particles quantities traces very crumb grain changes "
        "differences spines teeth hairs leaves species microscopic examination scale fungi size "
        "brown spots insects flowers creatures observation inspection study holes crystals "
        "variations pores most so",
        "goal second game match last five ten per thirty ninety th hour seconds every scored each "
        "wait final half silence after video song film episode long next",
    ),
    "live": (
        "album concert band performance performances music show shows audience television stream "
        "streaming broadcast recorded recording version dvd tour festival radio track tv at from "
        "coverage studio aired performed song songs video played event events update ammunition "
        "bait wire action animals on wires births birth oak",
        "people in they who where with families near house home population children happily lives "
        "she he we you i to together alone longer years",
    ),
    "row": (
        "argument argued quarrel huge angry dispute political controversy",
        "boat house seats rows column death skid front back houses oar crew consecutive third "
        "second first rowed river oars",
    ),
    "bologna": (
        "sandwich lebanon sausage meat slices deli bread cheese ham lunch fried pork oscar mayer "
        "ring smoked mustard baloney",
        "italy university venice milan florence rome italian serie modena ferrara fc parma naples "
        "born process school painter",
    ),
    "rodeo": (
        "drive beverly hills california avenue hercules town",
        "cowboy bull riding horse horses bulls calgary rider professional cowboys stampede roping",
    ),
    "ravel": (
        "maurice debussy composer bolero piano quartet orchestra concerto music stravinsky faure "
        "satie la valse daphnis chloe french performed works",
        "thread threads knit sleeve unravel yarn loose course metric",
    ),
    "nestle": (
        "company chocolate sa swiss kraft nestlé milk food foods unilever brand acquired water "
        "product products coffee cereal owned kitkat boycott formula corporation inc pepsi candy",
        "hills valley among between down together nest birds close trees mountains into against",
    ),
    "buffet": (
        "food restaurant breakfast lunch dinner car dining style table meal salad served hotel "
        "warren seafood sushi continental cold train kitchen eat all-you-can-eat clarinet",
        "wind winds waves storm storms ridge shake winter sea seas coast battered",
    ),
    "affect": (
        "psychology emotion emotional mood positive negative flat blunted theory regulation "
        "display "
        "cognition emotions psychiatric patient patients labile affective facial pseudobulbar",
        "may can not does will could would to adversely directly how did might negatively",
    ),
    "mate": (
        "yerba argentina paraguay uruguay drink tea gourd coca leaves brazil south infusion",
        "first ship's chief sexual female male males pairs soul team checkmate bishop captain",
    ),
    "learned": (
        "scholar society societies scholars judge men man academy journals writings treatise "
        "divine professor helplessness most behaviour counsel works very friend institutions "
        "highly",
        "he she they that how from had was have has i about to later lessons language lesson",
    ),
    "aged": (
        "father mother parents man woman the people care infirm home poor elderly king",
        "years between under children cheese died population women months over from barrels",
    ),
    "blessed": (
        "virgin sacrament mary mother memory john pope saint event holy trinity isles thistle "
        "assurance beatified relief lord",
        "was were been bishop church cornerstone priest god with by be are is marriage",
    ),
    "dove": (
        "bird birds mourning turtle peace pigeon white doves rock wood ground olive soap collared "
        "species feathers nest cove creek river noah eagle",
        "into water he she they under off river pool sea for down deep head fence lake",
    ),
}


@lru_cache(maxsize=1)
def _sets() -> dict[str, tuple[frozenset[str], ...]]:
    return {
        word: tuple(frozenset(topic.split()) for topic in topics)
        for word, topics in _TOPICS.items()
    }


def topic_features(word: str, near: frozenset[str]) -> list[str]:
    """Name the topics of a word that the words near it touch, and how many words do.

    Args:
        word: in lower case.
        near: lower-case words near it.
    """
    named: list[str] = []
    counts = [len(near & topic) for topic in _sets().get(word, ())]
    for number, count in enumerate(counts):
        if count:
            named += [f"O{number}", f"O{number}{min(count, 3)}"]
    if len(counts) == 2:
        named.append(f"Od{max(-2, min(2, counts[0] - counts[1]))}")
    return named

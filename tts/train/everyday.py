"""Short everyday English sentences from templates.

Old prose teaches a voice long words and rare names; people type short plain sentences. A template
has slots such as `{food}`, each filled from a word list; `{a:thing}` puts the right article first.
"""

import random
import re
import unicodedata

_LISTS = {
    "name": "Anna Tom Mary Peter Jack Lucy Sarah David Emma Paul Alice Robert Helen George Kate "
    "Martin Julia Simon Laura Henry Rachel Daniel Sophie Michael Nina Oscar Grace Victor Ruth Leo",
    "person": "man, woman, boy, girl, doctor, teacher, farmer, driver, neighbor, nurse, student, "
    "lawyer, cook, waiter, manager, engineer, painter, singer, soldier, child, captain, judge, "
    "baker, sailor, king, queen, writer, clerk, police officer, young lady, old gentleman",
    "family": "mother, father, brother, sister, uncle, aunt, cousin, grandmother, grandfather, "
    "son, daughter, wife, husband, best friend, boss, neighbor, roommate, nephew, niece",
    "food": "bread, cheese, rice, chicken, fish, soup, salad, cake, pizza, pasta, butter, jam, "
    "honey, chocolate, ice cream, beef, bacon, potatoes, beans, toast, yogurt, pie, noodles, "
    "mushrooms, carrots, onions, spinach, tomatoes, sausage, fresh fruit, garlic, pepper",
    "fruit": "apple, orange, banana, pear, peach, lemon, grape, cherry, melon, plum, mango, egg, "
    "cookie, sandwich, biscuit, doughnut, strawberry, walnut",
    "drink": "tea, coffee, water, milk, orange juice, lemonade, hot chocolate, red wine, beer, "
    "cold water, green tea, apple juice, soda, ginger tea",
    "thing": "book, table, chair, lamp, phone, bag, hat, coat, shirt, box, cup, plate, knife, "
    "spoon, bottle, key, watch, ring, letter, ticket, camera, radio, bicycle, umbrella, mirror, "
    "blanket, pillow, brush, ladder, hammer, basket, candle, guitar, piano, clock, jacket, "
    "wallet, pencil, notebook, newspaper, envelope, suitcase, toy, ball, map, towel, drawer, "
    "computer, keyboard, screen, charger, picture, vase, scarf, glove, shoe, bucket, broom, rope",
    "animal": "dog, cat, horse, cow, bird, fish, sheep, pig, rabbit, mouse, duck, goose, fox, "
    "bear, lion, elephant, monkey, goat, frog, snake, owl, eagle, butterfly, spider, turtle, wolf",
    "color": "red, blue, green, yellow, white, black, brown, gray, purple, orange, pink, silver",
    "adj": "small, large, big, little, old, new, heavy, light, long, short, round, broken, empty, "
    "dirty, clean, cheap, strange, beautiful, ugly, soft, hard, thin, thick, expensive, useful, "
    "wonderful, ordinary, modern, wooden, square, narrow, huge, lovely, plain, bright, dusty",
    "feel": "happy, sad, tired, hungry, thirsty, angry, bored, excited, nervous, afraid, proud, "
    "lonely, sick, busy, ready, late, surprised, worried, sleepy, calm, confused, sure, cold, warm",
    "place": "station, airport, school, hospital, library, market, church, park, museum, hotel, "
    "restaurant, office, bank, post office, beach, river, bridge, lake, village, town, city, farm, "
    "factory, theater, cinema, bakery, garage, harbor, university, castle, forest, mountain, "
    "swimming pool, bus stop, corner, shop, garden, pharmacy, gym, zoo, stadium, court, island",
    "room": "kitchen, bedroom, bathroom, living room, hall, garden, attic, cellar, garage, office, "
    "dining room, classroom, basement, hallway",
    "furniture": "table, desk, bed, shelf, sofa, chair, floor, window, door, stairs, fireplace, "
    "cupboard, fridge, counter, bench, wall",
    "prep": "on, under, behind, beside, near, next to, above, in front of",
    "weather": "rainy, sunny, cloudy, windy, foggy, snowy, cold, warm, hot, dry, wet, stormy, "
    "freezing, mild, humid, pleasant, awful, perfect, gray, cool",
    "season": "spring, summer, autumn, winter, the fall, the morning, the evening, the afternoon",
    "day": "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
    "month": "January, February, March, April, May, June, July, August, September, October, "
    "November, December",
    "when": "today, tomorrow, tonight, this morning, next week, next month, this weekend, "
    "on Friday, after lunch, before dinner, at noon, at midnight, later, soon, every day, "
    "in the evening, this afternoon, in an hour, next summer, right now, after school",
    "past": "yesterday, last night, last week, this morning, an hour ago, last year, on Sunday, "
    "two days ago, a minute ago, last summer, in the spring, years ago, before breakfast",
    "span": "an hour, a week, two days, three years, ten minutes, a month, half an hour, "
    "a long time, five weeks, six months, twenty minutes, the whole day, a few seconds, all night",
    "hour": "one two three four five six seven eight nine ten eleven twelve",
    "minute": "o'clock, fifteen, thirty, forty five, ten, twenty, twenty five, oh five, fifty",
    "unit": "one two three four five six seven eight nine",
    "small": "two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety",
    "tens": "twenty thirty forty fifty sixty seventy eighty ninety",
    "ordinal": "first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, last, "
    "next, other",
    "country": "France, Spain, Italy, Germany, China, Japan, Canada, England, Brazil, India, "
    "Egypt, Mexico, Russia, Greece, Turkey, Norway, Australia, Africa, America, Scotland, Poland",
    "language": "English, French, Spanish, German, Chinese, Italian, Russian, Japanese, Arabic",
    "job": "work, study, cook, sing, dance, swim, drive, paint, read, run, write, sleep, help, "
    "travel, wait, fish, shop, practice, exercise, rest, play the piano, watch the news",
    "doing": "working, studying, cooking, singing, dancing, swimming, driving, painting, reading, "
    "running, writing, sleeping, laughing, crying, waiting, talking, shopping, fishing, smiling, "
    "playing chess, watching television, washing the dishes, cleaning the house, making lunch",
    "did": "worked, studied, cooked, sang, danced, swam, drove, painted, ran, wrote, slept, "
    "laughed, cried, waited, talked, walked, traveled, smiled, jumped, left, arrived, shouted",
    "got": "bought, found, lost, sold, broke, made, took, saw, wanted, needed, brought, forgot, "
    "opened, dropped, borrowed, cleaned, fixed, painted, hid, carried, chose, threw away",
    "get": "buy, find, sell, break, make, take, see, bring, open, drop, borrow, clean, fix, paint, "
    "hide, carry, choose, throw away, keep, move, touch, describe, measure",
    "move": "ran, walked, drove, flew, went, came, hurried, moved, returned, climbed, swam, rushed",
    "adverb": "slowly, quickly, carefully, quietly, loudly, happily, sadly, suddenly, gently, "
    "badly, well, early, together, alone, again, politely, easily, properly, twice, once more",
    "often": "always, never, often, sometimes, usually, rarely, still, just, also, really, hardly",
    "who": "I, we, they, you, the boys, my parents, our friends, some people, the students, "
    "most children, the workers",
    "he": "he, she, my brother, my sister, her uncle, the teacher, your friend, nobody, "
    "everybody, the new boss, our neighbor, his wife, the driver",
    "topic": "the weather, music, football, the news, history, the price, the war, money, "
    "politics, science, the future, the plan, the problem, her job, his garden, the movie, "
    "the game, art",
    "subject": "music, history, science, mathematics, art, football, tennis, chess, biology, "
    "chemistry, geography, literature, physics, dancing, cooking, basketball",
    "body": "head, arm, leg, foot, hand, back, tooth, stomach, knee, shoulder, finger, throat, ear",
    "vehicle": "car, bus, train, plane, ship, boat, truck, taxi, bicycle, tram, subway, ferry",
    "shout": "stop, look, wait, listen, help, hurry up, be careful, come here, sit down, stand up, "
    "go away, good luck, well done, how nice, what a shame, never mind, of course, no problem",
    "greet": "hello, good morning, good evening, good night, hi there, welcome, thank you, "
    "excuse me, I am sorry, goodbye, see you later, happy birthday, congratulations, yes, no, okay",
    "reason": "it was raining, I was tired, the door was shut, he was ill, nobody helped us, "
    "it cost too much, there was no time, the road was closed, she felt cold, we were lost, "
    "the engine stopped, they were busy, the shop had closed, it was getting dark",
    "event": "party, wedding, meeting, lesson, concert, game, movie, show, holiday, trip, dinner, "
    "interview, exam, race, conference, festival, funeral, vacation, speech, election",
    "material": "wood, glass, stone, paper, gold, steel, plastic, leather, wool, cotton, brick",
    "letter": "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
}

_TEMPLATES = """
{name} {got} {a:thing} {past}.
{he} {got} the {adj} {thing}.
{he} {got} {a:adj} {color} {thing} {past}.
the {thing} is {prep} the {furniture}.
the {color} {thing} is in the {room}.
there is {a:adj} {thing} {prep} the {furniture}.
there are {small} {thing}s in the {room}.
where is the {adj} {thing}?
where did you {get} that {thing}?
did {name} {get} the {color} {thing}?
have you seen my {color} {thing}?
can you {get} the {thing} for me?
could you please {get} the {adj} {thing}?
please {get} the {thing} {when}.
please do not {get} the {adj} {thing}.
I would like some {food} and {drink}.
I would like {a:fruit} and some {drink}.
do you want some {food} or {food}?
would you like a cup of {drink}?
a glass of {drink}, please.
we had {food} with {food} for dinner.
they ate {food}, {food} and {food}.
my {family} makes very good {food}.
{name} does not like {food}.
the {food} in this {place} is {adj}.
how much is the {fruit}?
she put the {fruit} {prep} the {furniture}.
it is {weather} {when}.
it was {weather} and {weather} {past}.
the weather in {country} is {weather} in {season}.
will it be {weather} {when}?
I think it will be {weather} in {month}.
we never go there in {month}.
the {event} starts at {hour} {minute}.
the {vehicle} leaves at half past {hour}.
it is a quarter to {hour}.
it is {hour} {minute}.
meet me at {hour} {minute} at the {place}.
what time does the {place} open on {day}?
the {place} is closed on {day}.
{day}, {day} and {day}.
my birthday is in {month}.
see you on {day}, {name}.
how do I get to the {place}?
where is the nearest {place}?
the {place} is near the {place}.
turn left at the {ordinal} {place}.
turn right after the {place}.
go straight to the {place}.
we {move} to the {place} {past}.
the {person} {move} across the {place}.
{name} {move} home {adverb}.
the {vehicle} stopped near the {place}.
we went to {country} by {vehicle}.
have you ever been to {country}?
{name} comes from {country}.
do you speak {language}?
I am learning {language} {when}.
the {person} is {feel}.
the {person} was {feel} and {feel}.
are you {feel}, {name}?
I am {often} {feel} in {season}.
why is the {person} so {feel}?
my {family} is {doing} in the {room}.
the {person} is {doing} {prep} the {furniture}.
{who} {did} for {span}.
{who} {did} {adverb}.
{who} {often} {job} in {season}.
{who} want to {job} {when}.
the {animal} {did} {adverb}.
I saw {a:adj} {animal} near the {place}.
the {animal} and the {animal} are friends.
our {animal} is {prep} the {furniture}.
they have {small} {animal}s on the farm.
I have {small} {color} {thing}s.
he paid {tens} dollars for the {thing}.
it costs {tens} {unit} dollars.
{unit} hundred and {tens} {unit}.
{small}, {small}, {small}.
my number is {unit} {unit} {unit}, {unit} {unit} {unit}.
chapter {small}.
page {tens} {unit}.
the answer is {small}.
{letter} {letter} {letter}.
the code is {letter} {letter} {unit} {unit}.
it is spelled {letter}, {letter}, {letter}, {letter}.
{thing}.
{place}.
{animal}.
{adj} {thing}.
{greet}.
{greet}, {name}.
{shout}!
{shout}, {name}!
{name}?
what are you talking about, {name}?
let us talk about {topic}.
what do you think about {topic}?
{name} told us about {topic} {past}.
I do not care about {topic}.
she is interested in {subject}.
{subject} is harder than {subject}.
my {body} hurts {when}.
he broke his {body} {past}.
we stayed at home because {reason}.
{reason}, so we took {a:vehicle}.
{name} waited for {span}, but {reason}.
I have been {doing} for {span}.
how long have you been {doing}?
it takes {span} to get to the {place}.
how was the {event}, {name}?
the {event} was {adj} and the {food} was good.
who is coming to the {event} {when}?
thank you for the {adj} {thing}.
this {thing} is made of {material}.
the {adj} {thing} belongs to my {family}.
is this your {thing} or mine?
that {thing} is too {adj} for me.
the {color} one is better than the {color} one.
she wore {a:color} {thing} to the {event}.
if it is {weather}, we will stay {prep} the {place}.
when {name} came home, {reason}.
I hope the {person} will be {feel} {when}.
nobody knows why the {person} {did}.
the {ordinal} {person} {did} {adverb}.
{name} and {name} are {doing} {when}.
"""

_WORDS = {
    key: tuple(w.strip() for w in (text.split(",") if "," in text else text.split()))
    for key, text in _LISTS.items()
}
_LINES = tuple(_TEMPLATES.strip().splitlines())
_SLOT = re.compile(r"\{(a:)?(\w+)\}")
_PLURALS = {
    "knifes": "knives", "boxs": "boxes", "watchs": "watches", "brushs": "brushes",
    "candys": "candies", "fishs": "fish", "sheeps": "sheep", "mouses": "mice", "gooses": "geese",
    "foxs": "foxes", "wolfs": "wolves", "butterflys": "butterflies", "scarfs": "scarves",
}  # fmt: skip
_PLURAL = re.compile("|".join(rf"\b{word}\b" for word in _PLURALS))
_ASIDE = ("I think", "you know", "after all", "of course", "for example")


def everyday(rng: random.Random) -> str:
    """Draw one sentence of about 1 to 12 words.

    Args:
        rng: source of randomness; the same state gives the same sentence.

    Returns:
        One sentence with a capital first letter and final punctuation, no digits.
    """
    template = rng.choice(_LINES)

    def fill(match: re.Match[str]) -> str:
        word = rng.choice(_WORDS[match[2]])
        if not match[1]:
            return word
        sound = word.lower()
        vowel = sound[0] in "aeiou" and not sound.startswith(("use", "uni"))
        return f"{'an' if vowel else 'a'} {word}"

    line = _SLOT.sub(fill, template)
    line = _PLURAL.sub(lambda match: _PLURALS[match[0]], line)
    words = line.split()
    if line[-1] == "." and 4 <= len(words) <= 8 and rng.random() < 0.05:
        line = f"{line[:-1]}, {rng.choice(_ASIDE)}."
    return line[0].upper() + line[1:]


def word_keys(sentence: str) -> tuple[str, ...]:
    """Return the sentence's words, lower case and without punctuation, to compare sentences."""
    words = sentence.lower().replace("’", "'")
    return tuple("".join(c for c in words if c == "'" or not _is_mark(c)).split())


def _is_mark(char: str) -> bool:
    """Whether a character is punctuation or a sign, of whichever script."""
    return unicodedata.category(char)[0] in "PS"
